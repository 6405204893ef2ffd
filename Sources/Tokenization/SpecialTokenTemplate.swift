/// The special tokens that a tokenizer puts around a text.
public struct SpecialTokenTemplate: Sendable, Hashable {
  /// Tokens before the text.
  public var before: [TokenID]
  /// Tokens after the text.
  public var after: [TokenID]

  /// A template; without arguments one that adds nothing.
  public init(before: [TokenID] = [], after: [TokenID] = []) {
    self.before = before
    self.after = after
  }
}
