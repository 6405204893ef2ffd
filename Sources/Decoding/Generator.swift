import Tensors
public import Transformers

/// Completes prompts, many at a time: prompts of any length side by side, the samples of a prompt on its keys and values.
///
/// Sequences that end leave the batch and the next prompts enter it. Which sequences share a step depends on prompts and
/// settings alone, never on memory or time; the numbers of sample j of a prompt depend on seed, id and j alone.
public struct Generator {
  /// Sequences that are decoded side by side, unless one prompt alone has more samples.
  public static let rows = 128

  private let llama: LlamaModel
  private let model: any IncrementalModel
  private let contextLength: Int
  private let endTokens: Set<Int32>
  private let settings: DecodingSettings

  /// A generator for a model.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - settings: How to decode.
  public init(_ model: LlamaModel, settings: DecodingSettings) {
    llama = model
    self.model = IncrementalLlama(model: model)
    contextLength = model.contextLength
    endTokens = Set(model.endTokens)
    self.settings = settings
  }

  /// A completion that is under way.
  private struct Sequence {
    let prompt: Int
    let sample: Int
    let limit: Int
    let promptCache: KeyValueCache
    let ownCache: KeyValueCache
    var numbers: Philox
    var completion = Completion()
  }

  /// How many sequences are decoded side by side, at most.
  ///
  /// - Parameter prompts: Those that `complete` will get.
  /// - Returns: Their number.
  public func sequences(_ prompts: [GenerationPrompt]) -> Int {
    let (all, overflows) = prompts.count.multipliedReportingOverflow(by: settings.samples)
    return min(max(Self.rows, settings.samples), overflows ? .max : all)
  }

  /// Bytes of keys and values while the prompts are completed, at most.
  ///
  /// - Parameter prompts: Those that `complete` will get.
  /// - Returns: Bytes.
  public func cacheBytes(_ prompts: [GenerationPrompt]) -> Int {
    let shape = llama.configuration
    let perPosition = Double(2 * shape.keyValueHeads * shape.headWidth * shape.layers * MemoryLayout<Float>.stride)
    let own = Double(sequences(prompts)) * Double(min(settings.maximumNewTokens, contextLength))
    let shared = Double(min(Self.rows, prompts.count)) * Double(prompts.map(\.tokens.count).max() ?? 0)
    return Int(exactly: (perPosition * (own + shared)).rounded()) ?? .max
  }

  /// Completes prompts.
  ///
  /// - Parameters:
  ///   - prompts: Each with at least one token and fewer than the context.
  ///   - progress: Told how many completions are done and how many tokens they have, after each step; returns whether
  ///     to go on.
  /// - Returns: The completions of each prompt in order of samples; nil if `progress` asked to stop.
  /// - Throws: `LogitsNotFinite` for the first sequence without probabilities.
  public func complete(
    _ prompts: [GenerationPrompt], progress: (_ completions: Int, _ tokens: Int) -> Bool = { _, _ in true }
  ) throws(LogitsNotFinite) -> [[Completion]]? {
    var finished = prompts.map { _ in [Completion](repeating: Completion(), count: settings.samples) }
    var counts = (completions: 0, tokens: 0)
    var active: [Sequence] = []
    var next = 0
    func retire() {
      active.removeAll { sequence in
        let completion = sequence.completion
        guard completion.isTerminal || completion.tokens.count == sequence.limit else { return false }
        finished[sequence.prompt][sequence.sample] = completion
        counts = (counts.completions + 1, counts.tokens + completion.tokens.count)
        return true
      }
    }
    while next < prompts.count || !active.isEmpty {
      // Prompts enter a quarter of the batch at a time, so that they are read side by side.
      if next < prompts.count, active.isEmpty || Self.rows - active.count >= Self.rows / 4 {
        let room = max(1, (Self.rows - active.count) / settings.samples)
        if active.isEmpty || Self.rows - active.count >= settings.samples {
          let entering = next..<min(next + room, prompts.count)
          active += try start(entering, of: prompts)
          next = entering.upperBound
          retire()
        }
      }
      if !active.isEmpty {
        try advance(&active, prompts)
        retire()
      }
      if !progress(counts.completions, counts.tokens) { return nil }
    }
    return finished
  }

  /// Reads prompts and chooses the first token of each of their samples.
  private func start(_ indices: Range<Int>, of prompts: [GenerationPrompt]) throws(LogitsNotFinite)
    -> [Sequence]
  {
    let caches = indices.map { model.makeCache(positions: prompts[$0].tokens.count) }
    let hidden = model.read(zip(indices, caches).map { (prompts[$0].tokens, $1) })
    var sequences: [Sequence] = []
    var rows: [Int] = []
    for (row, index) in indices.enumerated() {
      let limit = min(settings.maximumNewTokens, contextLength - prompts[index].tokens.count)
      for sample in 0..<settings.samples {
        let numbers = Philox(seed: settings.seed, purpose: "sample " + prompts[index].id, stream: UInt64(sample))
        sequences.append(
          Sequence(
            prompt: index, sample: sample, limit: limit, promptCache: caches[row],
            ownCache: model.makeCache(positions: limit), numbers: numbers))
        rows.append(row)
      }
    }
    try choose(&sequences, logits: model.logits(hidden), rows: rows, prompts)
    return sequences
  }

  /// Reads the newest token of each sequence and chooses its next.
  private func advance(_ sequences: inout [Sequence], _ prompts: [GenerationPrompt]) throws(LogitsNotFinite) {
    let rows = sequences.map { sequence in
      DecodingRow(
        token: sequence.completion.tokens[sequence.completion.tokens.count - 1], prompt: sequence.promptCache,
        promptLength: prompts[sequence.prompt].tokens.count, own: sequence.ownCache,
        ownLength: sequence.completion.tokens.count - 1)
    }
    try choose(&sequences, logits: model.logits(model.step(rows)), rows: Array(sequences.indices), prompts)
  }

  /// Chooses the next token of each sequence.
  ///
  /// - Parameters:
  ///   - sequences: The sequences; each gets a token.
  ///   - logits: [rows, vocabulary]
  ///   - rows: Which row of logits each sequence has.
  ///   - prompts: All prompts, for messages.
  /// - Throws: `LogitsNotFinite` for the first sequence without probabilities.
  private func choose(
    _ sequences: inout [Sequence], logits: Tensor, rows: [Int], _ prompts: [GenerationPrompt]
  ) throws(LogitsNotFinite) {
    let device = model.device
    let vocabulary = model.vocabularySize
    let count = logits.shape.rows
    let statistics = device.empty([2, count])
    let values = statistics.pointer
    let entropies = statistics.pointer + count
    device.parallelRows(count, target: 8) { range, _ in
      MatrixView(logits).part(rows: range).rowStatistics(
        into: RowStatisticsBuffers(
          values: values + range.lowerBound, entropies: entropies + range.lowerBound, means: nil))
    }
    // Before anything is drawn: without probabilities there is no token.
    for (index, row) in rows.enumerated() where !(values[row].isFinite && entropies[row].isFinite) {
      let sequence = sequences[index]
      throw LogitsNotFinite(
        id: prompts[sequence.prompt].id, sample: sequence.sample, position: sequence.completion.tokens.count,
        value: values[row])
    }
    let uniforms = sequences.indices.map { index -> Double in
      guard case .sample = settings.strategy else { return 0 }
      return sequences[index].numbers.nextUniform()
    }
    let padded = (vocabulary + 15) / 16 * 16
    let scratch = device.empty([device.workers.threads, padded])
    let chosen = [Int32](unsafeUninitializedCapacity: sequences.count) { buffer, initialized in
      let tokens = UnsafeMutableBufferPointer(rebasing: buffer[..<sequences.count])
      device.workers.parallel(sequences.count) { index, worker in
        let row = UnsafeBufferPointer(start: logits.pointer + rows[index] * vocabulary, count: vocabulary)
        switch settings.strategy {
        case .greedy: tokens[index] = Int32(row.indexOfGreatest)
        case .sample(let sampling):
          tokens[index] = Int32(
            sampling.draw(row, uniform: uniforms[index], scratch: scratch.pointer + worker * padded))
        }
      }
      initialized = sequences.count
    }
    for (index, token) in chosen.enumerated() {
      let row = rows[index]
      sequences[index].completion.tokens.append(token)
      sequences[index].completion.logProbabilities.append(
        logits.pointer[row * vocabulary + Int(token)] - values[row])
      sequences[index].completion.entropies.append(entropies[row])
      if endTokens.contains(token), !settings.ignoresEnd { sequences[index].completion.isTerminal = true }
    }
  }
}
