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
  private let json: JSONValue

  /// A record.
  ///
  /// - Parameters:
  ///   - stage: The stage's name.
  ///   - parameters: All parameters that affect the result, with the values that they came to.
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

  /// Writes the record into a folder.
  /// - Throws: `Errno`.
  func write(to folder: FilePath) throws {
    try FileContent.write(json.prettyText.utf8, to: folder.appending(TrainingFile.name))
  }
}
