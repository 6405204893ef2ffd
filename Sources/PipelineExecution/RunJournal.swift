import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Glibc
import StageKit
import SystemPackage

/// The record of a run in the store: events, logs, times and memory.
///
/// It begins with the first thing to note.
final class RunJournal {
  private let store: Store
  private let pipeline: String
  private let details: JSONObject
  private let memory: PipelineMemory
  private var run: Run?
  private var records: [ActionRecord] = []
  /// Whether the run has something to do, and so is one that is told of later.
  var hasWork = false

  init(store: Store, pipeline: String, memory: PipelineMemory, details: JSONObject) {
    self.store = store
    self.pipeline = pipeline
    self.memory = memory
    self.details = details
  }

  private func begun() throws -> Run {
    if let run { return run }
    var details = details
    if hasWork { details["work"] = true }
    let run = try store.beginRun(pipeline: pipeline, details: details)
    self.run = run
    return run
  }

  /// Where the log of an action is to be written.
  func logPath(_ id: String) throws -> FilePath { try begun().logPath(id) }

  /// Notes an event with its time.
  func append(_ id: String, _ event: JSONObject) {
    var line: JSONObject = ["time": JSONValue(Self.seconds()), "action": .string(id)]
    for (name, value) in event.members { line[name] = value }
    // The journal is for people: a run does not fail because a line of it is lost.
    _ = try? begun().append(.object(line))
  }

  /// Notes that an action's result is the latest; one that is known already is not written again.
  func note(_ id: String, result: ActionResult, details: JSONObject?) {
    let latest = memory.latest[id]
    if details == nil, latest?.key == result.key, latest?.result == result.digest { return }
    let record = ActionRecord(
      label: id, key: result.key, result: result.digest, details: details ?? latest?.details ?? [:])
    records.append(record)
    if details != nil { flush() }
  }

  /// Notes that the results of actions that did not run are the latest.
  func note(_ fresh: [(result: ActionResult, label: String)]) {
    // A few are looked up in the list itself; of many it is known whether all of them stand there.
    guard fresh.count >= 64 else {
      for (result, id) in fresh { note(id, result: result, details: nil) }
      return
    }
    var text: [UInt8] = []
    text.reserveCapacity(fresh.count * 128)
    for (result, id) in fresh { text += Array(id.utf8) + [0] + result.key.digest.bytes + result.digest.bytes }
    let results = Digest(hashing: text)
    if store.latest(of: pipeline, agreesWith: results) { return }
    let before = records.count
    for (result, id) in fresh { note(id, result: result, details: nil) }
    // Others may have changed the list since this run has read it.
    if records.count == before, let time = memory.readTime {
      store.noteAgreement(of: pipeline, with: results, asOf: time)
    }
  }

  /// Writes what was noted.
  func flush() {
    guard !records.isEmpty else { return }
    if (try? begun().record(records)) != nil { records = [] }
  }

  /// Writes what was noted and what the run came to, and keeps the store's list of the latest short: it is over.
  func close(_ summary: RunSummary? = nil) {
    flush()
    if let summary { try? begun().finish(summary) }
    if run != nil { try? store.compactLatest(of: pipeline) }
  }

  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + (Double(time.tv_nsec) / 1e6).rounded() / 1e3
  }
}
