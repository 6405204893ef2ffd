internal import CanonicalJSON

extension BytePairModel {
  /// The model of a `tokenizer.json`; one without a type is known by its members, as older files are.
  init(reading json: JSONValue, isByteLevel: Bool) throws(TokenizerError) {
    guard let entries = json["vocab"]?.object else {
      throw TokenizerReading.malformed("model.vocab", "an object of pieces and their numbers")
    }
    var vocabulary = ByteStringTable(capacity: entries.count)
    for (piece, value) in entries.members {
      guard let number = value.integer.flatMap(Int32.init(exactly:)), number >= 0 else {
        throw TokenizerReading.malformed("model.vocab, \"\(ForeignText.line(piece))\",", "a number from 0")
      }
      vocabulary.set(Array(piece.utf8), to: number)
    }
    guard let merges = json["merges"]?.array else { throw TokenizerReading.malformed("model.merges", "an array") }
    var ranks = PairTable(capacity: merges.count)
    var merged: [Int32] = []
    merged.reserveCapacity(merges.count)
    for (rank, merge) in merges.enumerated() {
      let (left, right) = try Self.pair(merge, rank)
      func token(_ piece: [UInt8]) throws(TokenizerError) -> Int32 {
        if let token = vocabulary.value(of: piece) { return token }
        throw .mergeOutOfVocabulary(
          file: TokenizerFiles.tokenizerName, merge: rank, piece: String(decoding: piece, as: UTF8.self))
      }
      // Of a pair that stands twice the later rank counts, as in the reference.
      ranks.set(PairTable.key(try token(left), try token(right)), to: Int32(rank))
      merged.append(try token(left + right))
    }
    var unknown: Unknown? = nil
    if let piece = json["unk_token"]?.string {
      guard let token = vocabulary.value(of: piece) else {
        throw .unknownToken(file: TokenizerFiles.tokenizerName, member: "model.unk_token", token: piece)
      }
      unknown = Unknown(token: token, isFused: json["fuse_unk"]?.bool ?? false)
    }
    self.init(
      vocabulary: vocabulary, ranks: ranks, merged: merged, unknown: unknown,
      hasByteFallback: json["byte_fallback"]?.bool ?? false, takesWholeWords: json["ignore_merges"]?.bool ?? false,
      isByteLevel: isByteLevel)
  }

  /// Refuses a model of another type, or one with options that change ids in ways not built here.
  static func check(_ json: JSONValue) throws(TokenizerError) {
    guard json.object != nil else { throw TokenizerReading.malformed("model", "an object") }
    if let type = json["type"]?.string {
      guard type == "BPE" else { throw TokenizerReading.unsupported("a model of type \(type)") }
    } else if json["merges"] == nil {
      let isUnigram = json["unk_id"] != nil
      throw TokenizerReading.unsupported(isUnigram ? "a model of type Unigram" : "a model without type and merges")
    }
    for member in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let affix = json[member]?.string, !affix.isEmpty {
        throw TokenizerReading.unsupported("model.\(member) \"\(affix)\"")
      }
    }
    if let dropout = json["dropout"]?.number, dropout > 0 {
      throw TokenizerReading.unsupported("model.dropout \(dropout)")
    }
  }

  /// A merge written as `"a b"` or as `["a", "b"]`.
  private static func pair(_ merge: JSONValue, _ rank: Int) throws(TokenizerError) -> ([UInt8], [UInt8]) {
    if let text = merge.string {
      let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      if parts.count == 2 { return (Array(parts[0]), Array(parts[1])) }
    } else if let parts = merge.array, parts.count == 2, let left = parts[0].string, let right = parts[1].string {
      return (Array(left.utf8), Array(right.utf8))
    }
    throw TokenizerReading.malformed("model.merges[\(rank)]", "two pieces")
  }
}
