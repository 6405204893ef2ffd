import ArgumentParser
import CanonicalJSON
import Glibc
import PipelineExecution
import PipelineLanguage
import Records
import StageCatalog
import StageKit
import SystemPackage

/// `exec`: one stage on plain files, no pipeline, no store.
struct Exec: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exec",
    abstract: "Run one stage on plain files, without pipeline and store.",
    discussion: """
      PATH is a folder of the port's kind, or the file itself where the kind needs one file only. Values of --with are \
      read by the type of the parameter: texts verbatim, everything else as YAML. Outputs land in DIR/PORT.
      """)

  @Argument(help: "The stage, such as score; 'apprentice stages' lists them.")
  var stage: String
  @Option(
    name: .customLong("in"), parsing: .singleValue,
    help: ArgumentHelp("An input; PORT:LABEL=PATH labels one of many.", valueName: "PORT=PATH"))
  var inputs: [String] = []
  @Option(
    name: .customLong("with"), parsing: .singleValue, help: ArgumentHelp("A parameter.", valueName: "NAME=VALUE"))
  var parameters: [String] = []
  @Option(name: .customLong("out"), help: ArgumentHelp("Where outputs land, in DIR/PORT.", valueName: "DIR"))
  var output: String
  @Option(help: "Threads to use; the result does not depend on it. Default: the cores that the process may use.")
  var threads: Int?
  @Flag(help: "Replace outputs that are there.")
  var force = false
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1.") }
    for input in inputs where !input.contains("=") { throw ValidationError("--in \(input): expected PORT=PATH.") }
    for parameter in parameters where !parameter.contains("=") {
      throw ValidationError("--with \(parameter): expected NAME=VALUE.")
    }
  }

  func run() throws {
    let registry = BuiltinStages.registry
    guard let type = registry.stage(named: stage) else {
      let names = registry.declarations.map(\.name)
      throw CommandFailure(
        .invalid,
        "no stage is called \(stage)\(Spelling.suggestion(for: stage, among: names)); "
          + "there are \(names.joined(separator: ", "))")
    }
    let declaration = type.declaration
    try KernelEnvironment.check()
    let connected = try connect(declaration)
    let values = try resolve(declaration)
    let instance = try type.init(values)
    try instance.check(connected: Set(connected.keys))
    Interruption.hold()
    let folder = try ExecFolder(FilePath(output), ports: declaration.outputs.map(\.name), force: force)
    defer { folder.remove() }
    Interruption.watch { folder.remove() }
    let terminal = EventPrinter(stage: declaration.name)
    let context = StageContext(
      inputs: connected, outputs: folder.outputs, work: folder.work, threads: threads ?? Processors.available,
      emit: { terminal.print($0) }, interrupted: { Interruption.isRequested })
    do { try instance.run(context) } catch let failure as StageFailure where failure.status == .interrupted {
      throw StageFailure(failure.message, remedy: failure.remedy, status: Interruption.status)
    } catch let error as Errno where error == .fileTooLarge {
      let folders = declaration.outputs.compactMap { port in
        folder.outputs[port.name].map { (name: "\(output)/\(port.name)", path: $0) }
      }
      throw FailureStatus.failure(error, writing: folders)
    }
    for port in declaration.outputs {
      guard let path = folder.outputs[port.name] else { continue }
      try ArtifactCheck.output(port.kind, at: path, threads: context.threads)
    }
    let published = try folder.publish()
    if json {
      let outputs = declaration.outputs.map { (name: $0.name, value: JSONValue(published[$0.name]?.string ?? "")) }
      printDocument(["outputs": .object(JSONObject(outputs)), "exit": 0])
    }
  }

  /// Port to inputs, all paths checked.
  private func connect(_ declaration: StageDeclaration) throws -> [String: [StageInput]] {
    var connected: [String: [StageInput]] = [:]
    for argument in inputs {
      let equals = argument.firstIndex(of: "=")!
      let path = FilePath(String(argument[argument.index(after: equals)...]))
      let name = argument[..<equals]
      let colon = name.firstIndex(of: ":")
      let portName = String(colon.map { name[..<$0] } ?? name)
      guard let port = declaration.input(portName) else {
        let names = declaration.inputs.map(\.name)
        throw CommandFailure(
          .invalid,
          "stage \(declaration.name) has no port \(portName)\(Spelling.suggestion(for: portName, among: names)); "
            + "it has \(names.joined(separator: ", "))")
      }
      if !port.isMany, connected[portName] != nil {
        throw CommandFailure(.invalid, "port \(portName) takes one input, it is given twice")
      }
      guard FileContent.exists(path) else { throw CommandFailure(.invalid, "--in \(portName): there is no \(path)") }
      try ArtifactCheck.input(port.kind, at: path, port: portName)
      let label = colon.map { String(name[name.index(after: $0)...]) } ?? portName
      connected[portName, default: []].append(StageInput(label: label, path: path))
    }
    for port in declaration.inputs where !port.isOptional && !port.isMany && connected[port.name] == nil {
      throw CommandFailure(
        .invalid,
        "port \(port.name) of stage \(declaration.name) is not connected; add --in \(port.name)=PATH (a \(port.kind.rawValue))"
      )
    }
    return connected
  }

  private func resolve(_ declaration: StageDeclaration) throws -> ParameterValues {
    var given = JSONObject()
    for argument in parameters {
      let equals = argument.firstIndex(of: "=")!
      let name = String(argument[..<equals])
      let text = String(argument[argument.index(after: equals)...])
      guard let parameter = declaration.parameter(name) else {
        let names = declaration.parameters.map(\.name)
        let ours = declaration.aliases[name].map { "; it is called \($0) here" }
        throw CommandFailure(
          .invalid,
          "stage \(declaration.name) has no parameter \(name)\(ours ?? Spelling.suggestion(for: name, among: names))")
      }
      if given[name] != nil { throw CommandFailure(.invalid, "parameter \(name) is given twice") }
      guard let value = ParameterText.value(of: text, as: parameter.type), parameter.type.accepts(value) else {
        throw ParameterError(parameter: name, found: text, expected: parameter.type.expectation)
      }
      given[name] = value
    }
    return try ParameterValues(given, for: declaration)
  }
}
