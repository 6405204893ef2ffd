import ArgumentParser
import CanonicalJSON
import PipelineLanguage
import StageCatalog
import StageKit

/// `stages`: what stages there are, and the ports and parameters of one.
struct Stages: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stages",
    abstract: "List the stages, or document the ports and parameters of one.")

  @Argument(help: "A stage's name, or the ./folder of a stage of your own.")
  var name: String?
  @Flag(help: "Print one JSON document on stdout.")
  var json = false
  @Option(help: ArgumentHelp("The store; stages need none.", visibility: .hidden))
  var store: String?

  func run() throws {
    let declarations = BuiltinStages.registry.declarations
    guard let name else {
      if json { return printDocument(["stages": .array(declarations.map(StageDocument.json))]) }
      let width = declarations.map(\.name.count).max() ?? 0
      for stage in declarations { Answer.print(StageDocument.pad(stage.name, width) + "  " + stage.summary) }
      return
    }
    let stage: StageDeclaration
    if name.contains("/") {
      stage = try PipelineOptions.checker.userStage(name).declaration
    } else if let known = declarations.first(where: { $0.name == name }) {
      stage = known
    } else {
      let names = declarations.map(\.name)
      throw CommandFailure(
        .invalid,
        "no stage is called \(name)\(Spelling.suggestion(for: name, among: names)); "
          + "there are \(names.joined(separator: ", "))")
    }
    json ? printDocument(StageDocument.json(stage)) : Answer.print(StageDocument.text(stage), terminator: "")
  }
}

/// A stage's declaration for people and for programs.
enum StageDocument {
  /// Name, revision, summary, `in`, `out` and `parameters`.
  static func json(_ stage: StageDeclaration) -> JSONValue {
    [
      "name": .string(stage.name), "revision": JSONValue(stage.revision), "summary": .string(stage.summary),
      "in": .array(stage.inputs.map(port)), "out": .array(stage.outputs.map(port)),
      "parameters": .array(stage.parameters.map(parameter)),
    ]
  }

  private static func port(_ port: PortDeclaration) -> JSONValue {
    [
      "name": .string(port.name), "kind": .string(port.kind.rawValue), "many": .bool(port.isMany),
      "optional": .bool(port.isOptional), "doc": .string(port.doc),
    ]
  }

  private static func parameter(_ parameter: ParameterDeclaration) -> JSONValue {
    var object: JSONObject = [
      "name": .string(parameter.name), "type": .string(parameter.type.name), "default": parameter.defaultValue,
    ]
    object["range"] = parameter.type.range
    object["choices"] = parameter.type.choices.map { .array($0.map { .string($0) }) }
    object["unit"] = parameter.unit.map { .string($0) }
    object["doc"] = .string(parameter.doc)
    object["affects_result"] = .bool(parameter.affectsResult)
    return .object(object)
  }

  /// A page for the terminal.
  static func text(_ stage: StageDeclaration) -> String {
    var text = "\(stage.name) (revision \(stage.revision)): \(stage.summary)\n"
    text += section("in", stage.inputs.map { [$0.name, words(of: $0), $0.doc] })
    text += section("out", stage.outputs.map { [$0.name, words(of: $0), $0.doc] })
    text += section("with", stage.parameters.map { [$0.name, words(of: $0), doc(of: $0)] })
    return text
  }

  private static func words(of port: PortDeclaration) -> String {
    port.kind.rawValue + (port.isMany ? ", many" : "") + (port.isOptional ? ", optional" : "")
  }

  private static func words(of parameter: ParameterDeclaration) -> String {
    let value = parameter.defaultValue.isNull ? "unset" : parameter.defaultValue.text
    let unit = parameter.unit.map { " \($0)" } ?? ""
    let domain: String =
      if let choices = parameter.type.choices {
        choices.joined(separator: " | ")
      } else if let bounds = parameter.type.range?.array, bounds.count == 2 {
        // The largest integer that JSON holds stands for no bound.
        bounds[1] == JSONValue(1 << 53)
          ? "\(parameter.type.name) ≥ \(bounds[0].text)"
          : "\(parameter.type.name) \(bounds[0].text)…\(bounds[1].text)"
      } else {
        parameter.type.name
      }
    return "\(domain)\(unit) = \(value)"
  }

  private static func doc(of parameter: ParameterDeclaration) -> String {
    parameter.affectsResult ? parameter.doc : parameter.doc + " Does not affect the result."
  }

  /// Rows of three columns, the last one free.
  private static func section(_ title: String, _ rows: [[String]]) -> String {
    guard !rows.isEmpty else { return "" }
    let names = rows.map(\.[0].count).max() ?? 0
    let middle = min(44, rows.map(\.[1].count).max() ?? 0)
    return rows.reduce(into: "\n\(title)\n") { text, row in
      text += "  \(pad(row[0], names))  \(pad(row[1], middle))  \(row[2])\n"
    }
  }

  /// A text with blanks after it.
  static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
