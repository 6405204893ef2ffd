import CanonicalJSON
import Records
import StageKit
import SystemPackage

/// What a model must know of its tokenizer.
struct TokenizerFacts {
  /// The highest token id plus one.
  var vocabularySize: Int
  /// The token that ends a text, where the tokenizer names one.
  var endToken: Int32?
  /// The token that begins a text, where the tokenizer names one.
  var beginToken: Int32?

  /// Reads `tokenizer.json`, and the special tokens that `tokenizer_config.json` or `special_tokens_map.json` names.
  ///
  /// - Parameter tokenizer: A tokenizer's folder, or a `tokenizer.json` itself.
  /// - Throws: `StageFailure` or `RecordError` naming the file.
  init(_ tokenizer: FilePath) throws {
    let file = FileContent.file("tokenizer.json", of: tokenizer)
    let json = try FileContent.json(file)
    var ids: [(name: String, id: Int)] = []
    switch json["model"]?["vocab"] {
    case .object(let vocabulary): ids = vocabulary.members.compactMap { name, id in id.integer.map { (name, $0) } }
    case .array(let pieces):
      ids = pieces.enumerated().compactMap { index, piece in piece.array?.first?.string.map { ($0, index) } }
    default: throw StageFailure("\(file): model.vocab is missing")
    }
    for added in json["added_tokens"]?.array ?? [] {
      if let name = added["content"]?.string, let id = added["id"]?.integer { ids.append((name, id)) }
    }
    guard let highest = ids.map(\.id).max() else { throw StageFailure("\(file): model.vocab is empty") }
    vocabularySize = highest + 1
    let folder = FileContent.isFolder(tokenizer) ? tokenizer : tokenizer.removingLastComponent()
    func token(_ name: String) throws -> Int32? {
      for config in ["tokenizer_config.json", "special_tokens_map.json"] {
        let path = folder.appending(config)
        guard FileContent.exists(path), let value = try FileContent.json(path)[name], !value.isNull else { continue }
        let text = value.string ?? value["content"]?.string ?? ""
        guard let id = ids.last(where: { $0.name.utf8.elementsEqual(text.utf8) })?.id else {
          throw StageFailure("\(path): \(name) \"\(text)\" is no token of tokenizer.json")
        }
        return Int32(id)
      }
      return nil
    }
    endToken = try token("eos_token")
    beginToken = try token("bos_token")
  }
}
