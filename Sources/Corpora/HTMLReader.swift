import CanonicalJSON
import Records
import SystemPackage

/// The text of an HTML file as one row with the fields `title` and `text`.
///
/// White space is one blank outside `pre`; block elements begin a new line, paragraphs and headings are set off by an
/// empty line, cells of a table by a tab. Scripts, styles, templates, drawings and formulas leave no text. Tags that may
/// be left out need not be there, and broken markup is read as browsers read it: whatever stands in the page is its text,
/// behind `</body>` too.
struct HTMLReader {
  /// Elements that leave no text, with all that stands in them.
  private static let hidden: Set<String> = [
    "script", "style", "noscript", "iframe", "noembed", "noframes", "template", "svg", "math",
  ]
  private static let paragraphs: Set<String> = [
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "listing", "xmp", "plaintext", "blockquote", "table", "ul", "ol",
    "dl", "menu", "dir", "figure", "hr",
  ]
  private static let blocks: Set<String> = [
    "div", "section", "article", "main", "header", "footer", "nav", "aside", "hgroup", "search", "li", "dt", "dd", "tr",
    "caption", "figcaption", "form", "fieldset", "legend", "address", "center", "details", "summary", "dialog",
    "option",
    "optgroup", "body", "html", "head", "thead", "tbody", "tfoot",
  ]
  private static let preformatted: Set<String> = ["pre", "listing", "xmp", "textarea", "plaintext"]
  /// Elements of HTML that end a drawing or a formula that was not closed.
  private static let breakout: Set<String> = [
    "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed", "h1", "h2", "h3",
    "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s",
    "small", "span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var",
  ]

  /// Hidden elements within hidden ones are counted so far.
  private static let deepest = 256

  private var output: [UInt8] = []
  private var title: [UInt8]?
  private var isTitle = false
  /// The hidden elements that are open; those with raw content never are for longer than it lasts.
  private var open: [String] = []
  /// Open elements within a drawing or formula that hold HTML.
  private var islands = 0
  private var preformattedDepth = 0
  private var beginsPreformatted = false
  private var isParagraph = false
  private var pendingBlank = false
  private var pendingLines = 0
  private var endsWithCarriageReturn = false

  /// Reads a file, which is a row.
  ///
  /// - Parameters:
  ///   - source: Its text as UTF-8.
  ///   - file: Its name for messages.
  ///   - body: Called with the one row.
  /// - Throws: `RecordError`, and what `body` throws.
  static func read(_ source: any ByteSource, file: FilePath, _ body: (CorpusRow) throws -> Void) throws {
    let input = TextInput(file: file, source: source)
    while try input.more(line: 1) {}
    try input.window.forEachLine { line, number throws(RecordError) in _ = try input.text(line, line: number) }
    var reader = HTMLReader()
    reader.read(input.window)
    let title = (reader.title ?? []).split { $0 == 0x20 || $0 >= 0x09 && $0 <= 0x0D }
      .map { String(decoding: $0, as: UTF8.self) }
    try body(
      CorpusRow(
        file: file, line: 1,
        fields: [
          "title": .string(title.joined(separator: " ")),
          "text": .string(String(decoding: reader.output, as: UTF8.self)),
        ]))
  }

  private mutating func read(_ page: UnsafeRawBufferPointer) {
    var tokens = HTMLTokenizer(page)
    while let token = tokens.next() {
      switch token {
      case .text(let bytes): text(bytes)
      case .start(let name, let isSelfClosing): start(name, isSelfClosing)
      case .end(let name): end(name)
      }
      tokens.isForeign = isForeign
    }
  }

  private var isForeign: Bool { (open.last == "svg" || open.last == "math") && islands == 0 }

  private mutating func start(_ name: String, _ isSelfClosing: Bool) {
    if isForeign {
      guard Self.breakout.contains(name) else {
        if isSelfClosing { return }
        if name == "svg" || name == "math", open.count < Self.deepest { open.append(name) }
        if name == "foreignobject" { islands += 1 }
        return
      }
      while let last = open.last, last == "svg" || last == "math" { open.removeLast() }
    }
    if Self.hidden.contains(name) {
      if !isSelfClosing, open.count < Self.deepest { open.append(name) }
      return
    }
    guard open.isEmpty else { return }
    if name == "title" {
      isTitle = !isSelfClosing
      return
    }
    if isParagraph, Self.paragraphs.contains(name) || Self.blocks.contains(name) { endParagraph() }
    if name == "p" { isParagraph = !isSelfClosing }
    separate(name)
    if name == "br" { pendingLines += 1 }
    if !isSelfClosing, Self.preformatted.contains(name) {
      preformattedDepth += 1
      beginsPreformatted = name != "xmp" && name != "plaintext"
    }
    if name == "td" || name == "th", output.last != 0x0A, pendingLines == 0, !output.isEmpty { output.append(0x09) }
  }

  private mutating func end(_ name: String) {
    if isForeign || !open.isEmpty {
      if name == "foreignobject", islands > 0 {
        islands -= 1
      } else if let index = open.lastIndex(of: name) {
        if name == "svg" || name == "math" { islands = 0 }
        open.removeSubrange(index...)
      }
      return
    }
    if name == "title" {
      if title == nil { title = [] }
      isTitle = false
      return
    }
    if isParagraph, Self.paragraphs.contains(name) || Self.blocks.contains(name) || name == "td" || name == "th" {
      endParagraph()
    }
    if Self.preformatted.contains(name) { preformattedDepth = max(0, preformattedDepth - 1) }
    if name == "br" { pendingLines += 1 }
    separate(name)
  }

  private mutating func endParagraph() {
    isParagraph = false
    separate("p")
  }

  private mutating func separate(_ name: String) {
    if Self.paragraphs.contains(name) {
      pendingLines = max(pendingLines, 2)
    } else if Self.blocks.contains(name) {
      pendingLines = max(pendingLines, 1)
    }
  }

  private mutating func text(_ bytes: [UInt8]) {
    guard open.isEmpty else { return }
    if isTitle {
      // The first title that says something is the page's.
      if title == nil || title?.isEmpty == true { title = bytes }
      return
    }
    for byte in bytes {
      let isFirst = beginsPreformatted
      beginsPreformatted = false
      let isSecond = byte == 0x0A && endsWithCarriageReturn
      endsWithCarriageReturn = byte == 0x0D
      let isBlank = byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D || byte == 0x0C
      if isBlank, preformattedDepth == 0 {
        pendingBlank = true
        continue
      }
      // A line end right behind <pre> is no text, and CRLF is one line end.
      if isSecond { continue }
      if isFirst, byte == 0x0A || byte == 0x0D { continue }
      if pendingLines > 0 {
        if !output.isEmpty { output.append(contentsOf: repeatElement(0x0A, count: min(pendingLines, 2))) }
      } else if pendingBlank, let last = output.last, last != 0x0A, last != 0x09 {
        output.append(0x20)
      }
      pendingLines = 0
      pendingBlank = false
      output.append(byte == 0x0D ? 0x0A : byte)
    }
  }
}
