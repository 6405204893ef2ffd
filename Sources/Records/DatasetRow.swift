import CanonicalJSON
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
    try JSONLines.read(file(of: split, in: folder)) { line in
      let completion = try line.string("completion")
      rows.append(
        DatasetRow(
          id: try line.string("id"), prompt: try line.string("prompt"), completion: completion,
          references: line.has("references") ? try line.strings("references") : [completion]))
    }
    return rows
  }

  /// Writes a split.
  /// - Throws: `Errno`.
  public static func write(_ rows: some Sequence<DatasetRow>, _ split: Split, in folder: FilePath) throws {
    try JSONLines.write(rows, to: file(of: split, in: folder)) { row, text in
      text.raw("{\"id\":")
      text.append(row.id)
      text.raw(",\"prompt\":")
      text.append(row.prompt)
      text.raw(",\"completion\":")
      text.append(row.completion)
      text.raw(",\"references\":")
      text.array(row.references) { $0.append($1) }
      text.raw("}")
    }
  }
}
