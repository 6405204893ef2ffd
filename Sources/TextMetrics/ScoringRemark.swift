/// What a reader of scores has to know beside them.
public enum ScoringRemark: Sendable, Equatable, CustomStringConvertible {
  /// A metric was asked for, by its name or by a parameter of its own, and has no value.
  case leftOut(metric: String, reason: String)
  /// Some samples take no part in a metric.
  case partial(metric: String, count: Int, of: Int, reason: String)

  /// One sentence.
  public var description: String {
    switch self {
    case .leftOut(let metric, let reason): "\(metric) is left out: \(reason)"
    case .partial(let metric, let count, let all, let reason):
      "\(count) of \(all) samples \(reason) and take no part in \(metric)"
    }
  }
}
