import IngestStage
public import StageKit
import TokenizeStage

/// The stages that come with Apprentice, in the order of a pipeline.
public enum BuiltinStages {
  /// The list.
  public static let registry = StageRegistry([
    Ingest.self, Tokenize.self,
  ])
}
