import CanonicalJSON
import ContentAddressing
import Foundation
import Records
import StageCatalog
import StageKit
import SystemPackage
import TestSupport
import Testing

/// A stage's revision stands for its code in action keys, so its output may not change under the same revision.
///
/// `fixtures/golden/<stage>.json` holds what each stage made of a small input under its revision: digests where the output
/// is made of texts and integers, numbers where it is made of floats, which differ by rounding between kinds of CPU.
/// `RECORD_GOLDEN=1` writes what is missing or belongs to an older revision, and fails all the same.
@Suite struct RevisionTests {
  private struct Fingerprint {
    var digests: [(name: String, digest: String)] = []
    var numbers: [(name: String, values: [Double])] = []

    mutating func file(_ name: String, in folder: FilePath) throws {
      digests.append((name, "\(Digest(hashing: try FileContent.read(folder.pushing(FilePath(name)))))"))
    }

    func json(revision: Int) -> JSONValue {
      [
        "revision": JSONValue(revision),
        "digests": .object(JSONObject(digests.map { ($0.name, .string($0.digest)) })),
        "numbers": .object(JSONObject(numbers.map { ($0.name, .array($0.values.map { .number($0) })) })),
      ]
    }

    /// Where the recorded fingerprint differs, or nil; numbers may differ by rounding of 32-bit training steps.
    func difference(from recorded: JSONValue) -> String? {
      for (name, digest) in digests where recorded["digests"]?[name]?.string != digest { return name }
      for (name, values) in numbers {
        let old = (recorded["numbers"]?[name]?.array ?? []).compactMap(\.number)
        guard old.count == values.count else { return name }
        for (old, new) in zip(old, values) where abs(old - new) > 1e-3 * max(1, abs(old)) { return name }
      }
      return nil
    }
  }

  /// Every stage on the output of those before it.
  private static func fingerprints() throws -> [(stage: String, Fingerprint)] {
    let bench = StageBench()
    var prints: [(stage: String, Fingerprint)] = []
    func note(_ stage: String, _ fill: (inout Fingerprint) throws -> Void) rethrows {
      var print = Fingerprint()
      try fill(&print)
      prints.append((stage, print))
    }
    func folder(_ outputs: [String: FilePath], _ port: String) throws -> FilePath { try #require(outputs[port]) }

    let ingested = try bench.run(
      "ingest", [("source", Fixture.path("quickstart"))],
      ["files": ["train": "train.jsonl", "test": "test.jsonl"], "limit": 80, "shuffle": true, "seed": 3])
    let dataset = try folder(ingested, "dataset")
    try note("ingest") { for name in ["train.jsonl", "test.jsonl"] { try $0.file(name, in: dataset) } }

    let tokenized = try bench.run("tokenize", [("dataset", dataset)], ["vocab_size": 300])
    let (tokens, tokenizer) = (try folder(tokenized, "tokens"), try folder(tokenized, "tokenizer"))
    try note("tokenize") {
      for name in ["train.safetensors", "ids.jsonl"] { try $0.file(name, in: tokens) }
      for name in ["tokenizer.json", "tokenizer_config.json"] { try $0.file(name, in: tokenizer) }
    }

    let shape: JSONObject = ["layers": 1, "width": 32, "heads": 2, "context": 96, "seed": 5]
    let fresh = try folder(try bench.run("init-model", [("tokenizer", tokenizer)], shape, name: "fresh"), "model")
    func curve(_ stage: String, _ name: String, _ given: JSONObject) throws -> FilePath {
      let outputs = try bench.run(stage, [("tokens", tokens), ("model", fresh)], given, name: name)
      let rows = try CurveFiles.read(try folder(outputs, "curves"))
      try note(stage) { print in
        try print.file("config.json", in: try folder(outputs, "model"))
        for row in rows {
          print.numbers.append(
            ("\(row.split.rawValue) \(row.step)", [row.loss, row.mle, row.td, row.entropy, row.gradientNorm ?? 0]))
        }
      }
      return try folder(outputs, "model")
    }
    let start = try bench.run(
      "extract-reward", [("model", fresh), ("tokens", tokens)], ["split": "test"], name: "start")
    let first = try RewardFiles.read(try folder(start, "rewards")).prefix(5)
    try note("init-model") { print in
      try print.file("config.json", in: fresh)
      print.numbers.append(("values", first.flatMap { $0.values.map(Double.init) }))
    }
    _ = try curve("train-mle", "mle", ["steps": 6, "batch_rows": 8, "entropy": 0.01, "dropout": 0.1])
    let trained = try curve("train-iq", "iq", ["steps": 6, "batch_rows": 8, "lambda": 0.2, "gamma": 0.95])

    let generated = try bench.run(
      "generate", [("model", trained), ("dataset", dataset)],
      ["samples": 2, "limit": 4, "temperature": 0.8, "top_k": 40, "max_new_tokens": 6], name: "generated")
    let samples = try folder(generated, "samples")
    try note("generate") { print in
      try print.file("settings.json", in: samples)
      for row in try SampleFiles.read(samples) {
        print.numbers.append(("\(row.id) \(row.sample) tokens", (row.tokens ?? []).map(Double.init)))
        print.numbers.append(("\(row.id) \(row.sample) entropies", (row.entropies ?? []).map(Double.init)))
      }
    }
    let rewarded = try bench.run(
      "extract-reward", [("model", trained), ("samples", samples)], ["gamma": 0.95], name: "rewarded")
    let rewards = try folder(rewarded, "rewards")
    try note("extract-reward") { print in
      for row in try RewardFiles.read(rewards) {
        print.numbers.append(("\(row.id) \(row.sample)", row.rewards.map(Double.init) + [row.return]))
      }
    }
    // Scores and report of fixed texts, so that no float of a model is in them.
    let fixed = Fixture.path("metrics").appending("samples.jsonl")
    let scored = try bench.run("score", [("samples", fixed)], ["resamples": 50], name: "scored")
    let scores = try folder(scored, "scores")
    try note("score") { try $0.file("scores.json", in: scores) }
    let reported = try bench.run("report", [("scores", scores)], [:], name: "reported")
    try note("report") { print in
      let report = try folder(reported, "report")
      try print.file("index.html", in: report)
      for name in FileContent.names(in: report.appending("data")) { try print.file("data/\(name)", in: report) }
    }
    return prints
  }

  @Test("a stage's output does not change under the same revision")
  func unchanged() throws {
    let records = ProcessInfo.processInfo.environment["RECORD_GOLDEN"] != nil
    var seen: Set<String> = []
    for (name, print) in try Self.fingerprints() {
      seen.insert(name)
      let revision = try #require(BuiltinStages.registry.stage(named: name)).declaration.revision
      let file = Fixture.path("golden").appending("\(name).json")
      let recorded = Fixture.exists(file) ? try FileContent.json(file) : .null
      if recorded["revision"]?.integer == revision {
        let difference = print.difference(from: recorded)
        #expect(
          difference == nil,
          "\(name) gives another \(difference ?? "") under revision \(revision): raise the revision, then RECORD_GOLDEN=1"
        )
      } else {
        if records { try TemporaryFolder.write(print.json(revision: revision).prettyText, to: file) }
        Issue.record("fixtures/golden/\(name).json holds no revision \(revision); RECORD_GOLDEN=1 writes it")
      }
    }
    #expect(seen == Set(BuiltinStages.registry.declarations.map(\.name)))
  }
}
