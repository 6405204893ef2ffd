import CanonicalJSON
import Records
import Reports

/// Inputs of reports with known numbers.
enum Bench {
  /// What one sample of an arm is.
  struct Sample {
    var isRight: Bool
    var selfBLEU: Double
    var `return`: Double?
  }

  /// Scores of an arm in which every prompt has the same number of right samples and the same Self-BLEU.
  static func even(
    _ label: String, _ axes: JSONObject, right: Int, of samples: Int = 20, diversity: Double, prompts: Int = 12
  ) -> ScoresInput {
    scores(label, axes, prompts: prompts, samples: samples) { _, sample in
      Sample(isRight: sample < right, selfBLEU: diversity)
    }
  }

  /// Scores of an arm, sample by sample.
  static func scores(
    _ label: String, _ axes: JSONObject = [:], prompts: Int, samples: Int, k: Int? = nil, settings: JSONObject = [:],
    _ sample: (_ prompt: Int, _ sample: Int) -> Sample
  ) -> ScoresInput {
    let metric = "self_bleu@\(k ?? samples)"
    var rows: [ExampleRow] = []
    var (right, diversity) = (0.0, 0.0)
    for prompt in 0..<prompts {
      for number in 0..<samples {
        let content = sample(prompt, number)
        right += content.isRight ? 1 : 0
        diversity += content.selfBLEU
        var values: JSONObject = ["exact_match": .number(content.isRight ? 1 : 0), "entropy": 1.25, "length": 10]
        if samples > 1 { values[metric] = .number(content.selfBLEU) }
        rows.append(ExampleRow(id: "test-\(prompt)", sample: number, values: values))
      }
    }
    let count = Double(prompts * samples)
    var metrics = [(name: "exact_match", value: MetricValue(value: right / count, count: prompts * samples))]
    if samples > 1 { metrics.append((metric, MetricValue(value: diversity / count, count: prompts))) }
    var all: JSONObject = ["interval": ["level": 0.95], "self_bleu": ["samples": JSONValue(k ?? samples)]]
    all["samples"] = axes["temperature"].map { ["decoding": "sample", "temperature": $0] }
    for (name, value) in settings.members { all[name] = value }
    return ScoresInput(
      provenance: Provenance(label: label, axes: axes), file: ScoreFile(metrics: metrics, settings: all), examples: rows
    )
  }

  /// A baseline at temperatures 0.5, 1 and 1.5 with 90, 70 and 40 % right and Self-BLEU 80, 60 and 40.
  static var grid: [ScoresInput] {
    [
      even("score-mle@temperature=0.5.scores", ["temperature": 0.5], right: 18, diversity: 80),
      even("score-mle@temperature=1.scores", ["temperature": 1], right: 14, diversity: 60),
      even("score-mle@temperature=1.5.scores", ["temperature": 1.5], right: 8, diversity: 40),
    ]
  }

  /// An arm at temperature 1.
  static func iq(right: Int, diversity: Double, lambda: Double = 0.1) -> ScoresInput {
    even(
      "score-iq@lambda=\(lambda),temperature=1.scores", ["lambda": .number(lambda), "temperature": 1], right: right,
      diversity: diversity)
  }

  /// Fields of a CSV file by heading, a dictionary a line; no field holds a quote mark or a line end.
  static func table(_ report: Report, _ name: String) -> [[String: String]] {
    guard let content = report.data.first(where: { $0.name == name })?.content else { return [] }
    let lines = content.split(separator: "\n").map(fields)
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
  }

  private static func fields(_ line: Substring) -> [String] {
    var fields = [""]
    var isQuoted = false
    for character in line {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: fields.append("")
      default: fields[fields.count - 1].append(character)
      }
    }
    return fields
  }

  /// A number in [0, 1) that looks random and is the same every time.
  static func noise(_ words: Int...) -> Double {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for word in words {
      state = (state ^ UInt64(bitPattern: Int64(word))) &* 0xBF58_476D_1CE4_E5B9
      state ^= state >> 29
      state = state &* 0x94D0_49BB_1331_11EB
      state ^= state >> 32
    }
    return Double(state >> 11) / Double(1 << 53)
  }
}
