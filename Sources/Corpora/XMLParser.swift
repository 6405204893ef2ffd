import CXML
import Records
import SystemPackage

/// What a reader of an XML format sees, in the order of the file.
protocol XMLHandler: AnyObject {
  /// An element begins.
  func start(_ name: String, _ attributes: XMLAttributes, line: Int) throws
  /// A piece of text; a text may come in any number of pieces.
  func text(_ bytes: UnsafeRawBufferPointer)
  /// An element ends.
  func end(_ name: String) throws
}

/// The attributes of an element, valid while it begins.
struct XMLAttributes {
  fileprivate let base: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
  fileprivate let count: Int

  /// Name, with its prefix where it has one (`xml:lang`), and value.
  var all: [(name: String, value: String)] {
    guard let base else { return [] }
    return (0..<count).map { index in
      // libxml2 gives five pointers an attribute: local name, prefix, namespace, value and its end.
      let entry = base + index * 5
      let local = entry[0].map { String(cString: $0) } ?? ""
      let name = entry[1].map { String(cString: $0) + ":" + local } ?? local
      guard let start = entry[3], let end = entry[4] else { return (name, "") }
      return (name, String(decoding: UnsafeBufferPointer(start: start, count: end - start), as: UTF8.self))
    }
  }

  subscript(name: String) -> String? { all.first { $0.name == name }?.value }
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

  private init(file: FilePath, handler: any XMLHandler) {
    self.file = file
    self.handler = handler
  }

  /// Parses a file.
  ///
  /// - Parameters:
  ///   - source: Its bytes.
  ///   - file: Its name for messages.
  ///   - isUTF8: Whether the bytes are UTF-8 whatever the XML declaration says.
  ///   - handler: What sees the events.
  /// - Throws: `RecordError` with the line, and what the handler throws.
  static func parse(
    _ source: any ByteSource, file: FilePath, isUTF8: Bool, _ handler: any XMLHandler
  ) throws {
    try XMLParser(file: file, handler: handler).run(source, isUTF8: isUTF8)
  }

  private func run(_ source: any ByteSource, isUTF8: Bool) throws {
    var events = Self.events()
    // libxml2 tells the encoding by the first four bytes.
    let head = try PrefixedBytes.head(of: source, count: 4)
    let user = Unmanaged.passUnretained(self).toOpaque()
    let made = head.withUnsafeBytes {
      xmlCreatePushParserCtxt(
        &events, user, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count), nil)
    }
    guard let context = made else { throw RecordError(file: file, reason: "no memory for an XML parser") }
    self.context = context
    defer {
      if let document = context.pointee.myDoc { xmlFreeDoc(document) }
      xmlFreeParserCtxt(context)
    }
    var options = Int32(XML_PARSE_NONET.rawValue)
    if isUTF8 { options |= Int32(XML_PARSE_IGNORE_ENC.rawValue) }
    xmlCtxtUseOptions(context, options)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    var count = 0
    repeat {
      count = try source.read(into: buffer)
      let bytes = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      xmlParseChunk(context, bytes, Int32(count), count == 0 ? 1 : 0)
      if let failure { throw failure }
    } while count > 0
    guard context.pointee.wellFormed == 1 else { throw RecordError(file: file, reason: "is no well-formed XML") }
  }

  private var line: Int { Int(context?.pointee.input?.pointee.line ?? 0) }

  private func stop(_ error: any Error) {
    if failure == nil { failure = error }
    if let context { xmlStopParser(context) }
  }

  private static func parser(_ user: UnsafeMutableRawPointer?) -> XMLParser {
    Unmanaged<XMLParser>.fromOpaque(user!).takeUnretainedValue()
  }

  private static func events() -> xmlSAXHandler {
    var events = xmlSAXHandler()
    events.initialized = 0xDEED_BEAF
    events.startElementNs = { user, name, _, _, _, _, count, _, attributes in
      let parser = XMLParser.parser(user)
      guard parser.failure == nil, let name else { return }
      do {
        try parser.handler.start(
          String(cString: name), XMLAttributes(base: attributes, count: Int(count)), line: parser.line)
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
    events.getEntity = { user, name in
      let parser = XMLParser.parser(user)
      let name = name.map { String(cString: $0) } ?? ""
      parser.stop(
        RecordError(
          file: parser.file, line: parser.line,
          reason: "refers to the entity &\(name); — entities are not expanded; write the text in its place"))
      return nil
    }
    events.getParameterEntity = { user, name in
      let parser = XMLParser.parser(user)
      let name = name.map { String(cString: $0) } ?? ""
      parser.stop(
        RecordError(
          file: parser.file, line: parser.line,
          reason: "refers to the parameter entity %\(name); — entities are not expanded; take the reference out"))
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
