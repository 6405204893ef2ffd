internal import CanonicalJSON
internal import Files
internal import SystemPackage

/// The files of a tokenizer as they were read, so that writing them again changes no byte.
struct TokenizerFiles: Sendable {
  /// `tokenizer.json`; made here where a folder has `vocab.json` and `merges.txt` only.
  var tokenizer: [UInt8]
  /// `tokenizer_config.json`, if there is one.
  var configuration: [UInt8]?
  /// `special_tokens_map.json`, if there is one: the older place of begin and end token.
  var specialTokens: [UInt8]?
  /// `added_tokens.json`, if there is one: the older place of added tokens.
  var olderAddedTokens: [UInt8]?
  /// `vocab.json` and `merges.txt` beside a `tokenizer.json`, if there are any.
  var olderVocabulary: [UInt8]?
  var olderMerges: [UInt8]?
  /// The token that begins and ends texts where no file names one.
  var usualToken: String?

  static let tokenizerName = "tokenizer.json"
  static let configurationName = "tokenizer_config.json"
  static let specialTokensName = "special_tokens_map.json"
  static let olderAddedTokensName = "added_tokens.json"
  static let olderVocabularyName = "vocab.json"
  static let olderMergesName = "merges.txt"

  init(tokenizer: [UInt8], configuration: [UInt8]? = nil) {
    self.tokenizer = tokenizer
    self.configuration = configuration
  }

  /// The files of a folder, or of the folder in which a given `tokenizer.json` lies.
  init(contentsOf path: FilePath) throws(TokenizerError) {
    let isFile = path.extension == "json"
    let folder = isFile ? path.removingLastComponent() : path
    configuration = try Self.read(folder.appending(Self.configurationName))
    specialTokens = try Self.read(folder.appending(Self.specialTokensName))
    olderAddedTokens = try Self.read(folder.appending(Self.olderAddedTokensName))
    if let bytes = try Self.read(isFile ? path : folder.appending(Self.tokenizerName)) {
      tokenizer = bytes
      // Nothing rests on these, so that one that can't be read is no error.
      olderVocabulary = try? Self.read(folder.appending(Self.olderVocabularyName))
      olderMerges = try? Self.read(folder.appending(Self.olderMergesName))
      return
    }
    guard let vocabulary = try Self.read(folder.appending(Self.olderVocabularyName)),
      let merges = try Self.read(folder.appending(Self.olderMergesName))
    else { throw .notFound(path) }
    let legacy = try LegacyVocabulary(
      vocabulary: vocabulary, merges: merges, configuration: Self.parse(configuration, Self.configurationName),
      specialTokens: Self.parse(specialTokens, Self.specialTokensName))
    tokenizer = legacy.tokenizerText
    usualToken = LegacyVocabulary.endOfText
  }

  /// The content of a file; nil where there is none.
  private static func read(_ path: FilePath) throws(TokenizerError) -> [UInt8]? {
    do throws(RegularFileError) {
      return try RegularFile.read(path)
    } catch {
      if case .system(.noSuchFileOrDirectory) = error.reason { return nil }
      if case .system(.notDirectory) = error.reason { return nil }
      throw .file(path, reason: "can't be read: \(error.text)")
    }
  }

  static func parse(_ bytes: [UInt8]?, _ file: String) throws(TokenizerError) -> JSONValue {
    guard let bytes else { return .null }
    do throws(JSONError) { return try JSONValue(parsing: bytes) } catch { throw .notJSON(file: file, error) }
  }
}
