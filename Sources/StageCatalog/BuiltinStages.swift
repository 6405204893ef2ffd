import IngestStage
import ScoreStage
public import StageKit

/// The stages that come with Apprentice, in the order of a pipeline.
public enum BuiltinStages {
  /// The list.
  public static let registry = StageRegistry([
    Ingest.self,
    Score.self,
  ])
}
