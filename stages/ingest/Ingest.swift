import CanonicalJSON
import Corpora
import Records
public import StageKit
import SystemPackage

/// Reads a user's files into a dataset.
public struct Ingest: Stage {
  /// Ports, parameters and revision.
  public static let declaration = StageDeclaration(
    name: "ingest", revision: 2,
    summary:
      "Reads JSONL, JSON, CSV, TSV, plain or parallel text, XML, TMX or HTML, also compressed or in archives, into a dataset of prompts and completions.",
    inputs: [PortDeclaration("source", .source, doc: "A file, a folder or an archive.")],
    outputs: [PortDeclaration("dataset", .dataset, doc: "Prompts, completions and references by split.")],
    parameters: IngestParameters.declarations, aliases: IngestParameters.aliases)

  private let parameters: ParameterValues
  private let requests: [FileRequest]
  private let reader: CorpusReader
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
    let subset = parameters[IngestParameters.subset]
    guard subset <= 1 || subset == subset.rounded() else {
      throw ParameterError(
        parameter: "subset", found: JSONValue(subset).text, expected: "a share up to 1, or a whole number of rows")
    }
    templates = try RowTemplates(parameters)
    if !fractions.isEmpty, let name = templates.perSplit.first?.parameter {
      throw ParameterError(
        parameter: "fractions", found: "templates per split in \(name)",
        expected: "one template: which split a row comes to is decided when its text is made")
    }
    selection = try RowSelection(parameters)
    reader = CorpusReader(
      format: .jsonl, record: try XMLRecordForm(parameters, fields: templates.fields),
      encoding: try TextEncoding(parameters), layout: try TextLayout(parameters),
      delimiter: try CorpusReader.delimiter(parameters))
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
    let sources = try SourceFiles(context.input("source").path, requests: requests)
    if let name = sources.overlooked.first { Self.warn(ofOverlooked: name, of: "a folder", context) }
    let dealing = Dealing(seed: UInt64(parameters[IngestParameters.seed]))
    var reader = reader
    reader.threads = context.threads
    var reading = SplitReading(
      context, reader: reader, templates: templates, selection: selection, parameters: parameters,
      spool: try spools(sources, dealing, context))
    var splits = try reading.read(sources)
    if let name = reading.overlooked.first { Self.warn(ofOverlooked: name, of: "an archive", context) }
    for index in splits.indices {
      let spool = splits[index].spool
      switch parameters[IngestParameters.deduplicate] {
      case .off: break
      case .rows: splits[index].rows = reading.selection.distinct(splits[index].rows, by: spool.rows)
      case .prompts: splits[index].rows = reading.selection.distinct(splits[index].rows, by: spool.prompts)
      }
    }
    if !fractions.isEmpty, let spool = splits.first?.spool {
      splits = try dealing.deal(splits.flatMap(\.rows), of: spool, fractions).map { ($0.split, spool, $0.rows) }
    }
    warn(of: splits.map(\.split), reading, context)
    var counts: [(split: Split, count: Int)] = []
    var prompts: [(split: Split, prompts: [TextKey])] = []
    for (split, spool, rows) in splits {
      let order = spool.isWritten ? RowOrder(rows: rows) : try order(of: rows, split, spool, dealing)
      let count = try limited(order.rows.count, split, context)
      guard count > 0 else {
        throw StageFailure(
          "split \(split.rawValue) has no rows" + (reading.selection.summary.map { "; \($0)" } ?? ""),
          remedy: "check files, limit and fractions")
      }
      let kept = RowOrder(rows: Array(order.rows.prefix(count)), gathered: order.gathered)
      if !spool.isWritten { try spool.write(kept, split, to: context.output("dataset")) }
      if overlap != .off { prompts.append((split, kept.rows.map { spool.prompts[$0] })) }
      counts.append((split, count))
    }
    for sentence in PromptOverlap.sentences(prompts) {
      guard overlap == .warn else {
        throw StageFailure(sentence, remedy: "take them out of one split, or set overlap to warn")
      }
      context.report(.warning(sentence))
    }
    let summary = counts.map { "\($0.count) \($0.split.rawValue)" } + [reading.selection.summary].compactMap(\.self)
    context.report(.summary(summary.joined(separator: " · ")))
  }

  private static func warn(ofOverlooked name: String, of source: String, _ context: StageContext) {
    context.report(
      .warning(
        "\(name.shown()) is not read: \(source)'s splits are train, validation and test; name it with files, "
          + "{ train: …, validation: \(name.shown()) }"))
  }

  private var overlap: IngestParameters.Overlap { parameters[IngestParameters.overlap] }

  /// What makes a place for the rows of a split: the dataset itself where they stay as they come.
  private func spools(
    _ sources: SourceFiles, _ dealing: Dealing, _ context: StageContext
  ) throws -> (Split) throws -> RowSpool {
    let deduplicate = parameters[IngestParameters.deduplicate]
    var wanted: RowSpool.Wanted = []
    if overlap != .off || !gathered.isEmpty || !fractions.isEmpty || deduplicate == .prompts { wanted.insert(.prompts) }
    if deduplicate == .rows { wanted.insert(.rows) }
    if !fractions.isEmpty { wanted.insert(.ranks) }
    let isDrawn = parameters[IngestParameters.subset] != 1 || parameters[IngestParameters.shuffle]
    let limit = parameters[IngestParameters.limit]
    let shared =
      fractions.isEmpty ? nil : try RowSpool(in: context.work, wanted, dealing, threads: context.threads)
    return { [wanted] split in
      if let shared { return shared }
      guard deduplicate == .off, !gathered.contains(split), !(split == .train && isDrawn), !sources.isUnordered else {
        return try RowSpool(in: context.work, wanted, dealing, threads: context.threads)
      }
      return try RowSpool(
        split, of: context.output("dataset"), limit: limit > 0 ? limit : .max, wanted, dealing,
        threads: context.threads)
    }
  }

  private func order(
    of rows: [Int], _ split: Split, _ spool: RowSpool, _ dealing: Dealing
  ) throws -> RowOrder {
    var order = gathered.contains(split) ? Self.gather(rows, spool) : RowOrder(rows: rows)
    guard split == .train else { return order }
    let amount = parameters[IngestParameters.subset]
    if amount != 1 {
      let total = order.rows.count
      let count = amount < 1 ? max(1, Int((amount * Double(total)).rounded())) : Int(amount)
      guard count <= total else {
        throw StageFailure("subset asks for \(count) rows, train has \(total)", remedy: "lower subset")
      }
      order.rows = try dealing.subset(order.rows, count: min(count, total), of: spool)
    }
    if parameters[IngestParameters.shuffle] { order.rows = try dealing.shuffled(order.rows, of: spool) }
    return order
  }

  /// How many rows of a split are kept; says so where the limit is never reached.
  private func limited(_ count: Int, _ split: Split, _ context: StageContext) throws -> Int {
    let limit = parameters[IngestParameters.limit]
    guard limit > 0 else { return count }
    if count < limit { context.report(.warning("limit is \(limit) rows, \(split.rawValue) has \(count)")) }
    return min(count, limit)
  }

  /// Says what was asked and could not be done.
  private func warn(of splits: [Split], _ reading: SplitReading, _ context: StageContext) {
    for split in Split.allCases where gathered.contains(split) && !splits.contains(split) {
      context.report(.warning("gather names \(split.rawValue), which the source does not have"))
    }
    if !splits.contains(.train) {
      let draws = [
        ("subset", parameters[IngestParameters.subset] != 1), ("shuffle", parameters[IngestParameters.shuffle]),
      ]
      for (name, isSet) in draws where isSet {
        context.report(.warning("\(name) is about train, which the source does not have"))
      }
    }
    let isDrawn =
      !fractions.isEmpty || parameters[IngestParameters.subset] != 1 || parameters[IngestParameters.shuffle]
    if parameters[IngestParameters.seed] != 0, !isDrawn {
      context.report(.warning("seed has no effect: without subset, shuffle and fractions nothing is drawn"))
    }
    for (parameter, split) in templates.perSplit where !splits.contains(split) {
      context.report(
        .warning("\(parameter) has a template for \(split.rawValue), which the source does not have"))
    }
    for sentence in reading.referenceRemarks { context.report(.warning(sentence)) }
    let given: [(name: String, isSet: Bool, formats: Set<CorpusFormat>)] = [
      ("delimiter", parameters[IngestParameters.delimiter] != ",", [.csv]),
      ("unit", parameters[IngestParameters.unit] != .line, [.text]),
      ("separator", !parameters[IngestParameters.separator].isEmpty, [.text]),
      ("comment", !parameters[IngestParameters.comment].isEmpty, [.text]),
      ("pattern", !parameters[IngestParameters.pattern].isEmpty, [.text]),
    ]
    for (name, isSet, formats) in given where isSet && reading.formats.isDisjoint(with: formats) {
      context.report(
        .warning(
          "\(name) is about \(formats.map(\.rawValue).joined()), but the files are read as "
            + reading.formats.map(\.rawValue).sorted().joined(separator: ", ")))
    }
    if reading.withoutReferences > 0 {
      context.report(
        .warning(
          "\(reading.withoutReferences) rows have an empty list of references; their completion stands in for it"))
    }
  }

  /// Rows with equal prompt become one row; in first-seen order.
  private static func gather(_ rows: [Int], _ spool: RowSpool) -> RowOrder {
    var order = RowOrder(rows: [])
    var firsts: [TextKey: Int] = [:]
    for row in rows {
      if let first = firsts[spool.prompts[row]] {
        order.gathered[first, default: []].append(row)
      } else {
        firsts[spool.prompts[row]] = row
        order.rows.append(row)
      }
    }
    return order
  }
}
