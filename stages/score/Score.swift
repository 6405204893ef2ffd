import CanonicalJSON
import Records
public import StageKit
import TextMetrics

/// Scores samples: quality, diversity, and how rewards correlate with quality.
public struct Score: Stage {
  static let metrics = Parameter(
    "metrics", default: [String](),
    doc:
      "Names of metrics in the order of printing, such as rougeL, bleu, self_bleu@5 or spearman_bleu; default: all that the given files allow."
  )
  static let stemming = Parameter(
    "stemming", default: false, doc: "Whether ROUGE of Porter stems is computed too, under names that end in _stem.")
  static let answer = Parameter(
    "answer", default: String?.none,
    doc:
      "Regular expression of a text's answer, its first group if it has one; default: what follows #### on its line.")
  static let selfBLEUSamples = Parameter<Int?>(
    "self_bleu_k", in: 2...1_000_000, unit: "samples",
    doc: "How many samples of every prompt Self-BLEU takes; default: the least number that a prompt has.")
  static let seed = Parameter("seed", default: 0, in: 0...(1 << 53), doc: "Seed of the bootstrap.")
  static let resamples = Parameter(
    "resamples", default: 1000, in: 0...1_000_000, unit: "resamples",
    doc: "Resamples of the bootstrap over prompts that gives the 95 % intervals; 0 for no intervals.")

  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "score", revision: 1,
    summary: "Scores samples: quality, diversity, and how rewards correlate with quality.",
    inputs: [
      PortDeclaration("samples", .samples, doc: "Generated texts with their references."),
      PortDeclaration("rewards", .rewards, optional: true, doc: "Rewards extracted for the same samples."),
    ],
    outputs: [PortDeclaration("scores", .scores, doc: "Metrics with intervals, and the scores of every sample.")],
    parameters: [
      metrics.declaration, stemming.declaration, answer.declaration, selfBLEUSamples.declaration, seed.declaration,
      resamples.declaration,
    ],
    aliases: ["bootstrap": "resamples", "use_stemmer": "stemming"])

  private let options: ScoringOptions

  /// The stage with checked parameters.
  /// - Throws: `ParameterError` for a metric that does not exist or an expression that cannot be read.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    var options = ScoringOptions()
    let names = parameters[Self.metrics]
    do throws(ScoringError) {
      if !names.isEmpty {
        var metrics: [Metric] = []
        for name in names { metrics.append(try Metric(name)) }
        options.metrics = metrics
      }
    } catch {
      throw ParameterError(parameter: "metrics", found: "\(error)", expected: "names of metrics")
    }
    do throws(ScoringError) {
      if let pattern = parameters[Self.answer] { options.answer = try AnswerRule(pattern: pattern) }
    } catch {
      throw ParameterError(parameter: "answer", found: "\(error)", expected: "a regular expression")
    }
    options.stemming = parameters[Self.stemming]
    options.selfBLEUSamples = parameters[Self.selfBLEUSamples]
    options.seed = UInt64(parameters[Self.seed])
    options.resamples = parameters[Self.resamples]
    self.options = options
  }

  /// Reads samples and rewards and writes scores.
  public func run(_ context: StageContext) throws {
    let input = context.input("samples").path
    let rows = try SampleFiles.read(input)
    guard !rows.isEmpty else { throw StageFailure("\(input): there is no sample to score") }
    let rewards = try context.optionalInput("rewards").map { try RewardIndex($0.path, for: rows) }
    var samples: [ScoredSample] = []
    for (number, row) in rows.enumerated() {
      guard let text = row.text else {
        throw StageFailure(
          "\(input): row \(number + 1) (id \(row.id)) has no text", remedy: "generate with a tokenizer")
      }
      samples.append(row.scored(text: text, reward: rewards?[row]))
    }
    let scores = try Scorer(options).score(samples)
    var settings = scores.settings.jsonObject
    settings["samples"] = try SampleFiles.settings(input).map { .object($0) }
    try ScoreOutput(scores, settings: settings).write(to: context.output("scores"))
    let unreferenced = samples.count { $0.references.isEmpty }
    if unreferenced > 0, unreferenced < samples.count {
      context.report(
        .warning("\(unreferenced) of \(samples.count) samples have no references and take no part in quality"))
    }
    context.report(.summary(summary(scores, samples)))
  }

  private func summary(_ scores: Scores, _ samples: [ScoredSample]) -> String {
    let shown = ["exact_match", "accuracy", "bleu", "rougeL"].compactMap { name in
      scores[name].map { "\(name) \(Self.rounded($0.value))" }
    }
    let diversity = scores.metrics.first { $0.name.hasPrefix("self_bleu") }
    let all = shown + (diversity.map { ["\($0.name) \(Self.rounded($0.value.value))"] } ?? [])
    return (["\(samples.count) samples"] + all).joined(separator: " · ")
  }

  private static func rounded(_ value: Double) -> String {
    let scale = abs(value) < 2 ? 1000.0 : 10.0
    return JSONValue((value * scale).rounded() / scale).text
  }
}
