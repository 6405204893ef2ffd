/// What a file says of its own encoding in its first bytes, which are taken for ASCII.
enum EncodingDeclaration {
  /// Where to look.
  case none
  /// `<?xml version="1.0" encoding="…"?>`
  case xml
  /// A `meta` element, with `charset` or as `http-equiv`; or an XML declaration, as XHTML has it.
  case html

  /// How many first bytes hold it.
  var headBytes: Int {
    switch self {
    case .none: 4
    case .xml: 512
    case .html: 4096
    }
  }

  /// The label that is declared, or nil.
  func label(in head: [UInt8]) -> String? {
    switch self {
    case .none: nil
    case .xml: Self.xml(head)
    case .html: Self.xml(head) ?? Self.html(head)
    }
  }

  /// The encoding of XML that has neither mark nor a declaration that can be read as ASCII.
  static func wideXML(_ head: [UInt8]) -> String? {
    if head.starts(with: [0x3C, 0x00, 0x3F, 0x00]) { return "UTF-16LE" }
    if head.starts(with: [0x00, 0x3C, 0x00, 0x3F]) { return "UTF-16BE" }
    return nil
  }

  private static func xml(_ head: [UInt8]) -> String? {
    guard head.starts(with: Array("<?xml".utf8)), let end = head.firstIndex(of: UInt8(ascii: ">")) else { return nil }
    return value(of: "encoding", in: head[..<end])
  }

  /// The label of the first `meta` element that has one; comments are passed over.
  private static func html(_ head: [UInt8]) -> String? {
    var rest = head[...]
    while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
      rest = rest[open...]
      if rest.starts(with: Array("<!--".utf8)) {
        // `<!-->` is a whole comment.
        guard let end = find("-->", in: rest.dropFirst(2)) else { return nil }
        rest = rest[(end + 3)...]
        continue
      }
      let end = endOfTag(rest)
      let tag = rest[..<end]
      rest = rest[end...]
      guard starts(tag, with: "<meta"), let next = tag.dropFirst(5).first, isBlank(next) || next == UInt8(ascii: "/")
      else { continue }
      let attributes = tag.dropFirst(5)
      if let label = value(of: "charset", in: attributes) { return label }
      guard let kind = value(of: "http-equiv", in: attributes), EncodingLabel.trimmed(kind) == "content-type",
        let content = value(of: "content", in: attributes), let label = charset(inContent: Array(content.utf8)[...])
      else { continue }
      return label
    }
    return nil
  }

  /// The index behind a tag's `>`, which counts only outside quotes.
  private static func endOfTag(_ bytes: ArraySlice<UInt8>) -> Int {
    var quote: UInt8?
    for index in bytes.indices {
      let byte = bytes[index]
      if let open = quote {
        if byte == open { quote = nil }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
      } else if byte == UInt8(ascii: ">") {
        return index + 1
      }
    }
    return bytes.endIndex
  }

  /// The value of an attribute, in quotes or not; names count without case.
  private static func value(of name: String, in bytes: ArraySlice<UInt8>) -> String? {
    var rest = bytes
    while !rest.isEmpty {
      while let byte = rest.first, isBlank(byte) || byte == UInt8(ascii: "/") { rest.removeFirst() }
      let found = rest.prefix {
        !isBlank($0) && ![UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "/")].contains($0)
      }
      rest = rest[found.endIndex...]
      while let byte = rest.first, isBlank(byte) { rest.removeFirst() }
      guard rest.first == UInt8(ascii: "=") else {
        if found.isEmpty { rest = rest.dropFirst() }
        continue
      }
      rest.removeFirst()
      while let byte = rest.first, isBlank(byte) { rest.removeFirst() }
      let value: ArraySlice<UInt8>
      if let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
        value = rest.dropFirst().prefix { $0 != quote }
        rest = rest[value.endIndex...].dropFirst()
      } else {
        value = rest.prefix { !isBlank($0) && $0 != UInt8(ascii: ">") }
        rest = rest[value.endIndex...]
      }
      if EncodingLabel.trimmed(String(decoding: found, as: UTF8.self)) == name {
        return String(decoding: value, as: UTF8.self)
      }
    }
    return nil
  }

  /// The label in `text/html; charset=…`.
  private static func charset(inContent bytes: ArraySlice<UInt8>) -> String? {
    var rest = bytes
    while !rest.isEmpty {
      if starts(rest, with: "charset") {
        var behind = rest.dropFirst(7)
        while let byte = behind.first, isBlank(byte) { behind.removeFirst() }
        if behind.first == UInt8(ascii: "=") {
          behind.removeFirst()
          while let byte = behind.first, isBlank(byte) { behind.removeFirst() }
          if let quote = behind.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            return String(decoding: behind.dropFirst().prefix { $0 != quote }, as: UTF8.self)
          }
          return String(decoding: behind.prefix { !isBlank($0) && $0 != UInt8(ascii: ";") }, as: UTF8.self)
        }
      }
      rest.removeFirst()
    }
    return nil
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0C || byte == 0x0D
  }

  /// Whether bytes begin with a word of small letters, whatever their own case.
  private static func starts(_ bytes: ArraySlice<UInt8>, with word: String) -> Bool {
    bytes.prefix(word.utf8.count).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }.elementsEqual(word.utf8)
  }

  private static func find(_ word: String, in bytes: ArraySlice<UInt8>) -> Int? {
    bytes.indices.first { bytes[$0...].starts(with: word.utf8) }
  }
}
