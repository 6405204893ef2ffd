import CanonicalJSON
import Corpora
import Records
import StageKit
import SystemPackage

/// Reads the files of a source into the rows of splits.
struct SplitReading {
  private let context: StageContext
  private let reader: CorpusReader
  private let templates: RowTemplates
  private let parameters: ParameterValues
  /// A new place for the rows of a split.
  private let spool: (Split) throws -> RowSpool
  /// Which rows stayed.
  var selection: RowSelection
  /// Rows whose field `references` is an empty list.
  private(set) var withoutReferences = 0
  /// Rows that stayed.
  private var keptRows = 0
  /// Rows that lack fields of a template of references, by its number.
  private var lackingReferences: [Int: Int] = [:]
  /// Rows that do not even name them.
  private var unnamedReferences: [Int: Int] = [:]
  /// Rows that lack fields of all of them.
  private var fallbacks = 0
  /// Members of an archive that are called as another tool calls its validation split, which were not read.
  private(set) var overlooked: [String] = []
  /// The formats that were read.
  private(set) var formats: Set<CorpusFormat> = []

  init(
    _ context: StageContext, reader: CorpusReader, templates: RowTemplates, selection: RowSelection,
    parameters: ParameterValues, spool: @escaping (Split) throws -> RowSpool
  ) {
    self.context = context
    self.reader = reader
    self.templates = templates
    self.selection = selection
    self.parameters = parameters
    self.spool = spool
  }

  /// The rows of a file, kept apart until all are read: members of an archive come in any order.
  private struct Part {
    var split: Split
    var name: String
    /// Where its rows lie in the split's spool.
    var rows: Range<Int> = 0..<0
    /// Where its rows lie among the parallel texts, and which field they are.
    var text: (field: String, stretch: ParallelText.Stretch)?
  }

  /// Reads all files.
  ///
  /// - Parameter sources: The files.
  /// - Returns: Splits in the order train, validation, test; the rows of a split by the names of its files, in the order
  ///   of bytes.
  /// - Throws: `StageFailure`, `RecordError` or `ArchiveError` with the place.
  mutating func read(_ sources: SourceFiles) throws -> [(split: Split, spool: RowSpool, rows: [Int])] {
    var parts: [Part] = []
    let progress = ReadingProgress(of: sources.size, context)
    var spools: [Split: RowSpool] = [:]
    func rows(of split: Split) throws -> RowSpool {
      if let spool = spools[split] { return spool }
      try templates.check(split)
      let new = try spool(split)
      spools[split] = new
      return new
    }
    var parallel: ParallelText?
    func texts() throws -> ParallelText {
      if let parallel { return parallel }
      let new = try ParallelText(in: self.context.work)
      parallel = new
      return new
    }
    var waited = false
    let context = context
    overlooked = try sources.read(
      consumed: progress.advance,
      waiting: {
        if context.isInterrupted { throw context.interruption }
        if !waited {
          context.report(.progress(done: 0, total: nil, unit: "rows", rate: nil, note: "waiting for the pipe"))
        }
        waited = true
      }
    ) { request, file, bytes in
      var reader = reader
      (reader.format, reader.isFormatGuessed) = try format(of: file, isText: request.field != nil)
      formats.insert(reader.format)
      let rows = try rows(of: request.split)
      var part = Part(split: request.split, name: file.string)
      let start = rows.count
      let parallel = try request.field.map { _ in try texts() }
      parallel?.begin(file)
      try reader.read(bytes, file: file) { row in
        progress.rows += 1
        if progress.rows % 4096 == 0, context.isInterrupted { throw context.interruption }
        if let parallel {
          try parallel.append(row)
        } else {
          try add(row, to: rows, request.split)
        }
      }
      if let field = request.field, let parallel { part.text = (field, try parallel.end()) }
      part.rows = start..<rows.count
      parts.append(part)
    }
    let read: [(split: Split, spool: RowSpool, rows: [Int])] = try Split.allCases.compactMap { split in
      let parts = Self.inOrder(parts.filter { $0.split == split })
      guard !parts.isEmpty else { return nil }
      let rows = try rows(of: split)
      var order = parts.flatMap(\.rows)
      if let parallel, parts.contains(where: { $0.text != nil }) {
        let start = rows.count
        var done = 0
        let columns = parameters[IngestParameters.parallel].entries.map { field, _ in
          (
            field: field,
            stretches: parts.compactMap { $0.text?.field.hasSameBytes(as: field) == true ? $0.text?.stretch : nil }
          )
        }
        try parallel.forEachRow(columns) { row in
          done += 1
          if done % 4096 == 0, context.isInterrupted { throw context.interruption }
          try add(row, to: rows, split)
        }
        order = Array(start..<rows.count)
      }
      try rows.finish()
      return (split, rows, order)
    }
    try checkReferences()
    return read
  }

  /// What is to be said of templates of references.
  var referenceRemarks: [String] {
    let fields = templates.referenceFields
    var remarks = lackingReferences.keys.sorted().map { template in
      "\(lackingReferences[template] ?? 0) of \(keptRows) rows lack a field of the reference \(fields[template].shown())"
    }
    if fallbacks > 0 { remarks.append("\(fallbacks) rows have no reference; their completion stands in for it") }
    return remarks
  }

  /// Refuses a template of references whose fields no row names.
  private func checkReferences() throws(StageFailure) {
    guard keptRows > 0 else { return }
    for template in unnamedReferences.keys.sorted() where unnamedReferences[template] == keptRows {
      throw StageFailure(
        "no row has the fields of the reference \(templates.referenceFields[template].shown())",
        remedy: "mend references, or leave the template out")
    }
  }

  private static func inOrder(_ parts: [Part]) -> [Part] {
    parts.enumerated().sorted { left, right in
      left.element.name.utf8.elementsEqual(right.element.name.utf8)
        ? left.offset < right.offset : left.element.name.utf8.lexicographicallyPrecedes(right.element.name.utf8)
    }.map(\.element)
  }

  private mutating func add(_ row: CorpusRow, to rows: RowSpool, _ split: Split) throws {
    switch try templates.row(row, split, id: "\(split.rawValue)-\(rows.count)") {
    case .incomplete: selection.incomplete += 1
    case .withoutConversation: selection.withoutConversation += 1
    case .row(var row, let lacking):
      guard selection.keeps(row) else { return }
      keptRows += 1
      for (template, isNamed) in lacking {
        lackingReferences[template, default: 0] += 1
        if !isNamed { unnamedReferences[template, default: 0] += 1 }
      }
      if !lacking.isEmpty, lacking.count == templates.referenceFields.count { fallbacks += 1 }
      if row.references.isEmpty {
        withoutReferences += 1
        row.references = [row.completion]
      }
      try rows.add(row)
    }
  }

  private func format(of file: FilePath, isText: Bool) throws(StageFailure) -> (CorpusFormat, isGuessed: Bool) {
    if isText { return (.text, false) }
    if reader.record != nil { return (.xml, false) }
    if let format = CorpusFormat(rawValue: parameters[IngestParameters.format].rawValue) { return (format, false) }
    guard let format = CorpusFormat(file: file) else {
      throw StageFailure(
        "\(file.string.shown(limit: 1000)): its name does not tell how rows are written",
        remedy: "set format to jsonl, json, csv, tsv, columns, text, xml, tmx or html")
    }
    return (format, true)
  }
}
