import ArgumentParser
import ArtifactStore
import Bundling
import CanonicalJSON
import ContentAddressing
import PipelineExecution
import StageKit
import SystemPackage

/// `bundle inspect`: what a bundle holds.
struct BundleInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show a bundle's pipeline, parameters, actions, metrics and sizes; nothing is taken in.")

  @Argument(
    help: ArgumentHelp("The bundle: an archive, or a folder that holds an image layout.", valueName: "X.tar.zst"))
  var bundle: String
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func run() throws {
    let found = try bundled { try BundleInspection(path: FilePath(bundle)) }
    if json { printDocument(Self.document(found)) } else { Answer.print(Self.text(found), terminator: "") }
  }

  private static func size(_ digest: Digest, _ found: BundleInspection) -> Int? {
    found.outline.manifests[digest]?.totalSize
  }

  private static func document(_ found: BundleInspection) -> JSONValue {
    let description = found.description
    var actions: [JSONValue] = []
    for (action, outputs) in zip(description.actions, found.outputs) {
      let (stage, cell) = halves(action.label)
      let metrics = outputs.compactMap { found.scores[$0.digest]?["metrics"] }.first
      actions.append([
        "stage": .string(stage), "cell": cell.map { .string($0) } ?? .null, "key": .string(action.key.description),
        "outputs": .object(
          JSONObject(
            outputs.map { output in
              (
                output.port,
                [
                  "digest": .string(output.digest.description),
                  "kind": found.outline.manifests[output.digest]?.kind.map { .string($0.description) } ?? .null,
                  "bytes": size(output.digest, found).map { JSONValue($0) } ?? .null,
                ]
              )
            })), "metrics": metrics ?? .null,
      ])
    }
    return [
      "digest": .string(found.digest.description), "pipeline": .string(description.pipeline),
      "file": .string(description.file),
      "settings": .array(description.settings.map { .string($0) }), "parameters": .object(description.parameters),
      "actions": .array(actions), "sources": .array(description.sources.map(\.json)),
      "stages": .array(description.stages.map { .string($0.folder) }),
      "bytes": JSONValue(found.outline.totalSize), "exit": 0,
    ]
  }

  private static func text(_ found: BundleInspection) -> String {
    let description = found.description
    var text = "\(description.pipeline)  \(description.file) · \(description.actions.count) actions · "
    text += "\(Wording.bytes(found.outline.totalSize)) unpacked\n"
    text += "  \(found.digest)\n"
    for setting in description.settings { text += "  --set \(setting.shown(limit: 1000))\n" }
    for parameter in description.parameters.members {
      text += "  \(parameter.name): \(parameter.value.text.shown(limit: 1000))\n"
    }
    for source in description.sources {
      let holds = found.outline.manifests[source.manifest] != nil
      text += "  source \(source.setting ?? source.path)  \(holds ? "in the bundle" : "known by its digest")\n"
    }
    for stage in description.stages { text += "  own stage \(stage.folder)\n" }
    let width = description.actions.map(\.label.count).max() ?? 0
    for (action, outputs) in zip(description.actions, found.outputs) {
      text += "  \(action.label)" + String(repeating: " ", count: width - action.label.count + 2)
      text += outputs.map { output in
        "\(output.port) \(size(output.digest, found).map { Wording.bytes($0) } ?? "not in the bundle")"
      }.joined(separator: " · ")
      for output in outputs {
        for (name, value) in headline(found.scores[output.digest]?["metrics"]?.object ?? [:]) {
          text += " · \(name) \(short(value))"
        }
      }
      text += "\n"
    }
    return text
  }

  /// Quality and diversity as a stage's line tells them; the first few metrics where there are none of these.
  private static func headline(_ metrics: JSONObject) -> [(name: String, value: Double)] {
    let values = metrics.members.compactMap { metric in
      metric.value["value"]?.number.map { (name: metric.name, value: $0) }
    }
    let quality = ["exact_match", "accuracy", "bleu", "rougeL"].compactMap { name in
      values.first { $0.name == name }
    }
    let all = quality + values.filter { $0.name.hasPrefix("self_bleu@") }
    return all.isEmpty ? Array(values.prefix(4)) : all
  }

  private static func short(_ value: Double) -> String {
    let scale = abs(value) < 2 ? 1000.0 : 10.0
    return JSONValue((value * scale).rounded() / scale).text
  }

  static func halves(_ label: String) -> (stage: String, cell: String?) {
    let parts = label.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    return (parts[0], parts.count == 2 ? parts[1] : nil)
  }
}
