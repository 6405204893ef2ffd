extension Objective {
  /// Adds a completion's terms to `sums`, and appends the gradients of its rows to `gradients`.
  ///
  /// The gradients are those of imitation.md's table, that is of
  ///
  ///     maximum likelihood   c₁ = −(1 − ε)      c₂ = 1                    η, u = −ε / V
  ///     full gradient        c₁ = 2λ r_t − 1    c₂ = 1 − 2λγ r_{t−1}      r_{−1} = 0
  ///     semi-gradient        c₁ = 2λ r_t − 1    c₂ = 1
  ///     the row after a cut                     c₂ = −2λγ r_{T−1}         0 with the semi-gradient
  ///
  /// - Parameters:
  ///   - completion: The rows.
  ///   - vocabulary: V, how many logits a row has.
  ///   - sums: What the completion's terms are added to.
  ///   - gradients: What the gradients of the rows are appended to, not yet divided by the number of tokens.
  public func evaluate<Rows>(
    _ completion: CompletionStates<Rows>, vocabulary: Int, sums: inout ObjectiveSums,
    gradients: inout [LogitGradient]
  ) {
    let count = completion.tokenCount
    let threshold = lambda > 0 ? 1 / (2 * lambda) : Double.infinity
    sums.completions += 1
    sums.tokens += count
    if completion.isTerminal { sums.terminals += 1 }
    if count > 0 { sums.firstValue += completion.value(0) }
    var previous = 0.0
    for t in 0..<count {
      let mle = -completion.logProbability(t)
      let reward = completion.reward(t, gamma: gamma)
      let entropy = completion.entropy(t)
      sums.mle += mle
      sums.td += reward * reward
      sums.entropy += entropy
      sums.reward += reward
      sums.value += completion.value(t)
      if completion.isTerminal, t == count - 1 { sums.endReward += reward }
      if abs(reward) > threshold { sums.flipped += 1 }
      switch self {
      case .maximumLikelihood(let bonus, let smoothing):
        sums.loss += smoothing == 0 ? mle : (1 - smoothing) * mle - smoothing * completion.meanLogProbability(t)
        if bonus != 0 { sums.loss -= bonus * entropy }
        gradients.append(
          LogitGradient(
            action: smoothing - 1, softmax: 1, entropy: bonus,
            uniform: smoothing == 0 ? 0 : -smoothing / Double(vocabulary)))
      case .inverseQLearning(let lambda, let gamma, let gradient):
        sums.loss += mle + lambda * reward * reward
        gradients.append(
          LogitGradient(
            action: 2 * lambda * reward - 1, softmax: gradient == .full ? 1 - 2 * lambda * gamma * previous : 1))
        previous = reward
      }
    }
    guard !completion.isTerminal else { return }
    switch self {
    case .inverseQLearning(let lambda, let gamma, .full):
      // 0 − x, for −x would be −0 at λ = 0.
      gradients.append(LogitGradient(action: 0, softmax: 0 - 2 * lambda * gamma * previous))
    case .maximumLikelihood, .inverseQLearning(_, _, .semi):
      gradients.append(LogitGradient(action: 0, softmax: 0))
    }
  }
}
