import ArgumentParser
import CanonicalJSON
import PipelineLanguage
import StageKit
import Synchronization
import SystemPackage

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
  @Flag(help: "Name absent source files, a line each, instead of taking them for problems.")
  var noSources = false
  @OptionGroup var options: PipelineOptions

  func run() throws {
    let absent = Mutex<[String]>([])
    let note: @Sendable (String, FilePath) -> Void = { label, path in
      absent.withLock { list in
        let line = "absent: \(path) (\(label))"
        if !list.contains(line) { list.append(line) }
      }
    }
    do throws(PipelineProblems) {
      let pipeline = try options.checked(file, absent: noSources ? note : nil)
      if options.json { return printDocument(PipelineProblems([]).json) }
      for line in absent.withLock({ $0 }) { Answer.print(line) }
      let (stages, actions) = (pipeline.stageNames.count, pipeline.actions.count)
      let counts = "\(stages) stage\(stages == 1 ? "" : "s"), \(actions) action\(actions == 1 ? "" : "s")"
      Answer.print("\(pipeline.file): no problems · \(counts)")
    } catch {
      if options.json { printDocument(error.json) } else { Answer.print(error.description) }
      throw ExitCode(ExitStatus.invalid.rawValue)
    }
  }
}
