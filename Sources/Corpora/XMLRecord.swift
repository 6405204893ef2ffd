import CanonicalJSON
import Records
import SystemPackage

/// What a row of an XML file of any schema is: an element, and the paths within it that are fields.
public struct XMLRecordForm: Sendable {
  /// The path of the element from the root, as it was written.
  let name: String
  let path: XMLPath
  let fields: [(name: String, path: XMLPath)]
  let join: String

  /// A form.
  ///
  /// - Parameters:
  ///   - record: The path of the element that is a row, from the root: `benchmark/entries/entry`.
  ///   - fields: The paths that rows are asked for, relative to that element: `lex[@comment="good"]/text`, `@category`.
  ///   - join: What stands between the values of a field that has several, where they become one text.
  /// - Throws: `Template.Malformed` where a path can't be read.
  public init(record: String, fields: [String], join: String) throws(Template.Malformed) {
    name = record
    path = try XMLPath(record)
    guard path.attribute == nil, !path.steps.isEmpty else {
      throw Template.Malformed(description: "path \"\(record.shown())\": expected the path of an element from the root")
    }
    var paths: [(name: String, path: XMLPath)] = []
    for field in fields where !paths.contains(where: { $0.name.hasSameBytes(as: field) }) {
      paths.append((field, try XMLPath(field)))
    }
    self.fields = paths
    self.join = join
  }
}

/// An element of a record with all that it holds.
private final class XMLElement {
  enum Content {
    case text([UInt8])
    case element(XMLElement)
  }

  let name: String
  let prefix: String?
  let attributes: [(name: String, value: String)]
  private var content: [Content] = []
  /// The text behind the last child so far; appended to in place, however many pieces it comes in.
  private var tail: [UInt8] = []

  init(_ name: String, _ prefix: String?, _ attributes: [(name: String, value: String)]) {
    self.name = name
    self.prefix = prefix
    self.attributes = attributes
  }

  func append(_ text: UnsafeRawBufferPointer) { tail.append(contentsOf: text) }

  func append(_ child: XMLElement) {
    if !tail.isEmpty { content.append(.text(tail)) }
    tail = []
    content.append(.element(child))
  }

  var children: [XMLElement] {
    content.compactMap { if case .element(let element) = $0 { element } else { nil } }
  }

  func attribute(_ name: String) -> String? { attributes.first { $0.name.hasSameBytes(as: name) }?.value }

  private func collect(into bytes: inout [UInt8]) {
    for piece in content {
      switch piece {
      case .text(let text): bytes += text
      case .element(let element): element.collect(into: &bytes)
      }
    }
    bytes += tail
  }

  /// All text within, without the white space around it.
  var text: String {
    var bytes: [UInt8] = []
    collect(into: &bytes)
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
    let trimmed = bytes.drop(while: isBlank)
    let end = trimmed.lastIndex { !isBlank($0) } ?? trimmed.startIndex - 1
    return String(decoding: trimmed[..<(end + 1)], as: UTF8.self)
  }

  /// The values at a path.
  func values(at path: XMLPath) -> [String] {
    var elements = [self]
    for step in path.steps {
      elements = elements.flatMap(\.children).filter { step.matches($0.name, $0.prefix, $0.attribute) }
    }
    return path.attribute.map { name in elements.compactMap { $0.attribute(name) } } ?? elements.map(\.text)
  }

  /// The paths below this element, each once.
  func paths(below prefix: String = "", into paths: inout [String]) {
    for attribute in attributes where !paths.contains("\(prefix)@\(attribute.name)") {
      paths.append("\(prefix)@\(attribute.name)")
    }
    for child in children where paths.count < 100 {
      if !paths.contains(prefix + child.name) { paths.append(prefix + child.name) }
      child.paths(below: prefix + child.name + "/", into: &paths)
    }
  }
}

/// Rows of an XML file of any schema; one record is in memory at a time.
final class XMLRecordReader: XMLHandler {
  private let file: FilePath
  private let form: XMLRecordForm
  private let body: (CorpusRow) throws -> Void

  private var depth = 0
  /// How many elements from the root on match the record's steps.
  private var matched = 0
  private var open: [XMLElement] = []
  private var line = 0
  private var size = 0
  private var count = 0
  /// Elements that were met before the first record, for the message where there is none.
  private var names: [String] = []
  private var met: [String] = []

  init(file: FilePath, _ form: XMLRecordForm, _ body: @escaping (CorpusRow) throws -> Void) {
    self.file = file
    self.form = form
    self.body = body
  }

  func start(_ name: String, _ attributes: XMLAttributes, line: Int) throws {
    if open.isEmpty {
      if count == 0 { meet(name) }
      let steps = form.path.steps
      if matched == depth, matched < steps.count {
        let all = attributes.all
        if steps[matched].matches(
          name, attributes.prefix, { wanted in all.first { $0.name.hasSameBytes(as: wanted) }?.value })
        {
          matched += 1
        }
      }
      depth += 1
      guard matched == depth, matched == steps.count else { return }
      self.line = line
      size = 0
      open = [XMLElement(name, attributes.prefix, attributes.all)]
      return
    }
    let element = XMLElement(name, attributes.prefix, attributes.all)
    try grow(by: 128 + element.attributes.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count })
    open[open.count - 1].append(element)
    open.append(element)
  }

  private func meet(_ name: String) {
    names = Array(names.prefix(depth)) + [name]
    let path = names.joined(separator: "/")
    if depth < 8, met.count < 20, !met.contains(path) { met.append(path) }
  }

  private func grow(by count: Int) throws(RecordError) {
    size += count
    guard size <= CorpusLimits.rowBytes else {
      throw RecordError(file: file, line: line, reason: "begins a row longer than \(CorpusLimits.rowBytes >> 20) MiB")
    }
  }

  func text(_ bytes: UnsafeRawBufferPointer) {
    guard let element = open.last else { return }
    size += bytes.count
    // What is too much is said where the element ends, which may throw.
    guard size <= CorpusLimits.rowBytes else { return }
    element.append(bytes)
  }

  func end(_ name: String) throws {
    if !open.isEmpty {
      try grow(by: 0)
      let element = open.removeLast()
      guard open.isEmpty else { return }
      count += 1
      try body(row(element))
    }
    depth -= 1
    matched = min(matched, depth)
  }

  private func row(_ element: XMLElement) -> CorpusRow {
    var fields: [(name: String, value: JSONValue)] = []
    for field in form.fields {
      let values = element.values(at: field.path)
      switch values.count {
      case 0: break
      case 1: fields.append((field.name, .string(values[0])))
      default: fields.append((field.name, .array(values.map { .string($0) })))
      }
    }
    var row = CorpusRow(file: file, line: line, fields: JSONObject(fields))
    row.join = form.join
    if fields.count < form.fields.count {
      var paths: [String] = []
      element.paths(into: &paths)
      row.otherNames = paths
    }
    return row
  }

  func finish() throws {
    guard count == 0 else { return }
    let found = met.shownList(most: 10, limit: 80)
    throw RecordError(
      file: file, reason: "has no element \(form.name.shown()), which record names; it has \(found)")
  }
}
