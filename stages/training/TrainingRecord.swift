import CanonicalJSON
import Records
import StageKit
import SystemPackage
import Training
import Transformers

/// What a training was, for whoever compares models: `training.json` beside the model and beside its curves.
///
/// It holds no time, no place and no machine: equal trainings have equal bytes.
struct TrainingRecord {
  static let fileName = "training.json"

  private let json: JSONValue

  /// A record.
  ///
  /// - Parameters:
  ///   - stage: The stage's name.
  ///   - parameters: All resolved parameters that affect the result.
  ///   - outcome: What the run came to.
  ///   - ended: The share of train rows that end with an end token of the model.
  ///   - modelParameters: How many numbers the model has.
  ///   - rows: The train split.
  ///   - digest: The SHA-256 of its file.
  ///   - predecessors: The records of the models before this one.
  init(
    stage: String, parameters: JSONObject, outcome: TrainingOutcome, ended: Double, modelParameters: Int,
    rows: TokenRows, digest: String, predecessors: [JSONValue]
  ) {
    json = [
      "stage": .string(stage), "parameters": .object(parameters), "updates": JSONValue(outcome.steps),
      "rows": JSONValue(outcome.rows), "tokens": JSONValue(outcome.tokens), "kept_step": JSONValue(outcome.keptStep),
      "ended": JSONValue(ended),
      "model": [
        "architecture": .string(LlamaConfiguration.architecture), "parameters": JSONValue(modelParameters),
      ],
      "data": ["rows": JSONValue(rows.count), "tokens": JSONValue(rows.tokens.count), "sha256": .string(digest)],
      "from": .array(predecessors),
    ]
  }

  /// The record in a model's folder; nil where there is none, or a file of that name that is something else.
  ///
  /// - Throws: `RecordError` where it can't be read.
  static func read(from folder: FilePath) throws -> JSONValue? {
    let file = folder.appending(fileName)
    guard FileContent.exists(file) else { return nil }
    let json = try FileContent.json(file)
    guard json["stage"]?.string != nil, json["updates"]?.integer != nil, json["from"]?.array != nil else { return nil }
    return json
  }

  /// Writes the record into a folder.
  /// - Throws: `Errno`.
  func write(to folder: FilePath) throws {
    try FileContent.write(json.prettyText.utf8, to: folder.appending(Self.fileName))
  }
}
