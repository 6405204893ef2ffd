import Glibc
import Imitation
import Records
import Testing
import Training

/// IQLearn far from where it is comfortable (practice row 42).
@Suite struct StabilityTests {
  @Test(
    "practice row 42: with λ = 2 and γ = 1 the level of the values and the error stay bounded over 2,000 steps",
    arguments: [false, true])
  func strongRegulariser(cut: Bool) throws {
    let bench = Workbench()
    var settings = Workbench.settings(.inverseQLearning(lambda: 2, gamma: 1), steps: 2000, rows: 6)
    settings.schedule = .constant
    settings.checkpointEvery = 10_000
    try bench.run(Workbench.model(), rows: Workbench.rows(6, cut: cut), settings: settings)
    let curve = try bench.curve()
    #expect(curve.count == 2000)
    let levels = try curve.map { row in
      abs(try #require(row.extra.first { $0.name == "mean_v" }?.value))
    }
    let errors = curve.map { $0.td.squareRoot() }
    // A new model's values lie near log V, and so does its error at the end token.
    let start = log(Double(Workbench.vocabulary))
    #expect((levels.max() ?? .infinity) < 3 * start && (errors.max() ?? .infinity) < 2 * start)
    #expect((errors.suffix(100).max() ?? .infinity) < errors[0])
    #expect((curve.suffix(100).map(\.loss).max() ?? .infinity) < curve[0].loss)
  }

  @Test("practice row 42: a run that does diverge stops and says where, before a model is left")
  func divergence() throws {
    let bench = Workbench()
    var settings = Workbench.settings(.inverseQLearning(lambda: 1e30, gamma: 1), steps: 2000)
    settings.learningRate = 1e20
    settings.optimiser.clipNorm = nil
    let model = Workbench.model()
    let error = #expect(throws: TrainingError.self) { try bench.run(model, settings: settings) }
    guard case .notFinite(let what, let step)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(what.contains("loss") || what.contains("gradient norm"))
    #expect("\(TrainingError.notFinite(what, step: step))".contains("step \(step)"))
  }
}
