public import CanonicalJSON
import Records
public import SystemPackage
import Tokenization

/// A row of a tokens artifact as people read it: pieces, and on which of them the loss is.
public struct TokensDisplay: Sendable {
  /// One token of the row.
  private struct Entry: Sendable {
    var token: Int32
    var piece: String?
    var isLearnt: Bool
  }

  private let id: String
  private let split: String
  private let entries: [Entry]

  /// Row `row` of a tokens folder, splits following one another; nil where there are not so many.
  ///
  /// - Parameters:
  ///   - row: The row, from 0.
  ///   - tokens: A tokens folder.
  ///   - tokenizer: The tokenizer that made it, if it is known: without it there are ids only.
  /// - Throws: `RecordError`, `SafetensorsError` or `TokenizerError` where a file is not as it should be.
  public init?(row: Int, tokens: FilePath, tokenizer: FilePath?) throws {
    var rest = row
    for split in TokenRows.splits(in: tokens) {
      let rows = try TokenRows(split, in: tokens)
      guard rest < rows.count else {
        rest -= rows.count
        continue
      }
      let known = try tokenizer.map { try Tokenizer(contentsOf: $0) }
      id = rows.ids[rest]
      self.split = split.rawValue
      let promptLength = rows.promptLengths[rest]
      entries = rows.row(rest).enumerated().map { index, token in
        Entry(token: token, piece: known?.piece(TokenID(token)), isLearnt: index >= promptLength)
      }
      return
    }
    return nil
  }

  /// A line for each token: its id, its piece as a JSON string, and `loss` where the loss is on it.
  public var text: String {
    let learnt = entries.filter(\.isLearnt).count
    var text = "\(id)  \(split)  \(entries.count) tokens, the loss on \(learnt)\n"
    let pieces = entries.map { $0.piece.map { JSONValue.string($0).text } ?? "?" }
    let width = min(40, pieces.map(\.count).max() ?? 0)
    for (entry, piece) in zip(entries, pieces) {
      let number = String(entry.token)
      text += String(repeating: " ", count: max(0, 8 - number.count)) + number + "  " + piece
      if entry.isLearnt { text += String(repeating: " ", count: max(0, width - piece.count)) + "  loss" }
      text += "\n"
    }
    return text
  }

  /// The row as one JSON document.
  public var json: JSONValue {
    let tokens = entries.map { entry -> JSONValue in
      [
        "token": JSONValue(Int(entry.token)), "piece": entry.piece.map { .string($0) } ?? .null,
        "loss": .bool(entry.isLearnt),
      ]
    }
    return ["id": .string(id), "split": .string(split), "tokens": .array(tokens)]
  }
}
