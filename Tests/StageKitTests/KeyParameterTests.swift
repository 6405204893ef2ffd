import CanonicalJSON
import StageKit
import Testing

@Suite struct KeyParameterTests {
  private func declaration(_ parameters: [ParameterDeclaration]) -> StageDeclaration {
    StageDeclaration(name: "s", revision: 1, summary: "", inputs: [], outputs: [], parameters: parameters)
  }

  @Test("parameters at their default are left out of a key, so that a stage can gain one and nothing grows stale")
  func defaults() throws {
    let steps = ParameterDeclaration(name: "steps", type: .integer(nil), defaultValue: 10, doc: "")
    let rate = ParameterDeclaration(name: "rate", type: .number(nil), defaultValue: 0.1, doc: "")
    let every = ParameterDeclaration(
      name: "every", type: .integer(nil), defaultValue: 5, doc: "", affectsResult: false)
    let before = declaration([steps, every])
    let after = declaration([steps, rate, every])
    for given: JSONObject in [[:], ["steps": 20], ["steps": 10], ["every": 7]] {
      let old = try ParameterValues(given, for: before).differing(from: before)
      let new = try ParameterValues(given, for: after).differing(from: after)
      #expect(old == new, "\(given)")
    }
    #expect(try ParameterValues(["steps": 10, "every": 7], for: after).differing(from: after).isEmpty)
    #expect(try ParameterValues(["rate": 0.2], for: after).differing(from: after) == ["rate": 0.2])
  }
}
