import CanonicalJSON
import Decoding
import Records
import StageKit
import SystemPackage
import Tokenization

/// The prompts to complete, from a dataset's texts or from token rows.
struct PromptSource {
  /// The longest completion where the user sets none and the context has room for it.
  static let defaultNewTokens = 256

  let split: Split
  let prompts: [GenerationPrompt]
  private let texts: [String]
  private let references: [[String]?]
  private let tokenizer: Tokenizer?

  init(_ context: StageContext, tokenizer: Tokenizer?, split: Split?, limit: Int) throws {
    self.tokenizer = tokenizer
    switch (context.optionalInput("dataset"), context.optionalInput("tokens")) {
    case (nil, nil), (.some, .some): preconditionFailure("the ports were not checked")
    case (let dataset?, nil):
      guard let tokenizer else {
        throw StageFailure(
          "\(context.input("model").path) holds no tokenizer.json",
          remedy: "connect the port tokenizer, or the port tokens", status: .invalid
        )
      }
      self.split = try Self.choose(split, of: DatasetFiles.splits(in: dataset.path), in: dataset.path)
      let all = try DatasetFiles.read(self.split, in: dataset.path)
      let rows = limit > 0 ? Array(all.prefix(limit)) : all
      try Self.requireOwnIDs(rows.lazy.map(\.id), in: DatasetFiles.file(of: self.split, in: dataset.path))
      Self.warn(limit, beyond: all.count, self.split, context)
      texts = rows.map(\.prompt)
      references = rows.map(\.references)
      var prompts: [GenerationPrompt] = []
      for row in rows {
        let tokens = tokenizer.encode(prompt: row.prompt).map(\.value)
        guard !tokens.isEmpty else {
          throw StageFailure("prompt \(row.id) is empty and the tokenizer names neither begin nor end token")
        }
        prompts.append(GenerationPrompt(id: row.id, tokens: tokens))
      }
      self.prompts = prompts
    case (nil, let tokens?):
      self.split = try Self.choose(split, of: TokenRows.splits(in: tokens.path), in: tokens.path)
      let rows = try TokenRows(self.split, in: tokens.path)
      let count = limit > 0 ? min(limit, rows.count) : rows.count
      try Self.requireOwnIDs(rows.ids.prefix(count), in: TokenRows.file(of: self.split, in: tokens.path))
      Self.warn(limit, beyond: rows.count, self.split, context)
      prompts = (0..<count).map { GenerationPrompt(id: rows.ids[$0], tokens: Array(rows.prompt($0))) }
      texts = prompts.map { [tokenizer] prompt in
        tokenizer?.decode(prompt.tokens.map { TokenID($0) }, skipSpecialTokens: true) ?? ""
      }
      references = (0..<count).map { [tokenizer] index in
        tokenizer.map { [$0.decode(rows.completion(index).map { TokenID($0) }, skipSpecialTokens: true)] }
      }
    }
  }

  /// The random numbers of a sample depend on its id, and whoever reads samples groups them by it.
  private static func requireOwnIDs(_ ids: some Sequence<String>, in file: FilePath) throws(StageFailure) {
    guard let repeated = RepeatedID(in: ids) else { return }
    throw StageFailure(
      "\(file): \(repeated)",
      remedy: "samples are told apart by id and number; give every row its own, or gather rows of one prompt into one")
  }

  private static func warn(_ limit: Int, beyond count: Int, _ split: Split, _ context: StageContext) {
    guard limit > count else { return }
    context.report(.warning("limit is \(limit), the split \(split.rawValue) has \(count) prompts; all are completed"))
  }

  private static func choose(_ split: Split?, of splits: [Split], in folder: FilePath) throws(StageFailure) -> Split {
    if let split {
      guard splits.contains(split) else {
        throw StageFailure("\(folder) has no split \(split.rawValue)", remedy: "set split to one that it has")
      }
      return split
    }
    guard let split = [Split.test, .validation, .train].first(where: splits.contains) else {
      throw StageFailure("\(folder) has no split")
    }
    return split
  }

  /// Whether there are prompts, and every one fits the model.
  func check(vocabularySize: Int, contextLength: Int, maximumNewTokens: Int?) throws(StageFailure) {
    if prompts.isEmpty {
      throw StageFailure("the split \(split.rawValue) has no prompts", remedy: "set split to one that has some")
    }
    for prompt in prompts {
      if let token = prompt.tokens.first(where: { $0 < 0 || $0 >= vocabularySize }) {
        throw StageFailure(
          "prompt \(prompt.id) holds token \(token), the model knows \(vocabularySize)",
          remedy: "give the tokenizer that the model was trained with")
      }
      let needed = prompt.tokens.count + (maximumNewTokens ?? 1)
      if needed > contextLength {
        let new = maximumNewTokens.map { "max_new_tokens \($0)" } ?? "one new token"
        throw StageFailure(
          "prompt \(prompt.id) has \(prompt.tokens.count) tokens; with \(new) it exceeds the context of \(contextLength)",
          remedy: "shorten the prompt or lower max_new_tokens")
      }
    }
  }

  /// The rows of `samples.jsonl`: prompts in order, samples in order.
  func rows(_ completions: [[Completion]]) -> [SampleRow] {
    var rows: [SampleRow] = []
    for (index, group) in completions.enumerated() {
      for (sample, completion) in group.enumerated() {
        let content = completion.isTerminal ? completion.tokens.dropLast() : completion.tokens[...]
        let text = tokenizer?.decode(content.map { TokenID($0) }, skipSpecialTokens: true) ?? ""
        rows.append(
          SampleRow(
            id: prompts[index].id, sample: sample, prompt: texts[index], text: text,
            promptTokens: prompts[index].tokens, tokens: completion.tokens,
            logProbabilities: completion.logProbabilities, entropies: completion.entropies,
            finish: completion.isTerminal ? .end : .length, references: references[index]))
      }
    }
    return rows
  }
}
