/// Texts as UTF-8 bytes side by side, each distinct one once.
struct TextTable: ~Copyable {
  private var table = WordTable()

  /// The number of distinct texts.
  var count: Int { table.count }

  /// All texts.
  var all: [Int] { Array(0..<count) }

  /// The bytes of a text; valid until the next text is added.
  subscript(number: Int) -> UnsafeBufferPointer<UInt8> { table.word(Int32(number)) }

  /// The number of a text, new or known; texts are equal if their bytes are.
  mutating func add(_ text: String) -> Int {
    var text = text
    return Int(text.withUTF8 { table.number(of: $0) })
  }

  /// Forgets all texts.
  mutating func removeAll() { table.removeAll() }
}
