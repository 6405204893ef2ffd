import CanonicalJSON
import SafetensorsFormat
public import SystemPackage

/// The token rows of one split, all tokens flat: row i is `tokens[offsets[i]..<offsets[i + 1]]`, prompt then completion.
public struct TokenRows: Sendable, Hashable {
  /// Token ids of all rows, `[all tokens]`.
  public private(set) var tokens: [Int32] = []
  /// Where rows begin, `[rows + 1]`, the first 0.
  public private(set) var offsets: [Int] = [0]
  /// How many tokens of each row are prompt, `[rows]`; at least 1.
  public private(set) var promptLengths: [Int] = []
  /// The ids of the rows.
  public private(set) var ids: [String] = []

  /// No rows.
  public init() {}

  /// How many rows there are.
  public var count: Int { promptLengths.count }

  /// How many completion tokens all rows have together.
  public var completionTokenCount: Int { tokens.count - promptLengths.reduce(0, +) }

  /// Appends a row.
  ///
  /// - Parameters:
  ///   - id: The row's id.
  ///   - prompt: Tokens of the prompt, at least one.
  ///   - completion: Tokens of the completion, the end token included.
  public mutating func append(id: String, prompt: some Collection<Int32>, completion: some Collection<Int32>) {
    tokens.append(contentsOf: prompt)
    tokens.append(contentsOf: completion)
    offsets.append(tokens.count)
    promptLengths.append(prompt.count)
    ids.append(id)
  }

  /// All tokens of a row.
  public func row(_ index: Int) -> ArraySlice<Int32> { tokens[offsets[index]..<offsets[index + 1]] }
  /// The prompt's tokens of a row.
  public func prompt(_ index: Int) -> ArraySlice<Int32> { row(index).prefix(promptLengths[index]) }
  /// The completion's tokens of a row.
  public func completion(_ index: Int) -> ArraySlice<Int32> { row(index).dropFirst(promptLengths[index]) }

  /// The splits that a tokens folder holds.
  public static func splits(in folder: FilePath) -> [Split] {
    Split.allCases.filter { FileContent.exists(file(of: $0, in: folder)) }
  }

  /// The file of a split.
  public static func file(of split: Split, in folder: FilePath) -> FilePath {
    folder.appending("\(split.rawValue).safetensors")
  }

  /// Reads a split of a tokens folder.
  ///
  /// - Parameters:
  ///   - split: The split.
  ///   - folder: The tokens folder.
  /// - Throws: `SafetensorsError` or `RecordError` where the file is damaged or its parts disagree.
  public init(_ split: Split, in folder: FilePath) throws {
    let path = Self.file(of: split, in: folder)
    let file = try SafetensorsFile(path)
    tokens = try file.int32s("tokens")
    let (ends, lengths) = (try file.int64s("offsets"), try file.int32s("prompt_lengths"))
    try Self.check(ends, lengths, tokenCount: tokens.count, path)
    offsets = ends.map(Int.init)
    promptLengths = lengths.map(Int.init)
    if let index = tokens.firstIndex(where: { $0 < 0 }) {
      throw RecordError(file: path, reason: "token \(index) is negative")
    }
    ids = try Self.ids(of: split, in: folder)
    try Self.check(idCount: ids.count, rows: promptLengths.count, split, folder)
    if ids.isEmpty { ids = promptLengths.indices.map { "\(split.rawValue)-\($0)" } }
  }

  private static func ids(of split: Split, in folder: FilePath) throws -> [String] {
    var ids: [String] = []
    try forEachID(of: split, in: folder) { ids.append($0) }
    return ids
  }

  private static func forEachID(of split: Split, in folder: FilePath, _ body: (String) -> Void) throws {
    let path = folder.appending("ids.jsonl")
    guard FileContent.exists(path) else { return }
    try JSONLines.read(path) { line in
      if try line.string("split") == split.rawValue { body(try line.string("id")) }
    }
  }

  /// Checks that a split can be read; no row is kept.
  ///
  /// - Parameters:
  ///   - split: The split.
  ///   - folder: The tokens folder.
  /// - Throws: `SafetensorsError` or `RecordError` as reading does.
  public static func check(_ split: Split, in folder: FilePath) throws {
    let path = Self.file(of: split, in: folder)
    let file = try SafetensorsFile(path)
    let entry = try file.require("tokens", types: [.int32], rank: 1)
    let (offsets, lengths) = (try file.int64s("offsets"), try file.int32s("prompt_lengths"))
    try check(offsets, lengths, tokenCount: entry.shape[0], path)
    if let index = try file.firstNegative(entry) {
      throw RecordError(file: path, reason: "token \(index) is negative")
    }
    var count = 0
    try forEachID(of: split, in: folder) { _ in count += 1 }
    try check(idCount: count, rows: lengths.count, split, folder)
  }

  private static func check(
    _ offsets: [Int64], _ promptLengths: [Int32], tokenCount: Int, _ path: FilePath
  ) throws(RecordError) {
    guard offsets.count == promptLengths.count + 1, offsets.first == 0, offsets.last == Int64(tokenCount) else {
      throw RecordError(file: path, reason: "offsets do not span the tokens, or do not match prompt_lengths in number")
    }
    for index in promptLengths.indices {
      let (start, end) = (offsets[index], offsets[index + 1])
      // Compared before they are subtracted: numbers of a damaged file may be of any size.
      guard start <= end, end <= tokenCount else {
        throw RecordError(
          file: path, reason: "row \(index) reaches from \(start) to \(end), there are \(tokenCount) tokens")
      }
      let count = end - start
      guard promptLengths[index] >= 1, promptLengths[index] <= count else {
        throw RecordError(
          file: path, reason: "row \(index) has \(count) tokens and a prompt of \(promptLengths[index])")
      }
    }
  }

  private static func check(idCount: Int, rows: Int, _ split: Split, _ folder: FilePath) throws(RecordError) {
    guard idCount == 0 || idCount == rows else {
      throw RecordError(
        file: folder.appending("ids.jsonl"),
        reason: "names \(idCount) rows of \(split.rawValue), the split has \(rows)")
    }
  }

  /// Writes a tokens folder.
  ///
  /// - Parameters:
  ///   - splits: Rows by split, in the order in which `ids.jsonl` names them.
  ///   - folder: An existing folder.
  /// - Throws: `Errno`.
  public static func write(_ splits: [(split: Split, rows: TokenRows)], to folder: FilePath) throws {
    for (split, rows) in splits {
      var writer = SafetensorsWriter()
      writer.add("tokens", rows.tokens)
      writer.add("offsets", rows.offsets.map(Int64.init))
      writer.add("prompt_lengths", rows.promptLengths.map(Int32.init))
      try writer.write(to: file(of: split, in: folder))
    }
    let names = splits.flatMap { split, rows in rows.ids.map { (id: $0, split: split) } }
    try JSONLines.write(names, to: folder.appending("ids.jsonl")) { row, text in
      text.raw("{\"id\":")
      text.append(row.id)
      text.raw(",\"split\":")
      text.append(row.split.rawValue)
      text.raw("}")
    }
  }
}
