import Glibc
import Imitation
import Records
import SystemPackage
import Testing
import Training

/// A run that is stopped and started anew ends with the bits of one that was not (practice rows 21, 22, 41).
@Suite struct ResumptionTests {
  /// Five steps an epoch, dropout, accumulation of moments, validation with patience: all that has a state.
  static func settings(checkpointEvery: Int = 3) -> TrainingSettings {
    var settings = Workbench.settings(.inverseQLearning(lambda: 0.1, gamma: 0.95), steps: 12)
    settings.dropout = 0.1
    settings.warmUp = 3
    settings.lambdaWarmUp = 4
    settings.evaluateEvery = 4
    settings.patience = 50
    settings.checkpointEvery = checkpointEvery
    return settings
  }

  static let validation = Workbench.rows(5, salt: 3, split: "validation")

  static func uninterrupted() throws -> Workbench.Result {
    let bench = Workbench()
    let model = Workbench.model()
    try bench.run(model, validation: validation, settings: settings(checkpointEvery: 1000))
    return try bench.result(model)
  }

  @Test("Interrupted after any step, within an epoch or across its border, a run ends with the same bytes")
  func anyStep() throws {
    let expected = try Self.uninterrupted()
    // Looks 1 and later fall before the first step, after steps 1, 7 and n − 1, and inside evaluations.
    for look in [1, 2, 4, 8, 9, 13, 14] {
      let bench = Workbench()
      #expect(throws: TrainingError.self) {
        try bench.run(
          Workbench.model(), validation: Self.validation, settings: Self.settings(),
          monitor: Watcher(interruptedAtLook: look))
      }
      let model = Workbench.model()
      try bench.run(model, validation: Self.validation, settings: Self.settings())
      #expect(try bench.result(model) == expected, "stopped at look \(look)")
    }
  }

  @Test("Interrupted again and again, a run ends with the same bytes")
  func manyTimes() throws {
    let bench = Workbench()
    var attempts = 0
    while attempts < 50 {
      attempts += 1
      let model = Workbench.model()
      do {
        try bench.run(
          model, validation: Self.validation, settings: Self.settings(), monitor: Watcher(interruptedAtLook: 3))
      } catch TrainingError.interrupted {
        continue
      }
      #expect(try bench.result(model) == Self.uninterrupted())
      #expect(attempts > 4)
      return
    }
    Issue.record("the run never ended")
  }

  /// Stops a run at step 7, which leaves checkpoints of steps 6 and 7.
  static func stopped() -> Workbench {
    let bench = Workbench()
    _ = try? bench.run(
      Workbench.model(), validation: validation, settings: settings(), monitor: Watcher(interruptedAtLook: 9))
    return bench
  }

  @Test("A damaged checkpoint is reported, the one before it taken", arguments: ["cut", "extra", "missing", "state"])
  func damage(kind: String) throws {
    let bench = Self.stopped()
    let newest = bench.checkpoints.appending(try #require(FileContent.names(in: bench.checkpoints).last))
    #expect(FileContent.names(in: bench.checkpoints).count == 2)
    let file = newest.appending("state.safetensors")
    let bytes = try FileContent.read(file)
    switch kind {
    case "cut": try FileContent.write(bytes.dropLast(5), to: file)
    case "extra", "missing":
      let name = Array("second_moment".utf8)
      let start = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
      var changed = bytes
      // Another name of the same length: one tensor is missing, one is too many.
      changed.replaceSubrange(start..<start + 13, with: Array("second_momenX".utf8))
      try FileContent.write(changed, to: file)
    default: try FileContent.write(#"{"step": 7}"#.utf8, to: newest.appending("state.json"))
    }
    let watcher = Watcher()
    let model = Workbench.model()
    try bench.run(model, validation: Self.validation, settings: Self.settings(), monitor: watcher)
    #expect(watcher.warnings.count == 1 && watcher.warnings[0].contains("is not used"))
    #expect(try bench.result(model) == Self.uninterrupted())
  }

  @Test("What a process killed inside a checkpoint's write leaves does no harm")
  func halfWritten() throws {
    let bench = Self.stopped()
    let unfinished = bench.checkpoints.appending("writing-99")
    mkdir(unfinished.string, 0o755)
    try FileContent.write([1, 2, 3], to: unfinished.appending("state.safetensors"))
    let model = Workbench.model()
    try bench.run(model, validation: Self.validation, settings: Self.settings())
    #expect(try bench.result(model) == Self.uninterrupted())
    #expect(!FileContent.exists(unfinished))
  }

  @Test("Rows of the curve after the checkpoint are cut, and only once in the file")
  func curveRows() throws {
    let bench = Self.stopped()
    let model = Workbench.model()
    try bench.run(model, validation: Self.validation, settings: Self.settings())
    #expect(try bench.curve().map(\.step) == Array(0..<12))
    #expect(try bench.curve(.validation).map(\.step) == [0, 4, 8, 12])
  }

  @Test("Checkpoints don't change the result")
  func frequency() throws {
    let bench = Workbench()
    let model = Workbench.model()
    try bench.run(model, validation: Self.validation, settings: Self.settings(checkpointEvery: 1))
    #expect(try bench.result(model) == Self.uninterrupted())
    #expect(FileContent.names(in: bench.checkpoints).count == 2)
  }
}
