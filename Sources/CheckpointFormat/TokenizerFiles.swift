import Records
public import SystemPackage

/// The files of a tokenizer, which travel with a model.
public enum TokenizerFiles {
  /// Names that `transformers` looks for.
  public static let names = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model",
    "vocab.json", "merges.txt", "chat_template.jinja",
  ]

  /// Copies those files that there are.
  ///
  /// - Parameters:
  ///   - source: A tokenizer's or a model's folder.
  ///   - target: An existing folder.
  /// - Throws: `RecordError` where a file can't be read, `Errno` where it can't be written.
  public static func copy(from source: FilePath, to target: FilePath) throws {
    for name in names where FileContent.exists(source.appending(name)) {
      try FileContent.write(FileContent.read(source.appending(name)), to: target.appending(name))
    }
  }
}
