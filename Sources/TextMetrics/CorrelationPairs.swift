/// Points of a correlation, each with the prompt that it belongs to.
struct CorrelationPairs {
  private(set) var prompts: [Int] = []
  private(set) var x: [Double] = []
  private(set) var y: [Double] = []

  /// The number of points.
  var count: Int { x.count }

  /// The samples for which both values are known, prompt by prompt.
  init(_ groups: PromptGroups, _ x: [Double?], _ y: [Double?]) {
    for (number, prompt) in groups.prompts.enumerated() {
      for row in prompt.rows {
        guard let first = x[row], let second = y[row] else { continue }
        prompts.append(number)
        self.x.append(first)
        self.y.append(second)
      }
    }
  }

  /// No points.
  init() {}

  /// Appends the points of prompts that come behind so many others.
  mutating func append(_ other: CorrelationPairs, firstPrompt: Int) {
    prompts.append(contentsOf: other.prompts.lazy.map { $0 + firstPrompt })
    x.append(contentsOf: other.x)
    y.append(contentsOf: other.y)
  }

  /// The points of each prompt, as ranges.
  private var ranges: [Range<Int>] {
    var ranges: [Range<Int>] = []
    for place in prompts.indices {
      if let last = ranges.last, prompts[last.lowerBound] == prompts[place] {
        ranges[ranges.count - 1] = last.lowerBound..<place + 1
      } else {
        ranges.append(place..<place + 1)
      }
    }
    return ranges
  }

  /// One point a prompt: the means of its points.
  var means: CorrelationPairs {
    var means = CorrelationPairs()
    for range in ranges {
      means.prompts.append(prompts[range.lowerBound])
      means.x.append(x[range].reduce(0, +) / Double(range.count))
      means.y.append(y[range].reduce(0, +) / Double(range.count))
    }
    return means
  }

  /// The correlation of each prompt's own points; nil where one side does not vary.
  func within(_ coefficient: CorrelationMetric.Coefficient) -> [Double?] {
    var values = [Double?](repeating: nil, count: (prompts.last ?? -1) + 1)
    for range in ranges {
      let (x, y) = (Array(x[range]), Array(y[range]))
      values[prompts[range.lowerBound]] =
        coefficient == .spearman ? Correlation.spearman(x, y)?.value : Correlation.pearson(x, y)?.value
    }
    return values
  }

  /// Count, sums, squares and products of every prompt's points, about the mean of all.
  func moments(prompts promptCount: Int) -> [[Double]] {
    let meanX = x.reduce(0, +) / Double(max(count, 1))
    let meanY = y.reduce(0, +) / Double(max(count, 1))
    var rows = [[Double]](repeating: [0, 0, 0, 0, 0, 0], count: promptCount)
    for place in x.indices {
      let (a, b) = (x[place] - meanX, y[place] - meanY)
      for (column, value) in [1, a, b, a * a, b * b, a * b].enumerated() { rows[prompts[place]][column] += value }
    }
    return rows
  }

  /// Pearson's correlation from summed moments; nil where one side does not vary.
  static func pearson(_ sums: UnsafeBufferPointer<Double>) -> Double? {
    guard sums[0] > 1 else { return nil }
    let squaresX = sums[3] - sums[1] * sums[1] / sums[0]
    let squaresY = sums[4] - sums[2] * sums[2] / sums[0]
    // Less than rounding leaves of equal values is no variance.
    guard squaresX > 1e-12 * max(sums[3], 1e-300), squaresY > 1e-12 * max(sums[4], 1e-300) else { return nil }
    let product = sums[5] - sums[1] * sums[2] / sums[0]
    return max(-1, min(1, product / (squaresX * squaresY).squareRoot()))
  }
}
