internal import CanonicalJSON

/// A `tokenizer.json` of GPT-2's kind under construction.
struct TokenizerText {
  /// Pieces with their numbers, in order of the numbers.
  var vocabulary: [(piece: String, token: Int)]
  var merges: [(left: String, right: String)]
  var addedTokens: [AddedToken]
  var addsPrefixSpace = false
  var unknownToken: String? = nil

  /// The file: a member a line, the components as `tokenizers` writes them.
  var bytes: [UInt8] {
    var text = JSONText()
    text.raw("{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": ")
    text.array(addedTokens) { text, token in
      text.raw("\n    ")
      text.append([
        "id": JSONValue(Int(token.token)), "content": .string(token.content), "single_word": .bool(token.singleWord),
        "lstrip": .bool(token.stripsLeft), "rstrip": .bool(token.stripsRight),
        "normalized": .bool(token.isNormalized), "special": .bool(token.isSpecial),
      ])
    }
    text.raw(",\n  \"normalizer\": null,\n  \"pre_tokenizer\": ")
    text.append(byteLevel(addsPrefixSpace: addsPrefixSpace))
    text.raw(",\n  \"post_processor\": ")
    text.append(byteLevel(addsPrefixSpace: true))
    text.raw(",\n  \"decoder\": ")
    text.append(byteLevel(addsPrefixSpace: true))
    text.raw(",\n  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": ")
    text.append(unknownToken.map { .string($0) } ?? JSONValue.null)
    text.raw(",\n    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false")
    text.raw(",\n    \"byte_fallback\": false,\n    \"ignore_merges\": false,\n    \"vocab\": {")
    for (index, entry) in vocabulary.enumerated() {
      if index > 0 { text.raw(",") }
      text.raw("\n      ")
      text.append(entry.piece)
      text.raw(": ")
      text.append(entry.token)
    }
    text.raw("\n    },\n    \"merges\": ")
    text.array(merges) { text, merge in
      text.raw("\n      [")
      text.append(merge.left)
      text.raw(", ")
      text.append(merge.right)
      text.raw("]")
    }
    text.raw("\n  }\n}\n")
    return text.bytes
  }

  private func byteLevel(addsPrefixSpace: Bool) -> JSONValue {
    ["type": "ByteLevel", "add_prefix_space": .bool(addsPrefixSpace), "trim_offsets": true, "use_regex": true]
  }
}
