internal import CYAML
import SystemPackage

/// Reads one YAML document into nodes that know their line and column.
///
/// Duplicate keys, anchors, aliases, tags and further documents are reported; reading goes on, so that all of them
/// are found at once. Only a text that is no YAML ends the reading.
struct YAMLReader: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let bytes: [UInt8]
  private let origin: (_ line: Int, _ column: Int) -> ValueOrigin
  private let log: ProblemLog

  private static let maximumDepth = 64

  /// The text is no YAML; the log says where and why.
  private struct Malformed: Error {}

  /// The document of a file.
  ///
  /// - Returns: Its root, or nil where the text is no YAML.
  static func read(_ bytes: [UInt8], file: FilePath, log: ProblemLog) -> YAMLNode? {
    let reader = YAMLReader(bytes, log) { line, column in
      .file(SourceLocation(file: file, line: line, column: column))
    }
    return try? reader.document()
  }

  /// The value that an argument of the command line writes.
  static func read(_ text: String, at origin: ValueOrigin, log: ProblemLog) -> YAMLNode? {
    let reader = YAMLReader(Array(text.utf8), log) { _, _ in origin }
    return try? reader.document()
  }

  private init(_ bytes: [UInt8], _ log: ProblemLog, _ origin: @escaping (Int, Int) -> ValueOrigin) {
    self.bytes = bytes
    self.log = log
    self.origin = origin
    parser = .allocate(capacity: 1)
    yaml_parser_initialize(parser)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  private func origin(of mark: yaml_mark_t) -> ValueOrigin { origin(mark.line + 1, mark.column + 1) }

  // MARK: Events

  private func document() throws(Malformed) -> YAMLNode {
    let result: Result<YAMLNode, Malformed> = bytes.withUnsafeBufferPointer { buffer in
      yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
      do throws(Malformed) { return .success(try stream()) } catch { return .failure(error) }
    }
    return try result.get()
  }

  private func stream() throws(Malformed) -> YAMLNode {
    try skip()  // the start of the stream
    var event = try next()
    if event.type == YAML_STREAM_END_EVENT {
      yaml_event_delete(&event)
      return YAMLNode(.scalar("", isPlain: true), origin(1, 1))
    }
    yaml_event_delete(&event)  // the start of the document
    let root = try node(from: try next(), depth: 0)
    try skip()  // its end
    event = try next()
    if event.type != YAML_STREAM_END_EVENT {
      log.report(origin(of: event.start_mark), found: "a second document", expected: "one document a file")
    }
    yaml_event_delete(&event)
    return root
  }

  private func next() throws(Malformed) -> yaml_event_t {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else {
      reportSyntax()
      throw Malformed()
    }
    return event
  }

  private func skip() throws(Malformed) {
    var event = try next()
    yaml_event_delete(&event)
  }

  // MARK: Nodes

  private func node(from event: consuming yaml_event_t, depth: Int) throws(Malformed) -> YAMLNode {
    defer { yaml_event_delete(&event) }
    let place = origin(of: event.start_mark)
    guard depth < Self.maximumDepth else {
      log.report(
        place, found: "values nested deeper than \(Self.maximumDepth)", expected: "at most \(Self.maximumDepth) levels")
      throw Malformed()
    }
    switch event.type {
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      refuse(anchor: scalar.anchor, tag: scalar.tag, at: place)
      let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      return YAMLNode(.scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), place)
    case YAML_SEQUENCE_START_EVENT:
      refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag, at: place)
      return YAMLNode(.sequence(try elements(depth: depth)), place)
    case YAML_MAPPING_START_EVENT:
      refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag, at: place)
      return YAMLNode(.mapping(try members(depth: depth)), place)
    default:
      log.report(
        place, found: "the alias *\(Self.text(event.data.alias.anchor))",
        expected: "a value written out, or a ${name} of params")
      return YAMLNode(.invalid, place)
    }
  }

  private func elements(depth: Int) throws(Malformed) -> [YAMLNode] {
    var elements: [YAMLNode] = []
    while true {
      var event = try next()
      if event.type == YAML_SEQUENCE_END_EVENT {
        yaml_event_delete(&event)
        return elements
      }
      elements.append(try node(from: event, depth: depth + 1))
    }
  }

  private func members(depth: Int) throws(Malformed) -> [YAMLMember] {
    var members: [YAMLMember] = []
    var seen: [[UInt8]: Int] = [:]  // by bytes: Swift's strings take é and e + accent for one
    while true {
      var event = try next()
      if event.type == YAML_MAPPING_END_EVENT {
        yaml_event_delete(&event)
        return members
      }
      let line = event.start_mark.line + 1
      let key = try node(from: event, depth: depth + 1)
      let value = try node(from: try next(), depth: depth + 1)
      guard let name = key.text else {
        if !key.isInvalid { log.report(key.origin, found: "\(key.shown) as a key", expected: "a name") }
        continue
      }
      let identity = Array(name.utf8)
      if let first = seen[identity] {
        log.report(
          key.origin, found: "the key \(name) a second time", expected: "each key once (it stands in line \(first))")
      } else {
        seen[identity] = line
        members.append(YAMLMember(key: name, keyOrigin: key.origin, value: value))
      }
    }
  }

  private func refuse(anchor: UnsafePointer<UInt8>?, tag: UnsafePointer<UInt8>?, at place: ValueOrigin) {
    if let anchor {
      log.report(
        place, found: "the anchor &\(Self.text(anchor))", expected: "no anchors: shared values stand in params")
    }
    if let tag {
      let standard = "tag:yaml.org,2002:"
      let name = Self.text(tag)
      let shown = name.hasPrefix(standard) ? "!!" + name.dropFirst(standard.count) : name
      log.report(place, found: "the tag \(shown)", expected: "no tags: a value has its parameter's type")
    }
  }

  private static func text(_ pointer: UnsafePointer<UInt8>?) -> String { pointer.map { String(cString: $0) } ?? "" }

  // MARK: What is no YAML

  private func reportSyntax() {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "malformed YAML"
    if parser.pointee.error == YAML_READER_ERROR {
      let (line, column) = place(ofByte: Int(parser.pointee.problem_offset))
      log.report(origin(line, column), found: problem, expected: "YAML in UTF-8")
      return
    }
    let mark = parser.pointee.problem_mark
    let place = origin(of: mark)
    switch character(at: mark) {
    case ("\t", _): log.report(place, found: "a tab", expected: "blanks: YAML takes no tabs as indentation")
    case ("{", "$"): log.report(place, found: "${…} without quotes among { }", expected: "\"${…}\" in quotes")
    case ("@", _), ("`", _), ("%", _):
      log.report(place, found: "a text that starts with a reserved character", expected: "the text in quotes")
    default:
      let context = parser.pointee.context.map { " (\(String(cString: $0)))" } ?? ""
      log.report(place, found: "malformed YAML: " + problem + context, expected: "well-formed YAML")
    }
  }

  private func place(ofByte offset: Int) -> (line: Int, column: Int) {
    var line = 1
    var column = 1
    for byte in bytes.prefix(offset) {
      if byte == UInt8(ascii: "\n") { (line, column) = (line + 1, 1) } else if byte & 0xC0 != 0x80 { column += 1 }
    }
    return (line, column)
  }

  /// The character at a place and the one before it.
  private func character(at mark: yaml_mark_t) -> (UnicodeScalar?, UnicodeScalar?) {
    var line = 0
    var rest = bytes[...]
    while line < mark.line, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      rest = rest[(end + 1)...]
      line += 1
    }
    let text = String(decoding: rest.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self).unicodeScalars
    let here = text.dropFirst(mark.column).first
    return (here, mark.column > 0 ? text.dropFirst(mark.column - 1).first : nil)
  }
}
