import CanonicalJSON
import SystemPackage
import TestSupport
import Tokenization

/// The files of `fixtures/tokenization`.
enum ReferenceData {
  static func json(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: Fixture.bytes(Fixture.path("tokenization/\(name)")))
  }

  static func tokenizer(_ shape: String) throws -> Tokenizer {
    try Tokenizer(contentsOf: Fixture.path("tokenization/\(shape)"))
  }

  static func texts() throws -> [String] { try json("texts.json")["texts"].strings }

  /// Texts and sentences, as the trainer of the reference saw them.
  static func corpus() throws -> [String] { try texts() + json("texts.json")["corpus"].strings }

  static let shapes = [
    "gpt2", "legacy", "leading-space", "one-word", "split-gpt2", "llama3", "qwen2", "smollm2", "digit-runs",
    "added-tokens", "added-tokens-nfc", "whole-words", "no-decoder", "unknown-dropped", "unknown", "unknown-fused",
    "unknown-bytes", "llama", "llama-added", "llama-unknown",
  ]

  /// Shapes whose bytes all have a token and that change no text.
  static let losslessShapes = ["gpt2", "legacy", "one-word", "split-gpt2", "llama3", "smollm2", "whole-words"]
}

extension JSONValue? {
  /// The strings of an array; empty where it is none.
  var strings: [String] { self?.array?.compactMap(\.string) ?? [] }
  /// The token ids of an array; empty where it is none.
  var tokens: [TokenID] { self?.array?.compactMap(\.integer).map { TokenID($0) } ?? [] }
}

extension String {
  /// Equality of bytes, where Swift's own takes é and e + accent for equal.
  func isSame(as other: String?) -> Bool { other.map { utf8.elementsEqual($0.utf8) } ?? false }
}
