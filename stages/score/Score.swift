import CanonicalJSON
import Records
public import StageKit
import TextMetrics
import Tokenization

/// Scores samples: quality, diversity, and how rewards correlate with quality.
public struct Score: Stage {
  enum Match: String, ChoiceParameter { case first, last }

  static let metrics = Parameter(
    "metrics", default: [String](),
    doc:
      "Names of metrics in the order of printing, such as rougeL, bleu, self_bleu@5 or spearman_bleu; default: all that the given files allow."
  )
  static let stemming = Parameter(
    "stemming", default: false, doc: "Whether ROUGE of Porter stems is computed too, under names that end in _stem.")
  static let answer = Parameter(
    "answer", default: AnswerRule.usualPattern,
    doc:
      "Regular expression (RE2) of a text's answer: the first group that matched, else the whole match; default: the number behind ####."
  )
  static let answerMatch = Parameter(
    "answer_match", default: Match.first,
    doc: "Which match of the expression is the answer, where a text has several.")
  static let selfBLEUSamples = Parameter<Int?>(
    "self_bleu_k", in: 2...1_000_000, unit: "samples",
    doc: "How many samples of every prompt Self-BLEU takes; default: the least number that a prompt has.")
  static let seed = Parameter("seed", default: 0, in: 0...(1 << 53), doc: "Seed of the bootstrap.")
  static let resamples = Parameter(
    "resamples", default: 1000, in: 0...1_000_000, unit: "resamples",
    doc: "Resamples of the bootstrap over prompts that gives the 95 % intervals; 0 for no intervals.")

  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "score", revision: 2,
    summary: "Scores samples: quality, diversity, and how rewards correlate with quality.",
    inputs: [
      PortDeclaration("samples", .samples, doc: "Generated texts with their references."),
      PortDeclaration("rewards", .rewards, optional: true, doc: "Rewards extracted for the same samples."),
      PortDeclaration(
        "tokenizer", .tokenizer, optional: true,
        doc: "Decodes samples that hold tokens but no text, and rewards of samples that hold a text but no tokens."),
    ],
    outputs: [PortDeclaration("scores", .scores, doc: "Metrics with intervals, and the scores of every sample.")],
    parameters: [
      metrics.declaration, stemming.declaration, answer.declaration, answerMatch.declaration,
      selfBLEUSamples.declaration, seed.declaration, resamples.declaration,
    ],
    aliases: ["bootstrap": "resamples", "use_stemmer": "stemming"])

  /// After how many prompts it is told how far scoring is, and looked whether to stop.
  private static let promptsBetweenLooks = 256

  private let options: ScoringOptions
  /// Parameters that the metrics asked for do not read.
  private let unused: [String]

  /// The stage with checked parameters.
  /// - Throws: `ParameterError` for metrics that do not exist or stand twice, or an expression that RE2 refuses, or
  ///   too few resamples for an interval.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    var options = ScoringOptions()
    let names = parameters[Self.metrics]
    do throws(ScoringError) {
      if !names.isEmpty { options.metrics = try Metric.named(names) }
    } catch {
      throw ParameterError(parameter: "metrics", found: "\(error)", expected: "names of metrics, each once")
    }
    let answer = parameters[Self.answer]
    do throws(ScoringError) {
      let choice: AnswerRule.Choice = parameters[Self.answerMatch] == .last ? .last : .first
      options.answer = try AnswerRule(pattern: answer, choice: choice)
    } catch {
      throw ParameterError(parameter: "answer", found: "\(error)", expected: "a regular expression in RE2's syntax")
    }
    options.isAnswerChosen = !answer.utf8.elementsEqual(AnswerRule.usualPattern.utf8)
    options.stemming = parameters[Self.stemming]
    if options.stemming, let metrics = options.metrics {
      guard metrics.contains(where: \.isROUGE) else {
        throw ParameterError(
          parameter: "stemming", found: "true beside metrics without ROUGE",
          expected: "one of the rouge metrics, or stemming left out")
      }
      options.metrics = Metric.withStems(metrics)
    }
    options.selfBLEUSamples = parameters[Self.selfBLEUSamples]
    options.seed = UInt64(parameters[Self.seed])
    options.resamples = parameters[Self.resamples]
    guard options.resamples == 0 || options.resamples >= Bootstrap.leastResamples else {
      throw ParameterError(
        parameter: "resamples", found: "\(options.resamples)",
        expected: "0, or at least \(Bootstrap.leastResamples), without which a 95 % interval has no ends")
    }
    self.options = options
    unused = Self.unused(options)
  }

  /// Parameters beside `metrics` that none of them reads.
  private static func unused(_ options: ScoringOptions) -> [String] {
    guard let metrics = options.metrics else { return [] }
    var unused: [String] = []
    if !metrics.contains(where: \.readsAnswers) {
      if options.isAnswerChosen { unused.append(Self.answer.declaration.name) }
      if options.answer.choice != .first { unused.append(Self.answerMatch.declaration.name) }
    }
    if options.selfBLEUSamples != nil, !metrics.contains(.selfBLEU(samples: nil)) {
      unused.append(Self.selfBLEUSamples.declaration.name)
    }
    return unused
  }

  /// Reads samples and rewards and writes scores.
  public func run(_ context: StageContext) throws {
    for name in unused {
      context.report(.warning("\(name) has no effect: no metric that is asked for reads it"))
    }
    let input = context.input("samples").path
    let index = try SampleFileIndex(input)
    guard index.promptCount > 0 else { throw StageFailure("\(input): there is no sample to score") }
    let tokenizer = try context.optionalInput("tokenizer").map { try Tokenizer(contentsOf: $0.path) }
    var texts = SampleTexts(
      file: input, tokenizer: tokenizer,
      rewards: try context.optionalInput("rewards").map { try RewardIndex($0.path, tokenizer: tokenizer) })
    let fewest = (0..<index.promptCount).min { index.sampleCount(ofPrompt: $0) < index.sampleCount(ofPrompt: $1) } ?? 0
    let output = ScoreOutput(context.output("scores"))
    let examples = try output.examples()
    var run = try ScoringRun(
      options, prompts: index.promptCount,
      fewest: (try index.id(ofPrompt: fewest), index.sampleCount(ofPrompt: fewest)),
      hasRewards: context.optionalInput("rewards") != nil
    ) { try examples.append($0) }
    var done = 0
    try index.forEachPrompt { rows in
      try run.add(prompt: try texts.samples(of: rows))
      done += 1
      guard done % Self.promptsBetweenLooks == 0 else { return }
      if context.isInterrupted { throw context.interruption }
      context.report(.progress(done: done, total: index.promptCount, unit: "prompts", rate: nil, note: nil))
    }
    let scores = try run.finish()
    try examples.close()
    var settings = scores.settings.jsonObject
    settings["samples"] = try SampleFiles.settings(input).map { .object($0) }
    try output.write(scores, settings: settings)
    for warning in texts.warnings + scores.remarks.map(\.description) {
      context.report(.warning(VisibleText.line(warning)))
    }
    context.report(.summary(summary(scores, samples: texts.count)))
  }

  private func summary(_ scores: Scores, samples: Int) -> String {
    let shown = ["exact_match", "accuracy", "bleu", "rougeL"].compactMap { name in
      scores[name].map { "\(name) \(Self.rounded($0.value))" }
    }
    let diversity = scores.metrics.first { $0.name.hasPrefix("self_bleu") }
    let all = shown + (diversity.map { ["\($0.name) \(Self.rounded($0.value.value))"] } ?? [])
    return (["\(samples) samples"] + all).joined(separator: " · ")
  }

  private static func rounded(_ value: Double) -> String {
    let scale = abs(value) < 2 ? 1000.0 : 10.0
    return JSONValue((value * scale).rounded() / scale).text
  }
}
