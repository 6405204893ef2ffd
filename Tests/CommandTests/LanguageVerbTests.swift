import CanonicalJSON
import Records
import SystemPackage
import TestSupport
import Testing

@Suite struct LanguageVerbTests {
  private static let pipeline = """
    apprentice: 1
    name: small
    params: { data: rows.csv }
    stages:
      corpus: { uses: ingest, in: { source: "${data}" } }
      other: { uses: ingest, matrix: { n: [1, 2] }, in: { source: rows.csv }, with: { limit: "${matrix.n}" } }

    """

  @Test("ports that need or exclude each other are found by check, at their place, and by exec, both with status 2")
  func connections() throws {
    try TemporaryFolder.with { folder in
      _ = try TemporaryFolder.write("prompt,completion\nq,a\n", to: folder.appending("rows.csv"))
      _ = try TemporaryFolder.write(
        """
        apprentice: 1
        stages:
          corpus: { uses: ingest, in: { source: ./rows.csv } }
          tokens: { uses: tokenize, in: { dataset: corpus.dataset }, with: { tokenizer: given } }
          fresh: { uses: init-model, with: { vocab_size: 300 } }
          sample: { uses: generate, in: { model: fresh.model } }
          both: { uses: generate, in: { model: fresh.model, dataset: corpus.dataset, tokens: tokens.tokens } }
          reward: { uses: extract-reward, in: { model: fresh.model } }

        """, to: folder.appending("apprentice.yaml"))
      let outcome = try Tool.run("check", in: folder)
      #expect(outcome.status == 2)
      let lines = outcome.output.split(separator: "\n").map(String.init)
      let expected = [
        (4, "no tokenizer beside tokenizer: given"), (5, "neither a tokenizer nor end_token"),
        (6, "neither dataset nor tokens"), (7, "dataset and tokens both"), (8, "neither samples nor tokens"),
      ]
      #expect(lines.count == expected.count)
      for (line, (number, text)) in zip(lines, expected) {
        #expect(line.hasPrefix("apprentice.yaml:\(number):") && line.contains(text), "\(line)")
      }
      let alone = try Tool.run("exec", "init-model", "--with", "vocab_size=300", "--out", "model", in: folder)
      #expect(alone.status == 2 && alone.errors.contains("end_token"))
    }
  }

  @Test("check says that there is no problem, or prints them all and ends with status 2")
  func check() throws {
    try TemporaryFolder.with { folder in
      _ = try TemporaryFolder.write("prompt,completion\nq,a\n", to: folder.appending("rows.csv"))
      _ = try TemporaryFolder.write(Self.pipeline, to: folder.appending("apprentice.yaml"))
      let fine = try Tool.run("check", in: folder)
      #expect(fine.status == 0)
      #expect(fine.output == "apprentice.yaml: no problems · 2 stages, 3 actions\n")
      #expect(try Tool.run("check", "--json", in: folder).output == "{\"problems\":[]}\n")
      let wrong = try Tool.run("check", "--set", "data=nowhere.csv", "--set", "dta=1", in: folder)
      #expect(wrong.status == 2)
      #expect(
        wrong.output == """
          --set dta=1: found unknown param dta, expected one of data (did you mean data?)
          --set data=nowhere.csv: found no file or folder nowhere.csv, expected an existing path, relative to the \
          working directory

          """)
      let json = try Tool.run("check", "--json", "--set", "dta=1", in: folder)
      #expect(json.status == 2)
      let problem = try #require(try JSONValue(parsing: json.output)["problems"]?.array?.first)
      #expect(problem["file"] == "--set dta=1" && problem["nearest"] == "data")
    }
  }

  @Test("an integer of any size is a problem with its place, not a crash")
  func wildInteger() throws {
    try TemporaryFolder.with { folder in
      let text = "apprentice: 1\nname: p\nstages: { f: { uses: init-model, with: { layers: -9223372036854775808 } } }\n"
      try TemporaryFolder.write(text, to: folder.appending("p.yaml"))
      let outcome = try Tool.run("check", "p.yaml", in: folder)
      #expect(outcome.status == 2)
      #expect(outcome.output.contains("p.yaml:3:50: found -9223372036854775808"), "\(outcome.output)")
    }
  }

  @Test("a verb that needs a pipeline reports its problems on stderr, under --json as the one document")
  func problems() throws {
    try TemporaryFolder.with { folder in
      _ = try TemporaryFolder.write("apprentice: 1\nstages: { a: { uses: ingst } }\n", to: folder.appending("p.yaml"))
      let people = try Tool.run("dag", "p.yaml", in: folder)
      #expect(people.status == 2 && people.output.isEmpty)
      #expect(people.errors.hasPrefix("p.yaml:2:22: found unknown stage ingst"))
      let program = try Tool.run("dag", "p.yaml", "--json", in: folder)
      #expect(program.status == 2 && program.errors.isEmpty)
      #expect(try JSONValue(parsing: program.output)["problems"]?.array?.count == 1)
    }
  }

  @Test("dag draws as text, Mermaid and Graphviz")
  func dag() throws {
    try TemporaryFolder.with { folder in
      _ = try TemporaryFolder.write("prompt,completion\nq,a\n", to: folder.appending("rows.csv"))
      _ = try TemporaryFolder.write(Self.pipeline, to: folder.appending("pipelines").appending("p.yaml"))
      let settings = ["--set", "data=rows.csv"]
      _ = try TemporaryFolder.write("", to: folder.appending("pipelines").appending("rows.csv"))
      let text = try Tool.run(["dag"] + settings, in: folder)
      #expect(text.status == 0, "\(text.errors)")
      #expect(text.output.contains("other × 2  ingest  source ← rows.csv  [n 1 2]"))
      #expect(try Tool.run("dag", "--format", "mermaid", in: folder).output.hasPrefix("flowchart LR\n"))
      #expect(try Tool.run("dag", "--format", "dot", "--cells", in: folder).output.contains("other@n=2"))
      let json = try JSONValue(parsing: try Tool.run("dag", "--json", in: folder).output)
      #expect(json["stages"]?.array?.count == 2 && json["actions"]?.array?.count == 3)
    }
  }

  @Test("stages lists them all or documents one, a stage of the user's own too")
  func stages() throws {
    try TemporaryFolder.with { folder in
      let all = try JSONValue(parsing: try Tool.run("stages", "--json", in: folder).output)
      let names = try #require(all["stages"]?.array).compactMap { $0["name"]?.string }
      #expect(names.contains("ingest"))
      for name in names {
        let one = try JSONValue(parsing: try Tool.run("stages", name, "--json", in: folder).output)
        #expect(one["name"]?.string == name)
        for parameter in one["parameters"]?.array ?? [] {
          #expect(parameter["type"]?.string != nil && parameter["default"] != nil && parameter["doc"]?.string != nil)
        }
        #expect(try Tool.run("stages", name, in: folder).output.hasPrefix("\(name) (revision "))
      }
      let own = try Tool.run("stages", Fixture.path("pipelines/upper").string, in: folder)
      #expect(own.output.contains("limit  integer 0…1000000 rows = 0  0 takes all"))
      #expect(try Tool.run("stages", "ingst", in: folder).status == 2)
    }
  }

  @Test("schema prints JSON Schemas")
  func schema() throws {
    try TemporaryFolder.with { folder in
      for subject in ["pipeline", "stage"] {
        let schema = try JSONValue(parsing: try Tool.run("schema", subject, in: folder).output)
        #expect(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema")
      }
      #expect(try Tool.run("schema", "stages", in: folder).status == 64)
    }
  }
}
