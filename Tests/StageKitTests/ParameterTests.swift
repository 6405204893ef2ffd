import CanonicalJSON
import StageKit
import SystemPackage
import Testing

@Suite struct ParameterTests {
  enum Schedule: String, ChoiceParameter { case constant, cosine }

  static let rate = Parameter("rate", default: 0.1, in: 0...1, unit: "per step", doc: "How fast it learns.")
  static let steps = Parameter<Int?>("steps", in: 1...100, doc: "How many steps it makes.")
  static let schedule = Parameter("schedule", default: Schedule.cosine, doc: "How the rate falls.")
  static let names = Parameter("names", default: ["a"], doc: "Some names, in order.")
  static let pause = Parameter("pause", default: 0, in: 0...9, doc: "Changes no result.", affectsResult: false)
  static let declaration = StageDeclaration(
    name: "toy", revision: 3, summary: "Does nothing: a toy.",
    inputs: [PortDeclaration("tokens", .tokens, doc: "Rows of tokens.")],
    outputs: [PortDeclaration("scores", .scores, many: true, optional: true, doc: "Scores, or none.")],
    parameters: [
      rate.declaration, steps.declaration, schedule.declaration, names.declaration, pause.declaration,
    ])

  @Test("defaults are filled in, and every value comes back as its Swift type")
  func values() throws {
    let values = try ParameterValues(["steps": 7, "names": ["x", "y"]], for: Self.declaration)
    #expect(values[Self.rate] == 0.1 && values[Self.steps] == 7 && values[Self.names] == ["x", "y"])
    #expect(values[Self.schedule] == .cosine)
    #expect(try ParameterValues([:], for: Self.declaration)[Self.steps] == nil)
  }

  @Test(
    "a value out of type or range is refused with what was expected",
    arguments: [
      ("rate", 2, "a number from 0 to 1"), ("rate", "0.1", "a number from 0 to 1"),
      ("steps", 1.5, "an integer from 1 to 100, or null"), ("steps", 0, "an integer from 1 to 100, or null"),
      ("schedule", "linear", "one of constant, cosine"), ("names", ["a", 1], "a list, each element a string"),
      ("steps", -9.223372036854775808e18, "an integer from 1 to 100, or null"),
      ("steps", 9.223372036854775808e18, "an integer from 1 to 100, or null"),
      ("speed", 1, "one of rate, steps, schedule, names, pause"),
    ] as [(String, JSONValue, String)])
  func refused(name: String, value: JSONValue, expected: String) {
    let error = #expect(throws: ParameterError.self) {
      try ParameterValues(JSONObject([(name, value)]), for: Self.declaration)
    }
    #expect(error?.parameter == name)
    #expect(error?.expected == expected)
  }

  @Test("what does not affect the result stays outside the key")
  func key() throws {
    let values = try ParameterValues(["pause": 5], for: Self.declaration)
    #expect(values.affectingResult(of: Self.declaration).names == ["rate", "steps", "schedule", "names"])
  }

  @Test("the manifest states name, revision, ports and parameters with type, default, range, unit and doc")
  func manifest() {
    let expected = """
      name: toy
      revision: 3
      summary: "Does nothing: a toy."
      in:
        tokens: { kind: tokens, doc: "Rows of tokens." }
      out:
        scores: { kind: scores, many: true, optional: true, doc: "Scores, or none." }
      parameters:
        rate:
          type: number
          default: 0.1
          range: [0, 1]
          unit: per step
          doc: "How fast it learns."
        steps:
          type: integer
          default: null
          range: [1, 100]
          doc: "How many steps it makes."
        schedule:
          type: choice
          default: "cosine"
          choices: [constant, cosine]
          doc: "How the rate falls."
        names:
          type: list of strings
          default: ["a"]
          doc: "Some names, in order."
        pause:
          type: integer
          default: 0
          range: [0, 9]
          doc: "Changes no result."
          affects_result: false

      """
    #expect(Self.declaration.manifest == expected)
  }

  @Test("events and requests survive their JSON form")
  func roundTrips() throws {
    let events: [StageEvent] = [
      .progress(done: 3, total: nil, unit: "rows", rate: 1.5, note: "train"),
      .progress(done: 3, total: 9, unit: "steps", rate: nil, note: nil), .summary("done"), .warning("careful"),
      .measure(name: "tokens_per_second", value: 12),
    ]
    #expect(events.map { StageEvent(json: $0.json) } == events)
    #expect(StageEvent(json: ["event": "unheard"]) == nil)
    let request = ActionRequest(
      stage: "toy", inputs: [("tokens", [StageInput(label: "a@x=1.tokens", axes: ["x": 1], path: "/in")])],
      outputs: [("scores", "/out")], parameters: ["rate": 0.5], work: "/work", threads: 2)
    let read = try #require(ActionRequest(json: try JSONValue(parsing: request.json.text)))
    #expect(read.json == request.json)
    #expect(ActionRequest(json: ["apprentice": 2]) == nil)
  }
}
