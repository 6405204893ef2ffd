import Synchronization

/// Adds up bytes that several threads move, and tells.
final class Meter: Sendable {
  private let total: Int
  private let done = Mutex(0)
  private let tell: @Sendable (Int, Int) -> Void

  init(total: Int, _ tell: @escaping @Sendable (Int, Int) -> Void) {
    self.total = total
    self.tell = tell
    tell(0, total)
  }

  func add(_ count: Int) {
    done.withLock {
      $0 += count
      tell($0, total)
    }
  }
}

/// A sum of sizes that foreign documents state: it stops at the largest number.
func sum(_ sizes: [Int]) -> Int {
  sizes.reduce(0) { sum, size in
    let (longer, isTooMuch) = sum.addingReportingOverflow(size)
    return isTooMuch ? .max : longer
  }
}
