import ExtractRewardStage
import GenerateStage
import IngestStage
import InitModelStage
import ReportStage
import ScoreStage
public import StageKit
import TokenizeStage
import TrainIQStage
import TrainMLEStage

/// The stages that come with Apprentice, in the order of a pipeline.
public enum BuiltinStages {
  /// The list.
  public static let registry = StageRegistry([
    Ingest.self, Tokenize.self, InitModel.self, TrainMLE.self, TrainIQ.self, ExtractReward.self, Generate.self,
    Score.self, WriteReport.self,
  ])
}
