import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import TestSupport
import Testing

/// `reproduce` on another machine, which environment variables play, and out of a registry.
@Suite(.enabled(if: Processor.hasFusedKernels, "the processor has no AVX2 and FMA"))
struct ReproductionTests {
  private static let pipeline = """
    apprentice: 1
    name: small
    stages:
      corpus: { uses: ingest, in: { source: ./rows }, with: { files: { train: train.jsonl, test: train.jsonl } } }
      tokens: { uses: tokenize, in: { dataset: corpus.dataset }, with: { vocab_size: 300 } }
      fresh:
        uses: init-model
        in: { tokenizer: tokens.tokenizer }
        with: { layers: 2, width: 48, heads: 4, kv_heads: 2, context: 64 }
      mle: { uses: train-mle, in: { tokens: tokens.tokens, model: fresh.model }, with: { steps: 6, batch_rows: 8 } }
      iq: { uses: train-iq, in: { tokens: tokens.tokens, model: mle.model }, with: { steps: 6, batch_rows: 8 } }
      samples:
        uses: generate
        in: { model: iq.model, dataset: corpus.dataset }
        with: { decoding: greedy, max_new_tokens: 8, limit: 20 }
      scores: { uses: score, in: { samples: samples.samples }, with: { resamples: 50 } }

    """
  private static let here = ["OPENBLAS_CORETYPE": "Haswell", "APPRENTICE_KERNELS": "avx2"]
  private static let elsewhere = ["OPENBLAS_CORETYPE": "Nehalem", "APPRENTICE_KERNELS": "sse2"]

  /// A run of the small pipeline in the store `one`.
  private func withResults(_ body: (FilePath) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      let rows = (0..<60).map { "{\"prompt\":\"count to \($0)\",\"completion\":\"\($0 / 2) and \($0 - $0 / 2)\"}\n" }
      try TemporaryFolder.write(rows.joined(), to: folder.pushing("rows/train.jsonl"))
      try TemporaryFolder.write(Self.pipeline, to: folder.appending("small.yaml"))
      let outcome = try Tool.run(
        "run", "small.yaml", "--store", "one", "--no-results", in: folder, environment: Self.here)
      #expect(outcome.status == 0, "\(outcome.errors)")
      try body(folder)
    }
  }

  private func reproduce(
    _ bundle: String, _ more: String..., in folder: FilePath, _ environment: [String: String]
  ) throws -> (status: Int32, json: JSONValue, errors: String) {
    let outcome = try Tool.run(
      ["reproduce", bundle, "--json", "--work", folder.string] + more, in: folder, environment: environment)
    return (outcome.status, try JSONValue(parsing: outcome.output), outcome.errors)
  }

  @Test("numbers from other kernels are near: told, within the tolerance, and the first stage named beyond it")
  func elsewhere() throws {
    try withResults { folder in
      let export = try Tool.run(
        "bundle", "export", "small.yaml", "--store", "one", "--with-sources", "-o", "a.tar.zst", in: folder)
      #expect(export.status == 0, "\(export.errors)")
      let inspected = try Tool.run("bundle", "inspect", "a.tar.zst", in: folder).output
      #expect(
        inspected.contains(/\n  scores +scores \d+ kB · exact_match [0-9.]+ · bleu [0-9.]+ · rougeL [0-9.]+\n/),
        "\(inspected)")
      // Of results alone the metrics are told, without data, models and samples.
      for arguments in [
        ["bundle", "export", "small.yaml", "--store", "one", "--results-only", "-o", "results.tar.zst"],
        ["bundle", "import", "results.tar.zst", "--store", "results", "--to", "elsewhere"],
      ] {
        let outcome = try Tool.run(arguments, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      let own = try Tool.run("metrics", "small.yaml", "--store", "one", "--json", in: folder)
      let theirs = try Tool.run("metrics", "elsewhere/small.yaml", "--store", "results", "--json", in: folder)
      #expect(try JSONValue(parsing: own.output).array?.count == 1 && own.output == theirs.output, "\(theirs.errors)")
      #expect(
        try Tool.run("status", "elsewhere/small.yaml", "--store", "results", "--check", in: folder).status == 3)
      let same = try reproduce("a.tar.zst", in: folder, Self.here)
      #expect(same.status == 0)
      #expect(same.json["actions"]?.array?.allSatisfy { $0["other_environment"] == false } == true)
      let near = try reproduce("a.tar.zst", in: folder, Self.elsewhere)
      #expect(near.status == 0, "\(near.json)")
      let actions = near.json["actions"]?.array ?? []
      #expect(actions.count == 7)
      for action in actions {
        #expect(action["reproduced"] == true && action["other_environment"] == true)
        let hasLogits = ["mle", "iq", "samples", "scores"].contains(action["action"]?.string)
        #expect((action["distance"]?.number ?? 0 > 0) == hasLogits, "\(action)")
        #expect(action["detail"]?.string?.contains("in another environment") == hasLogits, "\(action)")
      }
      let far = try reproduce("a.tar.zst", "--tolerance", "1e-12", in: folder, Self.elsewhere)
      #expect(far.status == 3)
      #expect(far.json["first"]?.string == "mle")
      #expect(far.json["actions"]?.array?[3]["detail"]?.string?.contains("more than 1e-12") == true, "\(far.json)")
    }
  }

  @Test("a pipeline whose source is its own folder travels with what lies there, and is reproduced")
  func ownFolder() throws {
    try TemporaryFolder.with { folder in
      let pipeline = """
        apprentice: 1
        name: own
        stages: { rows: { uses: ingest, in: { source: ./ } } }

        """
      let rows = "{\"prompt\":\"p\",\"completion\":\"c\"}\n"
      try TemporaryFolder.write(pipeline, to: folder.pushing("p/own.yaml"))
      try TemporaryFolder.write(rows, to: folder.pushing("p/train.jsonl"))
      for arguments in [
        ["run", "p/own.yaml"], ["bundle", "export", "p/own.yaml", "--with-sources", "-o", "own.tar"],
        ["bundle", "import", "own.tar", "--to", "q"], ["status", "q/own.yaml", "--check", "--trust", "imported"],
      ] {
        let outcome = try Tool.run(arguments, in: folder)
        #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
      }
      #expect(try String(contentsOfFile: folder.pushing("q/train.jsonl").string, encoding: .utf8) == rows)
      let reproduced = try reproduce("own.tar", in: folder, [:])
      #expect(reproduced.status == 0, "\(reproduced.errors)")
    }
  }

  @Test("in another environment fractions may be near, whole numbers must be equal, however large")
  func wholeNumbers() throws {
    try TemporaryFolder.with { folder in
      let pipeline = """
        apprentice: 1
        name: counts
        stages: { counts: { uses: ./count } }

        """
      let manifest = """
        name: count
        revision: 1
        summary: A toy.
        in: {}
        out: { samples: { kind: samples } }
        parameters: { token: { type: boolean, default: false, doc: Whether the token differs. } }
        run: { command: [sh, count.sh], code: [count.sh] }
        """
      let program = """
        out=$(sed 's/.*"out":{"samples":"\\([^"]*\\)".*/\\1/' "$APPRENTICE_ACTION")
        [ "$OPENBLAS_CORETYPE" = Haswell ]; there=$?
        token=$there; grep -q '"token":true' "$APPRENTICE_ACTION" || token=0
        printf '{"id":"a","sample":0,"text":"x","tokens":[5000%s],"logprobs":[-1.%s]}\\n' $token $there > "$out/samples.jsonl"
        """
      try TemporaryFolder.write(manifest, to: folder.pushing("count/stage.yaml"))
      try TemporaryFolder.write(program, to: folder.pushing("count/count.sh"))
      for (token, status) in [("false", 0), ("true", 3)] as [(String, Int32)] {
        let stage = token == "true" ? "{ uses: ./count, with: { token: true } }" : "{ uses: ./count }"
        try TemporaryFolder.write(
          pipeline.replacing("{ uses: ./count }", with: stage), to: folder.appending("counts.yaml"))
        for arguments in [
          ["run", "counts.yaml", "--store", "one", "--no-results"],
          ["bundle", "export", "counts.yaml", "--store", "one", "-o", "a.tar.zst"],
        ] {
          let outcome = try Tool.run(arguments, in: folder, environment: Self.here)
          #expect(outcome.status == 0, "\(outcome.errors)")
        }
        let again = try reproduce("a.tar.zst", "--allow-programs", "--tolerance", "0.1", in: folder, Self.elsewhere)
        #expect(again.status == status, "\(again.json)")
        let detail = again.json["actions"]?.array?.first?["detail"]?.string ?? ""
        #expect(detail.contains("differs in more than rounding") == (status == 3), "\(detail)")
        #expect(detail.contains("numbers within 0.05") == (status == 0), "\(detail)")
      }
    }
  }

  @Test("a bundle in a registry is run again as one in a file is")
  func registry() throws {
    try withResults { folder in
      let registry = FakeRegistry { "\(Digest(hashing: $0))" }
      defer { registry.server.stop() }
      let place = registry.reference("lab/small") + ":v1"
      let push = try Tool.run("push", "small.yaml", place, "--store", "one", "--with-sources", in: folder)
      #expect(push.status == 0, "\(push.errors)")
      try FileManager.default.removeItem(atPath: folder.appending("rows").string)
      let same = try reproduce(place, in: folder, Self.here)
      #expect(same.status == 0, "\(same.errors)")
      #expect(same.json["actions"]?.array?.count == 7)
      let near = try reproduce(place, in: folder, Self.elsewhere)
      #expect(near.status == 0, "\(near.errors)")
      #expect(near.json["actions"]?.array?[3]["distance"]?.number ?? 0 > 0)
      let far = try reproduce(place, "--tolerance", "0", in: folder, Self.elsewhere)
      #expect(far.status == 3)
      #expect(far.json["first"]?.string == "mle")
      #expect(try Tool.run("reproduce", registry.reference("lab/small") + ":v2", in: folder).status == 6)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.string)
      #expect(!left.contains { $0.hasPrefix("apprentice-reproduce") })
    }
  }
}
