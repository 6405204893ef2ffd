import Foundation
import Records
import SystemPackage
import TestSupport
import Testing

/// Whether and with which Python the tests against PyTorch are to run.
enum TorchRequest {
  static let wanted = ProcessInfo.processInfo.environment["APPRENTICE_TEST_TORCH"]
}

/// `pipelines/stages/train-torch` against our own trainers: two independent implementations of one method.
///
/// `APPRENTICE_TEST_TORCH` names a Python that has torch, transformers and safetensors, or says `install`: then the
/// test makes a virtual environment for the time it runs.
@Suite(
  .serialized,
  .enabled(
    if: TorchRequest.wanted != nil, "set APPRENTICE_TEST_TORCH to a Python with torch and transformers, or to install"))
struct TorchTests {
  private static func python(in folder: FilePath) throws -> FilePath {
    guard TorchRequest.wanted == "install" else { return FilePath(TorchRequest.wanted ?? "python3") }
    let place = folder.appending("venv")
    for arguments in [
      ["python3", "-m", "venv", place.string],
      [place.pushing("bin/pip").string, "install", "-q", "torch", "transformers", "safetensors", "numpy"],
    ] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = arguments
      try process.run()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0, "\(arguments.joined(separator: " "))")
    }
    return place.pushing("bin/python3")
  }

  private static let pipeline = """
    apprentice: 1
    name: pair
    stages:
      corpus:
        uses: ingest
        in: { source: QUICKSTART }
        with: { files: { train: train.jsonl, validation: test.jsonl }, limit: 1000 }
      tokens:
        uses: tokenize
        in: { dataset: corpus.dataset }
        with: { vocab_size: 512, max_length: 24, overflow: cut }
      fresh:
        uses: init-model
        in: { tokenizer: tokens.tokenizer }
        with: { layers: 2, width: 64, heads: 4, kv_heads: 2, context: 128 }
      mle:
        uses: train-mle
        in: { tokens: tokens.tokens, model: fresh.model }
        with: { steps: 50, batch_rows: 16, shuffle: false, warmup_steps: 5, weight_decay: 0.1, evaluate_every: 25 }
      iq:
        uses: train-iq
        matrix: { gradient: [full, semi] }
        in: { tokens: tokens.tokens, model: fresh.model }
        with:
          { steps: 50, batch_rows: 16, accumulate: 2, shuffle: false, schedule: linear, lambda: 0.2, gamma: 0.9,
            gradient: "${matrix.gradient}", evaluate_every: 25 }
      torch-mle:
        uses: STAGE
        in: { tokens: tokens.tokens, model: fresh.model }
        with:
          { objective: mle, steps: 50, batch_rows: 16, shuffle: false, warmup_steps: 5, weight_decay: 0.1,
            evaluate_every: 25 }
      torch-iq:
        uses: STAGE
        matrix: { gradient: [full, semi] }
        in: { tokens: tokens.tokens, model: fresh.model }
        with:
          { objective: iq, steps: 50, batch_rows: 16, accumulate: 2, shuffle: false, schedule: linear, lambda: 0.2,
            gamma: 0.9, gradient: "${matrix.gradient}", evaluate_every: 25 }
      samples:
        uses: generate
        in: { model: torch-mle.model, dataset: corpus.dataset }
        with: { split: validation, limit: 5 }

    """

  @Test("50 steps of MLE and of IQLearn, full and semi-gradient, agree with PyTorch's to 1e-3 in every column")
  func curves() throws {
    try TemporaryFolder.with { folder in
      let python = try Self.python(in: folder)
      let text = Self.pipeline.replacing("QUICKSTART", with: Fixture.path("quickstart").string)
        .replacing("STAGE", with: Fixture.root.pushing("pipelines/stages/train-torch").string)
      try TemporaryFolder.write(text, to: folder.appending("pair.yaml"))
      let path = "\(python.removingLastComponent()):" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
      let outcome = try Tool.run("run", "pair.yaml", in: folder, environment: ["PATH": path])
      try #require(outcome.status == 0, "\(outcome.errors)")
      for (ours, theirs) in [
        ("mle", "torch-mle"), ("iq@gradient=full", "torch-iq@gradient=full"),
        ("iq@gradient=semi", "torch-iq@gradient=semi"),
      ] {
        func rows(_ name: String) throws -> [CurveRow] {
          try CurveFiles.read(folder.pushing(FilePath("results/pair/\(name)/curves")))
            .sorted { ($0.step, $0.split.rawValue) < ($1.step, $1.split.rawValue) }
        }
        let pairs = Array(zip(try rows(ours), try rows(theirs)))
        #expect(pairs.count == 53)
        var widest: [String: Double] = [:]
        for (our, their) in pairs {
          #expect(our.step == their.step && our.split == their.split && our.tokens == their.tokens)
          #expect(our.extra.map(\.name) == their.extra.map(\.name))
          var columns = [
            ("loss", our.loss, their.loss), ("mle", our.mle, their.mle), ("td", our.td, their.td),
            ("entropy", our.entropy, their.entropy),
            ("gradient_norm", our.gradientNorm ?? 0, their.gradientNorm ?? 0),
            ("learning_rate", our.learningRate ?? 0, their.learningRate ?? 0),
          ]
          columns += zip(our.extra, their.extra).map { ($0.name, $0.value, $1.value) }
          for (name, our, their) in columns { widest[name] = max(widest[name] ?? 0, abs(our - their)) }
        }
        for (name, difference) in widest { #expect(difference < 1e-3, "\(ours): \(name)") }
        print("\(ours) against PyTorch:", widest.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })
      }
    }
  }
}
