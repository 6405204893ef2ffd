internal import CanonicalJSON

/// The older form of GPT-2 tokenizers: `vocab.json` and `merges.txt`, the rest understood.
struct LegacyVocabulary {
  /// GPT-2's one special token.
  static let endOfText = "<|endoftext|>"
  /// The `tokenizer.json` that says the same.
  let tokenizerText: [UInt8]

  /// Brings both files into one.
  ///
  /// Special are the tokens that the configuration names as such and, as in `transformers`, `<|endoftext|>`.
  init(
    vocabulary: [UInt8], merges: [UInt8], configuration: JSONValue, specialTokens: JSONValue
  ) throws(TokenizerError) {
    let file = TokenizerFiles.configurationName
    if let type = configuration["tokenizer_class"]?.string, !type.hasPrefix("GPT2Tokenizer") {
      throw .unsupported(file: file, component: "tokenizer_class \(type) without a tokenizer.json")
    }
    if configuration["add_bos_token"]?.bool == true {
      throw .unsupported(file: file, component: "add_bos_token without a tokenizer.json")
    }
    guard let entries = try TokenizerFiles.parse(vocabulary, "vocab.json").object else {
      throw .malformed(file: "vocab.json", member: "the file", expected: "an object of pieces and their numbers")
    }
    var pieces: [(piece: String, token: Int)] = []
    for (piece, value) in entries.members {
      guard let number = value.integer, Int32(exactly: number) != nil, number >= 0 else {
        throw .malformed(
          file: "vocab.json", member: "\"\(ForeignText.line(piece))\"", expected: "a number from 0")
      }
      pieces.append((piece, number))
    }
    pieces.sort { $0.token < $1.token }
    tokenizerText =
      TokenizerText(
        vocabulary: pieces, merges: try Self.merges(merges),
        addedTokens: try Self.addedTokens(configuration, specialTokens, pieces),
        addsPrefixSpace: configuration["add_prefix_space"]?.bool ?? false
      ).bytes
  }

  /// The lines of `merges.txt`, without its version line and the empty last one.
  static func merges(_ bytes: [UInt8]) throws(TokenizerError) -> [(left: String, right: String)] {
    var merges: [(left: String, right: String)] = []
    for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let line = line.last == 0x0D ? line.dropLast() : line
      if line.isEmpty || line.starts(with: "#version".utf8) { continue }
      let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw .malformed(file: "merges.txt", member: "line \(index + 1)", expected: "two pieces with a blank between")
      }
      merges.append((String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self)))
    }
    return merges
  }

  private static func addedTokens(
    _ configuration: JSONValue, _ specialTokens: JSONValue, _ pieces: [(piece: String, token: Int)]
  ) throws(TokenizerError) -> [AddedToken] {
    var tokens: [AddedToken] = []
    for (id, entry) in configuration["added_tokens_decoder"]?.object?.members ?? [] {
      guard let token = Int32(id), let content = entry["content"]?.string else {
        throw .malformed(
          file: TokenizerFiles.configurationName, member: "added_tokens_decoder", expected: "tokens by their ids")
      }
      tokens.append(AddedToken(entry, token: token, content: content))
    }
    var named = [endOfText]
    for source in [configuration, specialTokens] {
      for member in ["bos_token", "eos_token", "unk_token", "pad_token"] {
        if let name = source[member]?.string ?? source[member]?["content"]?.string { named.append(name) }
      }
    }
    for name in named where !tokens.contains(where: { $0.content.hasSameBytes(as: name) }) {
      // A token that only its name is known of has no number; where it matters, begin or end, that is refused later.
      guard let entry = pieces.first(where: { $0.piece.hasSameBytes(as: name) }) else { continue }
      tokens.append(AddedToken(token: Int32(entry.token), content: name, isSpecial: true))
    }
    return tokens.sorted { $0.token < $1.token }
  }
}
