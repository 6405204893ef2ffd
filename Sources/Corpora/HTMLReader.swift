import CXML
import CanonicalJSON
import Records
import SystemPackage

/// The text of an HTML file as one row with the fields `title` and `text`.
///
/// White space is one blank outside `pre`; block elements begin a new line, paragraphs and headings are set off by an
/// empty line, cells of a table by a tab. Scripts, styles, templates and the head leave no text. Broken markup is read as
/// browsers read it, by libxml2.
final class HTMLReader {
  private static let hidden: Set<String> = ["script", "style", "template", "noscript", "svg", "math"]
  private static let paragraphs: Set<String> = [
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table", "ul", "ol", "dl", "figure", "hr",
  ]
  private static let blocks: Set<String> = [
    "div", "section", "article", "main", "header", "footer", "nav", "aside", "li", "dt", "dd", "tr", "caption",
    "figcaption", "form", "fieldset", "address", "option", "body",
  ]

  private let file: FilePath
  private var output: [UInt8] = []
  private var title: [UInt8] = []
  private var isTitle = false
  private var hiddenDepth = 0
  private var preformattedDepth = 0
  private var pendingBlank = false
  private var pendingLines = 0
  private var isTooLong = false

  private init(file: FilePath) { self.file = file }

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - source: Its text as UTF-8.
  ///   - file: Its name for messages.
  ///   - body: Called with the one row.
  /// - Throws: `RecordError`, and what `body` throws.
  static func read(_ source: any ByteSource, file: FilePath, _ body: (CorpusRow) throws -> Void) throws {
    let reader = HTMLReader(file: file)
    try reader.parse(source)
    let title = reader.title.split { $0 == 0x20 || $0 >= 0x09 && $0 <= 0x0D }.map {
      String(decoding: $0, as: UTF8.self)
    }
    try body(
      CorpusRow(
        file: file, line: 1,
        fields: [
          "title": .string(title.joined(separator: " ")),
          "text": .string(String(decoding: reader.output, as: UTF8.self)),
        ]))
  }

  private func parse(_ source: any ByteSource) throws {
    var events = Self.events()
    let user = Unmanaged.passUnretained(self).toOpaque()
    guard let context = htmlCreatePushParserCtxt(&events, user, nil, 0, nil, XML_CHAR_ENCODING_UTF8) else {
      throw RecordError(file: file, reason: "no memory for an HTML parser")
    }
    defer {
      if let document = context.pointee.myDoc { xmlFreeDoc(document) }
      htmlFreeParserCtxt(context)
    }
    let options =
      HTML_PARSE_RECOVER.rawValue | HTML_PARSE_NOERROR.rawValue | HTML_PARSE_NOWARNING.rawValue
      | HTML_PARSE_NONET.rawValue | HTML_PARSE_IGNORE_ENC.rawValue
    htmlCtxtUseOptions(context, Int32(options))
    // Only line by line can bytes be validated as UTF-8 before libxml2 takes them for something else.
    let input = TextInput(file: file, source: source)
    var lines = LineReader(input)
    while let line = try lines.next() {
      _ = try input.text(line, line: lines.line)
      let bytes = line.baseAddress?.assumingMemoryBound(to: CChar.self)
      htmlParseChunk(context, bytes, Int32(line.count), 0)
      htmlParseChunk(context, "\n", 1, 0)
      if isTooLong {
        throw RecordError(file: file, reason: "holds a text longer than \(CorpusLimits.rowBytes >> 20) MiB")
      }
    }
    htmlParseChunk(context, nil, 0, 1)
  }

  private func start(_ name: String) {
    if name == "title" { isTitle = title.isEmpty && hiddenDepth == 0 }
    if Self.hidden.contains(name) { hiddenDepth += 1 }
    if name == "pre" { preformattedDepth += 1 }
    separate(name)
    if name == "br" { pendingLines += 1 }
    if name == "td" || name == "th", output.last != 0x0A, pendingLines == 0, !output.isEmpty { output.append(0x09) }
  }

  private func end(_ name: String) {
    if name == "title" { isTitle = false }
    if Self.hidden.contains(name) { hiddenDepth = max(0, hiddenDepth - 1) }
    if name == "pre" { preformattedDepth = max(0, preformattedDepth - 1) }
    separate(name)
  }

  private func separate(_ name: String) {
    if Self.paragraphs.contains(name) {
      pendingLines = max(pendingLines, 2)
    } else if Self.blocks.contains(name) {
      pendingLines = max(pendingLines, 1)
    }
  }

  private func text(_ bytes: UnsafeBufferPointer<xmlChar>) {
    if isTitle { title.append(contentsOf: bytes) }
    guard hiddenDepth == 0, !isTitle else { return }
    guard output.count + bytes.count <= CorpusLimits.rowBytes else { return isTooLong = true }
    for byte in bytes {
      let isBlank = byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D || byte == 0x0C
      if isBlank, preformattedDepth == 0 {
        pendingBlank = true
        continue
      }
      if pendingLines > 0 {
        if !output.isEmpty { output.append(contentsOf: repeatElement(0x0A, count: min(pendingLines, 2))) }
      } else if pendingBlank, let last = output.last, last != 0x0A, last != 0x09 {
        output.append(0x20)
      }
      pendingLines = 0
      pendingBlank = false
      output.append(byte)
    }
  }

  private static func reader(_ user: UnsafeMutableRawPointer?) -> HTMLReader {
    Unmanaged<HTMLReader>.fromOpaque(user!).takeUnretainedValue()
  }

  private static func events() -> xmlSAXHandler {
    var events = xmlSAXHandler()
    events.startElement = { user, name, _ in
      if let name { HTMLReader.reader(user).start(String(cString: name)) }
    }
    events.endElement = { user, name in
      if let name { HTMLReader.reader(user).end(String(cString: name)) }
    }
    events.characters = { user, text, count in
      HTMLReader.reader(user).text(UnsafeBufferPointer(start: text, count: Int(count)))
    }
    events.ignorableWhitespace = events.characters
    return events
  }
}
