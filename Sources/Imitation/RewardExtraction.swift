import Autodiff
public import Transformers

/// The reward that a model's logits say a completion earned: PAPER.md's r_t = q_t[a_t] − γ v_{t+1}.
public struct ExtractedReward: Sendable, Hashable {
  /// The log-probabilities log π(a_t | s_t), `[T]`, nats.
  public var logProbabilities: [Float] = []
  /// The values v_t = logsumexp q_t, `[T]`, nats.
  public var values: [Float] = []
  /// The rewards r_t, `[T]`; the last one of a cut-off completion uses v_T.
  public var rewards: [Float] = []
  /// The undiscounted sum Σ_t r_t, added in double precision.
  public var `return` = 0.0

  /// The first token whose numbers are infinite or none; nil where all are finite.
  public var firstNotFinite: Int? {
    rewards.indices.first { !(logProbabilities[$0].isFinite && values[$0].isFinite && rewards[$0].isFinite) }
  }
}

extension LanguageModel {
  /// The rewards of every sequence of a batch.
  ///
  /// - Parameters:
  ///   - batch: Prompts with their completions; those that were cut off have a row without action.
  ///   - gamma: The discount γ.
  /// - Returns: One reward for each sequence, in order.
  public func rewards(of batch: RaggedBatch, gamma: Double) -> [ExtractedReward] {
    let statistics = evaluate(batch)
    return (0..<batch.sequences).map { sequence in
      statistics.withSequence(sequence) { rows in
        let states = CompletionStates(rows)
        var reward = ExtractedReward()
        for t in 0..<states.tokenCount {
          reward.logProbabilities.append(Float(states.logProbability(t)))
          reward.values.append(Float(states.value(t)))
          let earned = states.reward(t, gamma: gamma)
          reward.rewards.append(Float(earned))
          reward.return += earned
        }
        return reward
      }
    }
  }
}
