import CanonicalJSON
import Records
import StageCatalog
import StageKit
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Runs stages on folders, as the engine does.
final class StageBench: Sendable {
  let scratch = ScratchFolder()
  private let reported = Mutex<[StageEvent]>([])

  /// All events so far.
  var events: [StageEvent] { reported.withLock { $0 } }

  /// The warnings so far.
  var warnings: [String] { events.compactMap { if case .warning(let text) = $0 { text } else { nil } } }

  /// Runs a stage.
  ///
  /// - Parameters:
  ///   - stage: Its name.
  ///   - inputs: Port and folder.
  ///   - parameters: What a user would give.
  ///   - name: A name for this run's folders; equal names share the folder for checkpoints.
  ///   - isInterrupted: Whether the user asks to stop.
  /// - Returns: Port to folder.
  /// - Throws: `ParameterError`, `ConnectionError`, or what the stage throws.
  @discardableResult
  func run(
    _ stage: String, _ inputs: [(port: String, path: FilePath)] = [], _ parameters: JSONObject = [:],
    name: String = "run", isInterrupted: @escaping @Sendable () -> Bool = { false }
  ) throws -> [String: FilePath] {
    let type = try #require(BuiltinStages.registry.stage(named: stage))
    let instance = try type.init(ParameterValues(parameters, for: type.declaration))
    try instance.check(connected: Set(inputs.map(\.port)))
    var outputs: [String: FilePath] = [:]
    for port in type.declaration.outputs { outputs[port.name] = scratch.folder("\(name)-\(port.name)") }
    let context = StageContext(
      inputs: Dictionary(
        inputs.map { ($0.port, [StageInput(label: $0.port, path: $0.path)]) }, uniquingKeysWith: { $0 + $1 }),
      outputs: outputs, work: scratch.folder("\(name)-work"), threads: 2,
      emit: { event in self.reported.withLock { $0.append(event) } }, interrupted: isInterrupted)
    try instance.run(context)
    return outputs
  }

  /// What running a stage says, with the status that the command line would end with.
  func refusal(
    _ stage: String, _ inputs: [(port: String, path: FilePath)] = [], _ parameters: JSONObject = [:]
  ) -> (status: StageKit.ExitStatus, text: String)? {
    do {
      try run(stage, inputs, parameters, name: "refused")
      return nil
    } catch let error as StageFailure {
      return (error.status, "\(error)")
    } catch let error as ParameterError {
      return (.invalid, "\(error)")
    } catch let error as ConnectionError {
      return (.invalid, "\(error)")
    } catch {
      return (.stageFailed, "\(error)")
    }
  }

  /// A tokens folder; every split has rows of its own, and `end` ends the completions.
  func tokens(_ splits: [Split] = [.train, .validation], rows: Int = 12, end: Int32 = 2) throws -> FilePath {
    let folder = scratch.folder("tokens-\(splits.map(\.rawValue).joined())-\(rows)-\(end)")
    try TokenRows.write(
      splits.map { split in
        var result = TokenRows()
        for row in 0..<rows {
          let completion = (0..<row % 5).map { Int32(3 + (row * 3 + $0 * 5) % 18) } + [end]
          result.append(id: "\(split.rawValue)-\(row)", prompt: [Int32(3 + row % 18)], completion: completion)
        }
        return (split, result)
      }, to: folder)
    return folder
  }

  /// A small new model without a tokenizer.
  func model(_ parameters: JSONObject = [:], name: String = "new") throws -> FilePath {
    var given: JSONObject = [
      "layers": 1, "width": 16, "heads": 2, "context": 32, "vocab_size": 21, "end_token": 2,
    ]
    for (member, value) in parameters.members { given[member] = value }
    return try #require(try run("init-model", [], given, name: name)["model"])
  }

  /// All files of a folder with their bytes.
  static func content(_ folder: FilePath) throws -> [String: [UInt8]] {
    var content: [String: [UInt8]] = [:]
    for name in FileContent.names(in: folder) { content[name] = try FileContent.read(folder.appending(name)) }
    return content
  }
}
