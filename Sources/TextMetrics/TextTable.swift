/// Texts as UTF-8 bytes side by side, each distinct one once.
struct TextTable: ~Copyable {
  private var bytes = GrowingBuffer<UInt8>(capacity: 1 << 12)
  private var starts: [Int] = [0]
  private var numbers: [[UInt8]: Int] = [:]

  /// The number of distinct texts.
  var count: Int { starts.count - 1 }

  /// All texts.
  var all: [Int] { Array(0..<count) }

  /// The bytes of a text; valid until the next text is added.
  subscript(number: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: bytes.start + starts[number], count: starts[number + 1] - starts[number])
  }

  /// The number of a text, new or known; texts are equal if their bytes are.
  mutating func add(_ text: String) -> Int {
    let content = Array(text.utf8)
    if let number = numbers[content] { return number }
    content.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    starts.append(bytes.count)
    numbers[content] = count - 1
    return count - 1
  }

  /// Forgets all texts.
  mutating func removeAll() {
    bytes.removeAll()
    starts.removeLast(starts.count - 1)
    numbers.removeAll(keepingCapacity: true)
  }
}
