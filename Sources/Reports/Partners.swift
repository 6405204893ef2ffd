import CanonicalJSON

/// Rewards and samples that belong to scores, by arm, sampling and seed.
struct Partners {
  private let inputs: ReportInputs
  private var usedRewards: Set<Int> = []
  private var usedSamples: Set<Int> = []

  init(_ inputs: ReportInputs) { self.inputs = inputs }

  /// The rewards of a cell, or nil.
  mutating func rewards(of identity: CellIdentity) -> RewardsInput? {
    let place = inputs.rewards.firstIndex { Self.isPartner(CellIdentity($0.provenance), nil, of: identity) }
    guard let place else { return nil }
    usedRewards.insert(place)
    return inputs.rewards[place]
  }

  /// The samples of a cell, or nil.
  mutating func samples(of identity: CellIdentity) -> SamplesInput? {
    let place = inputs.samples.firstIndex {
      Self.isPartner(CellIdentity($0.provenance, settings: $0.settings), $0.settings, of: identity)
    }
    guard let place else { return nil }
    usedSamples.insert(place)
    return inputs.samples[place]
  }

  /// Inputs that belong to no scores, a sentence each.
  var strangers: [String] {
    let rewards = inputs.rewards.indices.filter { !usedRewards.contains($0) }.map {
      inputs.rewards[$0].provenance.label
    }
    let samples = inputs.samples.indices.filter { !usedSamples.contains($0) }.map {
      inputs.samples[$0].provenance.label
    }
    return [("rewards", rewards), ("samples", samples)].filter { !$0.1.isEmpty }.map { port, labels in
      "of the \(port), \(Format.list(labels)) belong to none of the scores and are not shown"
    }
  }

  private static func isPartner(_ other: CellIdentity, _ settings: JSONObject?, of identity: CellIdentity) -> Bool {
    let (own, its) = (identity.sampling, other.sampling)
    let sameTemperature = its.temperature == nil || own.temperature == nil || its.temperature == own.temperature
    let sameDecoding = its.decoding == own.decoding || (its.temperature == nil && settings == nil)
    return other.arm.matches(identity.arm) && sameTemperature && sameDecoding && its.others == own.others
      && other.seed == identity.seed
  }
}
