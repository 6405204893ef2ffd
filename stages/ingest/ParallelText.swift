import CanonicalJSON
import Corpora
import Records
import StageKit
import SystemPackage

/// Texts whose n-th rows belong together.
struct ParallelText {
  private var columns: [(field: String, rows: [CorpusRow])]

  /// Texts of fields, none read yet.
  init(fields: [String]) { columns = fields.map { ($0, []) } }

  /// Appends rows to a field's text.
  mutating func append(_ rows: [CorpusRow], to field: String) {
    guard let index = columns.firstIndex(where: { $0.field.hasSameBytes(as: field) }) else { return }
    columns[index].rows += rows
  }

  /// A row for every n; its place is that of the first field.
  ///
  /// - Throws: `StageFailure` where the texts differ in their numbers of rows.
  func rows() throws(StageFailure) -> [CorpusRow] {
    let first = columns[0]
    for column in columns where column.rows.count != first.rows.count {
      func name(_ column: (field: String, rows: [CorpusRow])) -> String {
        column.rows.first.map { $0.file.string.shown(limit: 1000) } ?? "the text of \(column.field)"
      }
      throw StageFailure(
        "\(name(first)) has \(first.rows.count) rows (\(first.field)), \(name(column)) has \(column.rows.count) "
          + "(\(column.field))", remedy: "parallel texts need equal numbers of rows")
    }
    return first.rows.indices.map { index in
      var row = first.rows[index]
      row.fields = JSONObject(columns.flatMap { Self.fields(of: $0.rows[index], as: $0.field) })
      return row
    }
  }

  /// The text as the field; what a pattern took out of it as `field.name`.
  private static func fields(of row: CorpusRow, as field: String) -> [(name: String, value: JSONValue)] {
    row.fields.members.map { (name: $0.name == "text" ? field : "\(field).\($0.name)", value: $0.value) }
  }
}
