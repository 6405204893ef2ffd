/// Why a report can't be made.
public enum ReportError: Error, Sendable, Equatable, CustomStringConvertible {
  /// There are no scores.
  case nothingScored
  /// Two scores were computed under different settings, so they can't share a column.
  case settingsDiffer(setting: String, first: String, firstValue: String, second: String, secondValue: String)
  /// A scores folder has no row for any prompt that the others have.
  case noSharedPrompts(label: String)
  /// The metric that should stand for quality is missing from some scores.
  case metricMissing(metric: String, label: String, available: [String])
  /// What should stand for quality says how much samples differ.
  case noQuality(String, available: [String])
  /// The arm to compare with is not there.
  case unknownBaseline(String, arms: [String])
  /// Two inputs of one port are of the same arm, seed and decoding.
  case sameCell(first: String, second: String)
  /// Scores hold a sample twice.
  case sampleTwice(label: String, id: String, sample: Int)
  /// A value of `scores.json` is not that of the samples in `examples.jsonl`.
  case otherExamples(label: String, metric: String, stated: String, found: String)
  /// Rewards or samples are not those of the samples that were scored: one has another number of tokens.
  case otherSamples(label: String, scores: String, id: String, sample: Int)
  /// An id stands for another prompt, or has other references, than in other samples.
  case otherPrompts(label: String, first: String, id: String, what: String)
  /// Two arms have one name.
  case sameName(String, first: String, second: String)
  /// Scores, rewards or samples can't be read.
  case unreadable(label: String, reason: String)

  /// One sentence with its remedy.
  public var description: String {
    switch self {
    case .nothingScored:
      "a report needs scores of at least one arm: connect the port scores"
    case .settingsDiffer(let setting, let first, let firstValue, let second, let secondValue):
      "\(first) was scored with \(setting) \(firstValue), \(second) with \(secondValue): such values share no column; "
        + "score both alike"
    case .noSharedPrompts(let label):
      "\(label) has no prompt in common with the other scores: a comparison needs the same prompts in every arm"
    case .metricMissing(let metric, let label, let available):
      "\(label) has no metric \(metric) in examples.jsonl or scores.json: choose quality among "
        + available.joined(separator: ", ")
    case .noQuality(let metric, let available):
      "\(metric) says how much samples differ, not how good they are: choose quality among "
        + available.joined(separator: ", ")
    case .unknownBaseline(let name, let arms):
      "no arm is called \(name): baseline is one of " + arms.joined(separator: ", ")
    case .sameCell(let first, let second):
      "\(first) and \(second) are the same arm, seed and temperature: connect one of them, or tell them apart "
        + "by an axis"
    case .sampleTwice(let label, let id, let sample):
      "\(label) holds sample \(sample) of \(id) twice: give every prompt an id of its own, and score anew"
    case .otherExamples(let label, let metric, let stated, let found):
      "\(label): scores.json says \(metric) \(stated), and the samples of its examples.jsonl come to \(found): one of the "
        + "two files is of other samples; score anew"
    case .otherSamples(let label, let scores, let id, let sample):
      "\(label) is not of the samples of \(scores): sample \(sample) of \(id) has other tokens there; connect what "
        + "belongs together"
    case .otherPrompts(let label, let first, let id, let what):
      "\(id) has \(what == "prompt" ? "another prompt" : "other \(what)") in the samples of \(label) than in those of "
        + "\(first): a comparison needs the same prompts in every arm; sample and score the same test set, or give other "
        + "prompts other ids"
    case .sameName(let name, let first, let second):
      "\(first.isEmpty ? "two arms" : "the arms \(first) and \(second)") are both called \(name): give each a name of its own "
        + "with names"
    case .unreadable(let label, let reason): "\(label): \(reason)"
    }
  }
}
