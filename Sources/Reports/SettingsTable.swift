import CanonicalJSON

/// The parameters of scores and samples: those that differ between arms, and those that all share.
enum SettingsTable {
  /// Settings as flat names: `samples.temperature`.
  static func flat(_ settings: JSONObject, prefix: String = "") -> [(name: String, value: String)] {
    settings.members.flatMap { name, value -> [(name: String, value: String)] in
      if let object = value.object { return flat(object, prefix: prefix + name + ".") }
      return [(prefix + name, Arm.print(value))]
    }
  }

  /// All values of every parameter, an arm each, in the order of first use.
  static func values(_ comparison: Comparison) -> [(name: String, values: [[String]])] {
    var names: [String] = []
    var found: [[String: [String]]] = []
    for arm in comparison.arms {
      var own: [String: [String]] = [:]
      for cell in comparison.groups.filter({ $0.arm == arm }).flatMap(\.cells) {
        let axes = cell.provenance.axes.members.map { ($0.name, Arm.print($0.value)) }
        let settings = flat(Comparison.generation(cell.settings)) + flat(scoring(cell.settings), prefix: "score: ")
        var seen: Set<String> = []
        for (name, value) in axes + settings where seen.insert(name).inserted {
          if !names.contains(name) { names.append(name) }
          if !(own[name]?.contains(value) ?? false) { own[name, default: []].append(value) }
        }
      }
      found.append(own)
    }
    return names.map { name in (name, found.map { $0[name] ?? [] }) }
  }

  private static func scoring(_ settings: JSONObject) -> JSONObject {
    JSONObject(settings.members.filter { $0.name != "samples" && $0.name != "generation" })
  }

  /// What differs, as a table, and what is shared, folded.
  static func markup(_ comparison: Comparison, _ style: ArmStyle) -> Markup? {
    let all = values(comparison)
    guard !all.isEmpty else { return nil }
    let differing = all.filter { item in item.values.contains { $0 != item.values[0] } }
    let shared = all.filter { item in item.values.allSatisfy { $0 == item.values[0] } }
    var markup = Markup()
    if !differing.isEmpty {
      let heads = comparison.arms.map { arm in
        Markup.element("th", ["scope": "col"], style.mark(arm), .text(comparison.name(arm)))
      }
      let rows = differing.map { item in
        Markup.element(
          "tr", [:],
          [.element("th", ["scope": "row"], text: item.name)]
            + item.values.map { .element("td", text: $0.isEmpty ? "—" : $0.joined(separator: ", ")) })
      }
      markup += .element(
        "div", ["class": "scroll"],
        .element(
          "table", ["class": "settings"], .element("thead", [:], .element("tr", [:], [.element("th")] + heads)),
          .element("tbody", [:], rows)))
    } else {
      markup += .element("p", text: "None that scores or samples record.")
    }
    if !shared.isEmpty {
      let rows = shared.map { item in
        Markup.element(
          "tr", [:], .element("th", ["scope": "row"], text: item.name),
          .element("td", text: item.values[0].joined(separator: ", ")))
      }
      markup += .element(
        "details", [:], .element("summary", text: "\(Format.count(shared.count)) that all arms share"),
        .element("div", ["class": "scroll"], .element("table", ["class": "settings"], .element("tbody", [:], rows))))
    }
    return markup
  }
}
