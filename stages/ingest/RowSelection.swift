import Records
import StageKit

/// Which rows stay, and how many did not and why.
struct RowSelection {
  private let prompt: (min: Int, max: Int)
  private let completion: (min: Int, max: Int)
  /// Rows that lack a field.
  var incomplete = 0
  /// Rows whose messages are no conversation of texts that ends with the assistant's.
  var withoutConversation = 0
  private var tooShort = 0
  private var tooLong = 0
  private var duplicates = 0

  init(_ parameters: ParameterValues) throws(ParameterError) {
    func range(_ min: Int?, _ max: Int?, _ name: String) throws(ParameterError) -> (Int, Int) {
      let range = (min ?? 0, max ?? Int.max)
      guard range.0 <= range.1 else {
        throw ParameterError(
          parameter: "max_\(name)", found: "\(range.1)", expected: "at least min_\(name), which is \(range.0)")
      }
      return range
    }
    prompt = try range(parameters[IngestParameters.minPrompt], parameters[IngestParameters.maxPrompt], "prompt")
    completion = try range(
      parameters[IngestParameters.minCompletion], parameters[IngestParameters.maxCompletion], "completion")
  }

  /// Whether a row's lengths, in Unicode scalars, are within bounds.
  mutating func keeps(_ row: DatasetRow) -> Bool {
    for (text, range) in [(row.prompt, prompt), (row.completion, completion)] where range != (0, Int.max) {
      let length = text.unicodeScalars.count
      if length < range.min {
        tooShort += 1
        return false
      }
      if length > range.max {
        tooLong += 1
        return false
      }
    }
    return true
  }

  /// The rows without those whose key an earlier one has.
  mutating func distinct(_ rows: [Int], by keys: [TextKey]) -> [Int] {
    var seen: Set<TextKey> = []
    let kept = rows.filter { seen.insert(keys[$0]).inserted }
    duplicates += rows.count - kept.count
    return kept
  }

  /// How many rows were dropped and why, or nil.
  var summary: String? {
    let reasons = [
      (incomplete, "lack a field"), (withoutConversation, "without a conversation of texts"), (tooShort, "too short"),
      (tooLong, "too long"), (duplicates, "duplicates"),
    ].filter { $0.0 > 0 }
    guard !reasons.isEmpty else { return nil }
    let total = reasons.reduce(0) { $0 + $1.0 }
    return "\(total) dropped (\(reasons.map { "\($0.0) \($0.1)" }.joined(separator: ", ")))"
  }
}
