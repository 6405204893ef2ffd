/// A text with `${name}` in it.
struct Template {
  enum Piece: Equatable {
    case text(String)
    case name(String)
  }

  var pieces: [Piece]

  /// The name of a text that is exactly `${name}`.
  var exactName: String? {
    if pieces.count == 1, case .name(let name) = pieces[0] { name } else { nil }
  }

  /// Whether a text holds `${` at all.
  static func occurs(in text: String) -> Bool {
    var previous: UInt8 = 0
    for byte in text.utf8 {
      if previous == UInt8(ascii: "$"), byte == UInt8(ascii: "{") { return true }
      previous = byte
    }
    return false
  }

  /// The pieces of a text; `$${` stands for `${`.
  ///
  /// - Throws: What is wrong, with what would be right.
  init(_ text: String) throws(Malformed) {
    let bytes = Array(text.utf8)
    let dollar = UInt8(ascii: "$")
    let open = UInt8(ascii: "{")
    func opens(_ at: Int) -> Bool { at + 1 < bytes.count && bytes[at] == dollar && bytes[at + 1] == open }

    pieces = []
    var literal: [UInt8] = []
    var position = 0
    while position < bytes.count {
      if bytes[position] == dollar, opens(position + 1) {
        literal += [dollar, open]
        position += 3
      } else if opens(position) {
        guard let close = bytes[position...].firstIndex(of: UInt8(ascii: "}")) else {
          throw Malformed(found: "${ without }", expected: "${name}, or $${ for the two characters themselves")
        }
        let name = String(decoding: bytes[(position + 2)..<close], as: UTF8.self)
        if name.utf8.first == open {
          let inner = name.dropFirst().split(separator: " ").joined()
          throw Malformed(found: "${{ … }}", expected: "one pair of braces", nearest: "${\(inner)}")
        }
        if !literal.isEmpty { pieces.append(.text(String(decoding: literal, as: UTF8.self))) }
        literal = []
        pieces.append(.name(name))
        position = close + 1
      } else {
        literal.append(bytes[position])
        position += 1
      }
    }
    if !literal.isEmpty { pieces.append(.text(String(decoding: literal, as: UTF8.self))) }
  }

  /// Why a text is no template.
  struct Malformed: Error {
    var found: String
    var expected: String
    var nearest: String?
  }
}
