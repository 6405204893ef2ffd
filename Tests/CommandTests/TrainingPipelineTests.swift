import CanonicalJSON
import Foundation
import Records
import SystemPackage
import TestSupport
import Testing

/// A pipeline that trains, driven by the built command: interruption, threads, and two runs at once.
@Suite struct TrainingPipelineTests {
  private static let pipeline = """
    apprentice: 1
    name: small
    params: { steps: 40, lambda: 0.1 }
    stages:
      corpus: { uses: ingest, in: { source: ./rows }, with: { files: { train: train.jsonl, validation: train.jsonl } } }
      tokens: { uses: tokenize, in: { dataset: corpus.dataset }, with: { vocab_size: 300 } }
      fresh:
        uses: init-model
        in: { tokenizer: tokens.tokenizer }
        with: { layers: 2, width: 48, heads: 4, kv_heads: 2, context: 64 }
      mle:
        uses: train-mle
        in: { tokens: tokens.tokens, model: fresh.model }
        with: { steps: "${steps}", batch_rows: 8, evaluate_every: 7, checkpoint_every: 3, dropout: 0.1 }
      iq:
        uses: train-iq
        in: { tokens: tokens.tokens, model: mle.model }
        with: { steps: "${steps}", batch_rows: 8, lambda: "${lambda}", checkpoint_every: 3 }
      samples:
        uses: generate
        in: { model: iq.model, dataset: corpus.dataset }
        with: { samples: 3, max_new_tokens: 12 }
      rewards: { uses: extract-reward, in: { model: iq.model, samples: samples.samples } }
      scores:
        uses: score
        in: { samples: samples.samples, rewards: rewards.rewards }
        with: { resamples: 100 }

    """

  private func withPipeline(_ body: (FilePath) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      let rows = (0..<60).map { "{\"prompt\":\"count to \($0)\",\"completion\":\"\($0 / 2) and \($0 - $0 / 2)\"}\n" }
      try TemporaryFolder.write(rows.joined(), to: folder.pushing("rows/train.jsonl"))
      try TemporaryFolder.write(Self.pipeline, to: folder.appending("small.yaml"))
      try body(folder)
    }
  }

  /// Runs the pipeline and returns stage to state and stage.port to digest.
  private func run(_ arguments: String..., in folder: FilePath) throws -> (
    states: [String: String], digests: [String: String]
  ) {
    let outcome = try Tool.run(["run", "small.yaml", "--json"] + arguments, in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try Self.read(outcome.output)
  }

  private static func read(_ document: String) throws -> (states: [String: String], digests: [String: String]) {
    var states: [String: String] = [:]
    var digests: [String: String] = [:]
    for action in try JSONValue(parsing: document)["actions"]?.array ?? [] {
      let stage = try #require(action["stage"]?.string)
      states[stage] = action["state"]?.string
      for output in action["outputs"]?.object?.members ?? [] {
        digests["\(stage).\(output.name)"] = output.value.string
      }
    }
    return (states, digests)
  }

  @Test("the same bits whatever the number of jobs and threads")
  func threads() throws {
    try withPipeline { folder in
      let one = try run("--store", "one", "--threads", "1", "--no-results", in: folder)
      let many = try run("--store", "many", "--threads", "3", "--jobs", "2", "--no-results", in: folder)
      #expect(one.digests == many.digests)
      #expect(one.digests.count == 11)
      #expect(one.states.values.allSatisfy { $0 == "ran" })
    }
  }

  @Test("practice row 21: training that is killed goes on from its checkpoint and ends with the same bytes")
  func killed() throws {
    try withPipeline { folder in
      let undisturbed = try run("--store", "other", "--no-results", in: folder)
      for stage in ["mle", "iq"] {
        let process = Tool.process(["run", "small.yaml", "--threads", "1"], in: folder)
        process.standardError = FileHandle.nullDevice
        try process.run()
        // As soon as the stage has left a checkpoint.
        let checkpoints = folder.pushing(FilePath(".apprentice/work/checkpoints"))
        let latest = folder.pushing(FilePath("results/small/\(stage)"))
        for _ in 0..<2400 where process.isRunning {
          let hasCheckpoint = FileContent.names(in: checkpoints).contains {
            !FileContent.names(in: checkpoints.appending($0)).isEmpty
          }
          if hasCheckpoint, FileContent.exists(latest) { break }
          usleep(5_000)
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
      }
      let resumed = try run(in: folder)
      #expect(resumed.digests == undisturbed.digests)
      #expect(FileContent.names(in: folder.pushing(".apprentice/work/checkpoints")).isEmpty)
      #expect(try Tool.run("fsck", "--store", ".apprentice", in: folder).status == 0)
    }
  }

  @Test(
    "a disk that fills in training is told as such; with room again training goes on from its checkpoint",
    .enabled(if: SmallDisk.isPossible, "needs leave to mount a tmpfs"))
  func fullDisk() throws {
    try withPipeline { folder in
      let undisturbed = try run("mle", "--store", "other", "--no-results", in: folder)
      let disk = try #require(SmallDisk(bytes: 64 << 20))
      let store = disk.path.appending("store")
      _ = try run("fresh", "--store", store.string, "--no-results", in: folder)
      let model = try Tool.run("checkout", "small:fresh.model", "start", "--store", store.string, in: folder)
      #expect(model.status == 0, "\(model.errors)")
      // Parameters and two moments: one checkpoint has room, a second beside it has not.
      let checkpoint = 3 * (try Fixture.bytes(folder.pushing("start/model.safetensors")).count)
      try disk.fill(leaving: checkpoint * 3 / 2)
      let full = try Tool.run("run", "small.yaml", "mle", "--store", store.string, "--no-results", in: folder)
      #expect(full.status == 7)
      #expect(full.errors.contains("the disk of \(store) is full: free some space and run again"), "\(full.errors)")
      let checkpoints = store.pushing("work/checkpoints")
      #expect(FileContent.names(in: checkpoints).contains { !FileContent.names(in: checkpoints.appending($0)).isEmpty })
      try disk.makeRoom()
      let resumed = try run("mle", "--store", store.string, "--no-results", in: folder)
      #expect(resumed.states["mle"] == "ran" && resumed.states["fresh"] == "fresh")
      #expect(resumed.digests == undisturbed.digests)
      #expect(try Tool.run("fsck", "--store", store.string, in: folder).status == 0)
    }
  }

  @Test("two runs at once on one store do every action once, and both end well")
  func together() throws {
    try withPipeline { folder in
      let processes = try (0..<2).map { index in
        let process = Tool.process(["run", "small.yaml", "--json", "--no-results"], in: folder)
        let output = folder.appending("out\(index)")
        _ = FileManager.default.createFile(atPath: output.string, contents: nil)
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output.string))
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
      }
      for process in processes {
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
      }
      let results = try (0..<2).map { index in
        try Self.read(String(decoding: try Fixture.bytes(folder.appending("out\(index)")), as: UTF8.self))
      }
      #expect(results[0].digests == results[1].digests)
      for stage in results[0].states.keys {
        let ran = results.filter { $0.states[stage] == "ran" }.count
        #expect(ran == 1, "\(stage) ran \(ran) times")
      }
    }
  }

  @Test("a new λ reruns train-iq and what follows, nothing else; why names the number and the setting")
  func staleness() throws {
    try withPipeline { folder in
      _ = try run(in: folder)
      #expect(Set(try run(in: folder).states.values) == ["fresh"])
      let why = try Tool.run("why", "small.yaml", "iq", "--set", "lambda=0.2", in: folder)
      #expect(why.output.contains("iq runs because lambda 0.1 → 0.2 (--set lambda=0.2)"), "\(why.output)")
      let again = try run("--set", "lambda=0.2", in: folder)
      #expect(
        again.states == [
          "corpus": "fresh", "tokens": "fresh", "fresh": "fresh", "mle": "fresh", "iq": "ran", "samples": "ran",
          "rewards": "ran", "scores": "ran",
        ])
      let back = try run(in: folder)
      #expect(Set(back.states.values) == ["fresh"], "old results are still there")
    }
  }

  @Test("practice row 39: another character in a template makes all that follows stale; taken back, nothing is to do")
  func template() throws {
    try withPipeline { folder in
      let file = folder.appending("small.yaml")
      let changed = Self.pipeline.replacingOccurrences(
        of: "validation: train.jsonl } }", with: "validation: train.jsonl }, prompt: \"{prompt}:\" }")
      _ = try run("tokens", in: folder)
      try TemporaryFolder.write(changed, to: file)
      #expect(try run("tokens", in: folder).states == ["corpus": "ran", "tokens": "ran"])
      try TemporaryFolder.write(Self.pipeline, to: file)
      #expect(try run("tokens", in: folder).states == ["corpus": "fresh", "tokens": "fresh"])
    }
  }

  @Test("show prints a tokens row as pieces with its loss mask, which begins where the prompt ends")
  func show() throws {
    try withPipeline { folder in
      _ = try run("tokens", in: folder)
      let temporary = folder.appending("temporary")
      try FileManager.default.createDirectory(atPath: temporary.string, withIntermediateDirectories: false)
      let outcome = try Tool.run(
        "show", "tokens.tokens", "--row", "3", "--json", in: folder, environment: ["TMPDIR": temporary.string])
      #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.string) == [])
      let tokens = try #require(try JSONValue(parsing: outcome.output)["tokens"]?.array)
      let prompt = tokens.filter { $0["loss"] == false }.compactMap { $0["piece"]?.string }
      let completion = tokens.filter { $0["loss"] == true }.compactMap { $0["piece"]?.string }
      #expect(prompt.joined() == "count to 3")
      #expect(completion.joined() == "1 and 2<|endoftext|>")
      #expect(tokens.prefix(prompt.count).allSatisfy { $0["loss"] == false })
      #expect(try Tool.run("show", "tokens.tokens", "--row", "120", in: folder).status == 2)
    }
  }

  @Test("λ = 0 gives the very bytes of MLE")
  func lambdaZero() throws {
    try withPipeline { folder in
      _ = try run("--set", "steps=10", in: folder)
      let given = [
        "--in", "tokens=results/small/tokens/tokens", "--in", "model=results/small/fresh/model", "--with", "steps=10",
        "--with", "batch_rows=8",
      ]
      let mle = try Tool.run(["exec", "train-mle"] + given + ["--out", "a"], in: folder)
      let iq = try Tool.run(["exec", "train-iq"] + given + ["--with", "lambda=0", "--out", "b"], in: folder)
      #expect(mle.status == 0 && iq.status == 0, "\(mle.errors)\(iq.errors)")
      let weights = "model/model.safetensors"
      #expect(
        try Fixture.bytes(folder.pushing(FilePath("a/" + weights)))
          == Fixture.bytes(folder.pushing(FilePath("b/" + weights))))
    }
  }
}
