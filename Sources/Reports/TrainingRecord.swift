public import CanonicalJSON

/// How a model was trained, as `training.json` says it; what the file does not say is nil.
public struct TrainingRecord: Sendable, Hashable {
  /// The stage that trained.
  public var stage: String
  /// Its resolved parameters.
  public var parameters: JSONObject
  /// Updates of the parameters.
  public var updates: Int?
  /// Rows seen, each as often as it was seen.
  public var rows: Int?
  /// Tokens seen.
  public var tokens: Int?
  /// The step whose parameters were kept.
  public var keptStep: Int?
  /// The share of train rows that end with an end token, 0 to 1.
  public var ended: Double?
  /// The model's architecture.
  public var architecture: String?
  /// How many numbers the model has.
  public var modelSize: Int?
  /// Rows of the train split.
  public var dataRows: Int?
  /// The SHA-256 of the train split.
  public var dataDigest: String?
  /// The trainings before this one, that of the starting model last.
  public var from: [TrainingRecord]

  /// The record of a file's content; nil where it is none.
  public init?(_ json: JSONValue) {
    guard let stage = json["stage"]?.string else { return nil }
    self.stage = stage
    parameters = json["parameters"]?.object ?? [:]
    updates = json["updates"]?.integer
    rows = json["rows"]?.integer
    tokens = json["tokens"]?.integer
    keptStep = json["kept_step"]?.integer
    ended = json["ended"]?.number
    architecture = json["model"]?["architecture"]?.string
    modelSize = json["model"]?["parameters"]?.integer
    dataRows = json["data"]?["rows"]?.integer
    dataDigest = json["data"]?["sha256"]?.string
    from = (json["from"]?.array ?? []).compactMap { TrainingRecord($0) }
  }

  /// A count over this training and those before it; nil where one of them does not say it.
  func total(_ count: KeyPath<TrainingRecord, Int?>) -> Int? {
    var sum = self[keyPath: count]
    for record in from {
      guard let own = sum, let before = record.total(count) else { return nil }
      let (total, overflow) = own.addingReportingOverflow(before)
      sum = overflow ? nil : total
    }
    return sum
  }

  /// The learning rate.
  var learningRate: Double? { parameters["learning_rate"]?.number }
}
