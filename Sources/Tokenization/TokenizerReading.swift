internal import CanonicalJSON

/// What a `tokenizer.json` says, component by component, and its neighbours with it.
struct TokenizerReading {
  var pipeline: EncodingPipeline
  var decoder: TokenDecoder
  var special: SpecialTokens
  /// Sentences about what the files state differently.
  var notes: [String]

  init(_ files: TokenizerFiles) throws(TokenizerError) {
    let json = try TokenizerFiles.parse(files.tokenizer, TokenizerFiles.tokenizerName)
    guard json.object != nil else { throw Self.malformed("the file", "an object") }
    // Before all else: what surrounds a model of another type is of no interest.
    try BytePairModel.check(json["model"] ?? .null)
    let normalizer = try Normalizer(reading: json["normalizer"])
    var preTokenizer = try PreTokenizer(reading: json["pre_tokenizer"])
    let model = try BytePairModel(reading: json["model"] ?? .null, isByteLevel: preTokenizer.isByteLevel)
    special = try SpecialTokens(
      files, json: json, vocabulary: model.vocabulary,
      template: try SpecialTokenTemplate(reading: json["post_processor"])
    )
    notes = special.notes
    if let note = try preTokenizer.settlePrefixSpace(files, json["pre_tokenizer"]) { notes.append(note) }
    let addedTokens = special.added
    pipeline = EncodingPipeline(
      verbatimTokens: AddedTokenMatcher(
        addedTokens.filter { !$0.isNormalized }.map { (Array($0.content.utf8), $0) }),
      normalizer: normalizer,
      normalizedTokens: AddedTokenMatcher(
        addedTokens.filter(\.isNormalized).map { (normalizer.normalize($0.content.utf8), $0) }),
      preTokenizer: preTokenizer, model: model)
    decoder = try TokenDecoder(reading: json["decoder"])
  }

  /// One more than the largest id.
  ///
  /// - Throws: `TokenizerError` where ids lie far beyond the number of tokens: tables by id would take as much memory as a
  ///   file likes.
  static func vocabularySize(_ vocabulary: ByteStringTable, _ added: [AddedToken]) throws(TokenizerError) -> Int {
    var highest = added.map { Int($0.token) }.max() ?? -1
    for index in 0..<vocabulary.count { highest = max(highest, Int(vocabulary[index])) }
    let count = vocabulary.count + added.count
    guard highest < max(1 << 20, 8 * count) else {
      throw malformed(
        "model.vocab", "numbered without great gaps: the highest id is \(highest), there are \(count) tokens")
    }
    return highest + 1
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
    try Self.checkGrowth(growth, "normalizer")
  }

  /// How many times longer steps may make a text: some twelve times is what tokenizers need.
  private static let mostGrowth = 256.0

  /// Refuses steps that could fill the memory from a few words.
  static func checkGrowth(_ growth: Double, _ member: String) throws(TokenizerError) {
    guard growth <= mostGrowth else {
      throw TokenizerReading.malformed(
        member,
        "steps that make a text at most \(Int(mostGrowth)) times longer; these can make it \(growth) times longer")
    }
  }
}

extension PreTokenizer {
  /// Settles `add_prefix_space`, which `tokenizer_config.json` may state, too.
  ///
  /// In `transformers` 5 the generic class follows `tokenizer.json`. Classes with a name of their own build the
  /// pre-tokenizer anew and follow the configuration: done here for those of GPT-2 and Qwen2 where `tokenizer.json` has the
  /// components that they build.
  ///
  /// - Returns: What was made of it, where the two differ.
  mutating func settlePrefixSpace(_ files: TokenizerFiles, _ json: JSONValue?) throws(TokenizerError) -> String? {
    let configuration = try TokenizerFiles.parse(files.configuration, TokenizerFiles.configurationName)
    guard let stated = configuration["add_prefix_space"]?.bool, isByteLevel else { return nil }
    let own = steps.contains(.leadingSpace)
    guard own != stated else { return nil }
    let name = configuration["tokenizer_class"]?.string ?? ""
    let said = "\(TokenizerFiles.configurationName) says add_prefix_space \(stated), tokenizer.json \(own); "
    let others = steps.filter { $0 != .leadingSpace }
    var place: Int?
    if Self.isClass(name, "GPT2Tokenizer"), json?["type"]?.string == "ByteLevel" { place = 0 }
    // Every word gets the blank there: the byte level comes behind the pattern and sees words.
    if Self.isClass(name, "Qwen2Tokenizer"), others.count == 1, json?["type"]?.string == "Sequence",
      case .pattern = others[0]
    {
      place = 1
    }
    if let place {
      steps = others
      if stated { steps.insert(.leadingSpace, at: place) }
      return said + "the first is followed, as in transformers"
    }
    if name.isEmpty || Self.genericClasses.contains(where: { Self.isClass(name, $0) }) {
      return said + "the second is followed, as in transformers"
    }
    return said
      + "the second is followed, while transformers may build \(ForeignText.line(name)) by rules of its own and "
      + "follow the first"
  }

  /// Classes that take all of `tokenizer.json` as it is.
  private static let genericClasses = ["PreTrainedTokenizer", "TokenizersBackend"]

  private static func isClass(_ name: String, _ wanted: String) -> Bool { name == wanted || name == wanted + "Fast" }

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
    let replacements = steps.compactMap { step -> Normalizer.Step? in
      if case .replace(let pattern, let content) = step { .replace(pattern, with: content) } else { nil }
    }
    try Normalizer.checkGrowth(Normalizer(steps: replacements).growth, "decoder")
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
        guard let begin = Self.token(json["cls"]?.array?.last), let end = Self.token(json["sep"]?.array?.last) else {
          throw TokenizerReading.malformed(member, "a processor with \"cls\" and \"sep\"")
        }
        before.insert(begin, at: 0)
        after.append(end)
      case "TemplateProcessing": try add(template: json, member)
      default: throw TokenizerReading.unsupported("\(member) of type \(type)")
      }
    }
  }

  /// The token of a number that is one.
  private static func token(_ json: JSONValue?) -> TokenID? {
    json?.integer.flatMap(Int32.init(exactly:)).flatMap { $0 >= 0 ? TokenID($0) : nil }
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
        let ids = json["special_tokens"]?[name]?["ids"]?.array?.map(Self.token), !ids.contains(nil)
      else { throw TokenizerReading.malformed("\(member).single", "texts and special tokens with their ids") }
      let tokens = ids.compactMap(\.self)
      if isPastText { right += tokens } else { left += tokens }
    }
    guard isPastText else { throw TokenizerReading.malformed("\(member).single", "a template with a text") }
    before = left + before
    after += right
  }
}
