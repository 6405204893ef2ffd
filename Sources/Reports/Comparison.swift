import CanonicalJSON
import Records
import TextMetrics

/// The cells of one arm under one way of sampling, one a training seed.
struct SeedGroup: Sendable {
  var arm: Arm
  var sampling: Sampling
  var cells: [ScoredCell]

  /// One measure a seed, or nil where a seed lacks it.
  func measures(_ measure: (ScoredCell) -> Measure?) -> [Measure]? {
    let found = cells.compactMap(measure)
    return found.count == cells.count && !found.isEmpty ? found : nil
  }

  /// Labels and digests of what the numbers come from.
  var provenance: String { cells.map(\.provenance.text).joined(separator: "\n") }
}

/// All that a report compares, on the prompts that every arm has.
struct Comparison: Sendable {
  var quality: Quality
  /// What stands for quality where samples are compared: the sentence form of a metric that is of all samples only.
  var comparedQuality: Quality
  /// Whether what is compared stands in the table, too.
  var isComparedAsShown: Bool { comparedQuality == quality }
  /// The ids of the prompts, in the order of the first scores.
  var ids: [String]
  /// The places of the ids.
  var places: [TextBytes: Int]
  /// The references of prompts by place, as the first samples say that have some.
  var references: [Int: [String]]
  var groups: [SeedGroup]
  var arms: [Arm]
  /// The arm that others are compared with, or nil.
  var baseline: Arm?
  var names: [(stem: String, name: String)]
  var estimate: Estimator
  /// The split that the ids speak of, or an empty text.
  var split: String
  var resamples: Int
  /// What has to be said of the inputs: copies, what is missing, what belongs to nothing.
  var remarks: [String]

  init(_ inputs: ReportInputs, options: ReportOptions) throws(ReportError) {
    guard !inputs.scores.isEmpty else { throw ReportError.nothingScored }
    try Self.refuseDifferentSettings(inputs.scores)
    let quality = try Quality(options.quality, in: inputs.scores)
    try Self.refuseTwice(inputs)
    var contents: [CellContent?] = []
    for scores in inputs.scores { contents.append(try Self.content(scores, quality)) }
    let bare = contents.count { $0?.isEmpty ?? true }
    let (ids, leftOut) = try Self.sharedIDs(inputs.scores, contents)
    let places = Dictionary(ids.enumerated().map { (TextBytes($0.element), $0.offset) }) { first, _ in first }
    var references: [Int: [String]] = [:]
    var meanings = PromptMeanings()
    let identities = Self.identities(inputs)
    var groups: [SeedGroup] = []
    var partners = Partners(inputs)
    for (place, identity) in identities.enumerated() {
      let scores = inputs.scores[place]
      guard let content = contents[place] else { continue }
      // Its numbers go on in the cell.
      contents[place] = nil
      let cell = try ScoredCell(
        scores, content, identity: identity, rewards: partners.rewards(of: identity),
        samples: partners.samples(of: identity), ids: ids, places: places, quality: quality,
        keepsReferences: references.isEmpty)
      if references.isEmpty { references = cell.references }
      try meanings.add(cell.promptFacts, of: scores.provenance.label, ids)
      let group = groups.firstIndex { $0.arm == identity.arm && $0.sampling == identity.sampling }
      guard let group else {
        groups.append(SeedGroup(arm: identity.arm, sampling: identity.sampling, cells: [cell]))
        continue
      }
      if let twin = groups[group].cells.first(where: { $0.identity.seed == identity.seed }) {
        throw ReportError.sameCell(first: twin.provenance.label, second: scores.provenance.label)
      }
      groups[group].cells.append(cell)
    }
    let withoutDiversity = Self.keepOneDiversity(&groups)
    // Arms are held against each other seed by seed.
    for group in groups.indices { groups[group].cells.sort { $0.identity.hasSeed(before: $1.identity) } }
    var arms: [Arm] = []
    for group in groups where !arms.contains(group.arm) { arms.append(group.arm) }
    try Self.refuseSharedNames(arms, options)
    remarks =
      Copies(&groups, curves: inputs.curves) { arm in
        let name = arm.name(options.names)
        return name.isEmpty ? "the arm" : name
      }.remarks
    remarks += groups.flatMap(\.cells).flatMap(\.remarks) + partners.strangers + withoutDiversity
    if leftOut > 0 {
      remarks.append("\(Format.count(leftOut, "prompt")) that some arm lacks \(leftOut == 1 ? "is" : "are") left out")
    }
    // A curve may be of a training that is no arm, such as one that all arms begin with.
    let named = arms + inputs.curves.map { CellIdentity($0.provenance).arm }
    for (stem, _) in options.names where !named.contains(where: { $0.stem.hasSameBytes(as: stem) }) {
      remarks.append(
        "names gives a name to \(stem), and no arm or curve is called so; stems are \(Format.list(Self.stems(named)))")
    }
    if bare > 0 {
      remarks.append(
        "\(Format.count(bare)) of \(Format.count(contents.count)) scores have no examples.jsonl: their values are those of "
          + "scores.json, over all of their own prompts, and nothing is compared with them")
    }
    self.quality = quality
    self.ids = ids
    self.places = places
    self.references = references
    self.groups = groups
    self.arms = arms
    let hasOwn = groups.flatMap(\.cells).allSatisfy { $0.prompts.isEmpty || $0.hasOwnQuality }
    comparedQuality = hasOwn ? quality : quality.sentenceForm ?? quality
    baseline = try Self.baseline(options, arms: arms, groups: groups)
    names = options.names
    estimate = Estimator(prompts: ids.count, resamples: options.resamples, seed: options.seed)
    resamples = options.resamples
    split = ids.first.map { String(decoding: $0.utf8.prefix { $0 != UInt8(ascii: "-") }, as: UTF8.self) } ?? ""
    if !["train", "validation", "test"].contains(split) { split = "" }
    remarks += seedRemarks
  }

  /// Where one seed is held against several: the interval is then over those of one arm alone.
  private var seedRemarks: [String] {
    guard let baseline else { return [] }
    func counts(_ arm: Arm) -> [Int] { grid(of: arm).map(\.cells.count) }
    var remarks: [String] = []
    for arm in arms where arm != baseline {
      let pairs = groups.filter { $0.arm == arm }.compactMap { own in
        groups.first { $0.arm == baseline && $0.sampling == own.sampling }.flatMap { its in
          SeedPairs.remark(own, name(arm), its, name(baseline))
        }
      }
      for remark in pairs where !remarks.contains(remark) { remarks.append(remark) }
      for (one, other) in [(baseline, arm), (arm, baseline)] {
        guard counts(one).contains(1), let many = counts(other).max(), many > 1 else { continue }
        let extent = counts(one).contains { $0 > 1 } ? "one seed at some temperatures" : "one seed"
        remarks.append(
          "\(name(one)) has \(extent) and \(name(other)) \(Format.count(many)): the interval of their difference leaves "
            + "out how \(name(one)) varies over seeds")
      }
    }
    return remarks
  }

  /// The stems of arms, each once.
  private static func stems(_ arms: [Arm]) -> [String] {
    var stems: [String] = []
    for arm in arms where !stems.contains(where: { $0.hasSameBytes(as: arm.stem) }) { stems.append(arm.stem) }
    return stems
  }

  private static func content(_ scores: ScoresInput, _ quality: Quality) throws(ReportError) -> CellContent {
    do {
      let diversity = ScoredCell.diversity(in: scores.file)
      let content = try CellContent(scores, quality: quality, diversity: diversity)
      try content.check(scores, quality: quality, diversity: diversity)
      return content
    } catch let error as ReportError {
      throw error
    } catch {
      throw ReportError.unreadable(label: scores.provenance.label, reason: "\(error)")
    }
  }

  /// The name of an arm.
  func name(_ arm: Arm) -> String { arm.name(names) }

  /// The sampled groups of an arm that have a temperature, ascending.
  func grid(of arm: Arm) -> [SeedGroup] {
    let sampled = groups.filter { $0.arm == arm && $0.sampling.temperature != nil && $0.sampling.others.isEmpty }
    return sampled.sorted { ($0.sampling.temperature ?? 0) < ($1.sampling.temperature ?? 0) }
  }

  /// The group that stands for an arm: the one at the temperature next to 1, else its first.
  func representative(of arm: Arm) -> SeedGroup? {
    let distance = { (group: SeedGroup) in abs((group.sampling.temperature ?? .infinity) - 1) }
    return grid(of: arm).min { distance($0) < distance($1) } ?? groups.first { $0.arm == arm }
  }

  /// The number of seeds of the arm that has most.
  var seedCount: Int { groups.map(\.cells.count).max() ?? 1 }

  /// The number of seeds of the group that has fewest.
  var leastSeedCount: Int { groups.map(\.cells.count).min() ?? 1 }

  /// The k of Self-BLEU.
  var samplesPerPrompt: Int? { groups.lazy.flatMap(\.cells).compactMap(\.samplesPerPrompt).first }
}

// MARK: Putting inputs together

extension Comparison {
  /// Settings of scoring that may differ without harm to a column: they are the samples' own, or the data's.
  private static let generationSettings: Set<String> = [
    "samples", "generation", "decoding", "temperature", "top_k", "top_p", "beams", "length_penalty", "max_new_tokens",
    "ignore_end", "split", "limit",
  ]

  private static func refuseDifferentSettings(_ scores: [ScoresInput]) throws(ReportError) {
    guard let first = scores.first else { return }
    for other in scores.dropFirst() {
      // What only one was scored with belongs to a metric that the other lacks.
      for name in first.file.settings.names where !generationSettings.contains(name) {
        guard let left = first.file.settings[name], let right = other.file.settings[name] else { continue }
        // The k of Self-BLEU stands in the metric's name, so that other k have other columns.
        if name == "self_bleu", left["samples"] != right["samples"] { continue }
        guard left == right else {
          throw ReportError.settingsDiffer(
            setting: name, first: first.provenance.label, firstValue: left.text, second: other.provenance.label,
            secondValue: right.text)
        }
      }
    }
  }

  /// Two inputs of one port that stand for one and the same cell.
  private static func refuseTwice(_ inputs: ReportInputs) throws(ReportError) {
    func refuse(_ found: [(CellIdentity, String)]) throws(ReportError) {
      for (place, (identity, label)) in found.enumerated() {
        guard let twin = found[..<place].first(where: { $0.0 == identity }) else { continue }
        throw ReportError.sameCell(first: twin.1, second: label)
      }
    }
    try refuse(inputs.curves.map { (CellIdentity($0.provenance), $0.provenance.label) })
    try refuse(inputs.rewards.map { (CellIdentity($0.provenance), $0.provenance.label) })
    try refuse(inputs.samples.map { (CellIdentity($0.provenance, settings: $0.settings), $0.provenance.label) })
  }

  /// Self-BLEU moves with k, so only one k has a column: that of most cells, of equals the first.
  ///
  /// - Returns: Who lost theirs, a sentence each.
  private static func keepOneDiversity(_ groups: inout [SeedGroup]) -> [String] {
    let found = groups.flatMap(\.cells).compactMap(\.samplesPerPrompt)
    let counts = found.map { k in found.count { $0 == k } }
    guard let most = counts.max(), let place = counts.firstIndex(of: most) else { return [] }
    var lost: [(k: Int, labels: [String])] = []
    for group in groups.indices {
      for cell in groups[group].cells.indices where groups[group].cells[cell].samplesPerPrompt != found[place] {
        if let k = groups[group].cells[cell].samplesPerPrompt {
          let index = lost.firstIndex { $0.k == k } ?? lost.count
          if index == lost.count { lost.append((k, [])) }
          lost[index].labels.append(groups[group].cells[cell].provenance.label)
        }
        groups[group].cells[cell].forgetDiversity()
      }
    }
    return lost.map { k, labels in
      "self_bleu@\(k) of \(Format.list(labels)) is left out: the column is of self_bleu@\(found[place]), and its value moves "
        + "with the number of samples"
    }
  }

  /// Two arms with one name could not be told apart.
  private static func refuseSharedNames(_ arms: [Arm], _ options: ReportOptions) throws(ReportError) {
    for (place, arm) in arms.enumerated() {
      let name = arm.name(options.names)
      guard let twin = arms[..<place].first(where: { $0.name(options.names).hasSameBytes(as: name) }) else { continue }
      throw ReportError.sameName(name, first: twin.stem, second: arm.stem)
    }
  }

  private static func sharedIDs(
    _ scores: [ScoresInput], _ contents: [CellContent?]
  ) throws(ReportError) -> (ids: [String], leftOut: Int) {
    // What comes without examples has no prompts, only values over all of them.
    let known = zip(scores, contents).compactMap { input, content in
      content.flatMap { $0.isEmpty ? nil : (input, $0) }
    }
    guard let first = known.first else { return ([], 0) }
    var ids = first.1.ids
    var all = Set(ids.map { TextBytes($0) })
    for (input, content) in known.dropFirst() {
      ids = ids.filter { content.contains($0) }
      for id in content.ids { all.insert(TextBytes(id)) }
      if ids.isEmpty { throw ReportError.noSharedPrompts(label: input.provenance.label) }
    }
    return (ids, all.count - ids.count)
  }

  /// The identities of the scores; a name that is only a role (`score`) takes the one stem that has its axes, of other
  /// scores or of curves.
  private static func identities(_ inputs: ReportInputs) -> [CellIdentity] {
    var found = inputs.scores.map { CellIdentity($0.provenance, settings: generation($0.file.settings)) }
    let known = (found + inputs.curves.map { CellIdentity($0.provenance) }).map(\.arm).filter { !$0.stem.isEmpty }
    for place in found.indices where found[place].arm.stem.isEmpty {
      let arms = known.filter { $0.axes == found[place].arm.axes }
      if let first = arms.first, arms.allSatisfy({ $0 == first }) { found[place].arm.stem = first.stem }
    }
    return found
  }

  /// The generation's settings inside those of scores.
  static func generation(_ settings: JSONObject) -> JSONObject {
    settings["samples"]?.object ?? settings["generation"]?.object ?? settings
  }

  private static func baseline(
    _ options: ReportOptions, arms: [Arm], groups: [SeedGroup]
  ) throws(ReportError) -> Arm? {
    guard !options.baseline.isEmpty else {
      let candidates = arms.filter(\.isLikelihood)
      let points = { (arm: Arm) in groups.count { $0.arm == arm && $0.sampling.temperature != nil } }
      // The one with the longest temperature curve; of equals the first.
      return candidates.enumerated().max { (points($0.element), -$0.offset) < (points($1.element), -$1.offset) }?
        .element
    }
    if let arm = arms.first(where: { arm in
      [arm.stem, arm.name(options.names)].contains { $0.hasSameBytes(as: options.baseline) }
    }) {
      return arm
    }
    throw ReportError.unknownBaseline(options.baseline, arms: arms.map { $0.name(options.names) })
  }
}
