import CanonicalJSON
import Records
import StageCatalog
import StageKit
import SystemPackage
import TestSupport
import Testing

/// What `train-iq` does where nothing is set, on `fixtures/defaults`.
@Suite struct DefaultsTests {
  static let inputs: [(port: String, path: FilePath)] = [
    ("tokens", Fixture.path("defaults/tokens")), ("model", Fixture.path("defaults/model")),
  ]

  @Test("practice row 43: with its defaults train-iq follows the reference recipe's curve, at every step")
  func curve() throws {
    let bench = StageBench()
    let outputs = try bench.run("train-iq", Self.inputs, ["steps": 12])
    let rows = try CurveFiles.read(try #require(outputs["curves"]))
    let steps = try #require(try FileContent.json(Fixture.path("defaults/curve.json"))["steps"]?.array)
    #expect(rows.count == 12 && steps.count == 12)
    for (row, step) in zip(rows, steps) {
      for (name, found) in [
        ("loss", row.loss), ("mle", row.mle), ("td", row.td), ("gradient_norm", row.gradientNorm ?? 0),
        ("learning_rate", row.learningRate ?? 0),
      ] {
        let expected = try #require(step[name]?.number)
        #expect(abs(found - expected) <= 2e-5 * abs(expected), "step \(row.step), \(name): \(found), not \(expected)")
      }
      #expect(row.tokens == step["tokens"]?.integer)
    }
  }

  @Test("practice row 43: no temperature is learned; the defaults are λ 0.1, γ 1, the full gradient, no option beside")
  func declared() throws {
    let declaration = try #require(BuiltinStages.registry.stage(named: "train-iq")).declaration
    let expected: JSONObject = [
      "lambda": 0.1, "gamma": 1, "gradient": "full", "warmup_lambda": 0, "calibrate_level": false, "mix": 0,
      "lambda_policy": 0, "dropout": 0, "weight_decay": 0, "warmup_steps": 0, "schedule": "cosine", "keep": "best",
    ]
    for (name, value) in expected.members { #expect(declaration.parameter(name)?.defaultValue == value, "\(name)") }
    #expect(!declaration.parameters.contains { $0.name.contains("temperature") })
  }
}
