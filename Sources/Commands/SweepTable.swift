import ArtifactStore
import CanonicalJSON
import ContentAddressing
import PipelineExecution
import PipelineLanguage
import StageKit

/// The main metrics of every pipeline of a sweep, by value.
enum SweepTable {
  /// Prints a line for every scored action.
  static func tell(_ pipelines: [(session: PipelineSession, accounts: [ActionAccount])]) throws {
    var rows: [(value: String, label: String, text: String)] = []
    for (session, accounts) in pipelines {
      let value = String(session.pipeline.name.drop { $0 != "@" }.dropFirst())
      for account in accounts {
        for output in account.outputs {
          guard let file = try session.store.manifest(output.digest, neededBy: "metrics").file("scores.json") else {
            continue
          }
          let metrics = try session.store.json(file.digest, neededBy: "metrics")["metrics"]?.object ?? [:]
          rows.append((value, account.id, MainMetrics.line(metrics)))
        }
      }
    }
    let (values, labels) = (rows.map(\.value.count).max() ?? 0, rows.map(\.label.count).max() ?? 0)
    for row in rows {
      let value = row.value + String(repeating: " ", count: values - row.value.count)
      let label = row.label + String(repeating: " ", count: labels - row.label.count)
      Diagnostics.say("  \(value)  \(label)  \(row.text)")
    }
  }
}
