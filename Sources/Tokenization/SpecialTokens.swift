internal import CanonicalJSON

/// Added tokens, begin and end token, and what stands around a text: the one place that reads what the files of a
/// tokenizer say of them, settles where they differ as `transformers` does, and says so.
struct SpecialTokens {
  /// Tokens that are matched in the text itself.
  private(set) var added: [AddedToken]
  private(set) var begin: TokenID?
  private(set) var end: TokenID?
  let template: SpecialTokenTemplate
  /// Sentences about what was settled.
  private(set) var notes: [String] = []

  private let vocabulary: ByteStringTable
  private var addedIDs = ByteStringTable()
  private var largest: Int32?

  /// Members that name one special token each.
  private static let names = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]
  /// End tokens of common tokenizers, one of which is taken where no file names one.
  private static let usualEnds = ["<|endoftext|>", "</s>", "<eos>"]

  /// Reads them.
  ///
  /// - Parameters:
  ///   - files: All files.
  ///   - json: `tokenizer.json`.
  ///   - vocabulary: The model's pieces.
  ///   - template: What `tokenizer.json` puts around a text.
  /// - Throws: `TokenizerError` naming the member.
  init(
    _ files: TokenizerFiles, json: JSONValue, vocabulary: ByteStringTable, template: SpecialTokenTemplate
  ) throws(TokenizerError) {
    self.vocabulary = vocabulary
    self.template = template
    added = []
    for (index, entry) in (json["added_tokens"]?.array ?? []).enumerated() {
      let member = "added_tokens[\(index)]"
      guard let id = entry["id"]?.integer.flatMap(Int32.init(exactly:)) else {
        throw TokenizerReading.malformed(member, "an object with \"id\" and \"content\"")
      }
      try add(entry, declared: id, file: TokenizerFiles.tokenizerName, member)
    }
    let configuration = try TokenizerFiles.parse(files.configuration, TokenizerFiles.configurationName)
    let map = try TokenizerFiles.parse(files.specialTokens, TokenizerFiles.specialTokensName)
    try addDeclared(configuration, isSource: files.usualToken != nil)
    try addNamed(in: [(TokenizerFiles.configurationName, configuration), (TokenizerFiles.specialTokensName, map)])
    compareOlder(try TokenizerFiles.parse(files.olderAddedTokens, TokenizerFiles.olderAddedTokensName))
    begin = try named("bos_token", configuration, map) ?? template.before.first
    if begin == nil, let usual = files.usualToken { begin = token(of: usual).map { TokenID($0) } }
    end = try named("eos_token", configuration, map) ?? usualEnd()
    compareTemplate(configuration)
    if configuration["split_special_tokens"]?.bool == true {
      notes.append(
        "\(TokenizerFiles.configurationName) says split_special_tokens true, with which transformers takes special tokens "
          + "written in a text for text; here they become themselves")
    }
    let settled = self
    notes += OlderVocabulary.notes(files, json: json, vocabulary: vocabulary) { settled.token(of: $0) }
  }

  /// The token of a piece or an added token, or nil.
  func token(of piece: String) -> Int32? { addedIDs.value(of: piece) ?? vocabulary.value(of: piece) }

  // MARK: Added tokens

  /// Adds a token of `tokenizer.json`, or one that only `tokenizer_config.json` declares.
  ///
  /// The reference numbers tokens that the vocabulary lacks anew, after all others, and only warns where that differs from
  /// the file.
  private mutating func add(
    _ entry: JSONValue, declared id: Int32, file: String, _ member: String
  ) throws(TokenizerError) {
    guard let content = entry["content"]?.string else {
      throw .malformed(file: file, member: member, expected: "an object with \"content\"")
    }
    if content.isEmpty { return }
    let number =
      vocabulary.value(of: content) ?? addedIDs.value(of: content) ?? nextNumber
    if number != id {
      throw .malformed(
        file: file, member: "\(member).id",
        expected: "\(number), the number that \"\(ForeignText.line(content))\" gets in the reference, not \(id)")
    }
    append(AddedToken(entry, token: number, content: content))
  }

  private var nextNumber: Int32 {
    let size = Int32(vocabulary.count)
    return largest.map { max($0 == .max ? $0 : $0 + 1, size) } ?? size
  }

  private mutating func append(_ token: AddedToken) {
    added.append(token)
    addedIDs.set(Array(token.content.utf8), to: token.token)
    largest = max(largest ?? token.token, token.token)
  }

  /// `transformers` adds what `added_tokens_decoder` declares beyond `tokenizer.json`, in the order of ids, and gives tokens
  /// that both declare the flags of the configuration.
  ///
  /// - Parameters:
  ///   - configuration: `tokenizer_config.json`.
  ///   - isSource: Whether the tokens so far come from it themselves.
  /// - Throws: `TokenizerError` naming the token.
  private mutating func addDeclared(_ configuration: JSONValue, isSource: Bool) throws(TokenizerError) {
    let file = TokenizerFiles.configurationName
    var declared: [(id: Int32, entry: JSONValue)] = []
    for (name, entry) in configuration["added_tokens_decoder"]?.object?.members ?? [] {
      guard let id = Int32(name), entry["content"]?.string != nil else {
        throw .malformed(file: file, member: "added_tokens_decoder", expected: "tokens by their ids")
      }
      declared.append((id, entry))
    }
    var news: [String] = []
    var changed: [String] = []
    for (id, entry) in declared.sorted(by: { $0.id < $1.id }) {
      guard let content = entry["content"]?.string, !content.isEmpty else { continue }
      if let own = addedIDs.value(of: content) {
        guard own == id else {
          throw .malformed(
            file: file, member: "added_tokens_decoder",
            expected: "\(own) for \"\(ForeignText.line(content))\", as tokenizer.json has it, not \(id)")
        }
        if !isSource, let change = takeFlags(entry, of: own, content) { changed.append(change) }
        continue
      }
      try add(entry, declared: id, file: file, "added_tokens_decoder.\(id)")
      news.append(ForeignText.line(content))
    }
    if !changed.isEmpty {
      notes.append(
        "\(file) states other flags of added tokens than tokenizer.json; they are taken, as in transformers: "
          + ForeignText.list(changed))
    }
    guard !news.isEmpty else { return }
    notes.append(
      "\(file) declares \(news.count) added \(news.count == 1 ? "token" : "tokens") that tokenizer.json lacks, which "
        + "\(news.count == 1 ? "is" : "are") added as transformers does: \(ForeignText.list(news))")
  }

  /// Gives an added token the flags of the configuration; what was special stays so.
  ///
  /// - Returns: What changed, for people; nil where nothing did.
  private mutating func takeFlags(_ entry: JSONValue, of token: Int32, _ content: String) -> String? {
    guard let place = added.firstIndex(where: { $0.token == token }) else { return nil }
    var declared = AddedToken(entry, token: token, content: content)
    declared.isSpecial = declared.isSpecial || added[place].isSpecial
    let differences = added[place].differences(of: declared)
    guard !differences.isEmpty else { return nil }
    added[place] = declared
    return "\(ForeignText.line(content)) (\(differences.joined(separator: ", ")))"
  }

  /// Tokens that only the oldest of the files declares are not taken, but said.
  private mutating func compareOlder(_ older: JSONValue) {
    let absent = (older.object?.members ?? []).filter { member in
      token(of: member.name) == nil || member.value.integer != token(of: member.name).map { Int($0) }
    }
    guard !absent.isEmpty else { return }
    notes.append(
      "\(TokenizerFiles.olderAddedTokensName) declares tokens that tokenizer.json lacks or numbers otherwise; they are not "
        + "taken: \(ForeignText.list(absent.map { ForeignText.line($0.name) }))")
  }

  /// `transformers` makes the named special tokens added ones, too.
  private mutating func addNamed(in sources: [(file: String, value: JSONValue)]) throws(TokenizerError) {
    for (file, value) in sources {
      var entries = Self.names.compactMap { value[$0] }
      for member in ["additional_special_tokens", "extra_special_tokens"] {
        entries += value[member]?.array ?? []
        entries += (value[member]?.object?.members ?? []).map(\.value)
      }
      for entry in entries {
        guard let content = Self.content(entry), !content.isEmpty, addedIDs.value(of: content) == nil else { continue }
        if let token = vocabulary.value(of: content) {
          var named = AddedToken(entry, token: token, content: content)
          named.isNormalized = entry["normalized"]?.bool ?? false
          named.isSpecial = true
          append(named)
        } else {
          let note =
            "\(file) names the special token \"\(ForeignText.line(content))\", which no vocabulary has; it is left out, "
            + "while transformers would number it anew"
          if !notes.contains(note) { notes.append(note) }
        }
      }
    }
  }

  /// A name, or an object as `transformers` writes an added token.
  private static func content(_ value: JSONValue?) -> String? { value?.string ?? value?["content"]?.string }

  // MARK: Begin and end

  private mutating func named(
    _ member: String, _ configuration: JSONValue, _ map: JSONValue
  ) throws(TokenizerError) -> TokenID? {
    let (name, older) = (Self.content(configuration[member]), Self.content(map[member]))
    if let name, let older, !name.hasSameBytes(as: older) {
      notes.append(
        "\(TokenizerFiles.configurationName) names \"\(ForeignText.line(name))\" as \(member), "
          + "\(TokenizerFiles.specialTokensName) \"\(ForeignText.line(older))\"; the first is taken")
    }
    guard let chosen = name ?? older else { return nil }
    guard let token = token(of: chosen) else {
      let file = name == nil ? TokenizerFiles.specialTokensName : TokenizerFiles.configurationName
      throw .unknownToken(file: file, member: member, token: ForeignText.line(chosen))
    }
    return TokenID(token)
  }

  /// The only usual end token that there is.
  private mutating func usualEnd() -> TokenID? {
    let found = Self.usualEnds.compactMap { name in token(of: name).map { (name, $0) } }
    guard found.count == 1, let (name, token) = found.first else { return nil }
    notes.append("no file names an eos_token; \(name) is taken for the end token, the only usual one that there is")
    return TokenID(token)
  }

  // MARK: What stands around a text

  /// What stands around a text the template of `tokenizer.json` decides; `add_bos_token` and `add_eos_token`, which some
  /// versions of `transformers` obey, may say something else.
  private mutating func compareTemplate(_ configuration: JSONValue) {
    let (begins, ends) = (configuration["add_bos_token"]?.bool, configuration["add_eos_token"]?.bool)
    guard begins != nil || ends != nil else { return }
    let before = begins == true ? [begin].compactMap(\.self) : []
    let after = ends == true ? [end].compactMap(\.self) : []
    guard before != template.before || after != template.after else { return }
    notes.append(
      "\(TokenizerFiles.configurationName) says add_bos_token \(begins ?? false) and add_eos_token \(ends ?? false), the "
        + "template of tokenizer.json puts \(Self.list(template.before)) before a text and \(Self.list(template.after)) "
        + "after it; the template is followed")
  }

  private static func list(_ tokens: [TokenID]) -> String {
    tokens.isEmpty ? "nothing" : tokens.map(\.description).joined(separator: " ")
  }
}

/// Foreign text in messages: on one line, bounded in length, control characters visible.
enum ForeignText {
  static func line(_ text: String, most: Int = 60) -> String {
    var result = ""
    for (count, scalar) in text.unicodeScalars.enumerated() {
      if count == most { return result + "…" }
      let isControl = scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
      if isControl || scalar.value == 0x2028 || scalar.value == 0x2029 {
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  static func list(_ texts: [String], most: Int = 8) -> String {
    texts.prefix(most).joined(separator: ", ") + (texts.count > most ? " and \(texts.count - most) more" : "")
  }
}
