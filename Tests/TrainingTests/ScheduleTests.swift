import Glibc
import Testing
import Training

@Suite struct ScheduleTests {
  @Test("The warm-up ends at the peak, cosine and line end at a tenth of it")
  func ends() {
    for shape in LearningRateSchedule.Shape.allCases {
      let schedule = LearningRateSchedule(shape, peak: 0.001, warmUp: 5, steps: 20)
      let risen = (0..<5).map { schedule.rate(at: $0) }
      #expect(zip(risen, [0.0002, 0.0004, 0.0006, 0.0008, 0.001]).allSatisfy { abs($0 - $1) < 1e-15 })
      #expect(abs(schedule.rate(at: 19) - (shape == .constant ? 0.001 : 0.0001)) < 1e-15)
    }
  }

  @Test("Rates between the ends follow DESIGN's formulas")
  func formulas() {
    let cosine = LearningRateSchedule(.cosine, peak: 2, warmUp: 5, steps: 20)
    let linear = LearningRateSchedule(.linear, peak: 2, warmUp: 5, steps: 20)
    for step in 5..<20 {
      let done = Double(step - 4) / 15
      #expect(abs(cosine.rate(at: step) - 2 * (0.1 + 0.9 * (1 + cos(.pi * done)) / 2)) < 1e-12)
      #expect(abs(linear.rate(at: step) - 2 * (1 - 0.9 * done)) < 1e-12)
    }
    #expect(LearningRateSchedule(.constant, peak: 2, warmUp: 0, steps: 9).rate(at: 0) == 2)
  }
}

@Suite struct RowOrderTests {
  static func steps(_ count: Int, _ lengths: [Int], _ settings: BatchSettings) -> [[[Int]]] {
    var order = RowOrder(lengths: lengths, settings: settings)
    return (0..<count).map { _ in order.next() }
  }

  static let lengths = (0..<10).map { 3 + $0 % 4 }

  @Test(
    "Every row comes once an epoch, the last partial batch included (practice row 14)", arguments: [1, 3, 4, 10, 64])
  func epochs(rows: Int) {
    let settings = BatchSettings(size: .rows(rows), seed: 3)
    let perEpoch = RowOrder.steps(.epochs(1), lengths: Self.lengths, settings: settings)
    #expect(perEpoch == (10 + rows - 1) / rows)
    let steps = Self.steps(2 * perEpoch, Self.lengths, settings)
    let first = steps.prefix(perEpoch).joined().joined()
    let second = steps.suffix(perEpoch).joined().joined()
    #expect(first.sorted() == Array(0..<10) && second.sorted() == Array(0..<10))
    #expect(Array(first) != Array(second))
    #expect(RowOrder.steps(.epochs(3), lengths: Self.lengths, settings: settings) == 3 * perEpoch)
  }

  @Test("One row and a batch of eight works (practice row 14)")
  func oneRow() {
    #expect(Self.steps(2, [5], BatchSettings(size: .rows(8))) == [[[0]], [[0]]])
  }

  @Test("Unshuffled, rows come in file order and steps go on from the last to the first")
  func wrapping() {
    let steps = Self.steps(3, Self.lengths, BatchSettings(size: .rows(4), shuffle: false))
    #expect(steps == [[[0, 1, 2, 3]], [[4, 5, 6, 7]], [[8, 9, 0, 1]]])
    let settings = BatchSettings(size: .rows(4), shuffle: false)
    #expect(RowOrder.steps(.epochs(2), lengths: Self.lengths, settings: settings) == 5)
  }

  @Test("An update sums over so many batches, fewer at the end of an epoch (practice row 4)")
  func accumulation() {
    let settings = BatchSettings(size: .rows(2), accumulate: 3, shuffle: false)
    #expect(Self.steps(1, Self.lengths, settings) == [[[0, 1], [2, 3], [4, 5]]])
    let shuffled = BatchSettings(size: .rows(2), accumulate: 3)
    #expect(Self.steps(2, Self.lengths, shuffled).map { $0.map(\.count) } == [[2, 2, 2], [2, 2]])
  }

  @Test("A batch of tokens takes rows while they fit, and a row that is too long by itself")
  func tokens() {
    let settings = BatchSettings(size: .tokens(10), shuffle: false)
    #expect(Self.steps(3, [4, 6, 1, 30, 5], settings) == [[[0, 1]], [[2]], [[3]]])
    let shuffled = Self.steps(
      RowOrder.steps(.epochs(1), lengths: Self.lengths, settings: BatchSettings(size: .tokens(12))), Self.lengths,
      BatchSettings(size: .tokens(12)))
    #expect(shuffled.joined().joined().sorted() == Array(0..<10))
    #expect(shuffled.joined().allSatisfy { $0.reduce(0) { $0 + Self.lengths[$1] } <= 12 })
  }

  @Test("The seed changes the order, and nothing else does (practice row 23)")
  func seeds() {
    let order = { (seed: UInt64) in Self.steps(3, Self.lengths, BatchSettings(size: .rows(4), seed: seed)) }
    #expect(order(1) == order(1) && order(1) != order(2))
  }
}

/// How many steps a training has is known without going through them.
@Suite struct StepCountTests {
  @Test("The number of steps of so many epochs is that of the order gone through to its end")
  func epochs() {
    for shuffle in [true, false] {
      for rows in [1, 2, 5, 9] {
        for accumulate in [1, 2, 3] {
          for size in [BatchSettings.Size.rows(1), .rows(2), .rows(4), .rows(20), .tokens(7)] {
            for epochs in [1, 2, 3] {
              let settings = BatchSettings(size: size, accumulate: accumulate, shuffle: shuffle, seed: 1)
              let lengths = (0..<rows).map { 3 + $0 % 4 }
              var order = RowOrder(lengths: lengths, settings: settings, epochs: epochs)
              var count = 0
              while !order.next().isEmpty { count += 1 }
              #expect(RowOrder.steps(.epochs(epochs), lengths: lengths, settings: settings) == count)
            }
          }
        }
      }
    }
  }

  @Test("A million epochs of a thousand rows are counted at once")
  func many() {
    let settings = BatchSettings(size: .rows(64))
    let lengths = [Int](repeating: 5, count: 1000)
    #expect(RowOrder.steps(.epochs(1_000_000), lengths: lengths, settings: settings) == 16_000_000)
  }
}
