import ArgumentParser
import ArtifactStore
import CanonicalJSON
import ContentAddressing
import PipelineExecution
import PipelineLanguage
import StageKit

/// `metrics`: the scores of a pipeline.
struct Metrics: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Print the metrics of every scores artifact in the pipeline.",
    discussion: "Of a bundle of results only, too: what the scores were made from need not be here.")

  @Argument(help: "The pipeline file. Default: ./apprentice.yaml, else the only file in pipelines/.")
  var file: String?
  @OptionGroup var sweep: SweepArguments
  @OptionGroup var options: PipelineOptions

  func run() throws {
    var rows: [(pipeline: String, account: ActionAccount, metrics: JSONObject)] = []
    var missing: [String] = []
    var lost: [String] = []
    let variants = try sweep.variants(besides: options.settings)
    for variant in variants {
      let session = try PipelineSession(file: file, options: options.adding(variant), suffix: variant.suffix)
      let accounts = try session.accounts(askingBundles: true)
      for (index, account) in accounts.enumerated() {
        let ports = session.pipeline.actions[index].declaration.outputs.filter { $0.kind == .scores }.map(\.name)
        guard !ports.isEmpty else { continue }
        // What is stale only because something before it was lost is no ordinary change.
        let needs = session.pipeline.withNeeds(of: [index]).filter { accounts[$0].isLost }
        if account.state != .fresh, !needs.isEmpty {
          lost += needs.map { accounts[$0].id }.filter { !lost.contains($0) }
        } else if account.state != .fresh {
          missing.append(account.id)
        }
        for output in account.outputs where ports.contains(output.port) {
          let metrics = try explained { try Self.metrics(output.digest, in: session.store) }
          rows.append((session.pipeline.name, account, metrics))
        }
      }
    }
    if !missing.isEmpty { Diagnostics.say("stale, so not shown: \(missing.joined(separator: ", "))") }
    if options.json {
      printDocument(
        .array(
          rows.map { row in
            [
              "pipeline": .string(row.pipeline), "stage": .string(row.account.stage),
              "cell": row.account.cell.map { .string($0) } ?? .null,
              "metrics": .object(row.metrics),
            ]
          }))
    } else {
      for row in rows {
        Answer.print(variants.count > 1 ? "\(row.pipeline)  \(row.account.id)" : row.account.id)
        for metric in row.metrics.members { Answer.print("  " + Self.line(metric.name, metric.value)) }
      }
    }
    guard lost.isEmpty else {
      throw CommandFailure(
        .damaged, "damaged or gone: \(lost.joined(separator: ", ")); run the pipeline again to make them anew")
    }
  }

  private static func metrics(_ artifact: Digest, in store: Store) throws -> JSONObject {
    guard let file = try store.manifest(artifact, neededBy: "metrics").file("scores.json") else { return [:] }
    return try store.json(file.digest, neededBy: "metrics")["metrics"]?.object ?? [:]
  }

  /// A metric as people read it, such as `bleu  33.2  [31.9, 34.4]  n 630`.
  private static func line(_ name: String, _ metric: JSONValue) -> String {
    var line = name + String(repeating: " ", count: max(1, 24 - name.count)) + (metric["value"]?.text ?? "")
    if let low = metric["low"]?.number, let high = metric["high"]?.number {
      line += "  [\(JSONValue(low).text), \(JSONValue(high).text)]"
    }
    if let count = metric["n"]?.integer { line += "  n \(count)" }
    return line
  }
}
