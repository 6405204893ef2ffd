import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct ProcessTests {
  private static let grid = """
    stages:
      data:
        uses: ./make
      cells:
        uses: ./copy
        matrix: { weight: [1, 2, 3] }
        in: { dataset: data.dataset }
        with: { weight: "${matrix.weight}" }
      more:
        uses: ./copy
        matrix: cells
        in: { dataset: cells.dataset }

    """

  @Test("jobs and threads change no digest")
  func sameBits() throws {
    try ToyPipeline.with(Self.grid) { toy in
      let one = try toy.json("run", "--store", "one", "--jobs", "1", "--threads", "1").digests
      let many = try toy.json("run", "--store", "many", "--jobs", "4", "--threads", "8").digests
      #expect(one.count == 7)
      #expect(one == many)
    }
  }

  private static func environment(of toy: ToyPipeline, numerics: String) throws -> [String] {
    let manifest = """
      name: look
      revision: 1
      summary: A toy.
      in: {}
      out: { dataset: { kind: dataset } }
      parameters: {}
      run: { command: [sh, look.sh], code: [look.sh, more/data] }
      """
    try TemporaryFolder.write(manifest, to: toy.folder.appending("look/stage.yaml"))
    try TemporaryFolder.write("here", to: toy.folder.appending("look/more/data"))
    try TemporaryFolder.write(
      """
      out=$(sed -n 's/.*"out":{"dataset":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
      { env | sort; ls; cat more/data; } > \(toy.folder)/seen-\(numerics)
      printf '{"id":"train-0","prompt":"p","completion":"c","references":["c"]}\\n' > "$out/train.jsonl"
      """, to: toy.folder.appending("look/look.sh"))
    try toy.write("numerics: \(numerics)\nstages:\n  look:\n    uses: ./look\n")
    let outcome = try toy.tool(
      "run", "toy.yaml", environment: ["SECRET": "x", "TZ": "UTC", "OPENBLAS_CORETYPE": "Zen"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try Fixture.lines(toy.folder.appending("seen-\(numerics)"))
  }

  @Test("a user's program sees only the variables of the allow-list, and copies of its code")
  func allowList() throws {
    try ToyPipeline.with("") { toy in
      let seen = try Self.environment(of: toy, numerics: "native")
      let names = seen.filter { $0.contains("=") }.map { String($0.split(separator: "=")[0]) }
      // The shell sets the last three itself.
      let allowed: Set<String> = [
        "PATH", "HOME", "LANG", "TZ", "TMPDIR", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "APPRENTICE_ACTION",
        "APPRENTICE_EVENTS", "PWD", "SHLVL", "_",
      ]
      #expect(Set(names).isSubset(of: allowed))
      #expect(seen.contains("TZ=UTC"))
      #expect(seen.contains("OPENBLAS_CORETYPE=Zen"))
      #expect(seen.suffix(3) == ["look.sh", "more", "here"])
    }
  }

  @Test("a program that may be run may be run as a copy, too, and its request names the action's key")
  func programs() throws {
    try ToyPipeline.with("stages:\n  tell: { uses: ./tell }\n") { toy in
      let manifest = """
        name: tell
        revision: 1
        summary: A toy.
        in: {}
        out: { dataset: { kind: dataset } }
        parameters: {}
        run: { command: [sh, tell.sh], code: [tell.sh, bin/row] }
        """
      try TemporaryFolder.write(manifest, to: toy.folder.appending("tell/stage.yaml"))
      try TemporaryFolder.write("./bin/row", to: toy.folder.appending("tell/tell.sh"))
      let program = toy.folder.appending("tell/bin/row")
      try TemporaryFolder.write(
        """
        #!/bin/sh
        out=$(sed -n 's/.*"out":{"dataset":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
        key=$(sed -n 's/.*"key":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
        printf '{"id":"train-0","prompt":"p","completion":"%s","references":["c"]}\\n' "$key" > "$out/train.jsonl"
        """, to: program)
      #expect(chmod(program.string, 0o755) == 0)
      let action = try #require(try toy.json("run").action("tell"))
      let rows = try Fixture.lines(toy.folder.pushing("results/toy/tell/dataset/train.jsonl"))
      let key = try #require(action["key"]?.string)
      #expect(try JSONValue(parsing: #require(rows.first))["completion"]?.string == key)
    }
  }

  @Test("portable numerics set the kernels that every machine has, and are another key")
  func portable() throws {
    try ToyPipeline.with("") { toy in
      _ = try Self.environment(of: toy, numerics: "native")
      #expect(try Self.environment(of: toy, numerics: "portable").contains("OPENBLAS_CORETYPE=Haswell"))
    }
  }

  @Test("the processor and the kernels are recorded with every result")
  func environmentOfResults() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let key = try #require(try toy.json("run").action("data")?["key"]?.string.flatMap { ActionKey($0) })
      let store = try Store.open(toy.folder.appending(".apprentice"), creating: false)
      guard case .hit(let result) = try store.lookup(key) else {
        Issue.record("the result is not in the store")
        return
      }
      let environment = try store.environment(of: result.digest)
      for name in ["processor", "kernels", "kernel_class", "kernel_library"] {
        #expect(environment[name]?.string?.isEmpty == false, "\(name)")
      }
    }
  }

  @Test("log prints what a stage said, show its files, metrics the scores of the plan")
  func looking() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      _ = try toy.json("run")
      let shown = try JSONValue(parsing: try toy.tool("show", "mid.dataset", "--json").output)
      #expect(shown["kind"]?.string == "dataset")
      #expect(shown["files"]?.array?.first?["name"]?.string == "train.jsonl")
      let digest = try #require(shown["digest"]?.string)
      #expect(try toy.tool("show", String(digest.dropFirst(7).prefix(12)), "--json").output.contains(digest))
      #expect(try toy.tool("show", "toy:mid", "--json").output.contains(digest))
      #expect(try toy.tool("show", "mod").status == 2)
      #expect(try toy.tool("log", "toy.yaml", "mid").output.hasPrefix("mid  run "))
      #expect(try toy.json("metrics") == [])
    }
  }

  @Test("under APPRENTICE_DEVELOPMENT=1 the executable is part of every key")
  func development() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      _ = try toy.json("run")
      let outcome = try toy.tool("status", "toy.yaml", "--check", environment: ["APPRENTICE_DEVELOPMENT": "1"])
      #expect(outcome.status == 3)
      #expect(outcome.output.contains("data runs because the program was built anew"))
    }
  }
}
