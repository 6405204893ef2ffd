/// Why texts cannot be scored as asked.
public enum ScoringError: Error, Sendable, Equatable, CustomStringConvertible {
  /// There is no sample.
  case noSamples
  /// A regular expression cannot be read.
  case pattern(String, reason: String)
  /// No metric has this name.
  case unknownMetric(String, nearest: String?)
  /// The samples do not hold what a metric needs.
  case unavailable(metric: String, reason: String)
  /// A prompt has fewer samples than Self-BLEU is asked to take.
  case tooFewSamples(wanted: Int, id: String, count: Int)
  /// A metric is asked for twice.
  case repeatedMetric(String)
  /// Several things are wrong.
  case several([ScoringError])

  /// Nothing for no error, the error itself for one, else all of them.
  static func all(_ errors: [ScoringError]) -> ScoringError? { errors.count > 1 ? .several(errors) : errors.first }

  /// One sentence with the remedy.
  public var description: String {
    switch self {
    case .noSamples: "There is no sample to score."
    case .pattern(let pattern, let reason): "The regular expression \(pattern) cannot be read: \(reason)."
    case .unknownMetric(let name, let nearest):
      "No metric is named \(name)" + (nearest.map { "; did you mean \($0)?" } ?? ".")
    case .unavailable(let metric, let reason): "\(metric) cannot be computed: \(reason)."
    case .tooFewSamples(let wanted, let id, let count):
      "Self-BLEU of \(wanted) samples needs as many of every prompt (at least 2), but prompt \(id) has \(count)."
    case .repeatedMetric(let name): "\(name) is asked for twice."
    case .several(let errors): errors.map(\.description).joined(separator: " ")
    }
  }
}
