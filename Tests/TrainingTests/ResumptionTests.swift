import Glibc
import Imitation
import Records
import SystemPackage
import TestSupport
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

  /// The names of a checkpoint's files.
  static let files = ["curves.jsonl", "seal.json", "state.json", "state.safetensors"]

  @Test("One changed bit anywhere in a checkpoint is seen, and the run ends with the same bytes", arguments: files)
  func flippedBit(name: String) throws {
    let expected = try Self.uninterrupted()
    let whole = Self.stopped()
    let size = try FileContent.read(Self.newest(of: whole).appending(name)).count
    for place in Set([0, 1, size / 3, size / 2, size * 2 / 3, size - 2, size - 1]) {
      let bench = Self.stopped()
      let file = try Self.newest(of: bench).appending(name)
      var bytes = try FileContent.read(file)
      bytes[place] ^= 0x10
      try FileContent.write(bytes, to: file)
      let watcher = Watcher()
      let model = Workbench.model()
      try bench.run(model, validation: Self.validation, settings: Self.settings(), monitor: watcher)
      #expect(try bench.result(model) == expected, "byte \(place)")
      // White space of the seal is the one thing that says nothing.
      if name != "seal.json" { #expect(watcher.warnings.count == 1, "byte \(place)") }
    }
  }

  static func newest(of bench: Workbench) throws -> FilePath {
    bench.checkpoints.appending(
      try #require(FileContent.names(in: bench.checkpoints).last { $0.hasPrefix("step-") }))
  }

  @Test("A number that was changed to another of the same length is seen in every file of text")
  func changedDigit() throws {
    let expected = try Self.uninterrupted()
    for name in ["curves.jsonl", "state.json", "seal.json"] {
      let bench = Self.stopped()
      let file = try Self.newest(of: bench).appending(name)
      var bytes = try FileContent.read(file)
      let digits = bytes.indices.filter { bytes[$0] >= 0x30 && bytes[$0] < 0x39 }
      bytes[digits[digits.count / 2]] += 1
      try FileContent.write(bytes, to: file)
      let watcher = Watcher()
      let model = Workbench.model()
      try bench.run(model, validation: Self.validation, settings: Self.settings(), monitor: watcher)
      #expect(watcher.warnings.count == 1 && watcher.warnings[0].contains("step-000000000007"), "\(name)")
      #expect(try bench.result(model) == expected, "\(name)")
    }
  }

  @Test("A checkpoint that is not used is set aside under another name and not tried again")
  func setAside() throws {
    let bench = Self.stopped()
    try FileContent.write([0], to: Self.newest(of: bench).appending("state.json"))
    for expected in [1, 0] {
      let watcher = Watcher(interruptedAtLook: 1)
      _ = try? bench.run(Workbench.model(), validation: Self.validation, settings: Self.settings(), monitor: watcher)
      #expect(watcher.warnings.count == expected)
    }
    #expect(FileContent.names(in: bench.checkpoints).contains("unusable-step-000000000007"))
  }

  @Test("Where no checkpoint is whole, the run begins anew and says so of each")
  func noneWhole() throws {
    let bench = Self.stopped()
    for name in FileContent.names(in: bench.checkpoints) {
      try FileContent.write([0], to: bench.checkpoints.appending(name).appending("curves.jsonl"))
    }
    let watcher = Watcher()
    let model = Workbench.model()
    try bench.run(model, validation: Self.validation, settings: Self.settings(), monitor: watcher)
    #expect(watcher.warnings.count == 2)
    #expect(try bench.result(model) == Self.uninterrupted())
  }

  @Test(
    "Another action's checkpoint is not used, whole as it is; nor is a part of one, or one under another step's name")
  func strangers() throws {
    // Another λ: the shapes are the same, the numbers are not.
    let other = Workbench()
    var settings = Self.settings()
    settings.objective = .inverseQLearning(lambda: 0.5, gamma: 0.95)
    _ = try? other.run(
      Workbench.model(), validation: Self.validation, settings: settings, monitor: Watcher(interruptedAtLook: 9),
      action: "other")
    for part in [nil, "state.safetensors", "seal.json"] as [String?] {
      let bench = Self.stopped()
      for name in FileContent.names(in: bench.checkpoints) {
        for file in Self.files where part == nil || part == file {
          try FileContent.write(
            FileContent.read(other.checkpoints.appending(name).appending(file)),
            to: bench.checkpoints.appending(name).appending(file))
        }
      }
      let watcher = Watcher()
      let model = Workbench.model()
      try bench.run(model, validation: Self.validation, settings: Self.settings(), monitor: watcher)
      #expect(watcher.warnings.count == 2)
      if part != "state.safetensors" { #expect(watcher.warnings.first?.contains("another action") == true) }
      #expect(try bench.result(model) == Self.uninterrupted())
    }
    let bench = Self.stopped()
    rename(try Self.newest(of: bench).string, bench.checkpoints.appending("step-000000000009").string)
    let watcher = Watcher()
    try bench.run(Workbench.model(), validation: Self.validation, settings: Self.settings(), monitor: watcher)
    #expect(watcher.warnings.count == 1 && watcher.warnings[0].contains("step-000000000009"))
  }

  @Test("What others write into the curve's file while the run goes on reaches no checkpoint")
  func curveIsNotReadBack() throws {
    let bench = Self.stopped()
    let curves = bench.scratch.path.appending("curves").appending("curves.jsonl")
    try FileContent.write(Array("{}\n".utf8), to: curves)
    let model = Workbench.model()
    try bench.run(model, validation: Self.validation, settings: Self.settings())
    #expect(try bench.result(model) == Self.uninterrupted())
  }

  @Test("The curve of a checkpoint is taken from the bytes that were checked, not read a second time")
  func curveIsReadOnce() throws {
    let bench = Self.stopped()
    let file = try Self.newest(of: bench).appending("curves.jsonl")
    let content = try FileContent.read(file)
    let model = Workbench.model()
    // Whoever computes the digest changes the file behind the bytes that it was given.
    _ = try TrainingRun(
      model, rows: Workbench.rows(18), validation: Self.validation, settings: Self.settings(),
      checkpoints: CheckpointPlace(folder: bench.checkpoints, action: "action") { bytes in
        if bytes.elementsEqual(content) { try? FileContent.write([], to: file) }
        return Workbench.digest(bytes)
      }, curves: bench.scratch.folder("curves"), monitor: Watcher()
    ).run()
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

  @Test("A checkpoint that holds a file more than its seal names is not used")
  func stray() throws {
    let bench = Self.stopped()
    try FileContent.write([0], to: Self.newest(of: bench).appending("extra.json"))
    let watcher = Watcher()
    let model = Workbench.model()
    try bench.run(model, validation: Self.validation, settings: Self.settings(), monitor: watcher)
    #expect(watcher.warnings.count == 1 && watcher.warnings.first?.contains("it holds other files than") == true)
    #expect(try bench.result(model) == Self.uninterrupted())
  }
}
