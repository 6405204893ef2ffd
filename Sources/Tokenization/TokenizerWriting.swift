internal import CanonicalJSON
public import SystemPackage

extension Tokenizer {
  /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder that exists.
  ///
  /// A tokenizer that was read is written byte for byte as it was. Where its configuration lacks the begin or the end
  /// token, which other files or the vocabulary gave, they are added.
  ///
  /// - Parameters:
  ///   - folder: Receives the files; those of the same name are replaced.
  ///   - convention: What stood around prompts; default: what the configuration names.
  /// - Throws: `TokenizerError.file` where a file cannot be written.
  public func write(to folder: FilePath, _ convention: PromptConvention? = nil) throws(TokenizerError) {
    try Self.write(files.tokenizer, folder.appending(TokenizerFiles.tokenizerName))
    try Self.write(
      try configurationText(convention ?? promptConvention), folder.appending(TokenizerFiles.configurationName))
  }

  private func configurationText(_ convention: PromptConvention) throws(TokenizerError) -> [UInt8] {
    var members = try configuration()
    var isComplete = files.configuration != nil
    for (member, token) in [("bos_token", beginToken), ("eos_token", endToken)] {
      if let token, let piece = vocabularyEntry(token), members[member]?.isNull ?? true {
        members[member] = .string(piece)
        isComplete = false
      }
    }
    if convention != promptConvention {
      members[PromptConvention.member] = convention == .usual ? nil : convention.json
      isComplete = false
    }
    if isComplete, let configuration = files.configuration { return configuration }
    return Array(JSONValue.object(members).prettyText.utf8)
  }

  /// The members of the configuration; those of a new one where there is none.
  func configuration() throws(TokenizerError) -> JSONObject {
    try TokenizerFiles.parse(files.configuration, TokenizerFiles.configurationName).object
      ?? ["tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false]
  }

  private static func write(_ bytes: [UInt8], _ path: FilePath) throws(TokenizerError) {
    do {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite, .groupRead, .otherRead])
      try file.closeAfter { _ = try file.writeAll(bytes) }
    } catch {
      throw .file(path, reason: String(describing: error))
    }
  }
}
