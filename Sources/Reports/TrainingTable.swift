import CanonicalJSON
import Records

/// How every arm was trained, and what of it makes a comparison unfair.
struct TrainingTable: Sendable {
  /// One arm with the records of its seeds.
  struct Entry: Sendable {
    var arm: Arm
    var name: String
    var records: [TrainingRecord]
    /// The step that was kept and the first that was evaluated, of seeds that kept the first of several.
    var keptFirst: Int?
  }

  /// A row of the table: what is told, and its text for every arm.
  struct Row: Sendable {
    var name: String
    var values: [String]
    /// Whether it is a parameter of a stage, which other stages may not have.
    var isParameter = false

    /// Whether all arms have one value; of a parameter those that have it, but for λ, which is what is compared.
    var isShared: Bool {
      let known = Set(isParameter && name != "lambda" ? values.filter { $0 != TrainingTable.unknown } : values)
      return known.count <= 1
    }
  }

  /// What stands where an arm has no value.
  private static let unknown = "—"

  /// Arms of which something is known, the baseline first.
  let entries: [Entry]
  /// What is unequal, a sentence each.
  let warnings: [String]
  /// The arms that a warning names.
  let marked: [Arm]

  init(_ curves: [CurvesInput], _ comparison: Comparison) {
    let baseline = comparison.baseline
    let order = comparison.arms.filter { $0 == baseline } + comparison.arms.filter { $0 != baseline }
    var entries: [Entry] = []
    for arm in order {
      let own = curves.filter { $0.training != nil && CellIdentity($0.provenance).arm.matches(arm) }
      guard !own.isEmpty else { continue }
      let kept = own.compactMap { Self.keptFirst($0) }.first
      entries.append(
        Entry(arm: arm, name: comparison.name(arm), records: own.compactMap(\.training), keptFirst: kept))
    }
    self.entries = entries
    var warnings: [String] = []
    var marked: [Arm] = []
    func compare(_ what: String, _ value: (Entry) -> String?) {
      let known = entries.compactMap { entry in value(entry).map { (entry: entry, value: $0) } }
      guard Set(known.map(\.value)).count > 1 else { return }
      warnings.append("unequal \(what): " + known.map { "\($0.entry.name) \($0.value)" }.joined(separator: ", "))
      let standard = known[0].value
      for item in known where item.value != standard && !marked.contains(item.entry.arm) {
        marked.append(item.entry.arm)
      }
    }
    compare("updates") { Self.chain($0, \.updates) }
    compare("rows seen") { Self.chain($0, \.rows) }
    compare("models") { entry in
      Self.distinct(
        entry.records.map { record in
          record.modelSize.map { "\(Format.count($0)) parameters" + (record.architecture.map { " (\($0))" } ?? "") }
        })
    }
    compare("training data") { entry in
      Self.distinct(
        entry.records.map { record in
          record.dataDigest.map { digest in
            (record.dataRows.map { "\(Format.count($0, "row")), " } ?? "") + "sha256 " + Self.short(digest)
          }
        })
    }
    for entry in entries {
      guard let step = entry.keptFirst else { continue }
      warnings.append(
        "\(entry.name) kept step \(Format.count(step)), the first that was evaluated: what follows is training undone")
      if !marked.contains(entry.arm) { marked.append(entry.arm) }
    }
    let unknown = order.filter { arm in !entries.contains { $0.arm == arm } }
    if !entries.isEmpty, !unknown.isEmpty {
      warnings.append(
        "how \(Format.list(unknown.map(comparison.name))) was trained is not known: connect its curves to the port curves"
      )
    }
    self.warnings = warnings
    self.marked = marked
  }

  /// The kept step, where it is the first of several evaluations on the validation split after the first update.
  private static func keptFirst(_ input: CurvesInput) -> Int? {
    guard let kept = input.training?.keptStep else { return nil }
    let steps = input.rows.filter { $0.split == .validation && $0.step > 0 }.map(\.step)
    guard let first = steps.min(), let last = steps.max(), first < last, kept == first else { return nil }
    return kept
  }

  /// A count over the whole chain, with what came before: `300 (200 before)`.
  private static func chain(_ entry: Entry, _ count: KeyPath<TrainingRecord, Int?>) -> String? {
    distinct(
      entry.records.map { record in
        record.total(count).map { total in
          let before = record[keyPath: count].map { total - $0 } ?? 0
          return Format.count(total) + (before > 0 ? " (\(Format.count(before)) before it)" : "")
        }
      })
  }

  /// The values of the seeds, each once; nil where none is known.
  private static func distinct(_ values: [String?]) -> String? {
    var found: [String] = []
    for case let value? in values where !found.contains(value) { found.append(value) }
    return found.isEmpty ? nil : Format.list(found)
  }

  private static func short(_ digest: String) -> String {
    let hex = digest.utf8.split(separator: UInt8(ascii: ":")).last ?? digest.utf8[...]
    return String(decoding: hex.prefix(8), as: UTF8.self)
  }

  // MARK: Rows

  /// What is told of every arm.
  var rows: [Row] {
    var rows: [Row] = []
    func add(_ name: String, isParameter: Bool = false, _ value: (Entry) -> String?) {
      let values = entries.map(value)
      guard values.contains(where: { $0 != nil }) else { return }
      rows.append(Row(name: name, values: values.map { $0 ?? Self.unknown }, isParameter: isParameter))
    }
    add("stages") { entry in Self.distinct(entry.records.map { Self.stages($0) }) }
    add("updates") { Self.chain($0, \.updates) }
    add("rows seen") { Self.chain($0, \.rows) }
    add("tokens seen") { Self.chain($0, \.tokens) }
    add("learning rate") { entry in Self.distinct(entry.records.map { $0.learningRate.map { JSONValue($0).text } }) }
    for name in differingParameters {
      add(name, isParameter: true) { entry in
        Self.distinct(entry.records.map { $0.parameters[name].map(Arm.print) })
      }
    }
    add("parameters of the model") { entry in
      Self.distinct(
        entry.records.map { record in
          record.modelSize.map { Format.count($0) + (record.architecture.map { " (\($0))" } ?? "") }
        })
    }
    add("training data") { entry in
      Self.distinct(
        entry.records.map { record in
          let rows = record.dataRows.map { Format.count($0, "row") }
          let parts = [rows, record.dataDigest.map { "sha256 " + Self.short($0) }].compactMap { $0 }
          return parts.isEmpty ? nil : parts.joined(separator: ", ")
        })
    }
    add("rows that end") { entry in
      Self.distinct(entry.records.map { $0.ended.map { Format.number(100 * $0, least: 0) + " %" } })
    }
    add("step kept") { entry in Self.distinct(entry.records.map { $0.keptStep.map { Format.count($0) } }) }
    return rows
  }

  private static func stages(_ record: TrainingRecord) -> String {
    (record.from.map { stages($0) } + [record.stage]).joined(separator: " → ")
  }

  /// Parameters that are not the same in all arms; the learning rate has a row of its own, a seed is no difference.
  private var differingParameters: [String] {
    let records = entries.flatMap(\.records)
    var names: [String] = []
    for name in records.flatMap(\.parameters.names)
    where !names.contains(name) && !["seed", "learning_rate"].contains(name) {
      names.append(name)
    }
    return names.filter { name in Set(records.map { $0.parameters[name] }).count > 1 }
  }

  /// How the arms were trained, for a terminal: the table of the page without what only one method's stage has, or, where
  /// that is too wide, what is common to all and the names of what is not.
  var lines: [String] {
    let shown = rows.filter { !($0.isParameter && $0.isShared) }
    guard !shown.isEmpty else { return [] }
    let table = TerminalLayout.aligned([["trained"] + entries.map(\.name)] + shown.map { [$0.name] + $0.values })
    guard table.contains(where: { $0.count > TerminalLayout.width }) else { return table }
    let common = shown.filter(\.isShared).map { "\($0.name) \($0.values.first ?? Self.unknown)" }
    let differing = shown.filter { !$0.isShared }.map(\.name)
    let alike = common.isEmpty ? "" : "All arms were trained with \(Format.list(common)). "
    return TerminalLayout.wrapped(
      alike + (differing.isEmpty ? "" : "The trainings differ in \(Format.list(differing)); see the page."))
  }

  /// The table of the page, or nil where nothing is known.
  func markup(_ style: ArmStyle) -> Markup? {
    let rows = rows
    guard !rows.isEmpty else { return nil }
    let heads = entries.map { Markup.element("th", ["scope": "col"], style.mark($0.arm), .text($0.name)) }
    let body = rows.map { row in
      Markup.element(
        "tr", [:], [.element("th", ["scope": "row"], text: row.name)] + row.values.map { .element("td", text: $0) })
    }
    return .element(
      "div", ["class": "scroll"],
      .element(
        "table", ["class": "settings"], .element("thead", [:], .element("tr", [:], [.element("th")] + heads)),
        .element("tbody", [:], body)))
  }
}
