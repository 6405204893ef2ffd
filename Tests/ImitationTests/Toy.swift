import Glibc
import Imitation

/// A completion with free logits in double precision: seven words, nothing shared between rows.
struct Toy {
  static let vocabulary = 7
  /// `[rows][vocabulary]`, one row more than actions where the completion is cut off.
  var logits: [[Double]]
  var actions: [Int]

  var isTerminal: Bool { logits.count == actions.count }

  /// A toy with numbers that look random but are the same every time.
  init(tokens: Int, isTerminal: Bool, salt: Double = 0) {
    let rows = isTerminal ? tokens : tokens + 1
    logits = (0..<rows).map { row -> [Double] in
      (0..<Self.vocabulary).map { word -> Double in 2 * sin(1.3 * Double(row * 31 + word * 17 + 5) + salt) }
    }
    actions = (0..<tokens).map { ($0 * 5 + 3) % Self.vocabulary }
  }

  static func logSumExp(_ row: [Double]) -> Double { log(row.reduce(0) { $0 + exp($1) }) }

  static func probabilities(_ row: [Double]) -> [Double] { row.map { exp($0 - logSumExp(row)) } }

  static func entropy(_ row: [Double]) -> Double { probabilities(row).reduce(0) { $0 - $1 * log($1) } }

  var states: CompletionStates<[StateStatistics]> {
    CompletionStates(
      logits.enumerated().map { index, row in
        StateStatistics(
          actionLogit: index < actions.count ? row[actions[index]] : 0, value: Self.logSumExp(row),
          entropy: Self.entropy(row), meanLogit: row.reduce(0, +) / Double(row.count))
      }, isTerminal: isTerminal)
  }

  func evaluate(_ objective: Objective) -> (sums: ObjectiveSums, gradients: [LogitGradient]) {
    var sums = ObjectiveSums()
    var gradients: [LogitGradient] = []
    objective.evaluate(states, vocabulary: Self.vocabulary, sums: &sums, gradients: &gradients)
    return (sums, gradients)
  }

  /// The gradient c₁ onehot + c₂ p + η p ⊙ (log p + H) + u, `[rows][vocabulary]`.
  func gradient(_ objective: Objective) -> [[Double]] {
    zip(logits, evaluate(objective).gradients).enumerated().map { index, row in
      let (logits, c) = row
      let h = Self.entropy(logits)
      return Self.probabilities(logits).enumerated().map { word, p in
        let chosen = index < actions.count && actions[index] == word
        return (chosen ? c.action : 0) + c.softmax * p + c.entropy * p * (log(p) + h) + c.uniform
      }
    }
  }

  /// The loss written out from its definition; `stopped` gives the next values where their gradient is stopped.
  func loss(_ objective: Objective, stopped: [Double]? = nil) -> Double {
    let values = logits.map(Self.logSumExp) + (isTerminal ? [0] : [])
    var loss = 0.0
    for (t, action) in actions.enumerated() {
      let logProbability = logits[t].map { $0 - values[t] }
      switch objective {
      case .maximumLikelihood(let bonus, let smoothing):
        let uniform = logProbability.reduce(0, +) / Double(Self.vocabulary)
        loss -= (1 - smoothing) * logProbability[action] + smoothing * uniform + bonus * Self.entropy(logits[t])
      case .inverseQLearning(let lambda, let gamma, _):
        let reward = logits[t][action] - gamma * (stopped ?? values)[t + 1]
        loss += lambda * reward * reward - logProbability[action]
      }
    }
    return loss
  }

  /// The gradient by central differences.
  func differences(_ objective: Objective, stopped: [Double]? = nil) -> [[Double]] {
    let step = 1e-5
    return logits.indices.map { row in
      (0..<Self.vocabulary).map { word in
        var (above, below) = (self, self)
        above.logits[row][word] += step
        below.logits[row][word] -= step
        return (above.loss(objective, stopped: stopped) - below.loss(objective, stopped: stopped)) / (2 * step)
      }
    }
  }
}

/// The greatest difference of two matrices.
func distance(_ left: [[Double]], _ right: [[Double]]) -> Double {
  zip(left, right).flatMap { zip($0, $1).map { abs($0 - $1) } }.max() ?? 0
}
