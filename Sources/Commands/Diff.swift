import ArgumentParser
import ArtifactStore
import CanonicalJSON
import ContentAddressing
import PipelineExecution
import StageKit

/// `diff`: two runs, bundles or results side by side.
struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare two runs, bundles or results: parameters, inputs, code, outputs, metrics with intervals.",
    discussion: """
      A and B: a run's id or the start of one, `last`, `last~1` (the run before the last), a bundle, or a REF \
      ([PIPELINE:]STAGE[@CELL], a digest). The exit status is 3 if anything differs.
      """)

  @Argument(help: ArgumentHelp("The earlier one.", valueName: "A"))
  var first: String
  @Argument(help: ArgumentHelp("The later one.", valueName: "B"))
  var second: String
  @OptionGroup var options: PipelineOptions

  func run() throws {
    let reader = try ComparedActionsReader(options)
    defer { reader.close() }
    let comparison = try bundled { ActionComparison(try reader.read(first), try reader.read(second)) }
    let status: ExitStatus = comparison.isEmpty ? .done : .differs
    if options.json {
      var document = comparison.json
      document["exit"] = JSONValue(Int(status.rawValue))
      printDocument(.object(document))
    } else {
      Answer.print(comparison.isEmpty ? "nothing differs" : comparison.text)
      for line in comparison.originLines(first, second) { Answer.print(line) }
    }
    if status != .done { throw ExitCode(status.rawValue) }
  }
}

/// What differs between two sets of actions.
struct ActionComparison {
  /// A field of an action that differs.
  struct Change {
    var label: String
    var field: String
    var old: JSONValue?
    var new: JSONValue?
  }

  private var changes: [Change] = []
  private var metrics: [Change] = []
  /// The names of actions of which the results differ, and it can't be told in what: they were collected.
  private var collected: [String] = []
  /// What the command lines of two runs set, where the keys that hold all parameters were collected.
  private var settings: [Change] = []
  /// Where results of either side came from that were not made here.
  private let origins: (old: [OriginCount], new: [OriginCount])

  /// Actions of one name are compared; of two single actions their names don't matter.
  init(_ old: [ComparedAction], _ new: [ComparedAction]) {
    origins = (old: OriginCount.of(old.compactMap(\.origin)), new: OriginCount.of(new.compactMap(\.origin)))
    let isSingle = old.count == 1 && new.count == 1
    let byLabel = Dictionary(new.map { ($0.label, $0) }) { first, _ in first }
    for before in old {
      guard let after = isSingle ? new.first : byLabel[before.label] else {
        changes.append(Change(label: before.label, field: "action", old: before.name, new: nil))
        continue
      }
      compare(before, after)
    }
    if isSingle { return }
    let labels = Set(old.map(\.label))
    for after in new where !labels.contains(after.label) {
      changes.append(Change(label: after.label, field: "action", old: nil, new: after.name))
    }
  }

  private mutating func compare(_ before: ComparedAction, _ after: ComparedAction) {
    let label = after.label
    if let old = before.document, let new = after.document {
      for change in new.changes(since: old) {
        let isParameter = change.path.first == "parameters"
        let parameter = isParameter && change.path.count == 2 ? change.path[1] : nil
        changes.append(
          Change(
            label: label, field: isParameter ? change.path.dropFirst().joined(separator: ".") : change.field,
            // What a key leaves out stands at its default.
            old: change.old ?? parameter.flatMap { before.defaultValue(of: $0) },
            new: change.new ?? parameter.flatMap { after.defaultValue(of: $0) }))
      }
    }
    if before.isKeyCollected || after.isKeyCollected, before.key != after.key { compareSettings(before, after) }
    if let result = before.result, result == after.result { return }
    if before.areMetricsCollected || after.areMetricsCollected { collected.append(label) }
    if before.areOutputsCollected || after.areOutputsCollected { return }
    for port in Set(before.outputs.keys).union(after.outputs.keys).sorted() {
      let (old, new) = (before.outputs[port], after.outputs[port])
      guard old != new else { continue }
      changes.append(
        Change(
          label: label, field: "outputs.\(port)", old: old.map { .string($0.description) },
          new: new.map { .string($0.description) }))
    }
    if before.areMetricsCollected || after.areMetricsCollected { return }
    for name in Set(before.metrics.names).union(after.metrics.names).sorted() {
      let (old, new) = (before.metrics[name], after.metrics[name])
      if old != new { metrics.append(Change(label: label, field: name, old: old, new: new)) }
    }
  }

  private mutating func compareSettings(_ before: ComparedAction, _ after: ComparedAction) {
    guard settings.isEmpty, let old = before.settings, let new = after.settings else { return }
    for name in Set(old.names).union(new.names).sorted() where old[name] != new[name] {
      settings.append(Change(label: "", field: name, old: old[name], new: new[name]))
    }
  }

  var isEmpty: Bool { changes.isEmpty && metrics.isEmpty && collected.isEmpty && settings.isEmpty }

  /// Where results came from that were not made here, a line for every side and place.
  func originLines(_ first: String, _ second: String) -> [String] {
    origins.old.map { "\(first): \($0.sentence)" } + origins.new.map { "\(second): \($0.sentence)" }
  }

  var json: JSONObject {
    func object(_ label: String) -> JSONObject {
      let (stage, cell) = BundleInspect.halves(label)
      return ["stage": .string(stage), "cell": cell.map { .string($0) } ?? .null]
    }
    func interval(_ metric: JSONValue?) -> JSONValue {
      guard let low = metric?["low"], let high = metric?["high"] else { return .null }
      return [low, high]
    }
    let unknown: [JSONValue] = collected.map { .object(object($0)) }
    let given: [JSONValue] = settings.map { change in
      ["name": .string(change.field), "old": change.old ?? .null, "new": change.new ?? .null]
    }
    let places: JSONValue = [
      "old": .array(origins.old.map(\.json)), "new": .array(origins.new.map(\.json)),
    ]
    return [
      "changes": .array(
        changes.map { change in
          var row = object(change.label)
          row["field"] = .string(change.field)
          row["old"] = change.old ?? .null
          row["new"] = change.new ?? .null
          return .object(row)
        }),
      "metrics": .array(
        metrics.map { change in
          var row = object(change.label)
          row["metric"] = .string(change.field)
          row["old"] = change.old?["value"] ?? .null
          row["new"] = change.new?["value"] ?? .null
          row["old_interval"] = interval(change.old)
          row["new_interval"] = interval(change.new)
          return .object(row)
        }),
      "collected": .array(unknown), "settings": .array(given), "origins": places,
    ]
  }

  var text: String {
    var lines: [String] = []
    var label: String?
    for change in changes {
      if change.label != label { lines.append(change.label) }
      label = change.label
      lines.append("  \(change.field)  \(Self.short(change.old)) → \(Self.short(change.new))")
    }
    label = nil
    for change in metrics {
      if change.label != label { lines.append("\(change.label)  metrics") }
      label = change.label
      let (old, new) = (change.old.map(MainMetrics.value) ?? "—", change.new.map(MainMetrics.value) ?? "—")
      lines.append("  \(change.field)  \(old) → \(new)")
    }
    if !collected.isEmpty {
      let count = "\(collected.count) action\(collected.count == 1 ? "" : "s")"
      lines.append("collected: outputs and metrics of \(count) can't be compared")
    }
    for change in settings {
      let (old, new) = (change.old.map { Self.short($0) } ?? "not set", change.new.map { Self.short($0) } ?? "not set")
      lines.append("  --set \(change.field)  \(old) → \(new)")
    }
    return lines.joined(separator: "\n")
  }

  private static func short(_ value: JSONValue?) -> String {
    guard let value else { return "—" }
    return VisibleText.line(value.string ?? value.text, limit: 72)
  }
}
