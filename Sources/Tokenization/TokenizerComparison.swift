internal import CanonicalJSON

extension Tokenizer {
  /// Whether another tokenizer gives texts the same tokens: the files of both say the same of vocabulary, merges, added
  /// tokens, those of the configuration included, and every component.
  ///
  /// How the files are laid out, truncation and padding make no difference, nor what stands around prompts.
  public func encodesTexts(like other: Tokenizer) -> Bool {
    guard addedTokens == other.addedTokens, pipeline.preTokenizer == other.pipeline.preTokenizer else { return false }
    return files.tokenizer == other.files.tokenizer
      || Self.essence(of: files.tokenizer) == Self.essence(of: other.files.tokenizer)
  }

  /// What decides tokens, as canonical JSON.
  private static func essence(of file: [UInt8]) -> [UInt8]? {
    guard var members = (try? JSONValue(parsing: file))?.object else { return nil }
    for name in ["version", "truncation", "padding"] { members[name] = nil }
    if var model = members["model"]?.object, let merges = model["merges"]?.array {
      // Older files write a merge as one text, newer ones as a pair.
      model["merges"] = .array(
        merges.map { merge in
          guard let text = merge.string else { return merge }
          return .array(text.split(separator: " ", maxSplits: 1).map { .string(String($0)) })
        })
      members["model"] = .object(model)
    }
    return JSONValue.object(members).canonical
  }
}
