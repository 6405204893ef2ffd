internal import CanonicalJSON

/// What a `tokenizer.json` says, component by component.
struct TokenizerReading {
  var pipeline: EncodingPipeline
  var decoder: TokenDecoder
  var template: SpecialTokenTemplate
  var addedTokens: [AddedToken]

  private let addedIDs: ByteStringTable

  init(_ files: TokenizerFiles) throws(TokenizerError) {
    let json = try TokenizerFiles.parse(files.tokenizer, TokenizerFiles.tokenizerName)
    guard json.object != nil else { throw Self.malformed("the file", "an object") }
    // Before all else: what surrounds a model of another type is of no interest.
    try BytePairModel.check(json["model"] ?? .null)
    let normalizer = try Normalizer(reading: json["normalizer"])
    let preTokenizer = try PreTokenizer(reading: json["pre_tokenizer"])
    let model = try BytePairModel(reading: json["model"] ?? .null, isByteLevel: preTokenizer.isByteLevel)
    addedTokens = try Self.addedTokens(json["added_tokens"], model)
    addedIDs = addedTokens.reduce(into: ByteStringTable()) { $0.set(Array($1.content.utf8), to: $1.token) }
    pipeline = EncodingPipeline(
      verbatimTokens: AddedTokenMatcher(
        addedTokens.filter { !$0.isNormalized }.map { (Array($0.content.utf8), $0) }),
      normalizer: normalizer,
      normalizedTokens: AddedTokenMatcher(
        addedTokens.filter(\.isNormalized).map { (normalizer.normalize($0.content.utf8), $0) }),
      preTokenizer: preTokenizer, model: model)
    decoder = try TokenDecoder(reading: json["decoder"])
    template = try SpecialTokenTemplate(reading: json["post_processor"])
  }

  /// The token of a piece or an added token, or nil.
  func token(of piece: String) -> Int32? {
    addedIDs.value(of: piece) ?? pipeline.model.vocabulary.value(of: piece)
  }

  // MARK: Added tokens

  private static func addedTokens(
    _ json: JSONValue?, _ model: BytePairModel
  ) throws(TokenizerError) -> [AddedToken] {
    var tokens: [AddedToken] = []
    var largest: Int32? = nil
    for (index, entry) in (json?.array ?? []).enumerated() {
      let member = "added_tokens[\(index)]"
      guard let content = entry["content"]?.string, let id = entry["id"]?.integer.flatMap(Int32.init(exactly:)) else {
        throw malformed(member, "an object with \"id\" and \"content\"")
      }
      if content.isEmpty { continue }
      // The reference numbers tokens that the vocabulary lacks anew, after all others, and only warns where that
      // differs from the file.
      let size = Int32(model.vocabulary.count)
      let number =
        model.vocabulary.value(of: content) ?? tokens.first { $0.content.hasSameBytes(as: content) }?.token
        ?? largest.map { max($0 + 1, size) } ?? size
      if number != id {
        throw malformed("\(member).id", "\(number), the number that \"\(content)\" gets in the reference, not \(id)")
      }
      largest = max(largest ?? number, number)
      tokens.append(
        AddedToken(
          token: number, content: content, singleWord: entry["single_word"]?.bool ?? false,
          stripsLeft: entry["lstrip"]?.bool ?? false, stripsRight: entry["rstrip"]?.bool ?? false,
          isNormalized: entry["normalized"]?.bool ?? true, isSpecial: entry["special"]?.bool ?? false))
    }
    return tokens
  }

  // MARK: Errors

  static func malformed(_ member: String, _ expected: String) -> TokenizerError {
    .malformed(file: TokenizerFiles.tokenizerName, member: member, expected: expected)
  }

  static func unsupported(_ component: String) -> TokenizerError {
    .unsupported(file: TokenizerFiles.tokenizerName, component: component)
  }

  /// A component's `type`.
  static func type(_ json: JSONValue, _ member: String) throws(TokenizerError) -> String {
    guard let type = json["type"]?.string else { throw malformed(member, "an object with a \"type\"") }
    return type
  }

  /// A component as a list of steps: none, itself, or those of a `Sequence`.
  static func steps(
    _ json: JSONValue?, _ member: String, of list: String
  ) throws(TokenizerError) -> [(json: JSONValue, type: String, member: String)] {
    guard let json, !json.isNull else { return [] }
    let type = try type(json, member)
    guard type == "Sequence" else { return [(json, type, member)] }
    guard let elements = json[list]?.array else { throw malformed("\(member).\(list)", "an array") }
    var steps: [(json: JSONValue, type: String, member: String)] = []
    for (index, element) in elements.enumerated() {
      steps += try Self.steps(element, "\(member).\(list)[\(index)]", of: list)
    }
    return steps
  }

  /// The text and its replacement of a `Replace`.
  static func replacement(
    _ json: JSONValue, _ member: String
  ) throws(TokenizerError) -> (pattern: [UInt8], content: [UInt8]) {
    if let expression = json["pattern"]?["Regex"]?.string {
      throw unsupported("\(member), a replacement by the regular expression \(expression),")
    }
    guard let pattern = json["pattern"]?["String"]?.string, !pattern.isEmpty,
      let content = json["content"]?.string
    else { throw malformed(member, "a replacement with \"pattern\" and \"content\"") }
    return (Array(pattern.utf8), Array(content.utf8))
  }
}

extension Normalizer {
  init(reading json: JSONValue?) throws(TokenizerError) {
    for (json, type, member) in try TokenizerReading.steps(json, "normalizer", of: "normalizers") {
      switch type {
      case "NFC": steps.append(.composed)
      case "Prepend":
        guard let prefix = json["prepend"]?.string else {
          throw TokenizerReading.malformed("\(member).prepend", "a string")
        }
        steps.append(.prepend(Array(prefix.utf8)))
      case "Replace":
        let (pattern, content) = try TokenizerReading.replacement(json, member)
        steps.append(.replace(pattern, with: content))
      default: throw TokenizerReading.unsupported("\(member) of type \(type)")
      }
    }
  }
}

extension PreTokenizer {
  init(reading json: JSONValue?) throws(TokenizerError) {
    for (json, type, member) in try TokenizerReading.steps(json, "pre_tokenizer", of: "pretokenizers") {
      if isByteLevel { throw TokenizerReading.unsupported("\(member) of type \(type) after ByteLevel") }
      switch type {
      case "ByteLevel":
        if json["add_prefix_space"]?.bool ?? true { steps.append(.leadingSpace) }
        if json["use_regex"]?.bool ?? true { steps.append(.pattern(.gpt2)) }
        isByteLevel = true
      case "Digits": steps.append(.digits(individual: json["individual_digits"]?.bool ?? false))
      case "Split": steps.append(.pattern(try Self.pattern(json, member)))
      default: throw TokenizerReading.unsupported("\(member) of type \(type)")
      }
    }
  }

  private static func pattern(_ json: JSONValue, _ member: String) throws(TokenizerError) -> SplittingPattern {
    guard let expression = json["pattern"]?["Regex"]?.string else {
      throw TokenizerReading.unsupported("\(member), a split at a fixed text,")
    }
    // The known patterns leave no gaps, so that matches stay whether they are isolated or all else is removed.
    let keepsMatches =
      switch (json["behavior"]?.string, json["invert"]?.bool ?? false) {
      case ("Isolated", _), ("Removed", true): true
      default: false
      }
    guard keepsMatches, let pattern = SplittingPattern(regularExpression: expression) else {
      let behavior = json["behavior"]?.string ?? "none"
      throw TokenizerReading.unsupported("\(member), behavior \(behavior), with the pattern \(expression),")
    }
    return pattern
  }
}

extension TokenDecoder {
  init(reading json: JSONValue?) throws(TokenizerError) {
    guard let json, !json.isNull else {
      self = .none
      return
    }
    if json["type"]?.string == "ByteLevel" {
      self = .byteLevel
      return
    }
    var steps: [Step] = []
    for (json, type, member) in try TokenizerReading.steps(json, "decoder", of: "decoders") {
      switch type {
      case "ByteLevel": steps.append(.byteLevel)
      case "ByteFallback": steps.append(.byteFallback)
      case "Fuse": steps.append(.fuse)
      case "Replace":
        let (pattern, content) = try TokenizerReading.replacement(json, member)
        steps.append(.replace(pattern, with: content))
      case "Strip":
        guard let content = json["content"]?.string?.unicodeScalars, content.count == 1, let scalar = content.first,
          let start = json["start"]?.integer, let stop = json["stop"]?.integer, start >= 0, stop >= 0
        else { throw TokenizerReading.malformed(member, "a strip with \"content\", \"start\" and \"stop\"") }
        steps.append(.strip(scalar, start: start, stop: stop))
      default: throw TokenizerReading.unsupported("\(member) of type \(type)")
      }
    }
    self = .sequence(steps)
  }
}

extension SpecialTokenTemplate {
  init(reading json: JSONValue?) throws(TokenizerError) {
    self.init()
    for (json, type, member) in try TokenizerReading.steps(json, "post_processor", of: "processors") {
      switch type {
      case "ByteLevel": break  // trims offsets, which are not kept here
      case "RobertaProcessing", "BertProcessing":
        guard let begin = json["cls"]?.array?.last?.integer, let end = json["sep"]?.array?.last?.integer else {
          throw TokenizerReading.malformed(member, "a processor with \"cls\" and \"sep\"")
        }
        before.insert(TokenID(begin), at: 0)
        after.append(TokenID(end))
      case "TemplateProcessing": try add(template: json, member)
      default: throw TokenizerReading.unsupported("\(member) of type \(type)")
      }
    }
  }

  private mutating func add(template json: JSONValue, _ member: String) throws(TokenizerError) {
    guard let single = json["single"]?.array else { throw TokenizerReading.malformed("\(member).single", "an array") }
    var left: [TokenID] = []
    var right: [TokenID] = []
    var isPastText = false
    for piece in single {
      if piece["Sequence"] != nil {
        isPastText = true
        continue
      }
      guard let name = piece["SpecialToken"]?["id"]?.string,
        let ids = json["special_tokens"]?[name]?["ids"]?.array?.map(\.integer), !ids.contains(nil)
      else { throw TokenizerReading.malformed("\(member).single", "texts and special tokens with their ids") }
      let tokens = ids.compactMap { $0.map { TokenID($0) } }
      if isPastText { right += tokens } else { left += tokens }
    }
    guard isPastText else { throw TokenizerReading.malformed("\(member).single", "a template with a text") }
    before = left + before
    after += right
  }
}
