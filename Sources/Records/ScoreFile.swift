public import CanonicalJSON
public import SystemPackage

/// A metric with its bootstrap interval.
public struct MetricValue: Sendable, Hashable {
  /// The value, on the scale that the reference library prints.
  public var value: Double
  /// The lower end of the 95 % interval, or nil.
  public var low: Double?
  /// The upper end of the 95 % interval, or nil.
  public var high: Double?
  /// How many units (samples, prompts) it was computed from.
  public var count: Int

  /// A value.
  public init(value: Double, low: Double? = nil, high: Double? = nil, count: Int) {
    self.value = value
    self.low = low
    self.high = high
    self.count = count
  }
}

/// The file `scores.json` of a scores folder.
public struct ScoreFile: Sendable, Hashable {
  /// Metrics in the order of printing.
  public var metrics: [(name: String, value: MetricValue)]
  /// Every argument that decided the values, those of the samples included.
  public var settings: JSONObject

  /// A file's content.
  public init(metrics: [(name: String, value: MetricValue)], settings: JSONObject) {
    self.metrics = metrics
    self.settings = settings
  }

  /// Equal in metrics and settings.
  public static func == (left: ScoreFile, right: ScoreFile) -> Bool { left.json == right.json }
  /// Hashes the settings.
  public func hash(into hasher: inout Hasher) { hasher.combine(settings) }

  /// The value of a metric, or nil.
  public subscript(name: String) -> MetricValue? { metrics.first { $0.name == name }?.value }

  /// The content as JSON.
  public var json: JSONValue {
    let members = metrics.map { name, metric in
      (
        name: name,
        value: [
          "value": .number(metric.value), "low": metric.low.map { .number($0) } ?? .null,
          "high": metric.high.map { .number($0) } ?? .null, "n": JSONValue(metric.count),
        ] as JSONValue
      )
    }
    return ["metrics": .object(JSONObject(members)), "settings": .object(settings)]
  }

  /// Reads `scores.json` of a folder, or the file itself.
  ///
  /// - Parameter artifact: The folder or file.
  /// - Throws: `RecordError` where it is not as it should be.
  public init(_ artifact: FilePath) throws(RecordError) {
    let file = FileContent.file("scores.json", of: artifact)
    let json = try FileContent.json(file)
    guard let metrics = json["metrics"]?.object, let settings = json["settings"]?.object else {
      throw RecordError(file: file, reason: "expected an object with \"metrics\" and \"settings\"")
    }
    self.metrics = []
    for (name, member) in metrics.members {
      func number(_ field: String) throws(RecordError) -> Double? {
        guard let value = member[field], !value.isNull else { return nil }
        if let number = value.number { return number }
        throw RecordError(
          file: file, reason: "metric \(name.shown()): \"\(field)\" is \(value.typeName), expected a number")
      }
      guard member.object != nil else {
        throw RecordError(
          file: file,
          reason: "metric \(name.shown()) is \(member.typeName), expected an object with \"value\" and \"n\"")
      }
      let (value, low, high) = (try number("value"), try number("low"), try number("high"))
      let count = try number("n") == nil ? 0 : member["n"]?.integer
      guard let count, count >= 0 else {
        throw RecordError(file: file, reason: "metric \(name.shown()): \"n\" is no count")
      }
      // A metric that is not defined for what was scored is written as null.
      guard let value else { continue }
      self.metrics.append((name, MetricValue(value: value, low: low, high: high, count: count)))
    }
    self.settings = settings
  }

  /// Checks a scores folder: `scores.json`, and every row of `examples.jsonl` where there is one.
  /// - Throws: `RecordError` with file and line.
  public static func check(_ artifact: FilePath) throws {
    _ = try ScoreFile(artifact)
    let examples = artifact.appending("examples.jsonl")
    guard FileContent.isFolder(artifact), FileContent.exists(examples) else { return }
    try JSONLines.read(examples) { line in
      _ = try line.string("id")
      if line.has("sample") { _ = try line.integer("sample") }
    }
  }

  /// Writes `scores.json`.
  /// - Throws: `Errno`.
  public func write(to folder: FilePath) throws {
    try FileContent.write(json.prettyText.utf8, to: folder.appending("scores.json"))
  }
}
