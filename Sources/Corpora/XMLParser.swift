import CXML
import CanonicalJSON
import Glibc
import Records
import SystemPackage

/// What a reader of an XML format sees, in the order of the file.
protocol XMLHandler: AnyObject {
  /// An element begins; its name stands without its prefix, which the attributes tell.
  func start(_ name: String, _ attributes: XMLAttributes, line: Int) throws
  /// A piece of text; a text may come in any number of pieces.
  func text(_ bytes: UnsafeRawBufferPointer)
  /// An element ends.
  func end(_ name: String) throws
  /// The file has ended, well-formed.
  func finish() throws
}

extension XMLHandler {
  func finish() throws {}
}

/// The attributes of an element, valid while it begins.
struct XMLAttributes {
  fileprivate let base: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
  fileprivate let count: Int
  /// The prefix of the element's own name, or nil.
  let prefix: String?

  /// Name, with its prefix where it has one (`xml:lang`), and value.
  var all: [(name: String, value: String)] {
    guard let base else { return [] }
    return (0..<count).map { index in
      // libxml2 gives five pointers an attribute: local name, prefix, namespace, value and its end.
      let entry = base + index * 5
      let local = entry[0].map { String(cString: $0) } ?? ""
      let name = entry[1].map { String(cString: $0) + ":" + local } ?? local
      guard let start = entry[3], let end = entry[4] else { return (name, "") }
      return (name, XMLParser.text(UnsafeRawBufferPointer(start: start, count: end - start)))
    }
  }

  /// The value of an attribute without a prefix, or of one as it is written with it.
  subscript(name: StaticString) -> String? {
    guard let base else { return nil }
    for index in 0..<count {
      let entry = base + index * 5
      guard XMLParser.isWritten(entry[0], prefix: entry[1], as: name) else { continue }
      guard let start = entry[3], let end = entry[4] else { return "" }
      return XMLParser.text(UnsafeRawBufferPointer(start: start, count: end - start))
    }
    return nil
  }
}

/// XML as a stream of events, by libxml2.
///
/// Nothing outside the file is ever read and no entity expanded: what a document type declares is not kept, a reference
/// to anything but `&amp;` and its four like is an error that names it, external files are never asked for. libxml2's
/// own limits (depth 256, texts of 10 MB) stand.
final class XMLParser {
  private let handler: any XMLHandler
  private let file: FilePath
  private var context: xmlParserCtxtPtr?
  private var failure: (any Error)?
  /// Whether the entity that libxml2 asks for next is one that it has just seen declared.
  private var isDeclaring = false
  private var source: (any ByteSource)?
  private let window = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
  private var (begin, end) = (0, 0)

  private init(file: FilePath, handler: any XMLHandler) {
    self.file = file
    self.handler = handler
  }

  deinit { window.deallocate() }

  /// Parses a file.
  ///
  /// - Parameters:
  ///   - source: Its text as UTF-8, whatever the XML declaration says.
  ///   - file: Its name for messages.
  ///   - handler: What sees the events.
  /// - Throws: `RecordError` with the line, and what the handler throws.
  static func parse(_ source: any ByteSource, file: FilePath, _ handler: any XMLHandler) throws {
    try XMLParser(file: file, handler: handler).run(source)
  }

  private func run(_ source: any ByteSource) throws {
    var events = Self.events()
    self.source = source
    let user = Unmanaged.passUnretained(self).toOpaque()
    // libxml2 pulls: pushed chunks would be searched for the end of each construct before they are parsed.
    let made = xmlCreateIOParserCtxt(
      &events, user, { user, buffer, count in XMLParser.parser(user).fill(buffer, Int(count)) }, nil, user,
      XML_CHAR_ENCODING_UTF8)
    guard let context = made else { throw RecordError(file: file, reason: "no memory for an XML parser") }
    self.context = context
    defer {
      if let document = context.pointee.myDoc { xmlFreeDoc(document) }
      xmlFreeParserCtxt(context)
    }
    // Without NOENT an attribute's `&amp;` comes as `&#38;`; no entity of the file's own is expanded by it, for
    // `getEntity` stops at each.
    xmlCtxtUseOptions(
      context, Int32(XML_PARSE_NONET.rawValue | XML_PARSE_IGNORE_ENC.rawValue | XML_PARSE_NOENT.rawValue))
    xmlParseDocument(context)
    if let failure { throw failure }
    guard context.pointee.wellFormed == 1 else { throw RecordError(file: file, reason: "is no well-formed XML") }
  }

  /// Gives libxml2 as much as it asks for, some thousand bytes at a time, less only at the end; -1 after a failure.
  ///
  /// It takes the first answer for the whole beginning of the file, by which it tells the encoding.
  private func fill(_ buffer: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int32 {
    guard failure == nil, let buffer else { return -1 }
    let target = UnsafeMutableRawPointer(buffer)
    var given = 0
    while given < count {
      if begin == end {
        do {
          (begin, end) = (0, try source?.read(into: window) ?? 0)
        } catch {
          failure = error
          return -1
        }
        if end == 0 { break }
      }
      let part = min(count - given, end - begin)
      (target + given).copyMemory(from: window.baseAddress! + begin, byteCount: part)
      begin += part
      given += part
    }
    return Int32(given)
  }

  private var line: Int { Int(context?.pointee.input?.pointee.line ?? 0) }

  /// Whether an entity is asked for since it was declared, once.
  private func takesDeclaration() -> Bool {
    defer { isDeclaring = false }
    return isDeclaring && context?.pointee.inSubset != 0
  }

  private func stop(_ error: any Error) {
    if failure == nil { failure = error }
    if let context { xmlStopParser(context) }
  }

  /// Text that libxml2 hands out, which is valid UTF-8.
  fileprivate static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(utf8: bytes) ?? String(decoding: bytes, as: UTF8.self)
  }

  fileprivate static func isWritten(
    _ local: UnsafePointer<xmlChar>?, prefix: UnsafePointer<xmlChar>?, as name: StaticString
  ) -> Bool {
    guard let local else { return false }
    let pointer = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    var rest = pointer
    if let prefix {
      let count = strlen(UnsafeRawPointer(prefix).assumingMemoryBound(to: CChar.self))
      guard strncmp(pointer, UnsafeRawPointer(prefix).assumingMemoryBound(to: CChar.self), count) == 0,
        pointer[count] == CChar(UInt8(ascii: ":"))
      else { return false }
      rest += count + 1
    }
    return strcmp(rest, UnsafeRawPointer(local).assumingMemoryBound(to: CChar.self)) == 0
  }

  private static func parser(_ user: UnsafeMutableRawPointer?) -> XMLParser {
    Unmanaged<XMLParser>.fromOpaque(user!).takeUnretainedValue()
  }

  private static func events() -> xmlSAXHandler {
    var events = xmlSAXHandler()
    events.initialized = 0xDEED_BEAF
    events.startElementNs = { user, name, prefix, _, _, _, count, _, attributes in
      let parser = XMLParser.parser(user)
      guard parser.failure == nil, let name else { return }
      do {
        try parser.handler.start(
          String(cString: name),
          XMLAttributes(base: attributes, count: Int(count), prefix: prefix.map { String(cString: $0) }),
          line: parser.line)
      } catch {
        parser.stop(error)
      }
    }
    events.endElementNs = { user, name, _, _ in
      let parser = XMLParser.parser(user)
      guard parser.failure == nil, let name else { return }
      do { try parser.handler.end(String(cString: name)) } catch { parser.stop(error) }
    }
    events.characters = { user, text, count in
      XMLParser.parser(user).handler.text(UnsafeRawBufferPointer(start: text, count: Int(count)))
    }
    events.ignorableWhitespace = events.characters
    events.cdataBlock = events.characters
    // A declaration is no reference, though libxml2 asks for what it has declared.
    events.entityDecl = { user, _, kind, _, _, _ in
      let isInternal =
        kind == XML_INTERNAL_GENERAL_ENTITY.rawValue || kind == XML_INTERNAL_PARAMETER_ENTITY.rawValue
      XMLParser.parser(user).isDeclaring = isInternal
    }
    events.getEntity = { user, name in
      let parser = XMLParser.parser(user)
      if parser.takesDeclaration() { return nil }
      let name = name.map { String(cString: $0) } ?? ""
      parser.stop(
        RecordError(
          file: parser.file, line: parser.line,
          reason:
            "refers to the entity &\(name.shown(limit: 60)); — entities are not expanded; write the text in its place"))
      return nil
    }
    events.getParameterEntity = { user, name in
      let parser = XMLParser.parser(user)
      if parser.takesDeclaration() { return nil }
      let name = name.map { String(cString: $0) } ?? ""
      parser.stop(
        RecordError(
          file: parser.file, line: parser.line,
          reason:
            "refers to the parameter entity %\(name.shown(limit: 60)); — entities are not expanded; take the reference out"
        ))
      return nil
    }
    events.serror = { user, error in
      guard let error, error.pointee.level.rawValue >= XML_ERR_ERROR.rawValue else { return }
      let parser = XMLParser.parser(user)
      var message = error.pointee.message.map { String(cString: $0) } ?? "malformed"
      while message.last?.isWhitespace == true { message.removeLast() }
      parser.stop(
        RecordError(file: parser.file, line: Int(error.pointee.line), reason: "is no well-formed XML: \(message)"))
    }
    return events
  }
}
