import CanonicalJSON
import Corpora
import Records
public import StageKit
import SystemPackage

/// Reads a user's files into a dataset.
public struct Ingest: Stage {
  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "ingest", revision: 1,
    summary:
      "Reads JSONL, JSON, CSV, TSV, plain or parallel text, WMT's XML, TMX or HTML, also compressed or in archives, into a dataset of prompts and completions.",
    inputs: [PortDeclaration("source", .source, doc: "A file, a folder or an archive.")],
    outputs: [PortDeclaration("dataset", .dataset, doc: "Prompts, completions and references by split.")],
    parameters: IngestParameters.declarations, aliases: IngestParameters.aliases)

  private let parameters: ParameterValues
  private let requests: [FileRequest]
  private let encoding: TextEncoding
  private let layout: TextLayout
  private let delimiter: UInt8
  private let templates: RowTemplates
  private let selection: RowSelection
  private let gathered: Set<Split>
  private let fractions: [(split: Split, share: Double)]

  /// The stage with checked parameters.
  /// - Throws: `ParameterError` for an unknown split or encoding, a malformed template, shares that do not sum to 1, or
  ///   parameters that exclude each other.
  public init(_ parameters: ParameterValues) throws(ParameterError) {
    self.parameters = parameters
    requests = try FileRequest.all(parameters)
    var gathered: Set<Split> = []
    for name in parameters[IngestParameters.gather] { gathered.insert(try Split(named: name, of: "gather")) }
    self.gathered = gathered
    fractions = try Self.fractions(parameters)
    guard fractions.isEmpty || requests.allSatisfy({ $0.split == .train }) else {
      throw ParameterError(
        parameter: "fractions", found: "files for more splits than train", expected: "one split of files")
    }
    guard parameters[IngestParameters.subset] > 0 else {
      throw ParameterError(parameter: "subset", found: "0", expected: "a share above 0, or a number of rows")
    }
    encoding = try TextEncoding(parameters)
    layout = try TextLayout(parameters)
    delimiter = try CorpusReader.delimiter(parameters)
    templates = try RowTemplates(parameters)
    selection = try RowSelection(parameters)
  }

  private static func fractions(_ parameters: ParameterValues) throws(ParameterError) -> [(Split, Double)] {
    var fractions: [(Split, Double)] = []
    for entry in parameters[IngestParameters.fractions].entries {
      guard entry.value > 0 else {
        throw ParameterError(parameter: "fractions", found: "\(entry.value)", expected: "shares above 0")
      }
      fractions.append((try Split(named: entry.name, of: "fractions"), entry.value))
    }
    let sum = fractions.reduce(0) { $0 + $1.1 }
    guard fractions.isEmpty || abs(sum - 1) < 1e-9 else {
      throw ParameterError(
        parameter: "fractions", found: "a sum of \(JSONValue(sum).text)", expected: "shares that sum to 1")
    }
    return fractions
  }

  /// The files that the parameters name, else those that are called as splits are.
  public var sourceFiles: [String]? {
    requests.isEmpty ? Split.allCases.map { "\($0.rawValue).*" } : requests.map(\.name)
  }

  /// Reads the source and writes the dataset.
  public func run(_ context: StageContext) throws {
    var reading = SplitReading(
      context, encoding: encoding, layout: layout, delimiter: delimiter, templates: templates, selection: selection,
      parameters: parameters)
    var splits = try reading.read(SourceFiles(context.input("source").path, requests: requests))
    let dealing = Dealing(seed: UInt64(parameters[IngestParameters.seed]))
    for index in splits.indices {
      splits[index].rows = reading.selection.distinct(splits[index].rows, parameters[IngestParameters.deduplicate])
    }
    if !fractions.isEmpty { splits = dealing.deal(splits.flatMap(\.rows), fractions) }
    for index in splits.indices {
      let split = splits[index].split
      var rows = splits[index].rows
      // Rows that only one variable holds are changed in place.
      splits[index].rows = []
      if gathered.contains(split) { rows = Self.gather(rows) }
      if split == .train { rows = try subset(rows, dealing) }
      if parameters[IngestParameters.shuffle], split == .train { rows = dealing.shuffled(rows) }
      let limit = parameters[IngestParameters.limit]
      if limit > 0 { rows = Array(rows.prefix(limit)) }
      guard !rows.isEmpty else {
        throw StageFailure(
          "split \(split.rawValue) has no rows" + (reading.selection.summary.map { "; \($0)" } ?? ""),
          remedy: "check files, limit and fractions")
      }
      for row in rows.indices { rows[row].id = "\(split.rawValue)-\(row)" }
      splits[index].rows = rows
    }
    try checkOverlap(splits, context)
    for (split, rows) in splits {
      try DatasetFiles.write(rows, split, in: context.output("dataset"), threads: context.threads)
    }
    let counts = splits.map { "\($0.rows.count) \($0.split.rawValue)" }
    context.report(.summary((counts + [reading.selection.summary].compactMap(\.self)).joined(separator: " · ")))
  }

  private func subset(_ rows: [DatasetRow], _ dealing: Dealing) throws(StageFailure) -> [DatasetRow] {
    let amount = parameters[IngestParameters.subset]
    guard amount != 1 else { return rows }
    let count = amount < 1 ? max(1, Int((amount * Double(rows.count)).rounded())) : Int(amount)
    guard count <= rows.count else {
      throw StageFailure("subset asks for \(count) rows, train has \(rows.count)", remedy: "lower subset")
    }
    return dealing.subset(rows, count: count)
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

  private func checkOverlap(_ splits: [(split: Split, rows: [DatasetRow])], _ context: StageContext) throws {
    let overlap = parameters[IngestParameters.overlap]
    guard overlap != .off else { return }
    for sentence in PromptOverlap.sentences(splits) {
      guard overlap == .warn else {
        throw StageFailure(sentence, remedy: "take them out of one split, or set overlap to warn")
      }
      context.report(.warning(sentence))
    }
  }
}
