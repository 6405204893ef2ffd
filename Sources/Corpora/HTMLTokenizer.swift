/// Tags and texts of an HTML page as the HTML standard's tokenizer finds them, in any page whatever.
///
/// What the standard leaves to the builder of the tree is here as far as it decides what is text: the contents of scripts,
/// styles and their like are raw, those of `title` and `textarea` know character references only.
struct HTMLTokenizer {
  enum Token {
    /// A start tag; it closes itself where a slash ends it in a drawing, a formula or XHTML.
    case start(String, isSelfClosing: Bool)
    case end(String)
    /// Text as UTF-8, references resolved; a text may come in any number of pieces.
    case text([UInt8])
  }

  /// How the content of an element is read up to its end tag.
  private enum Content {
    case raw
    case references
  }

  private static let contents: [String: Content] = [
    "script": .raw, "style": .raw, "xmp": .raw, "iframe": .raw, "noembed": .raw, "noframes": .raw, "noscript": .raw,
    "title": .references, "textarea": .references,
  ]

  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  /// The element whose content is read raw.
  private var element: String?
  private var isPlain = false
  /// Whether a slash closes any element, as in XHTML, which says so by its first line.
  private let isXML: Bool
  /// Whether the page is within `svg` or `math`, where elements have no raw content and CDATA is known.
  var isForeign = false

  /// A page, valid UTF-8 that outlives this value.
  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    isXML = bytes.starts(with: "<?xml".utf8)
  }

  /// The next token, or nil at the end.
  mutating func next() -> Token? {
    while position < bytes.count {
      if isPlain {
        defer { position = bytes.count }
        return .text(Array(bytes[position...]))
      }
      if let name = element {
        element = nil
        let end = name == "script" ? HTMLScript(bytes: bytes).end(from: position) : endTag(of: name)
        defer { position = end }
        if end > position {
          let content = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
          return .text(Self.contents[name] == .references ? Self.resolved(content) : Array(content))
        }
      }
      guard bytes[position] == UInt8(ascii: "<") else {
        let end = bytes[position...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
        defer { position = end }
        return .text(Self.resolved(UnsafeRawBufferPointer(rebasing: bytes[position..<end])))
      }
      if let token = markup() { return token }
    }
    return nil
  }

  /// What begins with `<`; nil for what leaves no token.
  private mutating func markup() -> Token? {
    func byte(_ offset: Int) -> UInt8? { position + offset < bytes.count ? bytes[position + offset] : nil }
    switch byte(1) {
    case let letter? where Self.isLetter(letter): return tag(from: position + 1, isEnd: false)
    case UInt8(ascii: "/"):
      guard let letter = byte(2) else { break }
      if Self.isLetter(letter) { return tag(from: position + 2, isEnd: true) }
      // `</>` is nothing, `</ …>` a comment.
      skip(behind: ">", from: position + 2)
      return nil
    case UInt8(ascii: "!"):
      if starts("<!--") {
        skipComment()
      } else if isForeign, starts("<![CDATA[") {
        skip(behind: "]]>", from: position + 9)
      } else {
        skip(behind: ">", from: position + 2)
      }
      return nil
    case UInt8(ascii: "?"):
      skip(behind: ">", from: position + 2)
      return nil
    default: break
    }
    position += 1
    return .text([UInt8(ascii: "<")])
  }

  private func starts(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard position + count <= bytes.count else { return false }
    return (0..<count).allSatisfy { bytes[position + $0] == text.utf8Start[$0] }
  }

  /// Goes on behind a text, or to the end of the page where it is not there.
  private mutating func skip(behind text: String, from start: Int) {
    position = find(text, from: start).map { $0 + text.utf8.count } ?? bytes.count
  }

  private func find(_ text: String, from start: Int) -> Int? {
    let wanted = Array(text.utf8)
    var index = start
    while index + wanted.count <= bytes.count {
      guard let found = bytes[index...].firstIndex(of: wanted[0]) else { return nil }
      if bytes[found...].starts(with: wanted) { return found }
      index = found + 1
    }
    return nil
  }

  /// `<!-->` and `<!--->` are whole comments; else one ends with `-->` or `--!>`.
  private mutating func skipComment() {
    let start = position + 4
    if bytes[start...].starts(with: ">".utf8) { return position = start + 1 }
    if bytes[start...].starts(with: "->".utf8) { return position = start + 2 }
    var index = start
    while let dashes = find("--", from: index) {
      if bytes[(dashes + 2)...].starts(with: ">".utf8) { return position = dashes + 3 }
      if bytes[(dashes + 2)...].starts(with: "!>".utf8) { return position = dashes + 4 }
      index = dashes + 1
    }
    position = bytes.count
  }

  /// A tag whose name begins at an index; a tag that the page's end cuts off is none.
  private mutating func tag(from start: Int, isEnd: Bool) -> Token? {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0C || byte == 0x0D }
    var index = start
    var name: [UInt8] = []
    while index < bytes.count, !isBlank(bytes[index]), bytes[index] != UInt8(ascii: "/"),
      bytes[index] != UInt8(ascii: ">")
    {
      name.append(Self.isLetter(bytes[index]) ? bytes[index] | 0x20 : bytes[index])
      index += 1
    }
    var isSelfClosing = false
    while index < bytes.count, bytes[index] != UInt8(ascii: ">") {
      let byte = bytes[index]
      isSelfClosing = byte == UInt8(ascii: "/")
      index += 1
      guard byte == UInt8(ascii: "=") else { continue }
      // A quote counts where a value begins, and nowhere else.
      while index < bytes.count, isBlank(bytes[index]) { index += 1 }
      guard index < bytes.count else { break }
      let quote = bytes[index]
      if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
        index = (bytes[(index + 1)...].firstIndex(of: quote) ?? bytes.count - 1) + 1
      } else {
        while index < bytes.count, !isBlank(bytes[index]), bytes[index] != UInt8(ascii: ">") { index += 1 }
      }
    }
    guard index < bytes.count else {
      position = bytes.count
      return nil
    }
    position = index + 1
    let text = String(decoding: name, as: UTF8.self)
    if isEnd { return .end(text) }
    if !isForeign, !(isXML && isSelfClosing) {
      if Self.contents[text] != nil { element = text }
      if text == "plaintext" { isPlain = true }
    }
    return .start(text, isSelfClosing: isSelfClosing && (isForeign || isXML || text == "svg" || text == "math"))
  }

  /// Where the end tag of an element with raw content begins, or the end of the page.
  private func endTag(of name: String) -> Int {
    let count = name.utf8.count
    var index = position
    while let found = find("</", from: index) {
      let behind = found + 2 + count
      if behind < bytes.count, [0x20, 0x09, 0x0A, 0x0C, 0x0D, 0x2F, 0x3E].contains(bytes[behind]),
        zip(bytes[(found + 2)..<behind], name.utf8).allSatisfy({ $0 | 0x20 == $1 })
      {
        return found
      }
      index = found + 2
    }
    return bytes.count
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A }

  // MARK: Character references

  /// A text with its character references resolved; what is none stays as it is written.
  static func resolved(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      guard let found = bytes[index...].firstIndex(of: UInt8(ascii: "&")) else { break }
      text += bytes[index..<found]
      if let (resolved, count) = reference(bytes, found + 1) {
        text += resolved
        index = found + 1 + count
      } else {
        text.append(UInt8(ascii: "&"))
        index = found + 1
      }
    }
    text += bytes[index...]
    return text
  }

  /// What a reference behind its `&` stands for, and how many bytes it has.
  private static func reference(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> (text: [UInt8], count: Int)? {
    if start < bytes.count, bytes[start] == UInt8(ascii: "#") { return number(bytes, start) }
    var name: [UInt8] = []
    var index = start
    while index < bytes.count, name.count < HTMLEntities.longest,
      isLetter(bytes[index]) || (bytes[index] >= 0x30 && bytes[index] <= 0x39)
    {
      name.append(bytes[index])
      index += 1
    }
    if index < bytes.count, bytes[index] == UInt8(ascii: ";"),
      let entity = HTMLEntities.table[String(decoding: name, as: UTF8.self)]
    {
      return (entity.text, name.count + 1)
    }
    // The longest that stands without a semicolon: `&notit` is ¬it.
    while name.count >= 2 {
      if let entity = HTMLEntities.table[String(decoding: name, as: UTF8.self)], !entity.needsSemicolon {
        return (entity.text, name.count)
      }
      name.removeLast()
    }
    return nil
  }

  /// What the numbers 80 to 9F mean: those who wrote them had windows-1252.
  private static let control: [UInt32] = [
    0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D,
    0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,
    0x017E, 0x0178,
  ]

  private static func number(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> (text: [UInt8], count: Int)? {
    var index = start + 1
    let isHexadecimal = index < bytes.count && bytes[index] | 0x20 == UInt8(ascii: "x")
    if isHexadecimal { index += 1 }
    let first = index
    var code: UInt32 = 0
    while index < bytes.count {
      let byte = bytes[index]
      let digit: UInt32
      switch byte {
      case 0x30...0x39: digit = UInt32(byte - 0x30)
      case 0x41...0x46 where isHexadecimal, 0x61...0x66 where isHexadecimal: digit = UInt32((byte | 0x20) - 0x61 + 10)
      default: digit = .max
      }
      if digit == .max { break }
      code = min(code * (isHexadecimal ? 16 : 10) + digit, 0x110000)
      index += 1
    }
    guard index > first else { return nil }
    if index < bytes.count, bytes[index] == UInt8(ascii: ";") { index += 1 }
    if code >= 0x80, code < 0xA0 { code = control[Int(code - 0x80)] }
    let scalar = code == 0 ? "\u{FFFD}" : UnicodeScalar(code) ?? "\u{FFFD}"
    return (Array(String(Character(scalar)).utf8), index - start)
  }
}
