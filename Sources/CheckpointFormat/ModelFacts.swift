import CanonicalJSON
import Records
public import SystemPackage
public import Tokenization
public import Transformers

/// What the files of a model say of it, weights aside: the one place that reads the facts that several files state.
///
/// End tokens are those of `config.json`, then those that only `generation_config.json` names; each ends a text.
public struct ModelFacts: Sendable {
  /// The configuration, end tokens of both files in it.
  public var configuration: LlamaConfiguration
  /// The end token of the tokenizer whose files lie beside the model; nil without one.
  public var tokenizerEnd: Int32?
  /// Sentences about facts that the files state differently, and what was made of them.
  public var notes: [String]

  /// Reads the files.
  ///
  /// - Parameters:
  ///   - folder: A Hugging Face directory.
  ///   - tokenizer: The tokenizer that goes with it, where it is read already or another than that beside the model.
  /// - Throws: `CheckpointError` naming the field that is missing, wrong or not supported.
  public init(of folder: FilePath, tokenizer: TokenizerOutline? = nil) throws {
    configuration = try ModelFolder.configuration(of: folder)
    notes = []
    try compareGeneration(folder)
    if let names = WeightFiles.shadowedShards(in: folder) {
      let shown = names.prefix(4).map { $0.shown(limit: 60) }.joined(separator: ", ")
      notes.append(
        "model.safetensors.index.json of \(folder) names other files (\(shown)\(names.count > 4 ? ", …" : "")); "
          + "model.safetensors is read, as transformers does")
    }
    var known = tokenizer
    if known == nil { known = readTokenizer(beside: folder) }
    try compareBegin(folder, tokenizer: known?.beginToken?.value)
    guard let outline = known else { return }
    notes += outline.notes
    tokenizerEnd = outline.endToken?.value
    if let end = tokenizerEnd, !configuration.endTokens.contains(end) {
      notes.append(
        "the tokenizer ends texts with the end token \(end), the model in \(folder) with "
          + "\(Self.list(configuration.endTokens))")
    }
  }

  /// The tokenizer beside the model, if there is one that can be read.
  private mutating func readTokenizer(beside folder: FilePath) -> TokenizerOutline? {
    guard FileContent.exists(folder.appending("tokenizer.json")) else { return nil }
    do throws(TokenizerError) {
      return try TokenizerOutline(contentsOf: folder)
    } catch {
      notes.append("the tokenizer's end token is not compared with the model's: \(error)")
      return nil
    }
  }

  /// `transformers` goes by `generation_config.json` alone where there is one.
  private mutating func compareGeneration(_ folder: FilePath) throws {
    guard let generation = try ModelFolder.fields("generation_config.json", in: folder), generation.has("eos_token_id")
    else { return }
    let named = try generation.tokens("eos_token_id", standard: [], vocabulary: configuration.vocabularySize)
    let others = configuration.endTokens.filter { !named.contains($0) }
    if !others.isEmpty {
      notes.append(
        "generation_config.json names the end token \(Self.list(named)), config.json also \(Self.list(others)); all of "
          + "them end a text")
    }
  }

  /// Texts are begun as the tokenizer says; what the model's files name for it stands in them for other programs.
  private mutating func compareBegin(_ folder: FilePath, tokenizer: Int32?) throws {
    var named: [(file: String, token: Int)] = []
    for file in ["config.json", "generation_config.json"] {
      let value = try ModelFolder.fields(file, in: folder)?.object["bos_token_id"]
      if let token = value?.integer { named.append((file, token)) }
    }
    let others = named.filter { $0.token != tokenizer.map(Int.init) ?? named[0].token }
    guard !others.isEmpty else { return }
    let stated = named.map { "\($0.file) of \(folder) names the begin token \($0.token)" }.joined(separator: ", ")
    let own = tokenizer.map { "; the tokenizer begins texts with \($0), which is what our stages do" } ?? ""
    let kept = configuration.beginToken.map { ", \($0) is written on" } ?? ""
    notes.append(stated + own + kept)
  }

  private static func list(_ tokens: [Int32]) -> String {
    tokens.isEmpty ? "none" : tokens.map(String.init).joined(separator: ", ")
  }
}
