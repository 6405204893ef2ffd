import ArgumentParser
import CanonicalJSON
import PipelineLanguage
import StageKit

/// `check`: finds everything that is wrong with a pipeline file, and runs nothing.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check a pipeline file: keys, ports, parameters, types, ranges, cycles, files.",
    discussion: """
      All problems are reported at once, a line each: file, line and column, what was found, what was expected and the \
      nearest name. The exit status is 2 if there are any.
      """)

  @Argument(help: "The pipeline file. Default: ./apprentice.yaml, else the only file in pipelines/.")
  var file: String?
  @OptionGroup var options: PipelineOptions

  func run() throws {
    do throws(PipelineProblems) {
      let pipeline = try options.checked(file)
      let counts = "\(pipeline.stageNames.count) stages, \(pipeline.actions.count) actions"
      Answer.print(options.json ? PipelineProblems([]).json.text : "\(pipeline.file): no problems · \(counts)")
    } catch {
      Answer.print(options.json ? error.json.text : error.description)
      throw ExitCode(ExitStatus.invalid.rawValue)
    }
  }
}
