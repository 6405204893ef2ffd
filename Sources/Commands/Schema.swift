import ArgumentParser
import CanonicalJSON
import PipelineLanguage
import StageCatalog
import StageKit

/// `schema`: JSON Schemas, with which an editor completes and checks pipeline files.
struct Schema: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print the JSON Schema of pipeline files or of stage manifests.",
    discussion: """
      For editors: write it to a file and name that in the first line of a pipeline, \
      # yaml-language-server: $schema=FILE
      """)

  /// What a schema describes.
  enum Subject: String, ExpressibleByArgument, CaseIterable {
    case pipeline, stage
  }

  @Argument(help: "What to describe.")
  var subject: Subject
  @Flag(help: "Print it on one line.")
  var json = false
  @Option(help: ArgumentHelp("The store; schemas need none.", visibility: .hidden))
  var store: String?

  func run() {
    let schema =
      switch subject {
      case .pipeline: LanguageSchema.pipeline(BuiltinStages.registry.declarations)
      case .stage: LanguageSchema.stage
      }
    json ? printDocument(schema) : Answer.print(schema.prettyText, terminator: "")
  }
}
