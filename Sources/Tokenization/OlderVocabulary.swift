internal import CanonicalJSON

/// `vocab.json` and `merges.txt` beside a `tokenizer.json`: the same facts a second time.
///
/// No token comes from them, but they are held against it, since other programs may read them.
enum OlderVocabulary {
  /// Sentences about what they state otherwise.
  ///
  /// - Parameters:
  ///   - files: All files.
  ///   - json: `tokenizer.json`.
  ///   - vocabulary: The pieces of its model.
  ///   - token: The token of a piece or an added token.
  /// - Returns: At most one sentence for each of the two files.
  static func notes(
    _ files: TokenizerFiles, json: JSONValue, vocabulary: ByteStringTable, token: (String) -> Int32?
  ) -> [String] {
    let differing = [
      (TokenizerFiles.olderVocabularyName, files.olderVocabulary.map { differs($0, vocabulary, token) }),
      (TokenizerFiles.olderMergesName, files.olderMerges.map { differs($0, json["model"]?["merges"]?.array) }),
    ].filter { $0.1 == true }
    return differing.map { "\($0.0) says something else than tokenizer.json beside it; tokenizer.json is read" }
  }

  private static func differs(
    _ bytes: [UInt8], _ vocabulary: ByteStringTable, _ token: (String) -> Int32?
  ) -> Bool {
    guard let pieces = (try? TokenizerFiles.parse(bytes, TokenizerFiles.olderVocabularyName))?.object?.members else {
      return true
    }
    var known = 0
    for (piece, value) in pieces {
      guard let number = token(piece), value.integer == Int(number) else { return true }
      if vocabulary.value(of: piece) != nil { known += 1 }
    }
    return known < vocabulary.count
  }

  private static func differs(_ bytes: [UInt8], _ merges: [JSONValue]?) -> Bool {
    // Tokenizers of other types have no merges, and often such a file beside them.
    guard let merges else { return false }
    guard let pairs = try? LegacyVocabulary.merges(bytes), pairs.count == merges.count else { return true }
    return zip(pairs, merges).contains { pair, merge in
      let text = merge.string ?? (merge.array ?? []).map { $0.string ?? "" }.joined(separator: " ")
      return !text.hasSameBytes(as: "\(pair.left) \(pair.right)")
    }
  }
}
