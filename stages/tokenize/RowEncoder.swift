import Records
import Tokenization

/// Encodes prompt and completion of a row, each by itself: jointly, merges would cross the border between them.
struct RowEncoder {
  let tokenizer: Tokenizer
  /// What stands around a prompt.
  let convention: PromptConvention
  /// The token after a completion.
  let end: TokenID

  /// The tokens of a row.
  ///
  /// A prompt without tokens becomes one begin token, or the end token where there is none; a completion without
  /// tokens is the end token alone.
  func encode(_ row: DatasetRow) -> (prompt: [TokenID], completion: [TokenID]) {
    (
      tokenizer.encode(prompt: row.prompt, convention),
      tokenizer.encode(row.completion, addSpecialTokens: false) + [end]
    )
  }

  /// Whether prompt or completion hold added tokens as text.
  func holdsAddedTokens(_ row: DatasetRow) -> Bool {
    tokenizer.addedTokenCount(in: row.prompt) + tokenizer.addedTokenCount(in: row.completion) > 0
  }
}
