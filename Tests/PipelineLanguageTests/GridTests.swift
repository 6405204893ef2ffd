import CanonicalJSON
import PipelineLanguage
import StageKit
import Testing

@Suite struct GridTests {
  /// The cells of a stage `g` with a matrix, and of others written below it.
  private func cells(_ matrix: String, _ others: String = "", settings: [String] = []) throws -> [String] {
    let scratch = try Scratch()
    let text = """
      params: { list: [1, 2] }
      stages:
        g: { uses: init-model, matrix: \(matrix) }
      \(others)
      """
    return try scratch.check(text, settings: settings).actions.map(\.id)
  }

  @Test("exclude removes matching cells, then include appends whole cells")
  func excludeAndInclude() throws {
    #expect(
      try cells("{ a: [1, 2], b: [x, y], exclude: [{ a: 1, b: y }, { a: 2, b: x }], include: [{ b: z, a: 3 }] }")
        == ["g@a=1,b=x", "g@a=2,b=y", "g@a=3,b=z"])
    #expect(try cells("{ a: [1, 2], exclude: [{ a: 1 }], include: [{ a: 1 }] }") == ["g@a=2", "g@a=1"])
    #expect(try cells("{ include: [{ a: 1, b: 2 }, { b: 3, a: 4 }] }") == ["g@a=1,b=2", "g@a=4,b=3"])
  }

  @Test("a matrix copies another's cells or crosses them with more axes")
  func from() throws {
    let ids = try cells(
      "{ a: [1, 2] }",
      "  h: { uses: init-model, matrix: g }\n  k: { uses: init-model, matrix: { from: h, t: [0.7, 1] } }")
    #expect(ids.suffix(6) == ["h@a=1", "h@a=2", "k@a=1,t=0.7", "k@a=1,t=1", "k@a=2,t=0.7", "k@a=2,t=1"])
    // The name may come first in the file.
    let scratch = try Scratch()
    let early = try scratch.check(
      "stages:\n  h: { uses: init-model, matrix: g }\n  g: { uses: init-model, matrix: { a: [1] } }\n")
    #expect(early.actions.map(\.id) == ["h@a=1", "g@a=1"])
  }

  @Test("numbers print as canonical JSON; strings that could be misread are quoted")
  func names() throws {
    #expect(
      try cells(#"{ a: [1e-7, 0.10, 1.0, 0x10, true, "1", a.b, "x,y", "k=v", "a@b", plain, "", null] }"#) == [
        "g@a=1e-7", "g@a=0.1", "g@a=1", "g@a=16", "g@a=true", #"g@a="1""#, #"g@a="a.b""#, #"g@a="x,y""#, #"g@a="k=v""#,
        #"g@a="a@b""#, "g@a=plain", #"g@a="""#, "g@a=null",
      ])
  }

  @Test("an axis may be a list from params, and --set changes it")
  func lists() throws {
    #expect(try cells("{ a: \"${list}\" }") == ["g@a=1", "g@a=2"])
    #expect(try cells("{ a: \"${list}\" }", settings: ["list=[5]"]) == ["g@a=5"])
  }

  /// The labels at port `model` of the cells of a stage that reads a grid `g` over a = 1, 2 and b = x, y.z.
  private func reading(_ input: String, matrix: String? = nil, many: Bool = false) throws -> [[String]] {
    let scratch = try Scratch()
    let grid = matrix.map { ", matrix: \($0)" } ?? ""
    let stage = many ? "uses: report, in: { curves: \(input) }" : "uses: generate, in: { model: \(input) }"
    let text = """
      stages:
        fresh: { uses: init-model, with: { vocab_size: 8 } }
        g:
          uses: train-mle
          matrix: { a: [1, 2], b: [x, y.z] }
          in: { tokens: ./, model: fresh.model }
        r: { \(stage)\(grid) }
      """
    return try scratch.check(text).actions.filter { $0.stage == "r" }.map { action in
      action.inputs[0].sources.map { if case .output(_, _, let label, _) = $0 { label } else { "path" } }
    }
  }

  @Test("a selection takes all cells that match, * all")
  func selections() throws {
    #expect(
      try reading("\"g@b=x.curves\"", many: true) == [["g@a=1,b=x.curves", "g@a=2,b=x.curves"]])
    #expect(try reading("\"g@*.curves\"", many: true)[0].count == 4)
    #expect(try reading("[\"g@a=2.curves\", \"g@a=1.curves\"]", many: true)[0].first == "g@a=2,b=x.curves")
    #expect(try reading("\"g@a=1.0,b=\\\"y.z\\\".model\"") == [["g@a=1,b=\"y.z\".model"]])
  }

  @Test("a reading grid takes the one cell with its values, and ${matrix.…} may stand in the reference")
  func matching() throws {
    #expect(
      try reading("g.model", matrix: "{ from: g, t: [1, 2] }").flatMap(\.self) == [
        "g@a=1,b=x.model", "g@a=1,b=x.model", "g@a=1,b=\"y.z\".model", "g@a=1,b=\"y.z\".model", "g@a=2,b=x.model",
        "g@a=2,b=x.model", "g@a=2,b=\"y.z\".model", "g@a=2,b=\"y.z\".model",
      ])
    #expect(
      try reading("\"g@a=${matrix.n},b=${matrix.m}.model\"", matrix: "{ n: [2, 1], m: [y.z] }")
        == [["g@a=2,b=\"y.z\".model"], ["g@a=1,b=\"y.z\".model"]])
    // What the selection leaves open is the reader's own.
    #expect(
      try reading("\"g@a=1.model\"", matrix: "{ b: [x, y.z] }")
        == [["g@a=1,b=x.model"], ["g@a=1,b=\"y.z\".model"]])
    // A stage without grid is the same for every cell.
    #expect(try reading("fresh.model", matrix: "{ a: [1, 2] }") == [["fresh.model"], ["fresh.model"]])
  }

  @Test("a stage without grid that names a gridded one bare is told of @*")
  func bare() throws {
    for many in [true, false] {
      let port = many ? "curves" : "model"
      let error = #expect(throws: PipelineProblems.self) { _ = try reading("g.\(port)", many: many) }
      #expect(error?.problems.count == 1)
      #expect(error?.problems.first?.nearest == "g@*.\(port)")
    }
  }

  @Test("what a command line names: a stage, cells whole or in part, and a port")
  func references() throws {
    let scratch = try Scratch()
    let pipeline = try scratch.check(
      "stages:\n  g: { uses: init-model, matrix: { a: [0.1, 0.2], b: [1, 2] } }\n  h: { uses: init-model }\n")
    #expect(try pipeline.resolve("g").actions == [0, 1, 2, 3])
    #expect(try pipeline.resolve("g@a=0.1").actions == [0, 1])
    #expect(try pipeline.resolve("g@a=0.1").port == nil)
    #expect(try pipeline.resolve("g@a=0.2,b=1.model").actions == [2])
    #expect(try pipeline.resolve("g@b=2.model").port == "model")
    #expect(try pipeline.resolve("h.model").actions == [4])
    let unknown = #expect(throws: Problem.self) { _ = try pipeline.resolve("hh") }
    #expect(unknown?.nearest == "h")
    #expect(throws: Problem.self) { _ = try pipeline.resolve("g@a=3") }
    #expect(throws: Problem.self) { _ = try pipeline.resolve("h.modle") }
  }

  @Test(
    "an excluded cell that the matrix has not is a problem, with the value that no cell has and those that there are")
  func excludedNothing() throws {
    let values = #expect(throws: PipelineProblems.self) { try cells("{ a: [1, 2], b: [x, y], exclude: [{ a: 9 }] }") }
    #expect(values?.problems.first?.found == "a 9 in exclude, which no cell has")
    #expect(values?.problems.first?.expected == "one of 1, 2")
    let together = #expect(throws: PipelineProblems.self) {
      try cells(
        "{ a: [1, 2], b: [x, y], exclude: [{ a: 1, b: x }] }",
        "  h: { uses: init-model, matrix: { from: g, exclude: [{ a: 1, b: x }] } }")
    }
    #expect(together?.problems.count == 1)
    let near = #expect(throws: PipelineProblems.self) {
      try cells("{ a: [train, test], exclude: [{ a: tran }] }")
    }
    #expect(near?.problems.first?.nearest == "train")
    #expect(try cells("{ a: [1, 2], exclude: [{ a: 1 }, { a: 1 }] }") == ["g@a=2"])
  }

  @Test("integers of more digits than a double holds name cells as they are written")
  func longIntegers() throws {
    #expect(
      try cells("{ a: [9007199254740993, 9007199254740992] }") == ["g@a=9007199254740993", "g@a=9007199254740992"])
    #expect(
      try cells("{ a: [-9007199254740993, +0018446744073709551617] }")
        == ["g@a=-9007199254740993", "g@a=18446744073709551617"])
  }
}
