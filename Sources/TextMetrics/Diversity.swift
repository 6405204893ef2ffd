/// The share of distinct n-grams among all n-grams of many texts, words split at white space.
///
/// Li et al., "A Diversity-Promoting Objective Function for Neural Conversation Models" (2016).
public struct DistinctNGrams: ~Copyable {
  /// The n of the n-grams, 1 or 2.
  public let order: Int
  private var table = BLEUWords()
  private var texts = TextTable()
  private var words = GrowingBuffer<Int32>()
  /// Per n-gram, the last prompt that had it, or −1 once two prompts have had it.
  private var owners: [UInt64: Int32] = [:]
  private var totals: [Int] = []
  private var own: [Int] = []

  /// Distinct n-grams of an order of 1 or 2.
  public init(order: Int) {
    precondition(order == 1 || order == 2, "distinct n-grams are counted for n = 1 and 2")
    self.order = order
  }

  /// Adds the samples of one more prompt.
  public mutating func add(prompt samples: [String]) {
    let prompt = Int32(totals.count)
    var total = 0
    own.append(0)
    for sample in samples {
      texts.removeAll()
      words.removeAll()
      table.append(texts[texts.add(sample)], tokenization: .none, lowercase: false, to: &words)
      let count = NGramIndex.total(length: words.count, order: order)
      total += count
      for position in 0..<count {
        let second = order == 2 ? UInt32(bitPattern: words[position + 1]) : 0
        let key = UInt64(UInt32(bitPattern: words[position])) << 32 | UInt64(second)
        let owner = owners.updateValue(prompt, forKey: key)
        guard let owner else {
          own[Int(prompt)] += 1
          continue
        }
        if owner == prompt { continue }
        owners[key] = -1
        if owner >= 0 { own[Int(owner)] -= 1 }
      }
    }
    totals.append(total)
  }

  /// The number of distinct n-grams.
  public var distinct: Int { owners.count }
  /// The number of all n-grams.
  public var total: Int { totals.reduce(0, +) }
  /// Distinct over all, from 0 to 1; nil where there is no n-gram.
  public var ratio: Double? { total > 0 ? Double(distinct) / Double(total) : nil }

  /// The 95 % interval over prompts, from the jackknife's standard error.
  ///
  /// A bootstrap would be wrong here: a resample repeats prompts, so it always has fewer distinct n-grams than the
  /// texts themselves. Leaving one prompt out changes the ratio smoothly.
  public var interval: (low: Double, high: Double)? {
    guard let ratio, totals.count > 1 else { return nil }
    let total = total
    let without = totals.indices.map { prompt in
      let rest = total - totals[prompt]
      return rest > 0 ? Double(distinct - own[prompt]) / Double(rest) : ratio
    }
    let mean = without.reduce(0, +) / Double(without.count)
    let squares = without.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let count = Double(without.count)
    let error = ((count - 1) / count * squares).squareRoot()
    return (max(0, ratio - 1.959963984540054 * error), min(1, ratio + 1.959963984540054 * error))
  }
}
