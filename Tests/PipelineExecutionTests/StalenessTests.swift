import ArtifactStore
import CanonicalJSON
import ContentAddressing
import SystemPackage
import TestSupport
import Testing

@Suite struct StalenessTests {
  static let chain = """
    params: { word: a, lambda: 0.1 }
    stages:
      data:
        uses: ./make
        with: { word: "${word}" }
      mid:
        uses: ./copy
        in: { dataset: data.dataset }
        with: { weight: "${lambda}" }
      end:
        uses: ./copy
        in: { dataset: mid.dataset }
      side:
        uses: ./copy
        in: { dataset: data.dataset }
        with: { weight: 7 }

    """

  @Test("a second run does nothing, says so in one line, and leaves the store as it was")
  func nothingToDo() throws {
    try ToyPipeline.with(Self.chain) { toy in
      #expect(Set(try toy.json("run").states.values) == ["ran"])
      let before = try Tree.names(below: toy.folder)
      let again = try toy.tool("run", "toy.yaml")
      #expect(again.status == 0)
      #expect(again.errors == "toy  4 actions: all fresh, nothing to do\n")
      #expect(again.output.isEmpty)
      #expect(try Tree.names(below: toy.folder) == before)
      #expect(toy.journal.count == 4)
    }
  }

  @Test("a run ends with a change worth trying and the number of actions that it would rerun")
  func changePreview() throws {
    try ToyPipeline.with(Self.chain) { toy in
      let said = try toy.tool("run", "toy.yaml").errors
      #expect(said.hasSuffix("Change  apprentice run toy.yaml --set lambda=0.2    reruns 2 of 4\n"))
      #expect(try toy.json("run", "--set", "lambda=0.2").states.values.count { $0 == "ran" } == 2)
    }
  }

  @Test("another value of a parameter reruns the stages that read it and what follows, nothing else")
  func onlyWhatIsStale() throws {
    try ToyPipeline.with(Self.chain) { toy in
      _ = try toy.json("run")
      let states = try toy.json("run", "--set", "lambda=0.2").states
      #expect(states == ["data": "fresh", "mid": "ran", "end": "ran", "side": "fresh"])
      let back = try toy.json("run").states
      #expect(Set(back.values) == ["fresh"], "results of other values stay in the store")
    }
  }

  @Test("a stage that reruns to the same output leaves all that follows fresh")
  func earlyCutOff() throws {
    try ToyPipeline.with(Self.chain) { toy in
      let before = try toy.json("run").digests
      // `make` takes blanks out of its word.
      let after = try toy.json("run", "--set", "word=a ")
      #expect(after.states == ["data": "ran", "mid": "fresh", "end": "fresh", "side": "fresh"])
      #expect(after.digests == before)
      #expect(toy.journal.count == 5)
    }
  }

  @Test("why says field, old and new value, file and line in one sentence")
  func whyParameter() throws {
    try ToyPipeline.with(Self.chain) { toy in
      _ = try toy.json("run")
      try toy.write(Self.chain.replacing("lambda: 0.1", with: "lambda: 0.25"))
      let action = try #require(try toy.json("why", "mid").action("mid"))
      #expect(action["reason"]?.string == "mid runs because weight 0.1 → 0.25 (toy.yaml:3)")
      let change = try #require(action["changes"]?.array?.first)
      #expect(change["field"]?.string == "weight")
      #expect(change["old"]?.number == 0.1)
      #expect(change["new"]?.number == 0.25)
      #expect(change["file"]?.string == "toy.yaml")
      #expect(change["line"]?.integer == 3)
      let follower = try #require(try toy.json("why", "end").action("end"))
      #expect(
        follower["reason"]?.string == "end waits for mid: mid runs because weight 0.1 → 0.25 (toy.yaml:3)")
    }
  }

  @Test("why names the setting, the changed code, or that there is nothing to compare with")
  func whyOther() throws {
    try ToyPipeline.with(Self.chain) { toy in
      #expect(try toy.tool("why", "toy.yaml", "data").output == "data runs because there is no earlier result\n")
      _ = try toy.json("run")
      let set = try toy.tool("why", "toy.yaml", "mid", "--set", "lambda=3")
      #expect(set.output == "mid runs because weight 0.1 → 3 (--set lambda=3)\n")
      let script = toy.folder.appending("make").appending("make.sh")
      try TemporaryFolder.write(
        String(decoding: try Fixture.bytes(script), as: UTF8.self) + "\n# other\n", to: script)
      #expect(try toy.tool("why", "toy.yaml", "data").output == "data runs because make.sh changed\n")
    }
  }

  @Test("a file that a pipeline reads from outside is part of the key by its bytes, and why names it")
  func outsideFiles() throws {
    let stages = """
      stages:
        data:
          uses: ingest
          in: { source: "./source" }
          with: { files: { train: "a.jsonl" } }

      """
    try ToyPipeline.with(stages) { toy in
      let line = "{\"prompt\":\"p\",\"completion\":\"c\"}\n"
      let source = toy.folder.appending("source")
      try TemporaryFolder.write(line, to: source.appending("a.jsonl"))
      #expect(try toy.json("run").states == ["data": "ran"])
      try TemporaryFolder.write(line, to: source.appending("b.jsonl"))
      #expect(try toy.json("run").states == ["data": "fresh"], "a file that is not named is not read")
      try TemporaryFolder.write(line + line, to: source.appending("a.jsonl"))
      let why = try toy.tool("why", "toy.yaml", "data").output
      #expect(why == "data runs because input source changed (a.jsonl in ./source)\n")
      #expect(try toy.json("run").states == ["data": "ran"])
    }
  }

  @Test("of a folder all files count but the hidden ones, such as an editor's")
  func hiddenFiles() throws {
    let stages = """
      stages:
        data:
          uses: ./copy
          in: { dataset: "./source" }

      """
    try ToyPipeline.with(stages) { toy in
      let row = "{\"id\":\"train-0\",\"prompt\":\"p\",\"completion\":\"c\",\"references\":[\"r\"]}\n"
      let source = toy.folder.appending("source")
      try TemporaryFolder.write(row, to: source.appending("train.jsonl"))
      #expect(try toy.json("run").states == ["data": "ran"])
      try TemporaryFolder.write("x", to: source.appending(".train.jsonl.swp"))
      #expect(try toy.json("run").states == ["data": "fresh"])
      try TemporaryFolder.write(row.replacing("train-0", with: "test-0"), to: source.appending("test.jsonl"))
      #expect(try toy.tool("why", "toy.yaml", "data").output.contains("(test.jsonl in ./source)"))
      #expect(try toy.json("run").states == ["data": "ran"])
    }
  }

  @Test("status --check ends with 3 when something is stale, and targets bring only what they need up to date")
  func statusAndTargets() throws {
    try ToyPipeline.with(Self.chain) { toy in
      #expect(try toy.tool("status", "toy.yaml", "--check").status == 3)
      #expect(try toy.json("run", "mid").states == ["data": "ran", "mid": "ran"])
      #expect(
        try toy.json("status").states == ["data": "fresh", "mid": "fresh", "end": "stale", "side": "stale"])
      _ = try toy.json("run")
      #expect(try toy.tool("status", "toy.yaml", "--check").status == 0)
      #expect(try toy.tool("run", "toy.yaml", "nowhere").status == 2)
    }
  }

  @Test("--dry-run runs nothing, --force runs a fresh stage")
  func dryRunAndForce() throws {
    try ToyPipeline.with(Self.chain) { toy in
      #expect(Set(try toy.json("run", "--dry-run").states.values) == ["stale"])
      #expect(toy.journal.isEmpty)
      _ = try toy.json("run")
      #expect(
        try toy.json("run", "--force", "mid").states
          == ["data": "fresh", "mid": "ran", "end": "fresh", "side": "fresh"])
      #expect(toy.journal.count == 5)
    }
  }

  @Test("results show the last run under the files' own names")
  func results() throws {
    try ToyPipeline.with(Self.chain) { toy in
      _ = try toy.json("run")
      let shown = toy.folder.appending("results").appending("toy").appending("mid").appending("dataset")
      #expect(try Fixture.lines(shown.appending("train.jsonl"))[0].contains("\"completion\":\"0.1a\""))
      _ = try toy.json("run", "--set", "lambda=5")
      #expect(try Fixture.lines(shown.appending("train.jsonl"))[0].contains("\"completion\":\"5a\""))
      _ = try toy.json("run")
      #expect(try Fixture.lines(shown.appending("train.jsonl"))[0].contains("\"completion\":\"0.1a\""))
    }
  }

  @Test("a result without the outputs that its stage declares is none, whoever put it into the store")
  func otherOutputs() throws {
    try ToyPipeline.with(Self.chain) { toy in
      let answer = try toy.json("run", "data", "--store", "one")
      let key = try #require(answer.action("data")?["key"]?.string.flatMap { ActionKey($0) })
      let document = try Store.open(toy.folder.appending("one"), creating: false).keyDocument(key)
      let store = try Store.open(toy.folder.appending("two"), creating: true)
      let work = try store.makeWorkFolder(for: key)
      try TemporaryFolder.write("{}\n", to: work.output("dataset").appending("samples.jsonl"))
      let publication = try store.beginPublication(in: work)
      let artifact = try publication.add(
        folder: work.output("dataset"), kind: #require(KindName("samples")))
      let recording = try publication.record(document, environment: [:], outputs: ["dataset": artifact])
      try work.remove()
      #expect(recording.result.key == key)
      #expect(try toy.json("status", "--store", "two").action("data")?["state"] == "stale")
      #expect(try toy.json("run", "data", "--store", "two").states == ["data": "ran"])
    }
  }
}
