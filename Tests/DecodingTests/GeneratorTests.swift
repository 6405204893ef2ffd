import Decoding
import Glibc
import Tensors
import Testing
import Transformers

@Suite struct GeneratorTests {
  static let configuration = LlamaConfiguration(
    vocabularySize: 83, width: 48, layers: 3, heads: 4, keyValueHeads: 2, headWidth: 20, feedForward: 80,
    contextLength: 96, isTied: false, endTokens: [2])

  static func model(threads: Int = 2, configuration: LlamaConfiguration = Self.configuration) -> LlamaModel {
    let model = LlamaModel(configuration, seed: 5, on: Device(threads: threads), trained: false)
    // Initial weights give almost uniform logits; larger ones give a model with preferences.
    for entry in model.parameters.entries where entry.shape.rank == 2 {
      let tensor = model.parameters.value(entry)
      for index in tensor.buffer.indices { tensor.buffer[index] *= 6 }
    }
    return model
  }

  static func prompts(_ count: Int) -> [GenerationPrompt] {
    var numbers = Philox(seed: 3, purpose: "prompts")
    return (0..<count).map { index in
      let length = 1 + numbers.nextInteger(below: 40)
      return GenerationPrompt(id: "p\(index)", tokens: (0..<length).map { _ in Int32(numbers.nextInteger(below: 83)) })
    }
  }

  /// Log-probabilities and entropies of a completion by one forward pass of the whole sequence.
  static func reference(_ model: LlamaModel, _ prompt: [Int32], _ completion: [Int32]) -> [(Float, Float, [Float])] {
    var batch = RaggedBatch()
    batch.append(prompt + completion, promptLength: prompt.count, isTerminal: true)
    let logits = model.logits(of: batch)
    return completion.indices.map { index in
      let row = logits.rows(index..<index + 1).elements.map(Double.init)
      let greatest = row.max() ?? 0
      let sum = row.reduce(0) { $0 + exp($1 - greatest) }
      let logProbabilities = row.map { $0 - greatest - log(sum) }
      let entropy = -logProbabilities.reduce(0) { $0 + exp($1) * $1 }
      return (Float(logProbabilities[Int(completion[index])]), Float(entropy), row.map(Float.init))
    }
  }

  @Test("greedy takes the most probable token at every step, and log-probabilities are those of a whole forward pass")
  func greedy() throws {
    let model = Self.model()
    let prompts = Self.prompts(20)
    let settings = DecodingSettings(strategy: .greedy, maximumNewTokens: 30, ignoresEnd: true)
    let completions = try #require(try Generator(model, settings: settings).complete(prompts))
    for (prompt, completion) in zip(prompts, completions) {
      #expect(completion[0].tokens.count == 30)
      let reference = Self.reference(model, prompt.tokens, completion[0].tokens)
      for (index, (logProbability, entropy, row)) in reference.enumerated() {
        let chosen = row[Int(completion[0].tokens[index])]
        #expect(chosen >= (row.max() ?? 0) - 1e-4)
        #expect(abs(completion[0].logProbabilities[index] - logProbability) < 1e-4)
        #expect(abs(completion[0].entropies[index] - entropy) < 1e-4)
      }
    }
  }

  @Test("practice row 26: a batch of ragged prompts gives what each prompt alone gives")
  func batchEqualsSingle() throws {
    let model = Self.model()
    let prompts = Self.prompts(40)
    let settings = DecodingSettings(strategy: .greedy, maximumNewTokens: 24)
    let together = try #require(try Generator(model, settings: settings).complete(prompts))
    for (prompt, completion) in zip(prompts, together) {
      let alone = try #require(try Generator(model, settings: settings).complete([prompt]))
      #expect(alone[0][0].tokens == completion[0].tokens)
      for (left, right) in zip(alone[0][0].logProbabilities, completion[0].logProbabilities) {
        #expect(abs(left - right) < 1e-4)
      }
    }
  }

  @Test("practice row 25: sample j of a prompt depends on seed, id and j alone")
  func samplesAreTheirOwn() throws {
    let model = Self.model()
    let prompts = Self.prompts(30)
    func complete(_ prompts: [GenerationPrompt], samples: Int, seed: UInt64 = 1) throws -> [String: [Int32]] {
      let settings = DecodingSettings(strategy: .sample(Sampling()), samples: samples, maximumNewTokens: 16, seed: seed)
      let completions = try #require(try Generator(model, settings: settings).complete(prompts))
      var result: [String: [Int32]] = [:]
      for (prompt, group) in zip(prompts, completions) {
        for (index, completion) in group.enumerated() { result["\(prompt.id)/\(index)"] = completion.tokens }
      }
      return result
    }
    let eight = try complete(prompts, samples: 8)
    #expect(Set(eight.values).count > 200)
    let reversed = try complete(prompts.reversed(), samples: 8)
    #expect(eight == reversed)
    let three = try complete(Array(prompts[10..<12]), samples: 3)
    #expect(three.allSatisfy { eight[$0.key] == $0.value })
    #expect(try complete(prompts, samples: 8, seed: 2) != eight)
    let renamed = [GenerationPrompt(id: "other", tokens: prompts[0].tokens)]
    #expect(try complete(renamed, samples: 1)["other/0"] != eight["p0/0"])
  }

  @Test("the same bits for any number of threads")
  func threads() throws {
    let prompts = Self.prompts(25)
    let settings = DecodingSettings(
      strategy: .sample(Sampling(temperature: 0.8, topK: 20, topP: 0.9)), samples: 5, maximumNewTokens: 20, seed: 9)
    let one = try #require(try Generator(Self.model(threads: 1), settings: settings).complete(prompts))
    for threads in [2, 3] {
      let other = try #require(try Generator(Self.model(threads: threads), settings: settings).complete(prompts))
      #expect(one == other)
    }
  }

  @Test("an end token ends a completion and stands in it; ignored it does neither")
  func endToken() throws {
    let model = Self.model()
    var settings = DecodingSettings(strategy: .sample(Sampling()), samples: 40, maximumNewTokens: 60, seed: 4)
    let stopped = try #require(try Generator(model, settings: settings).complete(Self.prompts(4))).flatMap { $0 }
    #expect(stopped.contains { $0.isTerminal })
    for completion in stopped {
      #expect(completion.isTerminal == (completion.tokens.last == 2))
      #expect(!completion.tokens.dropLast().contains(2))
      #expect(completion.isTerminal || completion.tokens.count == 60 || completion.tokens.count == 56)
    }
    settings.ignoresEnd = true
    let full = try #require(try Generator(model, settings: settings).complete(Self.prompts(1))).flatMap { $0 }
    #expect(full.allSatisfy { $0.tokens.count == 60 && !$0.isTerminal })
    #expect(full.contains { $0.tokens.contains(2) })
  }

  @Test("a completion without an end fills the context exactly")
  func fullContext() throws {
    let prompts = Self.prompts(6) + [GenerationPrompt(id: "long", tokens: [Int32](repeating: 7, count: 95))]
    let settings = DecodingSettings(strategy: .greedy, maximumNewTokens: 500, ignoresEnd: true)
    let completions = try #require(try Generator(Self.model(), settings: settings).complete(prompts))
    for (prompt, completion) in zip(prompts, completions) {
      #expect(completion[0].tokens.count == Self.configuration.contextLength - prompt.tokens.count)
    }
  }

  @Test("draws have the frequencies of the distribution, also with two tokens")
  func frequencies() throws {
    var configuration = Self.configuration
    configuration.vocabularySize = 2
    configuration.endTokens = []
    let model = Self.model(configuration: configuration)
    let prompt = GenerationPrompt(id: "x", tokens: [0, 1, 1])
    let count = 4000
    let settings = DecodingSettings(strategy: .sample(Sampling()), samples: count, maximumNewTokens: 1)
    let completions = try #require(try Generator(model, settings: settings).complete([prompt]))[0]
    let ones = completions.filter { $0.tokens == [1] }.count
    let (logProbability, _, _) = Self.reference(model, prompt.tokens, [1])[0]
    let probability = exp(Double(logProbability))
    // Five standard deviations of a binomial share.
    let tolerance = 5 * (probability * (1 - probability) / Double(count)).squareRoot()
    #expect(abs(Double(ones) / Double(count) - probability) < tolerance)
  }

  @Test("practice row 28: log-probabilities do not depend on temperature or cuts")
  func logProbabilitiesAtTemperatureOne() throws {
    let model = Self.model()
    let prompts = Self.prompts(10)
    for sampling in [Sampling(temperature: 0.5), Sampling(temperature: 2, topK: 3), Sampling(topP: 0.3)] {
      let settings = DecodingSettings(strategy: .sample(sampling), samples: 2, maximumNewTokens: 12, seed: 8)
      let completions = try #require(try Generator(model, settings: settings).complete(prompts))
      for (prompt, group) in zip(prompts, completions) {
        for completion in group {
          let reference = Self.reference(model, prompt.tokens, completion.tokens)
          for (index, (logProbability, _, _)) in reference.enumerated() {
            #expect(abs(completion.logProbabilities[index] - logProbability) < 1e-4)
          }
        }
      }
    }
  }

  @Test("top k and top p never draw a token that they cut away")
  func cuts() throws {
    let model = Self.model()
    let prompts = Self.prompts(3)
    for (topK, topP) in [(3, 1.0), (nil, 0.5), (10, 0.6)] as [(Int?, Double)] {
      let sampling = Sampling(temperature: 1.5, topK: topK, topP: topP)
      let settings = DecodingSettings(strategy: .sample(sampling), samples: 64, maximumNewTokens: 6, seed: 8)
      let completions = try #require(try Generator(model, settings: settings).complete(prompts))
      var seen: Set<Int> = []
      for (prompt, group) in zip(prompts, completions) {
        for completion in group {
          let reference = Self.reference(model, prompt.tokens, completion.tokens)
          for (index, (_, _, row)) in reference.enumerated() {
            let order = row.indices.sorted { row[$0] > row[$1] }
            let weights = order.map { exp(Double(row[$0]) / 1.5) }
            let kept = topK.map { Array(weights.prefix($0)) } ?? weights
            var sum = 0.0
            var count = 0
            while count < kept.count, sum < topP * kept.reduce(0, +) - 1e-6 {
              sum += kept[count]
              count += 1
            }
            let rank = order.firstIndex(of: Int(completion.tokens[index])) ?? -1
            #expect(rank < count, "rank \(rank) of \(count)")
            seen.insert(rank)
          }
        }
      }
      #expect(seen.count >= 2)
    }
  }

  @Test(
    "under a temperature and cuts, draws have the frequencies of what is kept, renormalised",
    arguments: [Sampling(temperature: 0.7, topK: 3), Sampling(temperature: 1.4, topP: 0.8)])
  func cutFrequencies(sampling: Sampling) throws {
    var configuration = Self.configuration
    configuration.vocabularySize = 6
    configuration.endTokens = []
    let model = Self.model(configuration: configuration)
    let prompt = GenerationPrompt(id: "x", tokens: [0, 5, 1])
    let count = 4000
    let settings = DecodingSettings(strategy: .sample(sampling), samples: count, maximumNewTokens: 1)
    let completions = try #require(try Generator(model, settings: settings).complete([prompt]))[0]
    let row = Self.reference(model, prompt.tokens, [0])[0].2.map { Double($0) / Double(sampling.temperature) }
    let order = row.indices.sorted { row[$0] > row[$1] }.prefix(sampling.topK ?? row.count)
    let weights = order.map { exp(row[$0]) }
    let total = weights.reduce(0, +)
    var kept = 0
    while kept < weights.count, weights[..<kept].reduce(0, +) < sampling.topP * total { kept += 1 }
    #expect(kept >= 2)
    for (rank, token) in order.enumerated() {
      let probability = rank < kept ? weights[rank] / weights[..<kept].reduce(0, +) : 0
      let share = Double(completions.count { $0.tokens == [Int32(token)] }) / Double(count)
      // Five standard deviations of a binomial share.
      let tolerance = 5 * (probability * (1 - probability) / Double(count)).squareRoot()
      #expect(abs(share - probability) <= tolerance, "rank \(rank): \(share), not \(probability)")
    }
  }

  @Test("tokens that tie with the k-th stay")
  func ties() throws {
    let model = Self.model()
    for entry in model.parameters.entries {
      let tensor = model.parameters.value(entry)
      for index in tensor.buffer.indices { tensor.buffer[index] = 0 }
    }
    let settings = DecodingSettings(strategy: .sample(Sampling(topK: 1)), samples: 200, maximumNewTokens: 1)
    let completions = try #require(try Generator(model, settings: settings).complete(Self.prompts(1)))[0]
    #expect(Set(completions.map(\.tokens)).count > 40)
  }

  @Test("who is told of progress can end it")
  func stop() throws {
    let settings = DecodingSettings(strategy: .sample(Sampling()), samples: 2, maximumNewTokens: 8)
    var calls = 0
    let completions = try Generator(Self.model(), settings: settings).complete(Self.prompts(3)) { _, _ in
      calls += 1
      return false
    }
    #expect(completions == nil)
    #expect(calls == 1)
  }

  @Test(
    "logits that are not finite end a generation with prompt, sample and place, greedy or drawn",
    arguments: [DecodingStrategy.greedy, .sample(Sampling()), .sample(Sampling(topK: 3, topP: 0.5))])
  func notFinite(strategy: DecodingStrategy) throws {
    let prompts = Self.prompts(3)
    for poison in [Float.nan, .infinity] {
      let model = Self.model()
      let norm = try #require(model.parameters["model.norm.weight"])
      norm.buffer[0] = poison
      let settings = DecodingSettings(strategy: strategy, samples: 1, maximumNewTokens: 4)
      let error = #expect(throws: LogitsNotFinite.self) { try Generator(model, settings: settings).complete(prompts) }
      #expect(error?.id == "p0" && error?.sample == 0 && error?.position == 0)
      #expect(error?.description.contains("of prompt p0 are not finite") == true)
    }
  }

  @Test("keys and values take no more than is said beforehand")
  func memory() {
    let settings = DecodingSettings(strategy: .greedy, samples: 1, maximumNewTokens: 50)
    // Two layers' worth of keys and values, two key-value heads of 20, in 4 bytes, for 3 layers.
    let bytes = Generator(Self.model(), settings: settings).cacheBytes([GenerationPrompt(id: "a", tokens: [1, 2, 3])])
    #expect(bytes == 2 * 2 * 20 * 4 * 3 * (50 + 3))
  }
}
