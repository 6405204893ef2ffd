public import Autodiff

/// Sequences of different lengths, one after the other without padding, and which of their positions predict what.
public struct RaggedBatch: Sendable {
  /// What the model reads, all sequences [tokens].
  public private(set) var tokens: [Int32] = []
  /// Where sequences begin in `tokens`, and where the last one ends [sequences + 1].
  public private(set) var offsets: [Int] = [0]
  /// The tokens after which something is predicted, as indices into `tokens` [rows].
  public private(set) var predictingTokens: [Int32] = []
  private var actions: [Int32] = []
  private var rowOffsets: [Int] = [0]

  /// An empty batch.
  public init() {}

  /// How many sequences there are.
  public var sequences: Int { offsets.count - 1 }

  /// What each predicted row predicts.
  public var rows: PredictedRows { PredictedRows(actions: actions, offsets: rowOffsets) }

  /// Completion tokens that are predicted: what a loss is divided by.
  public var predictedTokens: Int { actions.reduce(0) { $0 + ($1 >= 0 ? 1 : 0) } }

  /// Adds a prompt and its completion.
  ///
  /// The model reads all tokens but the last, and predicts each completion token from those before it. Of a completion
  /// that was cut off it reads the last token too, and gets a row without action, whose value continues the return.
  ///
  /// - Parameters:
  ///   - row: Prompt, then completion.
  ///   - promptLength: How many of them are the prompt; at least 1.
  ///   - isTerminal: Whether the completion is whole; false adds the row without action.
  public mutating func append(_ row: some Collection<Int32>, promptLength: Int, isTerminal: Bool = true) {
    precondition(promptLength >= 1 && promptLength <= row.count, "a prompt of \(promptLength) of \(row.count) tokens")
    let first = tokens.count
    let completion = row.dropFirst(promptLength)
    let read = isTerminal && !completion.isEmpty ? row.count - 1 : row.count
    tokens.append(contentsOf: row.prefix(read))
    offsets.append(tokens.count)
    actions.append(contentsOf: completion)
    predictingTokens.append(
      contentsOf: (0..<completion.count).map { Int32(first + promptLength - 1 + $0) })
    if !isTerminal {
      actions.append(-1)
      predictingTokens.append(Int32(tokens.count - 1))
    }
    rowOffsets.append(actions.count)
  }
}
