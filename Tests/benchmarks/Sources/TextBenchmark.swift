import CanonicalJSON
import Corpora
import Records
import SystemPackage
import TextMetrics
import Tokenization

/// The text work of the peers' script, on one thread: tokenizers and metrics on the E2E data.
struct TextBenchmark {
  private let data: FilePath

  init(_ arguments: Arguments) { data = FilePath(arguments.positional.first ?? "../shared/data") }

  private func say(_ work: String, _ body: () throws -> Void) rethrows {
    let time = try seconds(body)
    printLine(["work": .string(work), "seconds": .number((time * 1e4).rounded() / 1e4)])
  }

  func measure() throws {
    var prompts: [String] = []
    var references: [String] = []
    let file = data.appending("e2e-nlg").appending("trainset.csv")
    try CorpusReader(format: .csv).read(FileBytes(file), file: file) { row in
      prompts.append(row.fields["mr"]?.string ?? "")
      references.append(row.fields["ref"]?.string ?? "")
    }
    try tokenizers(zip(prompts, references).map { $0 + "\n" + $1 })
    metrics(references)
  }

  private func tokenizers(_ texts: [String]) throws {
    var trained: Tokenizer?
    try say("train byte-level BPE 2048 on E2E") {
      var trainer = try BytePairTrainer(vocabularySize: 2048)
      for text in texts { trainer.add(text) }
      trained = try trainer.train()
    }
    guard let trained else { return }
    say("encode E2E, row by row") { encode(texts, trained) }
    let roberta = try Tokenizer(contentsOf: data.appending("tokenizers").appending("roberta-base"))
    let play = String(
      decoding: try FileContent.read(data.appending("tiny-shakespeare").appending("input.txt")), as: UTF8.self)
    let lines = play.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    say("encode Shakespeare, 50k vocabulary, line by line") { encode(lines, roberta) }
  }

  private func encode(_ texts: [String], _ tokenizer: Tokenizer) {
    var count = 0
    for text in texts { count += tokenizer.encode(text, addSpecialTokens: true).count }
    precondition(count > 0)
  }

  private func metrics(_ texts: [String]) {
    let samples = Array(texts[..<2000])
    let references = texts[2000..<4000].map { [$0] }
    for (name, stemming) in [("rouge-score 1, 2, L, Lsum", false), ("rouge-score with stemming", true)] {
      say(name) {
        let rouge = ROUGE(stemming: stemming)
        for (sample, references) in zip(samples, references) { _ = rouge.scores(of: sample, references: references) }
      }
    }
    say("sacrebleu corpus BLEU") { _ = BLEU().corpusScore(of: samples, references: references) }
    say("sacrebleu chrF") {
      let chrF = CharacterFScore()
      var sums: [Double] = []
      for (sample, references) in zip(samples, references) {
        let statistics = chrF.statistics(of: sample, references: references)
        sums = sums.isEmpty ? statistics : zip(sums, statistics).map(+)
      }
      _ = chrF.score(sums)
    }
    say("sacrebleu sentence BLEU") {
      let bleu = BLEU()
      for (sample, references) in zip(samples, references) {
        _ = bleu.sentenceScore(of: sample, references: references)
      }
    }
    say("Self-BLEU@8 of 250 prompts by sentence BLEU") {
      let bleu = BLEU()
      for prompt in 0..<250 { _ = bleu.selfScores(of: Array(texts[8 * prompt..<8 * prompt + 8])) }
    }
  }
}
