/// Statistics column by column: a resample's sum of a column is one inner product.
///
/// Most columns hold small counts, so each is kept in the narrowest type that holds all its values.
struct StatisticColumns {
  private enum Column {
    case bytes([UInt8])
    case words([UInt16])
    case doubles([Double])

    /// Appends a value; false where the type does not hold it.
    mutating func append(_ value: Double) -> Bool {
      switch self {
      case .bytes(var values):
        guard let count = UInt8(exactly: value) else { return false }
        self = .bytes([])
        values.append(count)
        self = .bytes(values)
      case .words(var values):
        guard let count = UInt16(exactly: value) else { return false }
        self = .words([])
        values.append(count)
        self = .words(values)
      case .doubles(var values):
        self = .doubles([])
        values.append(value)
        self = .doubles(values)
      }
      return true
    }

    /// The same values in the next wider type.
    func widened(capacity: Int) -> Column {
      switch self {
      case .bytes(let values):
        var wide: [UInt16] = []
        wide.reserveCapacity(capacity)
        wide.append(contentsOf: values.lazy.map { UInt16($0) })
        return .words(wide)
      case .words(let values):
        var wide: [Double] = []
        wide.reserveCapacity(capacity)
        wide.append(contentsOf: values.lazy.map { Double($0) })
        return .doubles(wide)
      case .doubles: return self
      }
    }

    /// Copies a part of the values.
    func read(_ rows: Range<Int>, into buffer: UnsafeMutableBufferPointer<Double>) {
      switch self {
      case .bytes(let values): Self.convert(values, rows, buffer) { Double($0) }
      case .words(let values): Self.convert(values, rows, buffer) { Double($0) }
      case .doubles(let values): Self.convert(values, rows, buffer) { $0 }
      }
    }

    @inline(__always)
    private static func convert<Value>(
      _ values: [Value], _ rows: Range<Int>, _ buffer: UnsafeMutableBufferPointer<Double>,
      _ convert: (Value) -> Double
    ) {
      values.withUnsafeBufferPointer { values in
        for row in rows { buffer[row - rows.lowerBound] = convert(values[row]) }
      }
    }
  }

  /// How many rows are summed at a time: what is read stays in the cache for all resamples.
  private static let partRows = 1024

  private var columns: [Column] = []
  private let capacity: Int
  /// The number of rows of each column.
  private(set) var rows = 0

  /// The number of columns.
  var width: Int { columns.count }

  /// No columns yet, for so many rows.
  init(capacity: Int) { self.capacity = capacity }

  /// The columns of rows.
  init(_ statistics: [[Double]]) {
    self.init(capacity: statistics.count)
    addColumns(statistics.first?.count ?? 0)
    append(statistics, at: 0)
    rows = statistics.count
  }

  /// Makes room for more columns; returns the first one's number.
  @discardableResult
  mutating func addColumns(_ count: Int) -> Int {
    let start = columns.count
    for _ in 0..<count {
      var values: [UInt8] = []
      values.reserveCapacity(capacity)
      columns.append(.bytes(values))
    }
    return start
  }

  /// Appends rows to the columns that begin at a place.
  mutating func append(_ statistics: [[Double]], at start: Int) {
    for row in statistics {
      for (place, value) in row.enumerated() {
        while !columns[start + place].append(value) {
          columns[start + place] = columns[start + place].widened(capacity: capacity)
        }
      }
    }
  }

  /// Says that so many rows have been appended to every column.
  mutating func grow(by count: Int) { rows += count }

  /// The plain sums.
  var sum: [Double] {
    var sums = [Double](repeating: 0, count: width)
    weightedSums([Double](repeating: 1, count: rows), count: 1, into: &sums)
    return sums
  }

  /// The sums of rows times their counts, for several resamples at once.
  ///
  /// - Parameters:
  ///   - counts: How often each row counts, `[count, rows]`.
  ///   - count: The number of resamples.
  ///   - sums: Receives the sums, `[count, width]`.
  func weightedSums(_ counts: [Double], count: Int, into sums: inout [Double]) {
    for place in sums.indices { sums[place] = 0 }
    let part = Self.partRows
    var values = [Double](repeating: 0, count: 4 * part)
    counts.withUnsafeBufferPointer { counts in
      values.withUnsafeMutableBufferPointer { values in
        for start in stride(from: 0, to: rows, by: part) {
          let range = start..<min(start + part, rows)
          // Four columns at a time: the counts are read once for all of them.
          for first in stride(from: 0, to: width, by: 4) {
            let columns = first..<min(first + 4, width)
            for column in columns {
              let buffer = values[(column - first) * part..<(column - first + 1) * part]
              self.columns[column].read(range, into: UnsafeMutableBufferPointer(rebasing: buffer))
            }
            let read = UnsafeBufferPointer(values)
            for resample in 0..<count {
              let own = counts[resample * rows + range.lowerBound..<resample * rows + range.upperBound]
              let products = InnerProduct.ofFour(UnsafeBufferPointer(rebasing: own), read, apart: part)
              for column in columns { sums[resample * width + column] += products[column - first] }
            }
          }
        }
      }
    }
  }
}
