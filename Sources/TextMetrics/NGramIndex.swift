/// The n-grams of a few texts, numbered densely, with the counts of each text.
///
/// Made for the texts of one prompt: its samples and references are counted once and then compared in any
/// combination by plain array access. An n-gram is its first n − 1 words (a number) and its last word, so numbers
/// are unique across orders.
struct NGramIndex: ~Copyable {
  /// One n-gram of a text and how often it stands there.
  struct Entry: BitwiseCopyable {
    var number: Int32
    var count: Int32
  }

  private struct Slot: BitwiseCopyable {
    var key: UInt64
    var epoch: UInt32
    var number: Int32
  }

  /// The largest n.
  let order: Int
  private var slots: UnsafeMutablePointer<Slot>
  private var mask: Int
  private var shift: UInt64
  private var epoch: UInt32 = 1
  /// The number of n-grams so far; numbers run from 1.
  private(set) var highest: Int32 = 0
  private var entries = GrowingBuffer<Entry>(capacity: 1 << 10)
  /// For text t and order n (from 1): entries `borders[t·order + n − 1] ..< borders[t·order + n]`.
  private var borders = GrowingBuffer<Int>()
  private var unigrams = GrowingBuffer<Int32>(capacity: 1 << 8)
  private var unigramBorders = GrowingBuffer<Int>()
  private var prefixes = GrowingBuffer<Int32>()
  private var counter = GrowingBuffer<Int32>(capacity: 1 << 10)

  init(order: Int) {
    self.order = order
    slots = .allocate(capacity: 1 << 10)
    mask = (1 << 10) - 1
    shift = 54
    slots.update(repeating: Slot(key: 0, epoch: 0, number: 0), count: 1 << 10)
    borders.append(0)
    unigramBorders.append(0)
  }

  deinit { slots.deallocate() }

  /// Forgets all texts.
  mutating func removeAll() {
    epoch &+= 1
    if epoch == 0 {
      slots.update(repeating: Slot(key: 0, epoch: 0, number: 0), count: mask + 1)
      epoch = 1
    }
    highest = 0
    entries.removeAll()
    borders.setCount(1)
    unigrams.removeAll()
    unigramBorders.setCount(1)
  }

  /// The number of texts.
  var count: Int { unigramBorders.count - 1 }

  /// The number of words of a text.
  @inline(__always)
  func length(of text: Int) -> Int { unigramBorders[text + 1] - unigramBorders[text] }

  /// The words of a text as numbers of this index.
  func words(of text: Int) -> UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(start: unigrams.start + unigramBorders[text], count: length(of: text))
  }

  /// The distinct n-grams of one order in a text.
  @inline(__always)
  func entries(of text: Int, order n: Int) -> UnsafeBufferPointer<Entry> {
    let first = borders[text * order + n - 1]
    return UnsafeBufferPointer(start: entries.start + first, count: borders[text * order + n] - first)
  }

  /// The distinct n-grams of all orders in a text.
  @inline(__always)
  func entries(of text: Int) -> UnsafeBufferPointer<Entry> {
    let first = borders[text * order]
    return UnsafeBufferPointer(start: entries.start + first, count: borders[(text + 1) * order] - first)
  }

  /// The number of n-grams of one order in a text of `length` words.
  @inline(__always)
  static func total(length: Int, order: Int) -> Int { max(0, length - order + 1) }

  /// Counts the n-grams of a text, given as numbers of words.
  mutating func add(_ words: UnsafeBufferPointer<Int32>) {
    let new = words.count * order
    entries.reserve(new)
    unigrams.reserve(words.count)
    prefixes.reserve(words.count)
    while (Int(highest) + new) * 2 > mask { grow() }
    counter.extend(to: Int(highest) + new + 1, filling: 0)
    let prefix = prefixes.start
    let counter = counter.start
    let list = entries.start
    var end = entries.count
    for n in 1...order {
      let begin = end
      for index in 0..<max(0, words.count - n + 1) {
        let number = number(prefix: n == 1 ? 0 : prefix[index], word: words[index + n - 1])
        prefix[index] = number
        let seen = counter[Int(number)]
        counter[Int(number)] = seen + 1
        list[end] = Entry(number: number, count: 0)
        end += seen == 0 ? 1 : 0
      }
      for entry in begin..<end {
        let number = Int(list[entry].number)
        list[entry].count = counter[number]
        counter[number] = 0
      }
      borders.append(end)
      if n == 1 { unigrams.append(contentsOf: UnsafeBufferPointer(start: prefix, count: words.count)) }
    }
    entries.setCount(end)
    unigramBorders.append(unigrams.count)
  }

  @inline(__always)
  private mutating func number(prefix: Int32, word: Int32) -> Int32 {
    let key = UInt64(UInt32(bitPattern: prefix)) << 32 | UInt64(UInt32(bitPattern: word))
    var index = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while true {
      let slot = slots[index]
      if slot.epoch != epoch {
        highest += 1
        slots[index] = Slot(key: key, epoch: epoch, number: highest)
        return highest
      }
      if slot.key == key { return slot.number }
      index = (index + 1) & mask
    }
  }

  private mutating func grow() {
    let capacity = (mask + 1) * 2
    let larger = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
    larger.update(repeating: Slot(key: 0, epoch: 0, number: 0), count: capacity)
    shift -= 1
    for old in 0...mask where slots[old].epoch == epoch {
      var index = Int(truncatingIfNeeded: (slots[old].key &* 0x9E37_79B9_7F4A_7C15) >> shift)
      while larger[index].epoch == epoch { index = (index + 1) & (capacity - 1) }
      larger[index] = slots[old]
    }
    slots.deallocate()
    slots = larger
    mask = capacity - 1
  }
}
