import CanonicalJSON
import PipelineLanguage
import StageKit
import SystemPackage
import TestSupport
import Testing

@Suite struct FileTests {
  private static let pipeline = "apprentice: 1\nstages:\n  s: { uses: init-model }\n"

  @Test("FILE may be left out: ./apprentice.yaml, else the only file in pipelines/, else an error that lists them")
  func discovery() throws {
    let scratch = try Scratch()
    let nothing = #expect(throws: PipelineProblems.self) { _ = try scratch.checker().discover() }
    #expect(nothing?.problems.count == 1)
    try scratch.write("pipelines/a.yaml", Self.pipeline)
    try scratch.write("pipelines/notes.txt", "")
    #expect(try scratch.checker().discover() == "pipelines/a.yaml")
    try scratch.write("pipelines/b.yml", Self.pipeline)
    let several = #expect(throws: PipelineProblems.self) { _ = try scratch.checker().discover() }
    #expect(several?.problems.first?.expected == "one of pipelines/a.yaml, pipelines/b.yml")
    try scratch.write("apprentice.yaml", Self.pipeline)
    #expect(try scratch.checker().discover() == "apprentice.yaml")
  }

  @Test("a file that is missing or no text is one problem")
  func unreadable() throws {
    let scratch = try Scratch()
    try scratch.write("p.yaml", Self.pipeline)
    let missing = #expect(throws: PipelineProblems.self) { _ = try scratch.checker().check("q.yaml") }
    #expect(missing?.description == "q.yaml:1:1: found no file q.yaml, expected a pipeline file (did you mean p.yaml?)")
    let file = try FileDescriptor.open(scratch.folder.appending("p.yaml"), .writeOnly, options: .truncate)
    _ = try file.closeAfter { try file.writeAll([0x61, 0x3A, 0x20, 0xFF, 0xFE, 0x00]) }
    let binary = #expect(throws: PipelineProblems.self) { _ = try scratch.checker().check("p.yaml") }
    #expect(binary?.problems.count == 1)
    #expect(try scratch.problems("", head: "").first?.found == "nothing")
    #expect(try scratch.problems("", head: String(repeating: "[", count: 100_000)).count == 1)
    #expect(
      try scratch.problems("", head: "a: &a [x]\nb: [" + String(repeating: "*a, ", count: 1000) + "]").count > 1000)
  }

  @Test("a pipeline without a name is called as its file")
  func defaultName() throws {
    let scratch = try Scratch()
    try scratch.write("my grid.yaml", Self.pipeline)
    #expect(try scratch.checker().check("my grid.yaml").name == "my-grid")
  }

  @Test("uses: ./folder is a stage of the user's own, relative to the file")
  func userStage() throws {
    let scratch = try Scratch()
    try scratch.write("rows/train.jsonl", "")
    for name in ["stage.yaml", "upper.py"] {
      try scratch.write("stages/upper/\(name)", try Files.text(Fixture.path("pipelines/upper/\(name)")))
    }
    try scratch.write(
      "pipelines/p.yaml",
      """
      apprentice: 1
      numerics: portable
      stages:
        capitals: { uses: ../stages/upper, in: { dataset: ../rows }, with: { limit: 3 } }
        tokens: { uses: tokenize, in: { dataset: capitals.dataset } }
      """)
    let pipeline = try scratch.checker().check("pipelines/p.yaml")
    #expect(pipeline.numerics == .portable)
    guard case .command(let stage) = pipeline.actions[0].implementation else {
      Issue.record("capitals is no command")
      return
    }
    #expect(stage.folder.string == "\(scratch.folder)/pipelines/../stages/upper")
    #expect(stage.command == ["python3", "upper.py"])
    #expect(stage.code == ["upper.py"])
    #expect(stage.declaration.name == "upper" && stage.declaration.revision == 1)
    #expect(pipeline.actions[0].declaration.outputs == [PortDeclaration("dataset", .dataset, doc: "")])
    #expect(pipeline.actions[0].parameters.object == ["limit": 3])
    #expect(pipeline.actions[1].dependencies == [0])

    try scratch.write("pipelines/q.yaml", try Files.text(scratch.folder.pushing("pipelines/p.yaml")) + "# ")
    try scratch.write(
      "pipelines/q.yaml",
      """
      apprentice: 1
      stages:
        capitals: { uses: ../stages/upper, in: { dataset: ../rows }, with: { limit: -1, limt: 2 } }
      """)
    let error = #expect(throws: PipelineProblems.self) { _ = try scratch.checker().check("pipelines/q.yaml") }
    #expect(error?.problems.map(\.found) == ["-1", "unknown parameter limt"])
    #expect(error?.problems.last?.nearest == "limit")
  }

  @Test("a manifest written by the program reads back as the same declaration", arguments: 0..<toys.stages.count)
  func manifests(index: Int) throws {
    let declaration = toys.declarations[index]
    let scratch = try Scratch()
    try scratch.write("s/stage.yaml", declaration.manifest + "run: { command: [\"true\"] }\n")
    let stage = try scratch.checker().userStage("./s")
    #expect(stage.declaration.manifest == declaration.manifest)
    #expect(stage.declaration.inputs == declaration.inputs)
    #expect(stage.declaration.outputs == declaration.outputs)
    #expect(stage.declaration.parameters == declaration.parameters)
  }

  @Test("an unknown stage that is a folder beside the file is answered with its path")
  func folderWithoutSlash() throws {
    let scratch = try Scratch()
    try scratch.write("own/stage.yaml", "")
    let problems = try scratch.problems("stages:\n  s: { uses: own }\n")
    #expect(problems.map(\.nearest) == ["./own"])
  }

  @Test("a manifest that can't be read is a problem with its name, never a stage less")
  func unreadableManifest() throws {
    let scratch = try Scratch()
    try scratch.write("own/stage.yaml/inside", "")
    let problems = try scratch.problems("stages:\n  s: { uses: ./own }\n  t: { uses: ./own }\n")
    #expect(problems.map(\.found).first == "own/stage.yaml, which is no regular file")
    #expect(problems.first?.expected == "a stage's manifest")
  }

  @Test("a stage of many faults does not hide those of the stages that read it")
  func cascades() throws {
    let scratch = try Scratch()
    let problems = try scratch.problems(
      """
      stages:
        a: { uses: nothing-like-it, with: { x: "${y}" } }
        b: { uses: generate, matrix: { n: [] }, in: { model: a.model } }
        c: { uses: score, in: { samples: b.samples } }
        d: { uses: score, matrix: b, in: { samples: b.samplse } }
      """)
    // The unknown stage, the unknown param, the empty axis, the misspelt port: no more.
    #expect(problems.map(\.origin.description).map { String($0.dropFirst(7)) } == ["3:14", "3:42", "4:37", "6:47"])
  }

  @Test("a graph names every stage once, or every cell")
  func graph() throws {
    let pipeline = try ExampleTests.checked()
    let text = PipelineGraph(pipeline).text
    #expect(
      text == """
        e2e-nlg · 8 stages, 32 actions
        corpus      ingest      source ← ${data}
        tokens      tokenize    dataset ← corpus.dataset
        fresh       init-model  tokenizer ← tokens.tokenizer
        mle         train-mle   tokens ← tokens.tokens; model ← fresh.model
        iq × 9      train-iq    tokens ← tokens.tokens; model ← mle.model  [lambda 0.01 0.1 0.5 · seed 0 1 2]
        sample × 9  generate    model ← iq.model × 9; dataset ← corpus.dataset  [lambda 0.01 0.1 0.5 · seed 0 1 2]
        score × 9   score       samples ← sample.samples × 9  [lambda 0.01 0.1 0.5 · seed 0 1 2]
        compare     report      scores ← score.scores × 9; curves ← mle.curves, iq.curves × 3

        """)
    let cells = PipelineGraph(pipeline, cells: true)
    #expect(cells.text.split(separator: "\n").count == 33)
    #expect(cells.dot.contains("label=\"iq@lambda=0.1,seed=2\\ntrain-iq\""))
    #expect(PipelineGraph(pipeline).mermaid.contains("n4[\"iq × 9<br/><i>train-iq</i>\"]"))
    let json = PipelineGraph(pipeline).json
    #expect(json["actions"]?.array?.count == 32)
    #expect(json["actions"]?.array?[13]["needs"] == ["corpus", "iq@lambda=0.01,seed=0"])
  }

  @Test("the schema of pipelines lists every stage with its ports and parameters")
  func schema() throws {
    let schema = LanguageSchema.pipeline(toys.declarations)
    let entries = try #require(schema["$defs"]?["stage"]?["allOf"]?.array)
    #expect(entries.count == toys.stages.count)
    let training = try #require(entries.first { $0["if"]?["properties"]?["uses"]?["const"] == "train-mle" })
    let properties = training["then"]?["properties"]
    #expect(properties?["in"]?["required"] == ["tokens", "model"])
    #expect(properties?["with"]?["properties"]?["dropout"]?["default"] == 0)
    #expect(LanguageSchema.stage["required"] == ["name", "revision", "out", "run"])
  }
}

@Suite struct ConnectionTests {
  @Test("a required port that a param leaves empty is reported, an optional one is not connected")
  func emptyPorts() throws {
    let scratch = try Scratch()
    let params = "params: { none: null, empty: [] }\n"
    #expect(
      try scratch.check(params + "stages: { s: { uses: init-model, in: { tokenizer: \"${none}\", model: ~ } } }")
        .actions[0].inputs.isEmpty)
    for value in ["\"${none}\"", "\"${empty}\"", "[]", "~"] {
      let problems = try scratch.problems(params + "stages: { s: { uses: score, in: { samples: \(value) } } }")
      #expect(problems.map(\.found) == ["no samples for s"], "\(value)")
    }
  }

  @Test("a path to an artifact is checked as its kind")
  func kinds() throws {
    let scratch = try Scratch()
    try scratch.write("gpt/config.json", "{}")
    try scratch.write("p.yaml", "apprentice: 1\nstages: { s: { uses: init-model, in: { model: ./gpt } } }\n")
    var checker = scratch.checker()
    checker.missing = { kind, path in
      kind == .model && path.lastComponent == "gpt" ? "model.safetensors" : nil
    }
    let error = #expect(throws: PipelineProblems.self) { _ = try checker.check("p.yaml") }
    #expect(
      error?.description
        == "p.yaml:2:47: found ./gpt, which holds no model.safetensors, expected an artifact of kind model at port model"
    )
  }

  @Test("long chains of params and matrices end in a problem, not in a crash")
  func chains() throws {
    let scratch = try Scratch()
    let params = (0..<5000).map { "  p\($0): \"${p\($0 + 1)}\"" }.joined(separator: "\n")
    #expect(try !scratch.problems("params:\n\(params)\n  p5000: 1\nstages: { s: { uses: init-model } }\n").isEmpty)
    let stages = (0..<2000).map { "  s\($0): { uses: init-model, matrix: s\($0 + 1) }" }.joined(separator: "\n")
    #expect(try !scratch.problems("stages:\n\(stages)\n  s2000: { uses: init-model, matrix: { a: [1] } }\n").isEmpty)
  }

  @Test("stages that need each other in a long line are ordered")
  func longLine() throws {
    let scratch = try Scratch()
    let stages = (0..<300).reversed().map { index in
      "  s\(index): { uses: init-model" + (index > 0 ? ", in: { model: s\(index - 1).model } }" : " }")
    }
    let pipeline = try scratch.check("stages:\n" + stages.joined(separator: "\n") + "\n")
    #expect(pipeline.actions.map(\.stage) == (0..<300).map { "s\($0)" })
    #expect(pipeline.stageNames.first == "s299")
  }
}
