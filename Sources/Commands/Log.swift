import ArgumentParser
import ArtifactStore
import CanonicalJSON
import PipelineExecution
import PipelineLanguage
import Records
import StageKit
import SystemPackage

/// `log`: what a stage printed when it last ran.
struct Log: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "Print what a stage said when it last ran.")

  @OptionGroup var words: StageWords
  @OptionGroup var options: PipelineOptions

  func run() throws {
    let (file, stages) = try words.split()
    let session = try PipelineSession(file: file, options: options)
    var entries: [Entry] = []
    for word in stages {
      for index in try session.actions(named: word) {
        if let entry = try explained({ try Self.entry(session, index) }) { entries.append(entry) }
      }
    }
    if options.json { return printDocument(["logs": .array(entries.map(\.json))]) }
    if entries.isEmpty { Diagnostics.say("\(stages.joined(separator: ", ")) has not run in this store") }
    for entry in entries {
      Answer.print("\(entry.account.id)  run \(entry.run)\(entry.outcome)")
      Answer.print(entry.text, terminator: entry.text.isEmpty || entry.text.hasSuffix("\n") ? "" : "\n")
    }
  }

  /// The log of one action.
  private struct Entry {
    var account: ActionAccount
    var run: RunID
    var details: JSONObject
    var text: String

    /// How long it took and what memory, where it ended well.
    var outcome: String {
      guard let seconds = details["seconds"]?.number, let peak = details["peak_bytes"]?.integer else { return "" }
      return " · \(Wording.duration(seconds)) · \(Wording.bytes(peak))"
    }

    var json: JSONValue {
      [
        "stage": .string(account.stage), "cell": account.cell.map { .string($0) } ?? .null,
        "run": .string(run.description), "details": .object(details), "log": .string(text),
      ]
    }
  }

  private static func entry(_ session: PipelineSession, _ index: Int) throws -> Entry? {
    let action = session.pipeline.actions[index]
    let account = ActionAccount(stage: action.stage, cell: action.cell?.description, state: .stale)
    for run in try session.store.runs() {
      let path = session.store.logPath(of: run, label: action.id)
      guard FileContent.exists(path),
        try session.store.description(of: run)?["pipeline"]?.string == session.pipeline.name
      else { continue }
      let record = try session.store.actions(of: run).last { $0.label == action.id }
      let text = String(decoding: try FileContent.read(path), as: UTF8.self)
      return Entry(account: account, run: run, details: record?.details ?? [:], text: text)
    }
    return nil
  }
}
