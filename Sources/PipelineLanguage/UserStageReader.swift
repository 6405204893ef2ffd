import CanonicalJSON
import StageKit
import SystemPackage

/// Reads the `stage.yaml` of a stage of the user's own.
struct UserStageReader {
  let log: ProblemLog

  private static let keys = ["name", "revision", "summary", "in", "out", "parameters", "run"]
  private static let portKeys = ["kind", "many", "optional", "doc"]
  private static let parameterKeys = [
    "type", "default", "range", "choices", "unit", "doc", "affects_result",
  ]

  /// The stage of a folder.
  ///
  /// - Parameters:
  ///   - bytes: The manifest.
  ///   - folder: The folder, absolute.
  ///   - shown: The manifest's name in messages.
  /// - Returns: The stage, or nil where its manifest can't be used, which the log then says.
  func read(_ bytes: [UInt8], folder: FilePath, shown: FilePath) -> UserStage? {
    let before = log.problems.count
    guard let root = YAMLReader.read(bytes, file: shown, log: log) else { return nil }
    guard let members = log.mapping(root, expected: "a stage's manifest: name, revision, summary, in, out, run")
    else { return nil }
    checkKeys(members, among: Self.keys, of: "a stage's manifest")
    func value(_ key: String) -> YAMLNode? { members.first { $0.key == key }?.value }
    for key in ["name", "revision", "out", "run"] where value(key) == nil {
      log.report(root.origin, found: "no key \(key)", expected: "\(key): in a stage's manifest")
    }
    var declaration = StageDeclaration(name: "", revision: 1, summary: "", inputs: [], outputs: [], parameters: [])
    if let name = text(value("name"), "name") {
      declaration.name = name
      if !name.isName, let node = value("name") {
        log.report(node.origin, found: node.shown, expected: "a name of letters, digits, _ and -")
      }
    }
    declaration.revision = typed(value("revision"), .integer(0...1_000_000_000), "revision")?.integer ?? 1
    declaration.summary = text(value("summary"), "summary") ?? ""
    declaration.inputs = ports(value("in"), areInputs: true)
    declaration.outputs = ports(value("out"), areInputs: false)
    declaration.parameters = parameters(value("parameters"))
    let run = self.run(value("run"), folder: folder)
    guard log.problems.count == before, let run else { return nil }
    return UserStage(
      declaration: declaration, folder: folder, command: run.command, code: run.code,
      environment: run.environment)
  }

  // MARK: Ports

  private func ports(_ node: YAMLNode?, areInputs: Bool) -> [PortDeclaration] {
    guard let node, !node.isNull, let members = log.mapping(node, expected: "a mapping from ports to { kind: … }")
    else { return [] }
    return members.compactMap { member in
      guard let fields = log.mapping(member.value, expected: "a port: { kind: … }") else { return nil }
      checkKeys(fields, among: areInputs ? Self.portKeys : ["kind", "doc"], of: "a port")
      func field(_ key: String) -> YAMLNode? { fields.first { $0.key == key }?.value }
      let subject = "of port \(member.key)"
      guard log.checkName(member, "a port's name") else { return nil }
      guard let kindNode = field("kind") else {
        log.report(member.keyOrigin, found: "port \(member.key) without kind", expected: "kind: in every port")
        return nil
      }
      guard let word = typed(kindNode, .choice(ArtifactKind.allCases.map(\.rawValue)), "the kind \(subject)")?.string,
        let kind = ArtifactKind(rawValue: word)
      else { return nil }
      let many = typed(field("many"), .boolean, "many \(subject)")?.bool ?? false
      let optional = typed(field("optional"), .boolean, "optional \(subject)")?.bool ?? false
      let doc = text(field("doc"), "doc \(subject)") ?? ""
      return PortDeclaration(member.key, kind, many: many, optional: optional, doc: doc)
    }
  }

  // MARK: Parameters

  private func parameters(_ node: YAMLNode?) -> [ParameterDeclaration] {
    guard let node, !node.isNull, let members = log.mapping(node, expected: "a mapping from parameters to { type: … }")
    else { return [] }
    return members.compactMap(parameter)
  }

  private func parameter(_ member: YAMLMember) -> ParameterDeclaration? {
    guard let fields = log.mapping(member.value, expected: "a parameter: { type: …, default: … }") else { return nil }
    checkKeys(fields, among: Self.parameterKeys, of: "a parameter")
    guard log.checkName(member, "a parameter's name") else { return nil }
    func field(_ key: String) -> YAMLNode? { fields.first { $0.key == key }?.value }
    guard let typeNode = field("type"), let defaultNode = field("default") else {
      log.report(
        member.keyOrigin, found: "parameter \(member.key) without \(field("type") == nil ? "type" : "default")",
        expected: "type and default in every parameter")
      return nil
    }
    guard let name = typeNode.text, var type = Self.type(named: name) else {
      let names = ["integer", "number", "string", "boolean", "choice", "list of strings", "map of numbers"]
      log.report(
        typeNode.origin, found: typeNode.shown, expected: "one of \(names.joined(separator: ", "))",
        nearest: typeNode.text.flatMap { Self.foreignTypes[$0] ?? Spelling.nearest(to: $0, among: names) })
      return nil
    }
    if let choices = field("choices") {
      let words = typed(choices, .list(.string), "the choices of \(member.key)")?.array?.compactMap(\.string)
      guard let narrowed = type.with(choices: words ?? []) else {
        log.report(choices.origin, found: "choices", expected: "no choices for type \(name)")
        return nil
      }
      type = narrowed
    } else if type.with(choices: []) != nil {
      log.report(member.keyOrigin, found: "a choice without choices", expected: "choices: [word, …]")
      return nil
    }
    if let range = field("range"), !apply(range, to: &type, of: member.key) { return nil }
    if defaultNode.isNull { type = .optional(type) }
    let unit = text(field("unit"), "the unit of \(member.key)")
    let doc = text(field("doc"), "the doc of \(member.key)") ?? ""
    let affects = typed(field("affects_result"), .boolean, "affects_result of \(member.key)")?.bool ?? true
    guard let value = typed(defaultNode, type, "the default of \(member.key)") else { return nil }
    return ParameterDeclaration(
      name: member.key, type: type, defaultValue: value, unit: unit, doc: doc, affectsResult: affects)
  }

  private static let foreignTypes = [
    "int": "integer", "float": "number", "double": "number", "str": "string", "text": "string", "bool": "boolean",
    "enum": "choice", "list": "list of strings", "array": "list of strings", "map": "map of strings",
    "object": "map of strings", "dict": "map of strings",
  ]

  private static func type(named name: String) -> ParameterType? {
    switch name {
    case "integer": return .integer(nil)
    case "number": return .number(nil)
    case "string": return .string
    case "boolean": return .boolean
    case "choice": return .choice([])
    default:
      guard name.hasSuffix("s") else { return nil }
      if name.hasPrefix("list of ") { return type(named: String(name.dropFirst(8).dropLast())).map { .list($0) } }
      if name.hasPrefix("map of ") { return type(named: String(name.dropFirst(7).dropLast())).map { .map($0) } }
      return nil
    }
  }

  /// Narrows a numeric type to a range; false where the range is wrong, which the log then says.
  private func apply(_ range: YAMLNode, to type: inout ParameterType, of name: String) -> Bool {
    guard let narrowed = type.with(range: 0...0) else {
      log.report(range.origin, found: "a range", expected: "no range for type \(type.name)")
      return false
    }
    let bound: ParameterType = if case .integer = narrowed.innermost { .integer(nil) } else { .number(nil) }
    guard let bounds = typed(range, .list(bound), "the range of \(name)")?.array?.compactMap(\.number) else {
      return false
    }
    guard bounds.count == 2, bounds[0] <= bounds[1], let ranged = type.with(range: bounds[0]...bounds[1]) else {
      log.report(range.origin, found: "a range of \(bounds.count) numbers", expected: "[lowest, highest]")
      return false
    }
    type = ranged
    return true
  }

  // MARK: The program

  private func run(
    _ node: YAMLNode?, folder: FilePath
  ) -> (command: [String], code: [FilePath], environment: [String])? {
    guard let node, let fields = log.mapping(node, expected: "run: { command: […], code: […] }") else { return nil }
    checkKeys(fields, among: ["command", "code", "environment"], of: "run")
    func list(_ key: String) -> [YAMLNode] { fields.first { $0.key == key }?.value.elements ?? [] }
    func strings(_ key: String) -> [String] {
      typed(fields.first { $0.key == key }?.value, .list(.string), key)?.array?.compactMap(\.string) ?? []
    }
    let command = strings("command")
    if command.isEmpty || command[0].isEmpty {
      log.report(node.origin, found: "no command", expected: "command: [program, argument, …]")
    }
    let code = strings("code").map { FilePath($0) }
    for (path, element) in zip(code, list("code")) {
      if path.isAbsolute || path.components.contains(where: { $0.kind == .parentDirectory }) {
        log.report(element.origin, found: path.string, expected: "a file in the stage's folder")
      } else if !FileAccess.exists(folder.pushing(path)) {
        log.report(element.origin, found: "no file \(path)", expected: "a file in the stage's folder")
      } else if !FileAccess.isFile(folder.pushing(path)) {
        log.report(element.origin, found: "the folder \(path)", expected: "every file by its own name")
      }
    }
    let environment = strings("environment")
    for (name, element) in zip(environment, list("environment")) {
      if !Self.isVariable(name) {
        log.report(element.origin, found: element.shown, expected: "the name of an environment variable")
      } else if name.hasPrefix("APPRENTICE_") {
        log.report(element.origin, found: name, expected: "a variable that is not apprentice's own")
      }
    }
    return (command, code, environment)
  }

  /// Whether a text can name an environment variable: letters, digits and underscores, no digit first.
  private static func isVariable(_ name: String) -> Bool {
    let letters = name.utf8.map { $0 | 0x20 }
    guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return zip(name.utf8, letters).allSatisfy { byte, lower in
      byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(lower)
    }
  }

  // MARK: Small parts

  private func typed(_ node: YAMLNode?, _ type: ParameterType, _ subject: String) -> JSONValue? {
    node.flatMap { TypedReader(log: log, subject: subject).read($0, as: type) }
  }

  private func text(_ node: YAMLNode?, _ subject: String) -> String? { typed(node, .string, subject)?.string }

  private func checkKeys(_ members: [YAMLMember], among keys: [String], of place: String) {
    for member in members { log.checkKey(member, among: keys, of: place) }
  }
}
