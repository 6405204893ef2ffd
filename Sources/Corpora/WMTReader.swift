import CanonicalJSON
import Records
import SystemPackage

/// Rows of WMT's XML format, a row per source segment.
///
///     <dataset id="…"><doc id="d" origlang="de"><src lang="de"><p><seg id="1">…</seg></p></src>
///       <ref lang="fr" translator="A">…</ref><hyp system="S" lang="fr">…</hyp></doc></dataset>
///
/// Fields: `doc` and `seg` (ids), the other attributes of the document, `src`, `ref.A` for the reference of translator A
/// (`ref` where none is named), `hyp.S` for the output of system S. Segments belong together by id within a document. A
/// document without a reference gives rows without that field.
final class WMTReader: XMLHandler {
  private let file: FilePath
  private let body: (CorpusRow) throws -> Void

  private var hasRoot = false
  private var document: [(name: String, value: JSONValue)] = []
  /// Segments of the source, each with its texts by column, the source's first.
  private var segments: [(id: String, line: Int, texts: [(column: Int, text: String)])] = []
  /// By the bytes of the id.
  private var indices: [[UInt8]: Int] = [:]
  /// A column is the source, a reference or a system.
  private var columns: [String] = []
  /// The columns by their bytes.
  private var columnNames: Set<[UInt8]> = []
  private var isInColumn = false
  private var segment: (id: String, line: Int)?
  private var content = TextGathering()

  init(file: FilePath, _ body: @escaping (CorpusRow) throws -> Void) {
    self.file = file
    self.body = body
  }

  private func error(_ line: Int, _ reason: String) -> RecordError {
    RecordError(file: file, line: line, reason: reason)
  }

  func start(_ name: String, _ attributes: XMLAttributes, line: Int) throws {
    if !hasRoot {
      hasRoot = true
      guard name == "dataset" else {
        throw error(
          line,
          "expected WMT's format, whose root is <dataset>; found <\(name.shown())>; for XML of another form set record")
      }
    }
    switch name {
    case "doc":
      document = []
      for (name, value) in attributes.all { document.append((name == "id" ? "doc" : name, .string(value))) }
      segments = []
      indices = [:]
      columns = []
      columnNames = []
    case "src":
      guard columns.isEmpty else { throw error(line, "a document has its <src> first and once") }
      try begin("src", line)
    case "ref": try begin(attributes["translator"].map { "ref." + $0 } ?? "ref", line)
    case "hyp": try begin(attributes["system"].map { "hyp." + $0 } ?? "hyp", line)
    case "seg" where isInColumn:
      guard let id = attributes["id"] else { throw error(line, "a <seg> has no id") }
      segment = (id, line)
      content.clear()
    default: break
    }
  }

  private func begin(_ column: String, _ line: Int) throws {
    guard column == "src" || columns.first == "src" else {
      throw error(line, "a document has its <src> first; found \(column.shown())")
    }
    guard columnNames.insert(Array(column.utf8)).inserted else {
      throw error(line, "a document has \(column.shown()) twice")
    }
    columns.append(column)
    isInColumn = true
  }

  func text(_ bytes: UnsafeRawBufferPointer) { if segment != nil { content.append(bytes) } }

  func end(_ name: String) throws {
    switch name {
    case "seg":
      guard let (id, line) = segment else { return }
      segment = nil
      let text = try content.take(file: file, line: line)
      let column = columns.count - 1
      if column == 0 {
        guard indices.updateValue(segments.count, forKey: Array(id.utf8)) == nil else {
          throw error(line, "segment \(id.shown()) stands twice in the source of its document")
        }
        segments.append((id, line, [(0, text)]))
      } else {
        guard let index = indices[Array(id.utf8)] else {
          throw error(
            line, "\(columns[column].shown()) has a segment \(id.shown()), the source of its document has none")
        }
        guard segments[index].texts.last?.column != column else {
          throw error(line, "segment \(id.shown()) stands twice in \(columns[column].shown())")
        }
        segments[index].texts.append((column, text))
      }
    case "src", "ref", "hyp": isInColumn = false
    case "doc": try emit()
    default: break
    }
  }

  private func emit() throws {
    for segment in segments {
      var fields = document
      fields.append(("seg", .string(segment.id)))
      for (column, text) in segment.texts { fields.append((columns[column], .string(text))) }
      try body(CorpusRow(file: file, line: segment.line, fields: JSONObject(fields)))
    }
    segments = []
  }
}
