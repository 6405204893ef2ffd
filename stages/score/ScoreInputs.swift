import Records
import StageKit
import SystemPackage
import TextMetrics

extension SampleRow {
  /// What scoring needs of the row.
  func scored(text: String, reward: SampleReward?) -> ScoredSample {
    ScoredSample(
      id: id, sample: sample, text: text, references: references ?? [],
      tokenCount: tokens?.count ?? logProbabilities?.count ?? entropies?.count,
      logProbability: logProbabilities.map(Self.sum), entropy: entropies.map(Self.sum), reward: reward)
  }

  static func sum(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) } }
}

/// Rewards by sample.
struct RewardIndex {
  private struct Key: Hashable {
    var id: [UInt8]
    var sample: Int
  }

  private var rewards: [Key: SampleReward] = [:]

  /// Reads rewards and holds them against the samples they are for.
  init(_ path: FilePath, for samples: [SampleRow]) throws {
    for row in try RewardFiles.read(path) {
      let reward = SampleReward(
        return: row.return, logProbability: SampleRow.sum(row.logProbabilities), tokenCount: row.tokens.count,
        initialValue: row.values.first.map(Double.init) ?? 0)
      guard rewards.updateValue(reward, forKey: Key(id: Array(row.id.utf8), sample: row.sample)) == nil else {
        throw StageFailure("\(path): sample \(row.sample) of \(row.id) stands twice")
      }
    }
    if let missing = samples.first(where: { self[$0] == nil }) {
      throw StageFailure(
        "\(path): there is no reward for sample \(missing.sample) of \(missing.id)",
        remedy: "extract rewards from the samples that are scored")
    }
  }

  subscript(row: SampleRow) -> SampleReward? { rewards[Key(id: Array(row.id.utf8), sample: row.sample)] }
}
