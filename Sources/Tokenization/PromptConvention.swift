internal import CanonicalJSON

/// What stands around the tokens of a prompt.
///
/// It is kept in `tokenizer_config.json` as `apprentice_prompt` where it is not the usual one, so that prompts are
/// encoded for generation as they were for training.
public struct PromptConvention: Sendable, Hashable {
  /// Whether the special tokens that the tokenizer's template puts before a text stand before a prompt.
  public var begins: Bool
  /// Whether the end token closes a prompt, as encoders expect it.
  public var ends: Bool

  /// The template's tokens before a prompt, nothing after it.
  public static let usual = PromptConvention(begins: true, ends: false)

  static let member = "apprentice_prompt"

  /// A convention.
  public init(begins: Bool, ends: Bool) {
    self.begins = begins
    self.ends = ends
  }

  /// The convention that a configuration names.
  init(configuration: JSONValue) {
    let value = configuration[Self.member]
    self.init(begins: value?["begin"]?.bool ?? true, ends: value?["end"]?.bool ?? false)
  }

  var json: JSONValue { ["begin": .bool(begins), "end": .bool(ends)] }
}

extension Tokenizer {
  /// The tokens of a prompt; a prompt without any becomes one begin token, else the end token.
  ///
  /// - Parameters:
  ///   - prompt: The prompt's text.
  ///   - convention: What stands around it; default: what the tokenizer's configuration names.
  /// - Returns: The tokens; none only where the prompt has none and the tokenizer names neither begin nor end token.
  public func encode(prompt: String, _ convention: PromptConvention? = nil) -> [TokenID] {
    let convention = convention ?? promptConvention
    var tokens = (convention.begins ? template.before : []) + encode(prompt, addSpecialTokens: false)
    if convention.ends, let endToken { tokens.append(endToken) }
    if tokens.isEmpty, let token = beginToken ?? endToken { tokens = [token] }
    return tokens
  }
}
