import CanonicalJSON

/// What is compared: a way of training, with the strength that tells it from its sisters.
struct Arm: Hashable, Sendable {
  /// What is left of the stage's name without its role: `iq` of `score-iq@lambda=0.1.scores`; may be empty.
  var stem: String
  /// The axes that belong to training, without those of sampling and the seed.
  var axes: JSONObject

  /// The strength λ, where it is an axis.
  var lambda: Double? { axes["lambda"]?.number }

  /// Whether this is likelihood training by its name, or by λ = 0.
  var isLikelihood: Bool {
    lambda.map { $0 == 0 } ?? Self.words(of: stem.lowercased(), at: "-_ ").contains { $0.hasSameBytes(as: "mle") }
  }

  /// Whether two arms are called alike, byte for byte.
  func hasStem(of other: Arm) -> Bool { stem.hasSameBytes(as: other.stem) }

  /// Equal in bytes of the name and in axes.
  static func == (left: Arm, right: Arm) -> Bool { left.hasStem(of: right) && left.axes == right.axes }

  func hash(into hasher: inout Hasher) {
    for byte in stem.utf8 { hasher.combine(byte) }
    hasher.combine(axes)
  }

  /// The words of a name, split at any of some ASCII characters.
  static func words(of name: String, at separators: String) -> [String] {
    name.utf8.split { byte in separators.utf8.contains(byte) }.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The axes as a suffix: `λ=0.1`.
  var strength: String {
    axes.members.map { "\(Self.symbols[$0.name] ?? $0.name)=\(Self.print($0.value))" }.joined(separator: " ")
  }

  /// The name to print: `IQLearn λ=0.1`.
  func name(_ names: [(stem: String, name: String)]) -> String {
    let given = names.first { $0.stem.hasSameBytes(as: stem) }?.name
    let base = given ?? Self.known[stem.lowercased()] ?? stem
    return [base, strength].filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// Whether two names can mean the same arm: equal axes, and equal stems where both have one.
  func matches(_ other: Arm) -> Bool {
    axes == other.axes && (hasStem(of: other) || stem.isEmpty || other.stem.isEmpty)
  }

  static func print(_ value: JSONValue) -> String { value.string ?? value.text }

  private static let symbols = ["lambda": "λ", "gamma": "γ", "entropy": "η"]
  private static let known = [
    "mle": "MLE", "iq": "IQLearn", "iqlearn": "IQLearn", "gail": "GAIL", "mle-entropy": "MLE with entropy bonus",
  ]
}

/// How samples were drawn.
struct Sampling: Hashable, Sendable {
  /// The decoding rule: `sample`, `greedy`, `beam`; `sample` where nothing is said.
  var decoding: String
  /// The temperature of sampling.
  var temperature: Double?
  /// Other axes of sampling, such as `top_p`.
  var others: JSONObject

  /// What stands in the column T.
  var text: String {
    let rule = decoding == "sample" ? temperature.map { Format.number($0, least: 2) } ?? "—" : decoding
    return ([rule] + others.members.map { "\($0.name)=\(Arm.print($0.value))" }).joined(separator: " ")
  }
}

/// The identity of one cell of the comparison, read from a label, its axes and the settings of its samples.
struct CellIdentity: Hashable, Sendable {
  var arm: Arm
  var sampling: Sampling
  /// The training seed where it is an axis.
  var seed: String?

  init(_ provenance: Provenance, settings: JSONObject? = nil) {
    var axes = provenance.axes
    var temperature = settings?["temperature"]?.number
    var decoding = settings?["decoding"]?.string ?? "sample"
    var others: JSONObject = [:]
    for (name, value) in provenance.axes.members where Self.samplingAxes.contains(name) {
      axes[name] = nil
      switch name {
      case "temperature": temperature = value.number
      case "decoding": decoding = value.string ?? decoding
      default: others[name] = value
      }
    }
    seed = axes["seed"].map(Arm.print)
    axes["seed"] = nil
    arm = Arm(stem: Self.stem(of: provenance.label), axes: axes)
    sampling = Sampling(decoding: decoding, temperature: decoding == "sample" ? temperature : nil, others: others)
  }

  /// Whether its seed comes before another's: none first, numbers by their value, then others by their bytes.
  func hasSeed(before other: CellIdentity) -> Bool {
    guard let seed, let its = other.seed else { return seed == nil && other.seed != nil }
    let numbers = (Int(seed) ?? .max, Int(its) ?? .max)
    return numbers.0 == numbers.1 ? seed.utf8.lexicographicallyPrecedes(its.utf8) : numbers.0 < numbers.1
  }

  /// The stage's name without cell, port and the words that say what the stage does.
  static func stem(of label: String) -> String {
    var name = Array(label.utf8)
    if let at = name.firstIndex(of: UInt8(ascii: "@")) { name.removeSubrange(at...) }
    for port in ports where name.count >= port.utf8.count && name.suffix(port.utf8.count).elementsEqual(port.utf8) {
      name.removeLast(port.utf8.count)
      break
    }
    let words = Arm.words(of: String(decoding: name, as: UTF8.self), at: "-")
    return words.filter { !roles.contains($0.lowercased()) }.joined(separator: "-")
  }

  private static let samplingAxes: Set<String> = [
    "temperature", "decoding", "top_k", "top_p", "beams", "samples", "length_penalty", "max_new_tokens",
  ]
  private static let ports = [".scores", ".curves", ".rewards", ".samples"]
  private static let roles: Set<String> = [
    "score", "scores", "sample", "samples", "generate", "reward", "rewards", "extract", "train", "curves",
  ]
}
