import Corpora
import Records
import StageKit
import SystemPackage

/// Reads the files of a source into the rows of splits.
struct SplitReading {
  private let context: StageContext
  private let encoding: TextEncoding
  private let layout: TextLayout
  private let delimiter: UInt8
  private let templates: RowTemplates
  private let parameters: ParameterValues
  /// Which rows stayed.
  var selection: RowSelection

  init(
    _ context: StageContext, encoding: TextEncoding, layout: TextLayout, delimiter: UInt8, templates: RowTemplates,
    selection: RowSelection, parameters: ParameterValues
  ) {
    self.context = context
    self.encoding = encoding
    self.layout = layout
    self.delimiter = delimiter
    self.templates = templates
    self.selection = selection
    self.parameters = parameters
  }

  /// The rows of a file, kept apart until all are read: members of an archive come in any order.
  private struct Part {
    var split: Split
    var name: String
    var rows: [DatasetRow] = []
    var texts: (field: String, rows: [CorpusRow])?
  }

  /// Reads all files.
  ///
  /// - Parameter sources: The files.
  /// - Returns: Splits in the order train, validation, test; the rows of a split by the names of its files, in the order
  ///   of bytes.
  /// - Throws: `StageFailure`, `RecordError` or `ArchiveError` with the place.
  mutating func read(_ sources: SourceFiles) throws -> [(split: Split, rows: [DatasetRow])] {
    var parts: [Part] = []
    let progress = ReadingProgress(of: sources.size, context)
    var counts: [Split: Int] = [:]
    try sources.read(consumed: progress.advance) { request, file, bytes in
      let reader = CorpusReader(
        format: try format(of: file, isText: request.field != nil), encoding: encoding, layout: layout,
        delimiter: delimiter, threads: context.threads)
      var part = Part(split: request.split, name: file.string)
      if let field = request.field { part.texts = (field, []) }
      try reader.read(bytes, file: file) { row in
        progress.rows += 1
        if progress.rows % 4096 == 0, context.isInterrupted { throw context.interruption }
        if request.field != nil {
          part.texts?.rows.append(row)
        } else {
          try add(row, to: &part.rows, request.split, &counts)
        }
      }
      parts.append(part)
    }
    return try Split.allCases.compactMap { split in
      let parts = Self.inOrder(parts.filter { $0.split == split })
      guard !parts.isEmpty else { return nil }
      // The usual one is not copied.
      var rows = parts.count == 1 ? parts[0].rows : parts.flatMap(\.rows)
      if parts.contains(where: { $0.texts != nil }) {
        for row in try Self.aligned(parts, parameters[IngestParameters.parallel].entries.map(\.name)) {
          try add(row, to: &rows, split, &counts)
        }
      }
      return (split, rows)
    }
  }

  private static func inOrder(_ parts: [Part]) -> [Part] {
    parts.enumerated().sorted { left, right in
      left.element.name.utf8.elementsEqual(right.element.name.utf8)
        ? left.offset < right.offset : left.element.name.utf8.lexicographicallyPrecedes(right.element.name.utf8)
    }.map(\.element)
  }

  private static func aligned(_ parts: [Part], _ fields: [String]) throws -> [CorpusRow] {
    var texts = ParallelText(fields: fields)
    for part in parts {
      if let (field, rows) = part.texts { texts.append(rows, to: field) }
    }
    return try texts.rows()
  }

  private mutating func add(
    _ row: CorpusRow, to rows: inout [DatasetRow], _ split: Split, _ counts: inout [Split: Int]
  ) throws(RecordError) {
    let number = counts[split, default: 0]
    guard let row = try templates.row(row, id: "\(split.rawValue)-\(number)") else {
      selection.incomplete += 1
      return
    }
    guard selection.keeps(row) else { return }
    counts[split] = number + 1
    rows.append(row)
  }

  private func format(of file: FilePath, isText: Bool) throws(StageFailure) -> CorpusFormat {
    if isText { return .text }
    if let format = CorpusFormat(rawValue: parameters[IngestParameters.format].rawValue) { return format }
    guard let format = CorpusFormat(file: file) else {
      throw StageFailure(
        "\(file): its name does not tell how rows are written",
        remedy: "set format to jsonl, json, csv, tsv, columns, text, xml, tmx or html")
    }
    return format
  }
}
