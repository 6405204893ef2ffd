import Imitation
import Testing

/// The identities of imitation.md §1.1–1.3, on a toy of seven words in double precision.
@Suite struct ObjectiveTests {
  static let toys = [1, 2, 9].flatMap { [Toy(tokens: $0, isTerminal: true), Toy(tokens: $0, isTerminal: false)] }
  static let strengths: [(lambda: Double, gamma: Double)] = [0, 0.1, 0.5].flatMap { [($0, 0.9), ($0, 1)] }

  @Test("The full gradient is that of the loss, cut-off completions included")
  func fullGradient() {
    for toy in Self.toys {
      for (lambda, gamma) in Self.strengths {
        let objective = Objective.inverseQLearning(lambda: lambda, gamma: gamma)
        #expect(distance(toy.gradient(objective), toy.differences(objective)) < 1e-8)
        #expect(abs(toy.evaluate(objective).sums.loss - toy.loss(objective)) < 1e-12)
      }
    }
  }

  @Test("The semi-gradient is that of the loss with the next values held")
  func semiGradient() {
    for toy in Self.toys {
      let held = toy.logits.map(Toy.logSumExp) + (toy.isTerminal ? [0] : [])
      for (lambda, gamma) in Self.strengths {
        let objective = Objective.inverseQLearning(lambda: lambda, gamma: gamma, gradient: .semi)
        #expect(distance(toy.gradient(objective), toy.differences(objective, stopped: held)) < 1e-8)
      }
    }
  }

  @Test("Entropy bonus and label smoothing have the gradients of their losses")
  func likelihoodVariants() {
    for toy in Self.toys {
      for (bonus, smoothing) in [(0.0, 0.0), (0.1, 0), (0, 0.1), (0.3, 0.2)] {
        let objective = Objective.maximumLikelihood(entropyBonus: bonus, labelSmoothing: smoothing)
        #expect(distance(toy.gradient(objective), toy.differences(objective)) < 1e-8)
        #expect(abs(toy.evaluate(objective).sums.loss - toy.loss(objective)) < 1e-12)
      }
    }
  }

  @Test("Row sums of the gradient are 2λ (r_t − γ r_{t−1}), and 0 for maximum likelihood")
  func rowSums() {
    let toy = Toy(tokens: 9, isTerminal: true)
    let (lambda, gamma) = (0.3, 0.9)
    let sums = toy.gradient(.inverseQLearning(lambda: lambda, gamma: gamma)).map { $0.reduce(0, +) }
    for t in toy.actions.indices {
      let before = t == 0 ? 0 : toy.states.reward(t - 1, gamma: gamma)
      #expect(abs(sums[t] - 2 * lambda * (toy.states.reward(t, gamma: gamma) - gamma * before)) < 1e-12)
    }
    for sum in toy.gradient(.maximumLikelihood()).map({ $0.reduce(0, +) }) { #expect(abs(sum) < 1e-12) }
  }

  @Test("With λ = 0 IQLearn is maximum likelihood, bit for bit (practice row 3)")
  func lambdaZero() {
    for toy in Self.toys {
      let plain = toy.evaluate(.maximumLikelihood())
      for gradient in ValueGradient.allCases {
        let zero = toy.evaluate(.inverseQLearning(lambda: 0, gamma: 1, gradient: gradient))
        #expect(zero.sums == plain.sums)
        let bits = { (rows: [LogitGradient]) in
          rows.map { [$0.action, $0.softmax, $0.entropy, $0.uniform].map(\.bitPattern) }
        }
        #expect(bits(zero.gradients) == bits(plain.gradients))
      }
    }
  }

  @Test("At γ = 1 the rewards of a completed text add up to log p + v₀")
  func telescoping() {
    for tokens in [1, 2, 9] {
      let states = Toy(tokens: tokens, isTerminal: true).states
      let logProbability = (0..<tokens).reduce(0) { $0 + states.logProbability($1) }
      let total = (0..<tokens).reduce(0) { $0 + states.reward($1, gamma: 1) }
      #expect(abs(total - logProbability - states.value(0)) < 1e-12)
      let gamma = 0.8
      let later = (1..<max(tokens, 1)).reduce(0) { $0 + states.value($1) }
      let discountedRead = (0..<tokens).reduce(0) { $0 + states.reward($1, gamma: gamma) }
      #expect(abs(discountedRead - logProbability - states.value(0) - (1 - gamma) * later) < 1e-12)
    }
  }

  @Test("The end token's reward is its own logit in every completion of a ragged batch (practice row 46)")
  func endToken() {
    for tokens in [1, 4, 9] {
      let toy = Toy(tokens: tokens, isTerminal: true)
      #expect(toy.states.reward(tokens - 1, gamma: 0.9) == toy.logits[tokens - 1][toy.actions[tokens - 1]])
    }
  }

  @Test("A cut-off completion reads its last reward against the value behind it, never against 0 (practice row 15)")
  func bootstrapping() {
    let toy = Toy(tokens: 4, isTerminal: false)
    let behind = Toy.logSumExp(toy.logits[4])
    #expect(toy.states.reward(3, gamma: 0.9) == toy.logits[3][toy.actions[3]] - 0.9 * behind)
    #expect(toy.evaluate(.inverseQLearning(lambda: 0.1, gamma: 1)).sums.tokens == 4)
  }

  @Test("Flipped are the tokens whose reward is beyond ±1 / 2λ, where the gradient by the action's logit turns")
  func flipped() {
    let toy = Toy(tokens: 11, isTerminal: true)
    let rewards = (0..<11).map { toy.states.reward($0, gamma: 1) }
    #expect(rewards.contains { $0 > 1 } && rewards.contains { $0 < -1 } && rewards.contains { abs($0) < 1 })
    let counted = toy.evaluate(.inverseQLearning(lambda: 0.5, gamma: 1)).sums.flipped
    #expect(counted == rewards.count { abs($0) > 1 })
    #expect(toy.evaluate(.maximumLikelihood()).sums.flipped == 0)
  }

  @Test("λ rises in equal parts over its warm-up")
  func warmUp() {
    let objective = Objective.inverseQLearning(lambda: 0.4, gamma: 1)
    #expect((0..<5).map { objective.warmedUp(step: $0, over: 4).lambda } == [0.1, 0.2, 0.30000000000000004, 0.4, 0.4])
    #expect(objective.warmedUp(step: 0, over: 0) == objective)
  }

  @Test("Sums of batches add up, each of them")
  func sums() {
    var counted = ObjectiveSums()
    (counted.tokens, counted.completions, counted.terminals, counted.flipped) = (1, 2, 3, 4)
    (counted.loss, counted.mle, counted.td, counted.entropy) = (5, 6, 7, 8)
    (counted.reward, counted.value, counted.firstValue, counted.endReward) = (9, 10, 11, 12)
    var sums = counted
    sums.add(counted)
    let numbers = Mirror(reflecting: sums).children.compactMap {
      $0.value as? Double ?? ($0.value as? Int).map(Double.init)
    }
    #expect(numbers.sorted() == (1...12).map { Double(2 * $0) })
  }
}
