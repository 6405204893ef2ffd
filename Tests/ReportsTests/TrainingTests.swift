import CanonicalJSON
import Records
import Reports
import Testing

@Suite struct TrainingTests {
  private func record(
    _ stage: String, updates: Int, size: Int = 18_432, sha: String = "sha256:0123456789", lambda: Double? = nil,
    from: [JSONValue] = []
  ) -> JSONValue {
    var parameters: JSONObject = ["batch_rows": 8, "learning_rate": 0.001, "seed": JSONValue(updates)]
    parameters["lambda"] = lambda.map { .number($0) }
    return [
      "stage": .string(stage), "parameters": .object(parameters), "updates": JSONValue(updates),
      "rows": JSONValue(updates * 8), "tokens": JSONValue(updates * 80), "kept_step": JSONValue(updates),
      "ended": 0.995,
      "model": ["architecture": "llama", "parameters": JSONValue(size)],
      "data": ["rows": 900, "tokens": 9000, "sha256": .string(sha)], "from": .array(from),
    ]
  }

  private func curves(_ label: String, _ axes: JSONObject, _ record: JSONValue, evaluated: [Int] = [])
    -> CurvesInput
  {
    CurvesInput(
      provenance: Provenance(label: label, axes: axes),
      rows: evaluated.map { CurveRow(step: $0, split: .validation, loss: 1, mle: 1, td: 0, entropy: 1, tokens: 3) },
      training: TrainingRecord(record))
  }

  private func report(_ curves: [CurvesInput]) throws -> Report {
    try Report(ReportInputs(scores: Bench.grid + [Bench.iq(right: 11, diversity: 45)], curves: curves))
  }

  @Test("how every arm was trained stands on page, terminal and in a file")
  func told() throws {
    let report = try report([
      curves("mle.curves", [:], record("train-mle", updates: 200)),
      curves("iq@lambda=0.1.curves", ["lambda": 0.1], record("train-iq", updates: 200, lambda: 0.1)),
    ])
    #expect(report.warnings.isEmpty)
    let lines = report.terminalText.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    for line in [
      ["trained", "MLE", "IQLearn", "λ=0.1"], ["stages", "train-mle", "train-iq"], ["updates", "200", "200"],
      ["lambda", "—", "0.1"],
    ] {
      #expect(lines.contains(line), "\(report.terminalText)")
    }
    #expect(report.page.contains("How the arms were trained"))
    let table = Bench.table(report, "training.csv")
    let lambda = try #require(table.first { $0["of"] == "lambda" })
    #expect(lambda["MLE"] == "—" && lambda["IQLearn λ=0.1"] == "0.1")
    // What is the same everywhere, and the seed, are no differing parameters.
    #expect(!table.contains { $0["of"] == "batch_rows" || $0["of"] == "seed" })
  }

  @Test("unequal updates and rows are a warning, and count the trainings before")
  func updates() throws {
    let first = record("train-mle", updates: 200)
    let report = try report([
      curves("mle.curves", [:], first),
      curves("iq@lambda=0.1.curves", ["lambda": 0.1], record("train-iq", updates: 100, lambda: 0.1, from: [first])),
    ])
    #expect(
      report.warnings == [
        "unequal updates: MLE 200, IQLearn λ=0.1 300 (200 before it)",
        "unequal rows seen: MLE 1,600, IQLearn λ=0.1 2,400 (1,600 before it)",
      ])
    #expect(report.terminalText.contains("\nIQLearn λ=0.1 †"))
    #expect(report.terminalText.contains("\n† unequal updates: MLE 200, IQLearn λ=0.1 300 (200 before it);\n"))
    #expect(report.page.contains("† Unequal updates: MLE 200, IQLearn λ=0.1 300 (200 before it)."))
    #expect(Bench.table(report, "warnings.csv").count == 2)
    #expect(report.terminalText.contains(/\nstages +train-mle +train-mle → train-iq\n/))
  }

  @Test("other models and other data are a warning each")
  func models() throws {
    let report = try report([
      curves("mle.curves", [:], record("train-mle", updates: 200)),
      curves(
        "iq@lambda=0.1.curves", ["lambda": 0.1],
        record("train-iq", updates: 200, size: 99_000, sha: "sha256:ffffffff00", lambda: 0.1)),
    ])
    #expect(
      report.warnings == [
        "unequal models: MLE 18,432 parameters (llama), IQLearn λ=0.1 99,000 parameters (llama)",
        "unequal training data: MLE 900 rows, sha256 01234567, IQLearn λ=0.1 900 rows, sha256 ffffffff",
      ])
  }

  @Test("a training that kept the first step that was evaluated is said")
  func keptFirst() throws {
    let report = try report([
      curves("mle.curves", [:], record("train-mle", updates: 200), evaluated: [0, 100, 200]),
      curves(
        "iq@lambda=0.1.curves", ["lambda": 0.1], record("train-iq", updates: 200, lambda: 0.1),
        evaluated: [0, 200, 300]),
    ])
    #expect(
      report.warnings == [
        "IQLearn λ=0.1 kept step 200, the first that was evaluated: what follows is training undone"
      ])
  }

  @Test("an arm whose training is not known beside one whose is, is said; where none is, the page says what to connect")
  func unknown() throws {
    let some = try report([curves("mle.curves", [:], record("train-mle", updates: 200))])
    #expect(
      some.warnings == [
        "how IQLearn λ=0.1 was trained is not known: connect its curves to the port curves"
      ])
    let none = try report([])
    #expect(none.warnings.isEmpty)
    #expect(none.page.contains("Not known: connect the curves of every training to the port curves."))
  }

  @Test("numbers of a foreign training.json that add up to too much stop nothing")
  func overflow() throws {
    let first = record("train-mle", updates: 1)
    var huge = first.object ?? [:]
    huge["updates"] = JSONValue(Int.max)
    let report = try report([
      curves("mle.curves", [:], first),
      curves("iq@lambda=0.1.curves", ["lambda": 0.1], record("train-iq", updates: 1, from: [.object(huge), first])),
    ])
    #expect(report.terminalText.contains("\ntrained "))
    #expect(TrainingRecord(["stage": 3]) == nil)
  }

  @Test("a table of trainings that is too wide for a terminal becomes one sentence that names what differs")
  func wide() throws {
    let strengths = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    let report = try Report(
      ReportInputs(
        scores: Bench.grid + strengths.map { Bench.iq(right: 11, diversity: 45 - $0, lambda: $0) },
        curves: [curves("mle.curves", [:], record("train-mle", updates: 200))]
          + strengths.map {
            curves("iq@lambda=\($0).curves", ["lambda": .number($0)], record("train-iq", updates: 200, lambda: $0))
          }))
    #expect(
      report.terminalText.split(separator: "\n").joined(separator: " ")
        .hasSuffix("The trainings differ in stages and lambda; see the page."),
      "\(report.terminalText)"
    )
    #expect(report.terminalText.contains("All arms were trained with updates 200"), "\(report.terminalText)")
    // The sentence over seven arms is far longer than a line.
    #expect(report.terminalText.split(separator: "\n").allSatisfy { $0.count <= 100 }, "\(report.terminalText)")
    #expect(report.terminalText.split(separator: "\n").joined(separator: " ").contains(report.sentence))
  }

  @Test("what only one method's stage has stands on the page, not on the terminal")
  func ownParameter() throws {
    var own = try #require(record("train-iq", updates: 200, lambda: 0.1).object)
    var parameters = try #require(own["parameters"]?.object)
    parameters["target_rate"] = 0.25
    own["parameters"] = .object(parameters)
    let report = try report([
      curves("mle.curves", [:], record("train-mle", updates: 200)),
      curves("iq@lambda=0.1.curves", ["lambda": 0.1], .object(own)),
    ])
    #expect(!report.terminalText.contains("target_rate"), "\(report.terminalText)")
    #expect(report.page.contains("target_rate"))
  }
}
