import CanonicalJSON
import Foundation
import SystemPackage
import TestSupport
import Testing

/// What tests ask of the processor that they run on.
enum Processor {
  static let hasFusedKernels = {
    let text = (try? Fixture.lines("/proc/cpuinfo")) ?? []
    let flags = text.first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
    return flags.contains("avx2") && flags.contains("fma")
  }()
}

/// `numerics: portable`: the same bits whatever kernels a machine would take by itself.
///
/// Other machines are played by environment variables: `OPENBLAS_CORETYPE` for OpenBLAS, `APPRENTICE_KERNELS` for ours.
@Suite(.enabled(if: Processor.hasFusedKernels, "the processor has no AVX2 and FMA"))
struct PortableNumericsTests {
  private func pipeline(_ numerics: String) -> String {
    """
    apprentice: 1
    name: small
    numerics: \(numerics)
    stages:
      corpus: { uses: ingest, in: { source: ./rows }, with: { files: { train: train.jsonl, test: train.jsonl } } }
      tokens: { uses: tokenize, in: { dataset: corpus.dataset }, with: { vocab_size: 300 } }
      fresh:
        uses: init-model
        in: { tokenizer: tokens.tokenizer }
        with: { layers: 2, width: 48, heads: 4, kv_heads: 2, context: 64 }
      iq: { uses: train-iq, in: { tokens: tokens.tokens, model: fresh.model }, with: { steps: 6, batch_rows: 8 } }
      samples:
        uses: generate
        in: { model: iq.model, dataset: corpus.dataset }
        with: { samples: 2, max_new_tokens: 8 }

    """
  }

  /// A machine as the environment plays it.
  private struct Machine: Hashable {
    var core: String
    var kernels: String

    var environment: [String: String] { ["OPENBLAS_CORETYPE": core, "APPRENTICE_KERNELS": kernels] }
  }

  private static let machines = [
    Machine(core: "Haswell", kernels: "avx2"), Machine(core: "Zen", kernels: ""),
    Machine(core: "Nehalem", kernels: "sse2"), Machine(core: "Sandybridge", kernels: "avx2"),
  ]

  private func withRows(_ numerics: String, _ body: (FilePath) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      let rows = (0..<60).map { "{\"prompt\":\"count to \($0)\",\"completion\":\"\($0 / 2) and \($0 - $0 / 2)\"}\n" }
      try TemporaryFolder.write(rows.joined(), to: folder.pushing("rows/train.jsonl"))
      try TemporaryFolder.write(pipeline(numerics), to: folder.appending("small.yaml"))
      try body(folder)
    }
  }

  /// The digests of model and samples as every machine makes them.
  private func digests(_ numerics: String) throws -> [[String: String]] {
    var digests: [[String: String]] = []
    try withRows(numerics) { folder in
      for (index, machine) in Self.machines.enumerated() {
        let outcome = try Tool.run(
          "run", "small.yaml", "--json", "--no-results", "--store", "\(index)", in: folder,
          environment: machine.environment)
        #expect(outcome.status == 0, "\(outcome.errors)")
        var found: [String: String] = [:]
        for action in try JSONValue(parsing: outcome.output)["actions"]?.array ?? [] {
          found[action["stage"]?.string ?? ""] = action["outputs"]?.text
        }
        digests.append(found)
      }
    }
    return digests
  }

  @Test("portable numerics give one machine's bits on all")
  func portable() throws {
    let digests = try digests("portable")
    #expect(digests[0].count == 5)
    for other in digests.dropFirst() { #expect(other == digests[0]) }
  }

  @Test("native numerics take what the machine has, so that the two settings of the test before do differ")
  func native() throws {
    let models = try digests("native").map { $0["iq"] }
    #expect(models[0] != models[2], "OpenBLAS' core and our class")
    #expect(models[0] != models[3], "OpenBLAS' core alone")
  }

  @Test("kernels that the processor does not have are refused by name")
  func refused() throws {
    try withRows("native") { folder in
      let outcome = try Tool.run("run", "small.yaml", in: folder, environment: ["APPRENTICE_KERNELS": "avx9"])
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("no kernels of the class avx9"), "\(outcome.errors)")
    }
  }
}
