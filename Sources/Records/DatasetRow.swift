public import CanonicalJSON
public import SystemPackage

/// A part of a dataset.
public enum Split: String, Sendable, Hashable, CaseIterable {
  /// What models learn from.
  case train
  /// What early stopping looks at.
  case validation
  /// What is reported.
  case test
}

/// A prompt with its right answers.
public struct DatasetRow: Sendable, Hashable {
  /// `<split>-<row>`.
  public var id: String
  /// What the model is given.
  public var prompt: String
  /// The answer that training shows.
  public var completion: String
  /// All right answers, the completion among them.
  public var references: [String]

  /// A row.
  public init(id: String, prompt: String, completion: String, references: [String]) {
    self.id = id
    self.prompt = prompt
    self.completion = completion
    self.references = references
  }
}

/// A dataset folder: `<split>.jsonl` for those splits that exist.
public enum DatasetFiles {
  /// The splits of a folder in the order train, validation, test.
  public static func splits(in folder: FilePath) -> [Split] {
    Split.allCases.filter { FileContent.exists(file(of: $0, in: folder)) }
  }

  /// The file of a split.
  public static func file(of split: Split, in folder: FilePath) -> FilePath {
    folder.appending("\(split.rawValue).jsonl")
  }

  /// Reads a split; a row without references has its completion as the only one.
  /// - Throws: `RecordError` with file and line.
  public static func read(_ split: Split, in folder: FilePath) throws -> [DatasetRow] {
    var rows: [DatasetRow] = []
    try JSONLines.read(file(of: split, in: folder)) { rows.append(try row($0)) }
    return rows
  }

  /// Reads a split row by row; the file is never in memory whole.
  ///
  /// - Parameters:
  ///   - split: The split.
  ///   - folder: The dataset.
  ///   - body: Called with each row in order.
  /// - Throws: `RecordError` with file and line, and what `body` throws.
  public static func forEach(_ split: Split, in folder: FilePath, _ body: (DatasetRow) throws -> Void) throws {
    try JSONLines.read(file(of: split, in: folder)) { try body(row($0)) }
  }

  /// How many rows a split has: lines that are not blank.
  /// - Throws: `RecordError` where the file can't be read.
  public static func count(_ split: Split, in folder: FilePath) throws -> Int {
    let file = file(of: split, in: folder)
    let descriptor = try FileContent.open(file)
    defer { try? descriptor.close() }
    var window = ByteWindow()
    var count = 0
    while let lines = try window.lines(1 << 18, { try FileContent.read(descriptor, file, into: $0) }), !lines.isEmpty {
      lines.forEachLine { line, _ in if !line.isBlank { count += 1 } }
    }
    return count
  }

  private static func row(_ line: JSONLine) throws(RecordError) -> DatasetRow {
    let completion = try line.string("completion")
    return DatasetRow(
      id: try line.string("id"), prompt: try line.string("prompt"), completion: completion,
      references: line.has("references") ? try line.strings("references") : [completion])
  }

  /// Checks that a split can be read; no row is kept.
  ///
  /// - Parameters:
  ///   - split: The split.
  ///   - folder: The dataset.
  ///   - threads: How many threads look at it.
  /// - Throws: `RecordError` as `read` does.
  public static func check(_ split: Split, in folder: FilePath, threads: Int = 1) throws {
    let file = file(of: split, in: folder)
    let descriptor = try FileContent.open(file)
    defer { try? descriptor.close() }
    var window = ByteWindow()
    var number = 0
    while let lines = try window.lines(threads << 18, { try FileContent.read(descriptor, file, into: $0) }),
      !lines.isEmpty
    {
      let findings = concurrently(lines.lineParts(threads)) { part in
        var failure: RecordError?
        let count = part.forEachLine { line, number in
          // Rows as `write` writes them are known at a glance, which is ten times faster than parsing.
          if failure != nil || line.isBlank || isAsWritten(line) { return }
          do throws(RecordError) { _ = try row(JSONLines.row(line, file, number)) } catch { failure = error }
        }
        return (count: count, failure: failure)
      }
      for finding in findings {
        if let failure = finding.failure { throw failure.moved(by: number) }
        number += finding.count
      }
    }
  }

  /// Whether a line surely is a row; true of nearly all that `write` wrote.
  private static func isAsWritten(_ line: UnsafeRawBufferPointer) -> Bool {
    guard var glance = JSONGlance(line) else { return false }
    guard glance.skip("{\"id\":"), glance.skipString(), glance.skip(",\"prompt\":"), glance.skipString(),
      glance.skip(",\"completion\":"), glance.skipString(), glance.skip(",\"references\":["), glance.skipString()
    else { return false }
    while glance.skip(",") { guard glance.skipString() else { return false } }
    return glance.skip("]}") && glance.isAtEnd
  }

  /// Writes a split.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - split: The split.
  ///   - folder: The dataset.
  ///   - threads: How many threads write; their number changes no byte.
  /// - Throws: `Errno`.
  public static func write(_ rows: [DatasetRow], _ split: Split, in folder: FilePath, threads: Int = 1) throws {
    try JSONLines.write(rows, to: file(of: split, in: folder), threads: threads) { row, text in
      row.appendID(to: &text)
      _ = row.appendBody(to: &text)
      text.raw(end)
    }
  }

  /// What ends a row's text behind its references.
  public static let end: StaticString = "]}"
}

extension DatasetRow {
  /// Where the parts of a row's text end, counted from behind its id.
  public struct Extent: Sendable {
    /// The prompt, a JSON string that begins at `promptStart`.
    public var prompt: Int
    /// What stands before the references.
    public var head: Int
    /// The references without the bracket behind them.
    public var references: Int
    /// Where the prompt begins.
    public static let promptStart = 10
  }

  /// Appends the beginning of the row's text up to the id.
  public func appendID(to text: inout JSONText) {
    text.raw("{\"id\":")
    text.append(id)
  }

  /// Appends the row's text from behind the id up to the last reference; `DatasetFiles.end` ends it.
  public func appendBody(to text: inout JSONText) -> Extent {
    let start = text.bytes.count
    text.raw(",\"prompt\":")
    text.append(prompt)
    let promptEnd = text.bytes.count - start
    text.raw(",\"completion\":")
    text.append(completion)
    text.raw(",\"references\":[")
    let headEnd = text.bytes.count - start
    for (index, reference) in references.enumerated() {
      if index > 0 { text.raw(",") }
      text.append(reference)
    }
    return Extent(prompt: promptEnd, head: headEnd, references: text.bytes.count - start)
  }
}
