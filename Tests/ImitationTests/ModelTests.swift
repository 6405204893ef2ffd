import Imitation
import Records
import Tensors
import Testing
import Transformers

/// Rewards, values and levels of a model over ragged batches.
@Suite struct ModelTests {
  static func model(level: Float = 0) -> LlamaModel {
    let model = LlamaModel(
      LlamaConfiguration(
        vocabularySize: 17, width: 16, layers: 2, heads: 2, feedForward: 24, contextLength: 64, levelOffset: level,
        endTokens: [2, 16]),
      seed: 4, on: Device(threads: 2), trained: false)
    // Logits with some spread, and a level away from 0.
    for index in model.parameters.values.buffer.indices { model.parameters.values.buffer[index] *= 8 }
    return model
  }

  /// Rows of lengths 1 to 9: the first half ends with one of two end tokens, the others are cut off.
  static func rows(_ count: Int = 10) -> TokenRows {
    var rows = TokenRows()
    for row in 0..<count {
      var completion = (0...row % 9).map { Int32(3 + (row * 5 + $0 * 7) % 13) }
      if row < count / 2 { completion[completion.count - 1] = row % 2 == 0 ? 2 : 16 }
      rows.append(id: "row\(row)", prompt: [3, Int32(4 + row)], completion: completion)
    }
    return rows
  }

  static func rewards(_ model: LlamaModel, _ rows: TokenRows, _ indices: [Int], gamma: Double = 1) -> [ExtractedReward]
  {
    model.rewards(of: RaggedBatch(rows, indices, endTokens: model.endTokens), gamma: gamma)
  }

  @Test("A row whose last token is any of the end tokens is terminal, every other is cut off")
  func terminals() {
    let rows = Self.rows()
    #expect((0..<10).map { rows.isTerminal($0, endTokens: [2, 16]) } == (0..<10).map { $0 < 5 })
    #expect(rows.terminalShare(endTokens: [2, 16]) == 0.5 && rows.terminalShare(endTokens: [2]) == 0.3)
    #expect(rows.terminalShare(endTokens: []) == 0 && TokenRows().terminalShare(endTokens: [2]) == 0)
  }

  @Test("The end token's reward is its logit in every row of a ragged batch (practice row 46)")
  func endTokens() {
    let (model, rows) = (Self.model(), Self.rows())
    let rewards = Self.rewards(model, rows, Array(0..<10), gamma: 0.9)
    for row in 0..<5 {
      var batch = RaggedBatch()
      batch.append(rows.row(row), promptLength: 2)
      let logits = model.logits(of: batch).rows(rewards[row].rewards.count - 1..<rewards[row].rewards.count)
      let end = Int(rows.row(row).last ?? 0)
      #expect(abs((rewards[row].rewards.last ?? 0) - logits.elements[end]) < 1e-5)
    }
  }

  @Test("A level lowers values and rewards, and no bit of a log-probability however large it is")
  func largeLevels() {
    let (rows, indices) = (Self.rows(), Array(0..<10))
    let plain = Self.rewards(Self.model(), rows, indices, gamma: 0.9)
    for level: Float in [2.5, 1e6, 1e10] {
      let lowered = Self.rewards(Self.model(level: level), rows, indices, gamma: 0.9)
      for (one, other) in zip(plain, lowered) {
        #expect(one.logProbabilities == other.logProbabilities)
        #expect(zip(one.values, other.values).allSatisfy { abs($0 - level - $1) <= ($0 - level).ulp })
      }
    }
    // With γ = 1 the level falls out of every reward but the last one of a row that ends.
    let (one, other) = (Self.rewards(Self.model(), rows, [8]), Self.rewards(Self.model(level: 1e10), rows, [8]))
    #expect(zip(one[0].rewards, other[0].rewards).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  @Test("A cut-off row's last reward reads the value behind it")
  func bootstrapping() throws {
    let (model, rows) = (Self.model(), Self.rows())
    let reward = Self.rewards(model, rows, [8], gamma: 0.9)[0]
    // The same row with one token more has that value as its own.
    var longer = RaggedBatch()
    longer.append(Array(rows.row(8)) + [2], promptLength: 2)
    let next = model.rewards(of: longer, gamma: 0.9)[0]
    let value = try #require(next.values.last)
    let last = reward.rewards.count - 1
    #expect(abs(reward.rewards[last] - (reward.logProbabilities[last] + reward.values[last] - 0.9 * value)) < 1e-5)
    #expect(abs(reward.rewards[last] - next.rewards[last]) < 1e-5)
  }

  @Test("A row alone, in any batch and in any order has the same values (practice rows 6, 8, 12)")
  func batches() {
    let (model, rows) = (Self.model(), Self.rows())
    let whole = Self.rewards(model, rows, Array(0..<10))
    let reversed = Self.rewards(model, rows, (0..<10).reversed())
    for row in 0..<10 {
      let alone = Self.rewards(model, rows, [row])[0]
      for other in [alone, reversed[9 - row]] {
        #expect(zip(whole[row].rewards, other.rewards).allSatisfy { abs($0 - $1) < 1e-5 * max(1, abs($1)) })
        #expect(zip(whole[row].values, other.values).allSatisfy { abs($0 - $1) < 1e-5 * max(1, abs($1)) })
      }
    }
  }

  @Test("At γ = 1 returns of completed rows are log p + v₀")
  func telescoping() {
    for reward in Self.rewards(Self.model(), Self.rows(), Array(0..<5)) {
      let logProbability = reward.logProbabilities.reduce(0) { $0 + Double($1) }
      #expect(abs(reward.return - logProbability - Double(reward.values[0])) < 1e-4)
    }
  }

  @Test("Subtracting the mean level leaves probabilities as they are and brings the mean value to 0")
  func calibration() {
    let rows = Self.rows()
    let level = Self.model().meanLevel(of: rows, first: 10)
    #expect(abs(level) > 0.1)
    let calibrated = Self.model(level: level)
    #expect(abs(calibrated.meanLevel(of: rows, first: 10) - level) < 1e-4)
    let before = Self.rewards(Self.model(), rows, Array(0..<10))
    let after = Self.rewards(calibrated, rows, Array(0..<10))
    for (before, after) in zip(before, after) {
      #expect(zip(before.logProbabilities, after.logProbabilities).allSatisfy { abs($0 - $1) < 1e-5 })
      #expect(zip(before.values, after.values).allSatisfy { abs($0 - $1 - level) < 1e-4 })
    }
    let mean = after.flatMap(\.values).reduce(0, +) / Float(after.flatMap(\.values).count)
    #expect(abs(mean) < 1e-4)
  }

  @Test("The level is that of the first rows, as many as asked")
  func levelOfFirstRows() {
    let (model, rows) = (Self.model(), Self.rows())
    for count in [3, 10] {
      let values = Self.rewards(model, rows, Array(0..<count)).flatMap(\.values)
      let mean = values.reduce(0, +) / Float(values.count)
      #expect(abs(model.meanLevel(of: rows, first: count) - mean) < 1e-4)
    }
    #expect(abs(model.meanLevel(of: rows, first: 3) - model.meanLevel(of: rows, first: 10)) > 1e-3)
  }

  @Test("An empty completion has no reward")
  func empty() {
    var rows = TokenRows()
    rows.append(id: "empty", prompt: [3], completion: [])
    rows.append(id: "other", prompt: [3], completion: [2])
    let rewards = Self.rewards(Self.model(), rows, [0, 1])
    #expect(rewards[0].rewards.isEmpty && rewards[0].return == 0 && rewards[1].rewards.count == 1)
  }

  @Test("Groups cover all rows in order, whatever their lengths")
  func groups() {
    let rows = Self.rows()
    for tokens in [1, 12, 1000] {
      #expect(Array(rows.groups(ofTokens: tokens).joined()) == Array(0..<10))
    }
    #expect(TokenRows().groups(ofTokens: 10).isEmpty)
  }
}
