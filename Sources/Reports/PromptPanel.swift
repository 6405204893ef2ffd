import Records

/// Prompts with the samples of all arms side by side, tokens shaded by reward.
struct PromptPanel {
  /// The most tokens shaded in all, which bounds the size of the page.
  static let mostTokens = 7_000
  /// The most prompts shown.
  static let mostPrompts = 9
  /// Shades on either side of none.
  static let shades = 4

  private let comparison: Comparison
  private let style: ArmStyle
  private let cells: [(arm: Arm, cell: ScoredCell, shown: ShownSamples, scale: Double)]
  private let choice: PromptChoice
  private let tokenBytes: (@Sendable (Int32) -> [UInt8])?

  /// Nil where no sample has a text or tokens; the rows of those that are shown are read here.
  /// - Throws: `ReportError.unreadable`.
  init?(
    _ groups: [SeedGroup], _ comparison: Comparison, _ style: ArmStyle, tokenBytes: (@Sendable (Int32) -> [UInt8])?
  ) throws(ReportError) {
    self.comparison = comparison
    self.style = style
    self.tokenBytes = tokenBytes
    let shown = groups.compactMap { group in group.cells.first.map { (group.arm, $0) } }
      .filter { $0.1.prompts.contains { $0.samples.contains { $0.hasRow } } }
    guard !shown.isEmpty else { return nil }
    let tokens = shown.reduce(0.0) { sum, item in
      let samples = item.1.prompts.flatMap(\.samples)
      let length = samples.reduce(0) { $0 + ($1.length ?? 0) } / Double(max(1, samples.count))
      return sum + length * Double(samples.count) / Double(max(1, item.1.prompts.count))
    }
    let count = max(1, min(Self.mostPrompts, tokens.isFinite ? Int(Double(Self.mostTokens) / max(1, tokens)) : 1))
    guard let choice = PromptChoice(shown.map(\.1), quality: comparison.quality, count: count) else { return nil }
    self.choice = choice
    var cells: [(arm: Arm, cell: ScoredCell, shown: ShownSamples, scale: Double)] = []
    for (arm, cell) in shown {
      var rows = try cell.shown(Set(choice.places), places: comparison.places)
      let scale = Self.scale(of: rows.sizes)
      rows.sizes = []
      cells.append((arm, cell, rows, scale))
    }
    self.cells = cells
  }

  /// How many prompts stand on the page.
  var count: Int { choice.places.count }

  /// The prompts, the one of median disagreement open.
  var markup: Markup {
    var parts: [Markup] = []
    for place in choice.places {
      var attributes: KeyValuePairs<StaticString, String> = ["name": "prompt"]
      if place == choice.opened { attributes = ["name": "prompt", "open": ""] }
      parts.append(.element("details", attributes, summary(place), body(place)))
    }
    return .element("div", ["class": "prompts"], parts)
  }

  private func summary(_ place: Int) -> Markup {
    let prompt = cells[0].cell.prompts[place]
    let text = cells.lazy.compactMap { item in
      item.cell.prompts[place].samples.lazy.compactMap {
        item.shown.rows[SamplePlace(prompt: place, number: $0.number)]?.prompt
      }.first
    }.first
    let rank = choice.places.firstIndex(of: place).map { Double($0) / Double(max(1, choice.places.count - 1)) } ?? 0
    let word =
      place == choice.opened
      ? "median disagreement" : rank == 0 ? "least disagreement" : rank == 1 ? "greatest disagreement" : ""
    return .element(
      "summary", [:], .element("span", ["class": "prompt"], text: text ?? prompt.id),
      .element("span", ["class": "quiet"], text: word.isEmpty ? prompt.id : "\(prompt.id) · \(word)"))
  }

  private func body(_ place: Int) -> Markup {
    var columns: [Markup] = []
    for (arm, cell, shown, scale) in cells {
      let samples = cell.prompts[place].samples
      let values = samples.compactMap(\.quality)
      let mean = values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
      let quality = comparison.quality
      let score = mean.map { mean in
        quality.isShare
          ? "\(samples.count { $0.quality == 1 }) of \(samples.count) correct"
          : "\(Format.fixed(mean, quality.decimals)) \(Quality(sample: quality).word)"
      }
      columns.append(
        .element(
          "section", [:],
          .element(
            "h4", ["title": cell.provenance.text], style.mark(arm), .text(comparison.name(arm)),
            .element("span", ["class": "quiet"], text: score ?? "")),
          .element("ol", [:], samples.map { line($0, place, shown, scale) })))
    }
    return .element("div", ["class": "side"], columns) + references(place)
  }

  private func references(_ place: Int) -> Markup {
    let references =
      cells.lazy.compactMap { item in
        item.cell.prompts[place].samples.first.flatMap {
          item.shown.rows[SamplePlace(prompt: place, number: $0.number)]?.references
        }
      }.first ?? []
    guard !references.isEmpty else { return Markup() }
    let most = 24
    var items = references.prefix(most).map { Markup.element("li", text: $0) }
    if references.count > most {
      items.append(.element("li", ["class": "quiet"], text: "and \(references.count - most) more"))
    }
    return .element(
      "details", ["class": "right"],
      .element("summary", text: Format.count(references.count, "reference")), .element("ul", [:], items))
  }

  private func line(_ sample: ScoredSample, _ prompt: Int, _ shown: ShownSamples, _ scale: Double) -> Markup {
    let quality = comparison.quality
    var sign = Markup()
    if let value = sample.quality {
      sign =
        quality.isShare
        ? .element("span", ["class": value == 1 ? "right" : "wrong"], text: value == 1 ? "✓" : "✗")
        : .element("span", ["class": "value"], text: Format.fixed(value, quality.decimals == 3 ? 2 : 0))
    }
    let total = sample.return.map { Format.fixed($0, 1) } ?? ""
    return .element(
      "li", [:], sign,
      .element("span", ["class": "text"], tokens(shown, SamplePlace(prompt: prompt, number: sample.number), scale)),
      .element("span", ["class": "return", "title": "return, nats"], text: total))
  }
}

// MARK: Tokens

extension PromptPanel {
  /// The 90th percentile of the sizes of rewards, which takes the deepest shade but one.
  private static func scale(of sizes: [Float]) -> Double {
    guard !sizes.isEmpty else { return 1 }
    return max(1e-6, Double(sizes.sorted()[min(sizes.count - 1, sizes.count * 9 / 10)]))
  }

  private func tokens(_ shown: ShownSamples, _ place: SamplePlace, _ scale: Double) -> Markup {
    let whole = shown.rows[place]?.text ?? ""
    guard let reward = shown.rewards[place], reward.rewards.count == reward.tokens.count else { return .text(whole) }
    guard let tokenBytes else {
      // Without a tokenizer nobody knows where a token ends in the text: a bar of its rewards stands below it.
      let bars = reward.rewards.indices.map { place in
        Markup.element(
          "i", ["class": Self.shade(reward.rewards[place], scale), "title": Self.title(reward, place...place)])
      }
      return .text(whole) + .element("span", ["class": "bars"], bars)
    }
    var markup = Markup()
    var start = 0
    var bytes: [UInt8] = []
    for place in reward.tokens.indices {
      bytes += tokenBytes(reward.tokens[place])
      // A token may end inside a character; it is shown with those that complete it.
      if Self.endsInsideCharacter(bytes), place + 1 < reward.tokens.count { continue }
      let text = String(decoding: bytes, as: UTF8.self)
      let isEnd = text.hasPrefix("<|") && text.hasSuffix("|>") || text == "</s>"
      let mean = reward.rewards[start...place].reduce(0, +) / Float(place - start + 1)
      let title = Self.title(reward, start...place)
      markup += .element("span", ["class": Self.shade(mean, scale), "title": title], text: isEnd ? "⏎" : text)
      bytes = []
      start = place + 1
    }
    return markup
  }

  /// Whether the last bytes begin a character of UTF-8 and do not end it.
  private static func endsInsideCharacter(_ bytes: [UInt8]) -> Bool {
    for (back, byte) in bytes.suffix(3).reversed().enumerated() where byte & 0xC0 != 0x80 {
      let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
      return length > back + 1
    }
    return false
  }

  /// The class of a reward's shade, from `n4` over `z` to `p4`.
  private static func shade(_ reward: Float, _ scale: Double) -> String {
    guard reward.isFinite else { return "n\(shades)" }
    let most = Double(shades)
    let step = Int(max(-most, min(most, (Double(reward) / scale * (most - 1)).rounded())))
    return step == 0 ? "z" : step > 0 ? "p\(step)" : "n\(-step)"
  }

  private static func title(_ reward: RewardRow, _ places: ClosedRange<Int>) -> String {
    let sum = reward.rewards[places].reduce(0) { $0 + Double($1) }
    var text = "r \(Format.fixed(sum, 2))"
    if reward.logProbabilities.count > places.upperBound {
      text += " · log p \(Format.fixed(reward.logProbabilities[places].reduce(0) { $0 + Double($1) }, 2))"
    }
    return text
  }
}

extension Quality {
  /// The metric of single samples.
  fileprivate init(sample quality: Quality) { self.init(metric: quality.sampleMetric) }
  init(metric: String) { self.metric = metric }
}
