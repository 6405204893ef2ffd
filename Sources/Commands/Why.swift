import ArgumentParser
import ArtifactStore
import CanonicalJSON
import PipelineExecution
import PipelineLanguage
import StageKit

/// `why`: why a stage would run.
struct Why: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Say why a stage would run: the changed field, its old and new value, file and line.")

  @OptionGroup var words: StageWords
  @OptionGroup var options: PipelineOptions

  func run() throws {
    let (file, stages) = try words.split()
    let session = try PipelineSession(file: file, options: options)
    var asked: Set<String> = []
    for word in stages {
      asked.formUnion(try session.actions(named: word).map { session.pipeline.actions[$0].id })
    }
    let accounts = try session.accounts(of: stages).filter { asked.contains($0.id) }
    if options.json {
      return printDocument(
        ActionAccount.document(
          accounts.map { ([session.pipeline.name], $0) }, .done, explaining: true))
    }
    for account in accounts {
      let origin = account.origin.map { ", it came with \($0.description)" } ?? ""
      Answer.print(account.reason ?? "\(account.id) is fresh: its result is in the store\(origin)")
      for change in account.changes.dropFirst() { Answer.print("  also \(change.clause)") }
    }
  }
}
