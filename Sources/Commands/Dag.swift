import ArgumentParser
import CanonicalJSON
import PipelineLanguage

/// `dag`: the graph of a pipeline.
struct Dag: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dag",
    abstract: "Show the graph of a pipeline: stages, their inputs and grids.",
    discussion: "A stage with a matrix is drawn once; --cells draws each of its cells.")

  /// How a graph is written.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, mermaid, dot
  }

  @Argument(help: "The pipeline file. Default: ./apprentice.yaml, else the only file in pipelines/.")
  var file: String?
  @Option(help: "How to write it.")
  var format = Format.text
  @Flag(help: "Draw every cell of a matrix.")
  var cells = false
  @OptionGroup var options: PipelineOptions

  func run() throws {
    let graph = PipelineGraph(try options.pipeline(file), cells: cells)
    if options.json { return printDocument(graph.json) }
    switch format {
    case .text: Answer.print(graph.text, terminator: "")
    case .mermaid: Answer.print(graph.mermaid, terminator: "")
    case .dot: Answer.print(graph.dot, terminator: "")
    }
  }
}
