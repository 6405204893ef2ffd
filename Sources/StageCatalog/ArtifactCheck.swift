import CheckpointFormat
import Records
import SafetensorsFormat
public import StageKit
public import SystemPackage
import Tokenization

/// Whether a folder holds what its kind demands.
public enum ArtifactCheck {
  /// Checks a path that a user gives for a port, by the names of files only; reading finds the rest.
  ///
  /// - Parameters:
  ///   - kind: The port's kind.
  ///   - path: A folder, or the one file that the kind needs.
  ///   - port: The port, for the message.
  /// - Throws: `StageFailure` with status 2.
  public static func input(_ kind: ArtifactKind, at path: FilePath, port: String) throws(StageFailure) {
    guard let expected = missing(kind, at: path) else { return }
    throw StageFailure("port \(port): \(path) is not a \(kind.rawValue): it holds no \(expected)", status: .invalid)
  }

  /// Checks an output before it is published: its files are there and their rows are as the kind demands.
  ///
  /// - Parameters:
  ///   - kind: The port's kind.
  ///   - path: The output's folder.
  ///   - threads: How many threads look at it.
  /// - Throws: `StageFailure`, `RecordError` or `SafetensorsError`.
  public static func output(_ kind: ArtifactKind, at path: FilePath, threads: Int = 1) throws {
    if let expected = missing(kind, at: path) {
      throw StageFailure("the stage left no \(expected) in \(path)")
    }
    switch kind {
    case .dataset:
      for split in DatasetFiles.splits(in: path) { try DatasetFiles.check(split, in: path, threads: threads) }
    case .tokens: for split in TokenRows.splits(in: path) { try TokenRows.check(split, in: path) }
    case .samples: try SampleFiles.check(path)
    case .rewards: try RewardFiles.check(path)
    case .curves: try CurveFiles.check(path)
    case .scores: try ScoreFile.check(path)
    case .tokenizer: try checkTokenizer(path)
    case .model:
      for name in FileContent.names(in: path) where name.hasSuffix(".safetensors") {
        _ = try SafetensorsFile(path.appending(name))
      }
      try ModelFolder.check(path)
      _ = try TrainingFile.read(from: path)
    case .source, .report: break
    }
  }

  /// A tokenizer that is sound and of a type that nothing here can read is one, too.
  private static func checkTokenizer(_ path: FilePath) throws {
    do throws(TokenizerError) {
      _ = try TokenizerOutline(contentsOf: path)
    } catch {
      if case .unsupported = error { return }
      throw error
    }
  }

  /// What a path lacks to be an artifact of a kind, by the names of files only, or nil.
  public static func missing(_ kind: ArtifactKind, at path: FilePath) -> String? {
    func has(_ name: String) -> Bool { FileContent.exists(path.appending(name)) }
    if kind == .source { return nil }
    guard FileContent.isFolder(path) else { return kind.essentialFile == nil ? "folder of that kind" : nil }
    switch kind {
    case .source: return nil
    case .dataset: return DatasetFiles.splits(in: path).isEmpty ? "train.jsonl, validation.jsonl or test.jsonl" : nil
    case .tokens:
      return TokenRows.splits(in: path).isEmpty ? "train.safetensors, validation.safetensors or test.safetensors" : nil
    case .tokenizer:
      return has("tokenizer.json") || (has("vocab.json") && has("merges.txt")) ? nil : "tokenizer.json"
    case .model:
      if !has("config.json") { return "config.json" }
      return has("model.safetensors") || has("model.safetensors.index.json") ? nil : "model.safetensors"
    case .samples, .rewards, .curves, .scores, .report:
      return kind.essentialFile.flatMap { has($0) ? nil : $0 }
    }
  }
}
