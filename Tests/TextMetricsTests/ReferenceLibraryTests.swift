import CanonicalJSON
import SystemPackage
import TestSupport
import Testing
import TextMetrics

/// Practice row 29: scores are those of `sacrebleu` and `rouge-score`, to all printed digits, on hostile files.
@Suite struct ReferenceLibraryTests {
  @Test("practice row 29: every score over all samples is that of the reference libraries")
  func corpus() throws {
    let data = try ReferenceData.fixture()
    let scores = try data.scores()
    #expect(data.corpus.count == 28)
    for (name, expected) in data.corpus {
      #expect(agree(scores[name]?.value, expected), "\(name): \(scores[name]?.value ?? .nan), not \(expected)")
    }
  }

  @Test("practice row 29: every score of a single sample is that of the reference libraries")
  func rows() throws {
    let data = try ReferenceData.fixture()
    let examples = try data.scores().examples
    #expect(data.rows.count == examples.count)
    for (expected, example) in zip(data.rows, examples) {
      for (name, value) in expected.members {
        let found = example.values.first { $0.name == name }?.value
        let expected = value.number ?? value.array?[2].number ?? .nan
        #expect(agree(found, expected), "\(example.id) \(example.sample) \(name): \(found ?? .nan), not \(expected)")
      }
    }
  }

  @Test("precision and recall are those of the reference with the best F1")
  func precisionAndRecall() throws {
    let data = try ReferenceData.fixture()
    for stemming in [false, true] {
      let rouge = ROUGE(stemming: stemming)
      for (sample, expected) in zip(data.samples, data.rows) {
        let scores = rouge.scores(of: sample.text, references: sample.references)
        for measure in ROUGE.Measure.allCases {
          let values = expected[measure.rawValue + (stemming ? "_stem" : "")]?.array?.compactMap(\.number) ?? []
          let score = scores[measure]
          #expect([score.precision, score.recall, score.f1] == values, "\(sample.id) \(sample.sample) \(measure)")
        }
      }
    }
  }

  @Test("single calls give the same values as scoring all prompts at once")
  func singleCalls() throws {
    let data = try ReferenceData.fixture()
    for (sample, expected) in zip(data.samples, data.rows) {
      let (text, references) = (sample.text, sample.references)
      let chrf = CharacterFScore(withWords: true)
      let values = [
        "sentence_bleu": BLEU().sentenceScore(of: text, references: references),
        "sentence_bleu_intl": BLEU(tokenization: .international).sentenceScore(of: text, references: references),
        "sentence_chrf++": chrf.score(chrf.statistics(of: text, references: references)),
        "sentence_ter": TranslationEditRate().statistics(of: text, references: references).score,
      ]
      for (name, value) in values {
        #expect(agree(value, expected[name]?.number ?? .nan), "\(sample.id) \(sample.sample) \(name)")
      }
    }
    let corpus = BLEU().corpusScore(of: data.samples.map(\.text), references: data.samples.map(\.references))
    #expect(agree(corpus, data.corpus.first { $0.name == "bleu" }?.value ?? .nan))
  }

  @Test("stems are those of NLTK's Porter stemmer")
  func stems() throws {
    let stems = try JSONValue(parsing: try Fixture.bytes(Fixture.path("metrics/stems.json"))).object ?? [:]
    #expect(stems.members.count == 2600)
    for (word, stem) in stems.members { #expect(PorterStemmer().stem(word) == stem.string, "\(word)") }
  }

  @Test("correlations and their p values are SciPy's")
  func correlation() throws {
    let pairs = try JSONValue(parsing: try Fixture.bytes(Fixture.path("metrics/correlation.json"))).array ?? []
    #expect(pairs.count == 12)
    for pair in pairs {
      let x = (pair["x"]?.array ?? []).compactMap(\.number)
      let y = (pair["y"]?.array ?? []).compactMap(\.number)
      let found = [
        "pearson": Correlation.pearson(x, y), "spearman": Correlation.spearman(x, y),
        "kendall": Correlation.kendall(x, y),
      ]
      for (name, correlation) in found {
        guard let expected = pair[name]?.array else {
          #expect(correlation == nil, "\(name) of a constant list")
          continue
        }
        #expect(agree(correlation?.value, expected[0].number ?? .nan), "\(name) of \(x.count)")
        if let p = expected[1].number {
          #expect(agree(correlation?.pValue, p), "p of \(name) of \(x.count): \(correlation?.pValue ?? .nan), not \(p)")
        }
      }
    }
  }
}

/// The same against the values shared beside the project.
@Suite(.enabled(if: Fixture.shared("golden/score") != nil, "the shared golden values are not beside the project"))
struct SharedGoldenTests {
  @Test("scores and stems are the shared golden ones")
  func scores() throws {
    let folder = try #require(Fixture.shared("golden/score"))
    let data = try ReferenceData(folder)
    let scores = try data.scores()
    for (name, expected) in data.corpus where name != "self_bleu_nltk" && name != "exact_match_stripped" {
      #expect(agree(scores[name]?.value, expected), "\(name): \(scores[name]?.value ?? .nan), not \(expected)")
    }
    for (expected, example) in zip(data.rows, scores.examples) {
      for (name, value) in expected.members {
        guard let found = example.values.first(where: { $0.name == name })?.value, let number = value.number else {
          continue
        }
        #expect(agree(found, number), "\(example.id) \(example.sample) \(name): \(found), not \(number)")
      }
    }
    let stems = try JSONValue(parsing: try Fixture.bytes(folder.appending("stems.json"))).object ?? [:]
    for (word, stem) in stems.members where word.utf8.count > 3 {
      #expect(PorterStemmer().stem(word) == stem.string, "\(word)")
    }
  }

  @Test("correlations are the shared golden ones")
  func correlation() throws {
    let file = try #require(Fixture.shared("golden/correlation/expected.json"))
    let pairs = try JSONValue(parsing: try Fixture.bytes(file))["pairs"]?.array ?? []
    #expect(!pairs.isEmpty)
    for pair in pairs {
      let x = (pair["x"]?.array ?? []).compactMap(\.number)
      let y = (pair["y"]?.array ?? []).compactMap(\.number)
      let found = [
        "pearson": Correlation.pearson(x, y), "spearman": Correlation.spearman(x, y),
        "kendall_tau_b": Correlation.kendall(x, y),
      ]
      for (name, correlation) in found {
        guard let value = pair[name]?["value"]?.number, let p = pair[name]?["p"]?.number else { continue }
        #expect(agree(correlation?.value, value), "\(name) of \(x.count): \(correlation?.value ?? .nan), not \(value)")
        #expect(agree(correlation?.pValue, p), "p of \(name) of \(x.count): \(correlation?.pValue ?? .nan), not \(p)")
      }
    }
  }
}
