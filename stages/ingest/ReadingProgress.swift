import StageKit

/// Tells how far reading is: bytes of the files, and rows.
final class ReadingProgress {
  private let context: StageContext
  private let total: Int
  private let clock = ContinuousClock()
  private let begin: ContinuousClock.Instant
  private var reported: ContinuousClock.Instant
  private var consumed = 0
  private var looked = 0
  /// Rows so far.
  var rows = 0

  /// - Parameters:
  ///   - total: The size of all files in bytes, packed as they are.
  ///   - context: What is told.
  init(of total: Int, _ context: StageContext) {
    self.context = context
    self.total = total
    begin = clock.now
    reported = begin
  }

  /// Notes how many bytes were read of all files.
  func advance(to bytes: Int) {
    consumed = bytes
    guard consumed - looked > 1 << 18 || consumed < looked else { return }
    looked = consumed
    let now = clock.now
    guard now - reported > .milliseconds(200) else { return }
    reported = now
    let seconds = (now - begin) / .seconds(1)
    context.report(
      .progress(
        done: consumed / 1_000_000, total: (total + 999_999) / 1_000_000, unit: "MB",
        rate: Double(consumed) / 1e6 / seconds, note: "\(rows) rows, \(Int(Double(rows) / seconds)) rows/s"))
  }
}
