import CanonicalJSON
import PipelineLanguage
import SystemPackage
import TestSupport
import Testing

@Suite struct HostileFileTests {
  static let names = [
    "names", "types", "ports", "matrix", "yaml", "tab", "braces", "templates", "broken",
  ]

  @Test("all problems of a hostile file are reported at once, in the committed words", arguments: names)
  func golden(name: String) throws {
    let folder = Fixture.path("pipelines")
    let checker = PipelineChecker(registry: toys, workingDirectory: folder) { _ in nil }
    let error = #expect(throws: PipelineProblems.self) { _ = try checker.check(FilePath("hostile/\(name).yaml")) }
    let found = try #require(error).description + "\n"
    let golden = folder.appending("hostile").appending("\(name).problems")
    guard Files.exists(golden) else {
      try Files.write(found, to: golden)
      Issue.record("recorded \(golden); look at it and run again")
      return
    }
    #expect(try Files.text(golden) == found)
  }

  @Test("every problem is one line of place, found and expected")
  func shape() throws {
    let checker = PipelineChecker(registry: toys, workingDirectory: Fixture.path("pipelines")) { _ in nil }
    for name in Self.names {
      let error = #expect(throws: PipelineProblems.self) { _ = try checker.check(FilePath("hostile/\(name).yaml")) }
      for problem in try #require(error).problems {
        #expect(!problem.description.contains("\n"))
        #expect(problem.description.contains(": found ") && problem.description.contains(", expected "))
        #expect(problem.json["line"]?.integer ?? 0 >= 1 && problem.json["column"]?.integer ?? 0 >= 1)
        for member in ["file", "line", "column", "found", "expected", "nearest"] {
          #expect(problem.json[member] != nil)
        }
      }
    }
  }
}
