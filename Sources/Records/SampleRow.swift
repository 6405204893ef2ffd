public import CanonicalJSON
public import SystemPackage

/// One generated completion.
public struct SampleRow: Sendable, Hashable {
  /// Why a sample ended.
  public enum Finish: String, Sendable, Hashable {
    /// The end token was chosen.
    case end = "eos"
    /// The token limit was reached.
    case length
    /// A text that was to stop it was written.
    case stop
  }

  /// The id of the prompt's row.
  public var id: String
  /// Which sample of the prompt, from 0.
  public var sample: Int
  /// The prompt as text; nil where it is not known.
  public var prompt: String?
  /// The completion as text, without its end token; nil where it is not known.
  public var text: String?
  /// Tokens of the prompt; nil where they are not known.
  public var promptTokens: [Int32]?
  /// Tokens of the completion, the end token included; nil where they are not known.
  public var tokens: [Int32]?
  /// The model's log-probability of each token at temperature 1, in nats.
  public var logProbabilities: [Float]?
  /// The entropy of the model's distribution at each token at temperature 1, in nats.
  public var entropies: [Float]?
  /// Why it ended; nil where it is not known.
  public var finish: Finish?
  /// The right answers.
  public var references: [String]?

  /// A sample.
  public init(
    id: String, sample: Int, prompt: String? = nil, text: String? = nil, promptTokens: [Int32]? = nil,
    tokens: [Int32]? = nil, logProbabilities: [Float]? = nil, entropies: [Float]? = nil, finish: Finish? = nil,
    references: [String]? = nil
  ) {
    self.id = id
    self.sample = sample
    self.prompt = prompt
    self.text = text
    self.promptTokens = promptTokens
    self.tokens = tokens
    self.logProbabilities = logProbabilities
    self.entropies = entropies
    self.finish = finish
    self.references = references
  }

  init(_ line: JSONLine) throws(RecordError) {
    id = try line.string("id")
    sample = line.has("sample") ? try line.integer("sample") : 0
    prompt = line.has("prompt") ? try line.string("prompt") : nil
    text = line.has("text") ? try line.string("text") : nil
    promptTokens = line.has("prompt_tokens") ? try line.tokens("prompt_tokens") : nil
    tokens = line.has("tokens") ? try line.tokens("tokens") : nil
    logProbabilities = line.has("logprobs") ? try line.floats("logprobs") : nil
    entropies = line.has("entropies") ? try line.floats("entropies") : nil
    if line.has("finish") {
      let word = try line.string("finish")
      guard let value = Finish(rawValue: word) else {
        throw line.failure("member \"finish\": expected \"eos\", \"length\" or \"stop\", found \"\(word)\"")
      }
      finish = value
    }
    references = line.has("references") ? try line.strings("references") : nil
    for (name, count) in [("logprobs", logProbabilities?.count), ("entropies", entropies?.count)] {
      if let count, let tokens, tokens.count != count {
        throw line.failure("has \(tokens.count) tokens and \(count) \(name)")
      }
    }
  }

  func append(to text: inout JSONText) {
    text.raw("{\"id\":")
    text.append(id)
    text.raw(",\"sample\":")
    text.append(sample)
    if let prompt {
      text.raw(",\"prompt\":")
      text.append(prompt)
    }
    if let content = self.text {
      text.raw(",\"text\":")
      text.append(content)
    }
    if let promptTokens {
      text.raw(",\"prompt_tokens\":")
      text.array(promptTokens) { $0.append(Int($1)) }
    }
    if let tokens {
      text.raw(",\"tokens\":")
      text.array(tokens) { $0.append(Int($1)) }
    }
    if let logProbabilities {
      text.raw(",\"logprobs\":")
      text.array(logProbabilities) { $0.append($1) }
    }
    if let entropies {
      text.raw(",\"entropies\":")
      text.array(entropies) { $0.append($1) }
    }
    if let finish {
      text.raw(",\"finish\":")
      text.append(finish.rawValue)
    }
    if let references {
      text.raw(",\"references\":")
      text.array(references) { $0.append($1) }
    }
    text.raw("}")
  }
}

/// A samples folder: `samples.jsonl`, and `settings.json` where `generate` wrote it.
public enum SampleFiles {
  /// Reads the samples of a folder, or of a `samples.jsonl` itself.
  /// - Throws: `RecordError` with file and line.
  public static func read(_ artifact: FilePath) throws -> [SampleRow] {
    var rows: [SampleRow] = []
    try forEach(artifact) { row, _ in rows.append(row) }
    return rows
  }

  /// Reads the samples one by one.
  ///
  /// - Parameters:
  ///   - artifact: The folder, or a `samples.jsonl` itself.
  ///   - body: Called with each sample and its line, from 1.
  /// - Throws: `RecordError` with file and line, and what `body` throws.
  public static func forEach(_ artifact: FilePath, _ body: (SampleRow, Int) throws -> Void) throws {
    try JSONLines.read(FileContent.file("samples.jsonl", of: artifact)) { try body(try SampleRow($0), $0.number) }
  }

  /// Checks a samples folder: there are samples, each once, an id has one prompt and one list of references, and settings
  /// are a JSON object.
  ///
  /// The samples of one prompt at most are in memory.
  ///
  /// - Parameter artifact: The folder, or a `samples.jsonl` itself.
  /// - Throws: `RecordError` naming file and rows.
  public static func check(_ artifact: FilePath) throws {
    let file = FileContent.file("samples.jsonl", of: artifact)
    let index = try SampleFileIndex(artifact)
    guard index.promptCount > 0 else { throw RecordError(file: file, reason: "holds no sample") }
    try index.forEachPrompt { rows in
      guard let conflict = SampleConflict(among: rows) else { return }
      throw RecordError(file: file, reason: "\(conflict); \(conflict.remedy)")
    }
    _ = try settings(artifact)
  }

  /// The settings of the generation, or nil where there are none.
  /// - Throws: `RecordError` where the file is no JSON object.
  public static func settings(_ artifact: FilePath) throws(RecordError) -> JSONObject? {
    let file = artifact.appending("settings.json")
    guard FileContent.isFolder(artifact), FileContent.exists(file) else { return nil }
    guard let object = try FileContent.json(file).object else {
      throw RecordError(file: file, reason: "expected a JSON object")
    }
    return object
  }

  /// Writes a samples folder.
  /// - Throws: `Errno`.
  public static func write(_ rows: some Sequence<SampleRow>, settings: JSONObject?, to folder: FilePath) throws {
    try JSONLines.write(rows, to: folder.appending("samples.jsonl")) { $0.append(to: &$1) }
    if let settings {
      try FileContent.write(JSONValue.object(settings).prettyText.utf8, to: folder.appending("settings.json"))
    }
  }
}
