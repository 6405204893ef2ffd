import Records
import StageKit
import SystemPackage
import TextMetrics
import Tokenization

extension SampleRow {
  /// What scoring needs of the row.
  func scored(text: String, reward: SampleReward?) -> ScoredSample {
    ScoredSample(
      id: id, sample: sample, text: text, references: references ?? [],
      tokenCount: tokens?.count ?? logProbabilities?.count ?? entropies?.count,
      logProbability: logProbabilities.map(Self.sum), entropy: entropies.map(Self.sum), reward: reward)
  }

  /// The text, or that of the tokens where there is none; nil where there are no tokens either.
  func text(decodedBy tokenizer: Tokenizer?) -> String? {
    if let text, !text.isEmpty { return text }
    guard let tokenizer, let tokens else { return text }
    return tokenizer.decode(tokens.map { TokenID($0) }, skipSpecialTokens: true)
  }

  /// Whether the text is that of the tokens, as far as both are there; white space around it aside.
  ///
  /// A text that was stopped lacks what its last tokens say, and the last token may be the end.
  func reads(like tokenizer: Tokenizer) -> Bool {
    guard let text, !text.isEmpty, let tokens, !tokens.isEmpty, finish != .stop else { return true }
    guard tokens.allSatisfy({ $0 >= 0 && Int($0) < tokenizer.vocabularySize }) else { return false }
    let wanted = Fingerprint.of(text)
    return [tokens[...], tokens.dropLast()].contains { tokens in
      Fingerprint.of(tokenizer.decode(tokens.map { TokenID($0) }, skipSpecialTokens: true)) == wanted
    }
  }

  static func sum(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) } }
}

/// Makes what scoring needs of the rows of a prompt, and tells that every sample stands once and every id has one prompt
/// and one list of references.
struct SampleTexts {
  private let file: FilePath
  private let tokenizer: Tokenizer?
  private var rewards: RewardIndex?
  private var hasText = false
  private var holdsTokens = false
  /// How many texts read otherwise than the tokens beside them.
  private var strangers = 0
  /// How many samples have come.
  private(set) var count = 0

  init(file: FilePath, tokenizer: Tokenizer?, rewards: RewardIndex?) {
    self.file = file
    self.tokenizer = tokenizer
    self.rewards = rewards
  }

  /// What is to be said once all samples have come.
  var warnings: [String] {
    var warnings: [String] = []
    if let rewards {
      if rewards.left > 0 { warnings.append("\(rewards.left) rewards are of samples that are not scored") }
      if rewards.unproven > 0 {
        warnings.append(
          "\(rewards.unproven) of \(count) rewards can't be held against their samples, which have a text and no tokens"
            + (tokenizer == nil ? "; connect a tokenizer to port tokenizer" : ""))
      }
    }
    if strangers > 0 {
      warnings.append(
        "\(strangers) of \(count) texts read otherwise than the tokens beside them; connect the tokenizer that the "
          + "samples were generated with, or leave out the tokens where the texts were changed")
    }
    if !hasText, holdsTokens {
      warnings.append("all texts are empty though there are tokens; connect a tokenizer to port tokenizer")
    }
    return warnings
  }

  /// The samples of one prompt.
  mutating func samples(of rows: [(row: SampleRow, line: Int)]) throws -> [ScoredSample] {
    if let conflict = SampleConflict(among: rows) {
      throw StageFailure("\(file): \(conflict)", remedy: conflict.remedy)
    }
    var samples: [ScoredSample] = []
    for (row, line) in rows {
      for (what, values) in [("logprobs", row.logProbabilities), ("entropies", row.entropies)] {
        guard let place = values?.firstIndex(where: { !$0.isFinite }) else { continue }
        throw StageFailure(
          "\(file): row \(line) (id \(VisibleText.line(row.id, limit: 200))): number \(place + 1) of \(what) is not finite",
          remedy: "generate the samples anew")
      }
      if let tokenizer, row.text?.isEmpty ?? true,
        let strange = row.tokens?.first(where: { $0 < 0 || Int($0) >= tokenizer.vocabularySize })
      {
        throw StageFailure(
          "\(file): row \(line) (id \(VisibleText.line(row.id, limit: 200))) holds token \(strange), and the tokenizer "
            + "has \(tokenizer.vocabularySize)",
          remedy: "connect the tokenizer that the samples were generated with")
      }
      guard let text = row.text(decodedBy: tokenizer) else {
        throw StageFailure(
          "\(file): row \(line) (id \(VisibleText.line(row.id, limit: 200))) has no text",
          remedy: "connect a tokenizer to port tokenizer")
      }
      if let tokenizer, !row.reads(like: tokenizer) { strangers += 1 }
      hasText = hasText || !text.isEmpty
      holdsTokens = holdsTokens || (row.tokens?.count ?? 0) > 1
      samples.append(row.scored(text: text, reward: try rewards?.take(row)))
    }
    count += samples.count
    return samples
  }
}

/// Sixty-four bits by which equal contents are told from others.
enum Fingerprint {
  /// Of tokens, in order.
  static func of(_ tokens: [Int32]) -> UInt64 {
    var hash = start
    for token in tokens { add(UInt64(UInt32(bitPattern: token)) + 1, to: &hash) }
    return hash
  }

  /// Of a text, white space around it aside: whoever strips a text has changed no token.
  static func of(_ text: String) -> UInt64 {
    var hash = start
    let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
    for byte in text.utf8.drop(while: isSpace).reversed().drop(while: isSpace) { add(UInt64(byte) + 1, to: &hash) }
    return hash
  }

  private static let start: UInt64 = 0xCBF2_9CE4_8422_2325

  private static func add(_ word: UInt64, to hash: inout UInt64) {
    hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
    hash ^= hash >> 29
  }
}

/// Rewards by sample.
struct RewardIndex {
  private struct Key: Hashable {
    var id: [UInt8]
    var sample: Int
  }

  /// A reward and what tells which tokens it was extracted for.
  private struct Entry {
    var reward: SampleReward
    var tokens: UInt64
    var count: Int
    /// The text of the tokens, with and without the last one, which ends it perhaps; empty without a tokenizer.
    var texts: [UInt64]
  }

  private let path: FilePath
  private var rewards: [Key: Entry] = [:]
  /// How many rewards were taken for samples that nothing shows them to be of.
  private(set) var unproven = 0

  /// Reads rewards.
  ///
  /// - Parameters:
  ///   - path: A rewards folder or file.
  ///   - tokenizer: Decodes the rewards' tokens, for samples that have a text alone.
  /// - Throws: `RecordError` or `StageFailure` with file and row.
  init(_ path: FilePath, tokenizer: Tokenizer?) throws {
    self.path = path
    var found: [Key: Entry] = [:]
    try RewardFiles.forEach(path) { row, line in
      let reward = SampleReward(
        return: row.return, logProbability: SampleRow.sum(row.logProbabilities), tokenCount: row.tokens.count,
        initialValue: row.values.first.map(Double.init) ?? 0)
      guard reward.return.isFinite, reward.logProbability.isFinite, reward.initialValue.isFinite else {
        throw StageFailure(
          "\(path): row \(line) (id \(VisibleText.line(row.id, limit: 200))) holds a number that is not finite",
          remedy: "extract the rewards anew")
      }
      let texts = tokenizer.map { Self.texts(of: row.tokens, $0) } ?? []
      found[Key(id: Array(row.id.utf8), sample: row.sample)] = Entry(
        reward: reward, tokens: Fingerprint.of(row.tokens), count: row.tokens.count, texts: texts)
    }
    rewards = found
  }

  private static func texts(of tokens: [Int32], _ tokenizer: Tokenizer) -> [UInt64] {
    [tokens[...], tokens.dropLast()].map { tokens in
      Fingerprint.of(tokenizer.decode(tokens.map { TokenID($0) }, skipSpecialTokens: true))
    }
  }

  /// How many rewards no sample has taken.
  var left: Int { rewards.count }

  /// The reward of a sample, which is held against the tokens that it was extracted for, or their text.
  mutating func take(_ row: SampleRow) throws -> SampleReward {
    let name = "sample \(row.sample) of \(VisibleText.line(row.id, limit: 200))"
    guard let found = rewards.removeValue(forKey: Key(id: Array(row.id.utf8), sample: row.sample)) else {
      throw StageFailure(
        "\(path): there is no reward for \(name)", remedy: "extract rewards from the samples that are scored")
    }
    if let tokens = row.tokens {
      guard tokens.count == found.count, Fingerprint.of(tokens) == found.tokens else {
        throw StageFailure(
          "\(path): the reward of \(name) is of other tokens than the sample has (\(found.count) there, \(tokens.count) here)",
          remedy: "extract rewards from the samples that are scored")
      }
    } else if let text = row.text, row.finish != .stop, !found.texts.isEmpty {
      // A text that was stopped lacks what its last tokens say.
      guard found.texts.contains(Fingerprint.of(text)) else {
        throw StageFailure(
          "\(path): the tokens of the reward of \(name) read otherwise than the sample's text",
          remedy:
            "extract rewards from the samples that are scored, and connect the tokenizer that they were generated with"
        )
      }
    } else {
      unproven += 1
    }
    return found.reward
  }
}
