import CanonicalJSON
import Glibc
import SystemPackage
import TestSupport
import Testing

/// What of a source folder counts: the files that are read, no others.
@Suite struct SourceFilesTests {
  /// Runs a pipeline of one `ingest` and tells how many actions ran.
  private func ran(_ parameters: String, in folder: FilePath) throws -> Int {
    try TemporaryFolder.write(
      "apprentice: 1\nname: p\nstages:\n  corpus: { uses: ingest, in: { source: data }, with: { \(parameters) } }\n",
      to: folder.appending("p.yaml"))
    let outcome = try Tool.run("run", "p.yaml", "--json", in: folder)
    try #require(outcome.status == 0, "\(outcome.errors)")
    let actions = try JSONValue(parsing: Array(outcome.output.utf8)).object?["actions"]?.array ?? []
    return actions.count { $0.object?["state"]?.string == "ran" }
  }

  private func row(_ word: String) -> String { "{\"prompt\":\"say\",\"completion\":\"\(word)\"}\n" }

  @Test("parallel texts are hashed as they are named, compressed or not: a new line reruns, a bystander does not")
  func parallel() throws {
    try TemporaryFolder.with { folder in
      let parameters = """
        files: { train: train, test: "20*" }, parallel: { en: "{name}.en", de: "{name}.de" }, prompt: "{en}", \
        completion: "{de}"
        """
      for (name, text) in [
        ("train.en", "one\ntwo\n"), ("train.de", "eins\nzwei\n"), ("2016.en", "x\n"), ("2016.de", "y\n"),
      ] {
        try TemporaryFolder.write(text, to: folder.pushing("data").appending(name))
      }
      #expect(try ran(parameters, in: folder) == 1)
      #expect(try ran(parameters, in: folder) == 0)
      try TemporaryFolder.write("nobody reads it\n", to: folder.pushing("data/train.fr"))
      #expect(try ran(parameters, in: folder) == 0)
      try TemporaryFolder.write("eins\ndrei\n", to: folder.pushing("data/train.de"))
      #expect(try ran(parameters, in: folder) == 1)
      try TemporaryFolder.write("z\n", to: folder.pushing("data/2016.de"))
      #expect(try ran(parameters, in: folder) == 1)
    }
  }

  @Test("without files those that are called as splits are count")
  func splits() throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(row("a"), to: folder.pushing("data/train.jsonl"))
      #expect(try ran("", in: folder) == 1)
      try TemporaryFolder.write("about the data\n", to: folder.pushing("data/README"))
      #expect(try ran("", in: folder) == 0)
      try TemporaryFolder.write(row("b"), to: folder.pushing("data/test.jsonl"))
      #expect(try ran("", in: folder) == 1)
    }
  }

  @Test("a file whose name looks like a pattern is that file")
  func brackets() throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(row("a"), to: folder.pushing("data/part[1].jsonl"))
      #expect(try ran("files: { train: \"part[1].jsonl\" }", in: folder) == 1)
      try TemporaryFolder.write(row("b"), to: folder.pushing("data/part[1].jsonl"))
      #expect(try ran("files: { train: \"part[1].jsonl\" }", in: folder) == 1)
    }
  }

  @Test("a file that is named and absent is found before anything runs")
  func absent() throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(row("a"), to: folder.pushing("data/train.jsonl"))
      try TemporaryFolder.write(
        """
        apprentice: 1
        name: p
        stages:
          corpus: { uses: ingest, in: { source: data }, with: { files: { train: train.jsonl, test: gone.jsonl } } }

        """, to: folder.appending("p.yaml"))
      let outcome = try Tool.run("run", "p.yaml", in: folder)
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("gone.jsonl"), "\(outcome.errors)")
    }
  }

  @Test(
    "the pipelines over shared data run as their first lines say",
    .disabled(if: Fixture.shared("data") == nil, "there is no ../shared/data beside the project"),
    arguments: [
      ("gsm8k-data", "gsm8k", ["train", "test"]), ("multi30k-data", "multi30k", ["train", "validation", "test"]),
    ])
  func sharedData(pipeline: String, data: String, splits: [String]) throws {
    let data = try #require(Fixture.shared("data/" + data))
    try TemporaryFolder.with { folder in
      let outcome = try Tool.run(
        "run", "pipelines/\(pipeline).yaml", "--set", "data=\(data)", "--store", folder.appending("store").string,
        "--results", folder.appending("results").string)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let dataset = folder.pushing(FilePath("results/\(pipeline)/corpus/dataset"))
      for split in splits {
        #expect(access(dataset.appending(split + ".jsonl").string, R_OK) == 0, "\(split)")
      }
    }
  }
}
