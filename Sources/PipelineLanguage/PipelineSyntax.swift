import CanonicalJSON
import StageKit

/// A pipeline file taken apart by its keys; nothing is looked up yet.
struct PipelineSyntax {
  var name: (text: String, origin: ValueOrigin)?
  var numerics = NumericsPolicy.native
  var params: [YAMLMember] = []
  var environment: [String] = []
  /// Sets of values for params, by name.
  var scales: [(name: YAMLMember, values: [YAMLMember])] = []
  var stages: [StageSyntax] = []
}

/// One entry of `stages`.
struct StageSyntax {
  var name: String
  var origin: ValueOrigin
  var uses: (text: String, origin: ValueOrigin)?
  var inputs: [YAMLMember] = []
  /// Where `in` stands, or the stage where it has none.
  var inputsOrigin: ValueOrigin
  var parameters: [YAMLMember] = []
  var matrix: YAMLNode?
}

/// Takes a pipeline file apart, reporting unknown and missing keys and values of the wrong shape.
struct PipelineSyntaxReader {
  let log: ProblemLog

  private static let topKeys = ["apprentice", "name", "params", "scales", "env", "numerics", "stages"]
  private static let stageKeys = ["uses", "matrix", "in", "with"]

  /// What people call our keys elsewhere.
  private static let foreignKeys = [
    "version": "apprentice", "parameters": "params", "vars": "params", "variables": "params", "inputs": "params",
    "profiles": "scales", "presets": "scales", "environment": "env", "jobs": "stages", "steps": "stages",
    "tasks": "stages", "rules": "stages",
    "precision": "numerics",
  ]
  private static let foreignStageKeys = [
    "stage": "uses", "type": "uses", "use": "uses", "run": "uses", "cmd": "uses", "command": "uses",
    "inputs": "in", "input": "in", "deps": "in", "needs": "in", "depends_on": "in", "params": "with",
    "parameters": "with", "args": "with", "options": "with", "config": "with", "strategy": "matrix",
    "foreach": "matrix",
    "grid": "matrix", "sweep": "matrix",
  ]

  /// The parts of a file.
  func read(_ root: YAMLNode) -> PipelineSyntax {
    var syntax = PipelineSyntax()
    guard let members = log.mapping(root, expected: "a pipeline: apprentice: 1, then name and stages") else {
      return syntax
    }
    for member in members {
      switch member.key {
      case "apprentice": readVersion(member.value)
      case "name": readName(member.value, into: &syntax)
      case "numerics":
        let types = TypedReader(log: log, subject: "numerics")
        let words = NumericsPolicy.allCases.map(\.rawValue)
        let word = types.read(member.value, as: .choice(words))?.string
        syntax.numerics = word.flatMap(NumericsPolicy.init) ?? .native
      case "params":
        syntax.params = named(member.value, "a parameter", expected: "a mapping from names to values")
      case "scales":
        let scales = named(member.value, "a scale", expected: "a mapping from names to values of params")
        syntax.scales = scales.map { scale in
          (scale, log.mapping(scale.value, expected: "a mapping from params to values") ?? [])
        }
      case "env": readEnvironment(member.value, into: &syntax)
      case "stages":
        let stages = named(member.value, "a stage", expected: "a mapping from names to stages")
        if stages.isEmpty, member.value.members?.isEmpty ?? false {
          log.report(member.keyOrigin, found: "no stages", expected: "at least one stage")
        }
        syntax.stages = stages.map(readStage)
      default: log.checkKey(member, among: Self.topKeys, of: "a pipeline file", foreign: Self.foreignKeys)
      }
    }
    for (key, expected) in [("apprentice", "apprentice: 1"), ("stages", "stages: with at least one stage")]
    where !members.contains(where: { $0.key == key }) {
      log.report(root.origin, found: "no key \(key)", expected: expected)
    }
    return syntax
  }

  private func readStage(_ member: YAMLMember) -> StageSyntax {
    var stage = StageSyntax(name: member.key, origin: member.keyOrigin, inputsOrigin: member.keyOrigin)
    guard let members = log.mapping(member.value, expected: "a stage: uses, in, with and matrix") else { return stage }
    for member in members {
      switch member.key {
      case "uses":
        if let text = member.value.text, !text.isEmpty {
          stage.uses = (text, member.value.origin)
        } else if !member.value.isInvalid {
          log.report(member.value.origin, found: member.value.shown, expected: "a stage's name or ./folder")
        }
      case "in":
        stage.inputsOrigin = member.keyOrigin
        if !member.value.isNull {
          stage.inputs = log.mapping(member.value, expected: "a mapping from ports to stage.port or a path") ?? []
        }
      case "with":
        if !member.value.isNull {
          stage.parameters = log.mapping(member.value, expected: "a mapping from parameters to values") ?? []
        }
      case "matrix": stage.matrix = member.value
      default: log.checkKey(member, among: Self.stageKeys, of: "a stage", foreign: Self.foreignStageKeys)
      }
    }
    if !members.contains(where: { $0.key == "uses" }) {
      log.report(member.keyOrigin, found: "stage \(member.key) without uses", expected: "uses: with a stage's name")
    }
    return stage
  }

  // MARK: Small parts

  private func readVersion(_ node: YAMLNode) {
    guard !node.isInvalid, node.value != 1 else { return }
    log.report(node.origin, found: "format version \(node.shown)", expected: "1", nearest: "apprentice: 1")
  }

  private func readName(_ node: YAMLNode, into syntax: inout PipelineSyntax) {
    guard let text = node.text, text.isName(dots: true) else {
      if !node.isInvalid {
        log.report(node.origin, found: node.shown, expected: "a name of letters, digits, _, - and dots")
      }
      return
    }
    syntax.name = (text, node.origin)
  }

  private func readEnvironment(_ node: YAMLNode, into syntax: inout PipelineSyntax) {
    guard let elements = node.elements else {
      if !node.isInvalid {
        log.report(node.origin, found: node.shown, expected: "a list of environment variables, such as [HOME]")
      }
      return
    }
    for element in elements {
      if let name = element.text, name.isName {
        syntax.environment.append(name)
      } else if !element.isInvalid {
        log.report(element.origin, found: element.shown, expected: "the name of an environment variable")
      }
    }
  }

  /// The members of a mapping whose keys are names that references can spell.
  private func named(_ node: YAMLNode, _ what: String, expected: String) -> [YAMLMember] {
    if node.isNull { return [] }
    return (log.mapping(node, expected: expected) ?? []).filter { log.checkName($0, "\(what)'s name") }
  }
}
