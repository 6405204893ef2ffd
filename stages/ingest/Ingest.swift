import CanonicalJSON
import Corpora
import Records
public import StageKit
public import SystemPackage

/// Reads a user's files into a dataset.
public struct Ingest: Stage {
  enum Format: String, ChoiceParameter { case auto, jsonl, csv, tsv }

  static let files = Parameter(
    "files", default: NamedValues<String>(),
    doc:
      "Split (train, validation, test) to a file name or glob below the source; default: one file is train, a folder holds <split>.<ext>."
  )
  static let format = Parameter(
    "format", default: Format.auto, doc: "How rows are written; auto goes by the file's name.")
  static let prompt = Parameter("prompt", default: "{prompt}", doc: "Template of the prompt over the row's fields.")
  static let completion = Parameter(
    "completion", default: "{completion}", doc: "Template of the completion over the row's fields.")
  static let references = Parameter(
    "references", default: [String](),
    doc:
      "Templates of the right answers; a template that is one field with a list gives them all. Default: the field references where there is one, else the completion."
  )
  static let gather = Parameter(
    "gather", default: [String](),
    doc: "Splits in which rows with equal prompt become one row with all their answers as references.")
  static let fractions = Parameter(
    "fractions", default: NamedValues<Double>(),
    doc: "Split to share: deals the prompts of the one file train out to splits by seed; the shares sum to 1.")
  static let seed = Parameter("seed", default: 0, in: 0...(1 << 53), doc: "Seed of fractions and shuffle.")
  static let shuffle = Parameter(
    "shuffle", default: false, doc: "Whether rows of train are put in an order drawn by seed.")
  static let limit = Parameter(
    "limit", default: 0, in: 0...(1 << 53), unit: "rows", doc: "Takes the first rows of each split; 0 takes all.")

  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "ingest", revision: 1, summary: "Reads JSONL, CSV or TSV files into a dataset of prompts and completions.",
    inputs: [PortDeclaration("source", .source, doc: "A file or a folder.")],
    outputs: [PortDeclaration("dataset", .dataset, doc: "Prompts, completions and references by split.")],
    parameters: [
      files.declaration, format.declaration, prompt.declaration, completion.declaration, references.declaration,
      gather.declaration, fractions.declaration, seed.declaration, shuffle.declaration, limit.declaration,
    ],
    aliases: ["input": "prompt", "output": "completion", "target": "completion", "max_samples": "limit"])

  private let format: CorpusFormat?
  private let files: [(split: Split, name: String)]
  private let rows: RowTemplates
  private let gathered: Set<Split>
  private let fractions: [(split: Split, share: Double)]
  private let seed: UInt64
  private let shuffles: Bool
  private let limit: Int

  /// The stage with checked parameters.
  /// - Throws: `ParameterError` for an unknown split, a malformed template or shares that do not sum to 1.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    func split(_ name: String, of parameter: String) throws(ParameterError) -> Split {
      guard let split = Split(rawValue: name) else {
        throw ParameterError(parameter: parameter, found: "split \(name)", expected: "train, validation or test")
      }
      return split
    }
    var files: [(Split, String)] = []
    for entry in parameters[Self.files].entries { files.append((try split(entry.name, of: "files"), entry.value)) }
    var gathered: Set<Split> = []
    for name in parameters[Self.gather] { gathered.insert(try split(name, of: "gather")) }
    var fractions: [(Split, Double)] = []
    for entry in parameters[Self.fractions].entries {
      guard entry.value > 0 else {
        throw ParameterError(parameter: "fractions", found: "\(entry.value)", expected: "shares above 0")
      }
      fractions.append((try split(entry.name, of: "fractions"), entry.value))
    }
    let sum = fractions.reduce(0) { $0 + $1.1 }
    guard fractions.isEmpty || abs(sum - 1) < 1e-9 else {
      throw ParameterError(
        parameter: "fractions", found: "a sum of \(JSONValue(sum).text)", expected: "shares that sum to 1")
    }
    guard fractions.isEmpty || files.allSatisfy({ $0.0 == .train }) else {
      throw ParameterError(
        parameter: "fractions", found: "files for more splits than train", expected: "one split of files")
    }
    self.files = files
    self.gathered = gathered
    self.fractions = fractions
    rows = try RowTemplates(
      prompt: parameters[Self.prompt], completion: parameters[Self.completion], references: parameters[Self.references])
    format = CorpusFormat(rawValue: parameters[Self.format].rawValue)
    seed = UInt64(parameters[Self.seed])
    shuffles = parameters[Self.shuffle]
    limit = parameters[Self.limit]
  }

  /// The files that the parameters name.
  public func sourceFiles(of port: String, at path: FilePath) throws -> [FilePath]? {
    try SourceFiles(path, names: files).all.map(\.file)
  }

  /// Reads the source and writes the dataset.
  public func run(_ context: StageContext) throws {
    let sources = try SourceFiles(context.input("source").path, names: files)
    var splits: [(split: Split, rows: [DatasetRow])] = []
    for (split, paths) in sources.bySplit {
      var rows: [DatasetRow] = []
      for path in paths { try read(path, into: &rows, split) }
      splits.append((split, rows))
    }
    if !fractions.isEmpty { splits = Dealing(seed: seed).deal(splits.flatMap(\.rows), fractions) }
    for index in splits.indices {
      let split = splits[index].split
      var rows = splits[index].rows
      if gathered.contains(split) { rows = Self.gather(rows) }
      if shuffles, split == .train { rows = Dealing(seed: seed).shuffled(rows) }
      if limit > 0 { rows = Array(rows.prefix(limit)) }
      guard !rows.isEmpty else {
        throw StageFailure("split \(split.rawValue) has no rows", remedy: "check files, limit and fractions")
      }
      for row in rows.indices { rows[row].id = "\(split.rawValue)-\(row)" }
      splits[index].rows = rows
      try DatasetFiles.write(rows, split, in: context.output("dataset"))
    }
    warnOfOverlap(splits, context)
    context.report(.summary(splits.map { "\($0.rows.count) \($0.split.rawValue)" }.joined(separator: " · ")))
  }

  private func read(_ path: FilePath, into rows: inout [DatasetRow], _ split: Split) throws {
    guard let format = format ?? CorpusFormat(file: path) else {
      throw StageFailure(
        "\(path): its name does not tell how rows are written", remedy: "set format to jsonl, csv or tsv")
    }
    try format.read(path) { row in
      rows.append(try self.rows.row(row, id: "\(split.rawValue)-\(rows.count)"))
    }
  }

  /// Rows with equal prompt, compared by bytes, become one; in first-seen order.
  private static func gather(_ rows: [DatasetRow]) -> [DatasetRow] {
    var gathered: [DatasetRow] = []
    var indices: [[UInt8]: Int] = [:]
    for row in rows {
      let key = Array(row.prompt.utf8)
      if let index = indices[key] {
        gathered[index].references += row.references
      } else {
        indices[key] = gathered.count
        gathered.append(row)
      }
    }
    return gathered
  }

  private func warnOfOverlap(_ splits: [(split: Split, rows: [DatasetRow])], _ context: StageContext) {
    guard let train = splits.first(where: { $0.split == .train }) else { return }
    let prompts = Set(train.rows.map { Array($0.prompt.utf8) })
    for (split, rows) in splits where split != .train {
      let shared = rows.filter { prompts.contains(Array($0.prompt.utf8)) }
      guard let first = shared.first else { continue }
      context.report(
        .warning("\(shared.count) of \(rows.count) prompts of \(split.rawValue) stand in train too, \(first.id) first"))
    }
  }
}
