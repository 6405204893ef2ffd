/// Whether the TD error is differentiated through the next state's value.
public enum ValueGradient: String, Sendable, Hashable, CaseIterable {
  /// Through both values: the gradient of the loss as it is written.
  case full
  /// The next value is a constant inside r²; its gradient is stopped.
  case semi
}

/// What training minimises, a mean over completion tokens.
///
/// With logits q, v = logsumexp q, log π = q[a] − v and r = q[a] − γ v′, where v′ is the next state's value and 0 after
/// the end token, every case has a gradient in the logits of the one form
///
///     ∂L/∂q = c₁ · onehot(a) + c₂ · softmax(q) + η · p ⊙ (log p + H) + u
///
/// so that an objective is four numbers a row (`LogitGradient`), and all cost what maximum likelihood costs.
public enum Objective: Sendable, Hashable {
  /// −log π − η H, the targets smoothed by ε: (1 − ε) onehot + ε / V.
  case maximumLikelihood(entropyBonus: Double = 0, labelSmoothing: Double = 0)
  /// λ r² − log π: offline inverse soft-Q-learning with the χ² regulariser (Wulfmeier et al., NeurIPS 2024).
  case inverseQLearning(lambda: Double, gamma: Double, gradient: ValueGradient = .full)

  /// The weight of r².
  public var lambda: Double {
    switch self {
    case .maximumLikelihood: 0
    case .inverseQLearning(let lambda, _, _): lambda
    }
  }

  /// The discount by which rewards are read; 1 where the objective has none.
  public var gamma: Double {
    switch self {
    case .maximumLikelihood: 1
    case .inverseQLearning(_, let gamma, _): gamma
    }
  }

  /// Whether the mean of all logits is needed.
  public var needsMeanLogit: Bool {
    if case .maximumLikelihood(_, let smoothing) = self { smoothing != 0 } else { false }
  }

  /// The objective at a step of a linear warm-up of λ: λ (k + 1) / w for k < w.
  public func warmedUp(step: Int, over steps: Int) -> Objective {
    guard case .inverseQLearning(let lambda, let gamma, let gradient) = self, step < steps else { return self }
    return .inverseQLearning(
      lambda: lambda * Double(step + 1) / Double(steps), gamma: gamma, gradient: gradient)
  }
}

/// What an objective needs to know of one row of logits.
public struct StateStatistics: Sendable, Hashable {
  /// The logit of the action, the level not subtracted; unused in a row without action.
  public var actionLogit: Double
  /// The logsumexp of the logits, the level not subtracted.
  public var value: Double
  /// H(softmax q), nats.
  public var entropy: Double
  /// The mean of the logits, the level not subtracted; needed for label smoothing only.
  public var meanLogit: Double
  /// What is subtracted from all logits to have q: values and rewards know of it, probabilities do not.
  public var level: Double

  /// The statistics of a row.
  public init(actionLogit: Double, value: Double, entropy: Double, meanLogit: Double = 0, level: Double = 0) {
    self.actionLogit = actionLogit
    self.value = value
    self.entropy = entropy
    self.meanLogit = meanLogit
    self.level = level
  }
}

/// The gradient in one row of logits: c₁ · onehot(a) + c₂ · p + η · p ⊙ (log p + H) + u.
public struct LogitGradient: Sendable, Hashable {
  /// The weight of the action's one-hot, c₁.
  public var action: Double
  /// The weight of the probabilities, c₂.
  public var softmax: Double
  /// The weight of p ⊙ (log p + H), η.
  public var entropy: Double
  /// What is added to every element, u.
  public var uniform: Double

  /// Coefficients.
  public init(action: Double, softmax: Double, entropy: Double = 0, uniform: Double = 0) {
    self.action = action
    self.softmax = softmax
    self.entropy = entropy
    self.uniform = uniform
  }
}
