/// What is known of samples as a whole: which metrics they allow, and who takes no part in which.
struct SampleFacts {
  private(set) var samples = 0
  private(set) var withReferences = 0
  /// Samples whose references hold an answer.
  private(set) var withReferenceAnswers = 0
  private(set) var withEntropy = 0
  private(set) var withLogProbability = 0
  private(set) var withTokens = 0
  private(set) var withReward = 0
  /// The prompt with the fewest samples.
  private(set) var fewest: (id: String, count: Int)
  /// The largest number of samples of a prompt.
  private(set) var most = 0
  /// How many samples stand behind the first so many of their prompt.
  private(set) var beyond = 0
  private let selfBLEUSamples: Int

  init(fewest: (id: String, count: Int), selfBLEUSamples: Int) {
    self.fewest = fewest
    self.selfBLEUSamples = selfBLEUSamples
  }

  /// Counts some whole prompts.
  mutating func add(_ batch: [ScoredSample], _ prompts: PromptGroups, _ answers: Answers) {
    samples += batch.count
    for (row, sample) in batch.enumerated() {
      if !sample.references.isEmpty { withReferences += 1 }
      if row < answers.agree.count, answers.agree[row] != nil { withReferenceAnswers += 1 }
      if sample.entropy != nil { withEntropy += 1 }
      if sample.logProbability != nil { withLogProbability += 1 }
      if sample.tokenCount != nil { withTokens += 1 }
      if sample.reward != nil { withReward += 1 }
    }
    for prompt in prompts.prompts {
      most = max(most, prompt.rows.count)
      beyond += max(0, prompt.rows.count - selfBLEUSamples)
    }
  }
}
