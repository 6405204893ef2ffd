import CanonicalJSON
import PipelineLanguage
import StageKit
import SystemPackage
import TestSupport
import Testing

/// The pipeline file with which the language is explained.
@Suite struct ExampleTests {
  static func checked(_ settings: [String] = []) throws -> CheckedPipeline {
    // The data that the file names lies elsewhere, so `data` is always set.
    let checker = PipelineChecker(registry: toys, workingDirectory: Fixture.path("pipelines")) { _ in nil }
    return try checker.check("e2e-nlg.yaml", settings: ["data=data/"] + settings)
  }

  @Test("actions come after all they need, in the order of the file, cells with the last axis fastest")
  func actions() throws {
    let pipeline = try Self.checked()
    let cells = [0.01, 0.1, 0.5].flatMap { lambda in (0...2).map { "lambda=\(JSONValue(lambda).text),seed=\($0)" } }
    let expected =
      ["corpus", "tokens", "fresh", "mle"]
      + ["iq", "sample", "score"].flatMap { stage in
        cells.map { "\(stage)@\($0)" }
      } + ["compare"]
    #expect(pipeline.actions.map(\.id) == expected)
    #expect(pipeline.name == "e2e-nlg")
    #expect(pipeline.numerics == .native)
    #expect(pipeline.stageNames == ["corpus", "tokens", "fresh", "mle", "iq", "sample", "score", "compare"])
    for (index, action) in pipeline.actions.enumerated() {
      #expect(action.dependencies.allSatisfy { $0 < index })
    }
  }

  @Test("a gridded stage takes, cell by cell, the cell with its own values")
  func cells() throws {
    let pipeline = try Self.checked()
    for action in pipeline.actions where action.stage == "sample" || action.stage == "score" {
      let source = try #require(action.inputs.first?.sources.first)
      guard case .output(let index, _, _, let axes) = source else {
        Issue.record("\(action.id) reads no output")
        continue
      }
      #expect(pipeline.actions[index].cell == action.cell)
      #expect(axes == action.cell?.axes)
    }
  }

  @Test("a port that takes many gathers cells as written, then in grid order, with full labels and axes")
  func many() throws {
    let pipeline = try Self.checked()
    let compare = try #require(pipeline.actions.last)
    let labels = compare.inputs.map { input in
      input.sources.map { source in
        if case .output(_, _, let label, _) = source { label } else { "" }
      }
    }
    #expect(compare.inputs.map(\.port.name) == ["scores", "curves"])
    #expect(labels[0].count == 9)
    #expect(labels[0].first == "score@lambda=0.01,seed=0.scores")
    #expect(
      labels[1] == [
        "mle.curves", "iq@lambda=0.01,seed=0.curves", "iq@lambda=0.1,seed=0.curves", "iq@lambda=0.5,seed=0.curves",
      ])
    guard case .output(_, _, _, let axes) = compare.inputs[1].sources[2] else { return }
    #expect(axes == ["lambda": 0.1, "seed": 0])
  }

  @Test("parameters have their values, defaults filled in, and every value says where it was written")
  func parameters() throws {
    let pipeline = try Self.checked(["seed=7"])
    let mle = try #require(pipeline.actions.first { $0.id == "mle" })
    #expect(mle.parameters.object["epochs"] == 2)
    #expect(mle.parameters.object["seed"] == 7)
    #expect(mle.parameters.object["batch_rows"] == 32)
    #expect(mle.parameterOrigins["seed"] == .commandLine("--set seed=7"))
    #expect(mle.parameterOrigins["epochs"]?.description == "e2e-nlg.yaml:25:21")
    #expect(mle.parameterOrigins["batch_rows"] == nil)
    let iq = try #require(pipeline.actions.first { $0.id == "iq@lambda=0.1,seed=2" })
    #expect(iq.parameters.object["lambda"] == 0.1)
    #expect(iq.parameterOrigins["lambda"]?.description == "e2e-nlg.yaml:7:19")
    let corpus = try #require(pipeline.actions.first)
    #expect(
      corpus.parameters.object["files"]
        == ["train": "trainset.csv", "validation": "devset.csv", "test": "testset_w_refs.csv"])
    #expect(corpus.parameters.object["gather"] == ["validation", "test"])
    #expect(mle.location.description == "e2e-nlg.yaml:22:3")
  }

  @Test("params carry their values, types and places")
  func params() throws {
    let params = try Self.checked(["lambdas=[0.2]"]).params
    #expect(params.map(\.name) == ["data", "seed", "lambdas"])
    #expect(params[1].value == 0)
    #expect(params[1].origin.description == "e2e-nlg.yaml:6:9")
    #expect(params[2].value == [0.2])
  }

  @Test("reversing the order of stages changes no action")
  func reversal() throws {
    let text = try Files.text(Fixture.path("pipelines/e2e-nlg.yaml"))
    let start = try #require(text.firstRange(of: "stages:\n"))
    var stages: [[Substring]] = []
    for line in text[start.upperBound...].split(separator: "\n") {
      if line.hasPrefix("  "), !line.hasPrefix("   ") { stages.append([]) }
      stages[stages.count - 1].append(line)
    }
    let reversed = text[..<start.upperBound] + stages.reversed().joined().joined(separator: "\n") + "\n"
    let scratch = try Scratch()
    try scratch.write("e2e-nlg.yaml", String(reversed))
    try Files.makeFolder(scratch.folder.appending("data"))
    let one = try Self.checked()
    let other = try scratch.checker().check("e2e-nlg.yaml", settings: ["data=data/"])
    #expect(Set(one.actions.map(\.id)) == Set(other.actions.map(\.id)))
    for action in other.actions {
      let twin = try #require(one.actions.first { $0.id == action.id })
      #expect(twin.parameters == action.parameters)
      #expect(Self.labels(twin) == Self.labels(action))
    }
  }

  private static func labels(_ action: PlannedAction) -> [[String]] {
    action.inputs.map { input in
      input.sources.map { source in
        switch source {
        case .output(_, _, let label, _), .path(_, _, let label, _): label
        }
      }
    }
  }

  @Test("a path is relative to the file, one from --set to the working directory, and ${…} keeps which")
  func paths() throws {
    let scratch = try Scratch()
    try scratch.write("pipelines/p.yaml", "apprentice: 1\nparams: { data: ../files }\n" + Self.ingests)
    try scratch.write("files/a.csv", "")
    try scratch.write("other/a.csv", "")
    try scratch.write("pipelines/a.csv", "")
    func paths(_ settings: [String]) throws -> [String] {
      try scratch.checker().check("pipelines/p.yaml", settings: settings).actions.map { action in
        guard case .path(let path, let kind, _, _) = action.inputs[0].sources[0] else { return "" }
        #expect(kind == .source)
        return path.string
      }
    }
    let root = scratch.folder.string
    #expect(
      try paths([]) == [
        "\(root)/pipelines/../files", "\(root)/pipelines/../files/a.csv", "\(root)/pipelines/a.csv",
      ])
    #expect(
      try paths(["data=other"]) == ["\(root)/other", "\(root)/other/a.csv", "\(root)/pipelines/a.csv"])
  }

  private static let ingests = """
    stages:
      whole: { uses: ingest, in: { source: "${data}" } }
      part: { uses: ingest, in: { source: "${data}/a.csv" } }
      here: { uses: ingest, in: { source: a.csv } }

    """

  @Test("a path's label is what the file says, whatever --set says")
  func labels() throws {
    let scratch = try Scratch()
    try Files.makeFolder(scratch.folder.appending("scores-1"))
    let pipeline = try scratch.check(
      """
      stages:
        compare:
          uses: report
          matrix: { n: [1] }
          in: { scores: ["${base}/scores-${matrix.n}", "./scores-1"] }
      """, head: "apprentice: 1\nparams: { base: /nowhere }\n", settings: ["base=\(scratch.folder)"])
    #expect(Self.labels(pipeline.actions[0]) == [["${base}/scores-1", "./scores-1"]])
  }
}
