/// What splitting patterns ask of a character, looked up by its UTF-8 bytes.
///
/// Categories come from the Swift library, limited to the characters that the reference engines know: Oniguruma
/// (`\p{L}`, `\p{N}`, `\s`) and Rust's `regex` (`\w`) hold Unicode 16, Rust's `char::is_numeric` Unicode 17. Pages of
/// 256 characters are worked out when first met, since a lookup of properties is slow.
package final class ScalarTraits {
  /// The class `\p{L}`.
  package static let letter: UInt8 = 1
  /// The class `\p{N}`.
  package static let number: UInt8 = 2
  /// The class `\s`.
  package static let space: UInt8 = 4
  /// The class `\w`.
  package static let word: UInt8 = 8
  /// What `char::is_numeric` of Rust holds.
  package static let numeric: UInt8 = 16
  /// The traits by which patterns tell runs apart; a character with none of them is punctuation, a mark and so on.
  static let category: UInt8 = letter | number | space

  private static let pageCount = 0x110000 >> 8
  private let pages: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
  private let first: UnsafeMutablePointer<UInt8>

  init() {
    pages = .allocate(capacity: Self.pageCount)
    pages.initialize(repeating: nil, count: Self.pageCount)
    first = Self.page(0)
    pages[0] = first
  }

  deinit {
    for index in 0..<Self.pageCount { pages[index]?.deallocate() }
    pages.deallocate()
  }

  /// The traits of the character that starts at `position`, and its length in bytes.
  ///
  /// A byte that starts no valid character counts alone and has no traits.
  @inline(__always)
  func at(_ position: UnsafePointer<UInt8>, before end: UnsafePointer<UInt8>) -> (traits: UInt8, length: Int) {
    let byte = position.pointee
    if byte < 0x80 { return (first[Int(byte)], 1) }
    return beyondASCII(position, before: end)
  }

  /// The traits of the character that ends before `position`.
  func before(_ position: UnsafePointer<UInt8>, from start: UnsafePointer<UInt8>) -> (traits: UInt8, length: Int) {
    var lead = position - 1
    while lead > start, lead.pointee & 0xC0 == 0x80, position - lead < 4 { lead -= 1 }
    let found = at(lead, before: position)
    return found.length == position - lead ? found : (0, 1)
  }

  private func beyondASCII(
    _ position: UnsafePointer<UInt8>, before end: UnsafePointer<UInt8>
  ) -> (traits: UInt8, length: Int) {
    let lead = UInt32(position.pointee)
    let length: Int
    var value: UInt32
    switch lead {
    case 0xC2...0xDF: (length, value) = (2, lead & 0x1F)
    case 0xE0...0xEF: (length, value) = (3, lead & 0x0F)
    case 0xF0...0xF4: (length, value) = (4, lead & 0x07)
    default: return (0, 1)
    }
    guard end - position >= length else { return (0, 1) }
    for index in 1..<length {
      let next = position[index]
      guard next & 0xC0 == 0x80 else { return (0, 1) }
      value = value << 6 | UInt32(next & 0x3F)
    }
    guard value < 0x110000 else { return (0, 1) }
    let number = Int(value >> 8)
    let page: UnsafeMutablePointer<UInt8>
    if let known = pages[number] {
      page = known
    } else {
      page = Self.page(number)
      pages[number] = page
    }
    return (page[Int(value & 0xFF)], length)
  }

  private static func page(_ number: Int) -> UnsafeMutablePointer<UInt8> {
    let page = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    for low in 0..<256 {
      page[low] = Unicode.Scalar(UInt32(number << 8 | low)).map(traits) ?? 0
    }
    return page
  }

  /// The traits of a character.
  package static func traits(of scalar: Unicode.Scalar) -> UInt8 {
    let properties = scalar.properties
    let isKnown = properties.age.map { $0.major <= 16 } ?? false
    var traits: UInt8 = properties.isWhitespace ? space : 0
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      if isKnown { traits |= letter }
    case .decimalNumber:
      traits |= isKnown ? number | numeric | word : numeric
    case .letterNumber, .otherNumber:
      traits |= isKnown ? number | numeric : numeric
    case .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark:
      if isKnown { traits |= word }
    default: break
    }
    if isKnown, properties.isAlphabetic || properties.isJoinControl { traits |= word }
    return traits
  }
}
