import CanonicalJSON
import StageKit

/// Makes actions of stages: reads the values of every cell, connects ports and finds an order.
final class ActionPlanner {
  private let stages: [StageDraft]
  private let builtins: [StageDeclaration]
  private let params: PipelineParams
  private let references: ReferenceResolver
  private let log: ProblemLog

  /// An action whose sources still name stages and cells.
  private struct Draft {
    var stage: Int
    var cell: CellName?
    var parameters: ParameterValues
    var origins: [String: ValueOrigin]
    var inputs: [(port: PortDeclaration, sources: [SourceDraft])]
  }

  init(
    stages: [StageDraft], builtins: [StageDeclaration], params: PipelineParams, references: ReferenceResolver,
    log: ProblemLog
  ) {
    self.stages = stages
    self.builtins = builtins
    self.params = params
    self.references = references
    self.log = log
  }

  /// The actions in order; empty or incomplete where the log says what is wrong.
  func plan() -> [PlannedAction] {
    var drafts: [[Draft]] = []
    for (index, stage) in stages.enumerated() {
      if let declaration = stage.implementation?.declaration { checkNames(of: stage, declaration) }
      drafts.append(cells(of: stage, index))
    }
    let order = StageOrder(stages: stages.map(\.syntax.name), edges: references.edges).sorted(log: log)
    return log.isEmpty ? assemble(drafts, order: order) : []
  }

  private func assemble(_ drafts: [[Draft]], order: [Int]) -> [PlannedAction] {
    var firstAction = Array(repeating: 0, count: stages.count)
    var count = 0
    for stage in order {
      firstAction[stage] = count
      count += drafts[stage].count
    }
    return order.flatMap { index in
      drafts[index].compactMap { draft -> PlannedAction? in
        let stage = stages[index]
        guard let implementation = stage.implementation, case .file(let location) = stage.syntax.origin else {
          return nil
        }
        let inputs = draft.inputs.map { input in
          PlannedInput(port: input.port, sources: input.sources.map { $0.source(firstAction: firstAction) })
        }
        return PlannedAction(
          stage: stage.syntax.name, cell: draft.cell, implementation: implementation.runs,
          declaration: implementation.declaration, parameters: draft.parameters, parameterOrigins: draft.origins,
          inputs: inputs, location: location)
      }
    }
  }

  // MARK: Names

  /// Reports unknown ports and parameters, and ports that must be connected.
  private func checkNames(of stage: StageDraft, _ declaration: StageDeclaration) {
    for member in stage.syntax.inputs where declaration.input(member.key) == nil {
      let ports = declaration.inputs.map(\.name)
      let isParameter = declaration.parameter(member.key) != nil
      log.report(
        member.keyOrigin, found: "unknown port \(member.key)",
        expected: isParameter
          ? "parameters under with"
          : ports.isEmpty
            ? "no ports: \(declaration.name) has none"
            : "one of \(ports.joined(separator: ", ")) of \(declaration.name)",
        nearest: isParameter
          ? "with: { \(member.key): … }"
          : Spelling.nearest(to: member.key, among: ports)
            ?? declaration.inputs.first { $0.kind.rawValue == member.key }?.name)
    }
    for port in declaration.inputs where !port.isOptional {
      let given = stage.syntax.inputs.first { $0.key == port.name }
      if let given, !given.value.isNull, !(given.value.elements?.isEmpty ?? false) { continue }
      reportMissing(port, of: stage, at: given?.value.origin ?? stage.syntax.inputsOrigin)
    }
    let names = ParameterNames(
      declaration, others: stages.compactMap(\.implementation?.declaration) + builtins)
    for member in stage.syntax.parameters where declaration.parameter(member.key) == nil {
      let (expected, nearest) = names.answer(to: member.key)
      log.report(member.keyOrigin, found: "unknown parameter \(member.key)", expected: expected, nearest: nearest)
    }
  }

  private func reportMissing(_ port: PortDeclaration, of stage: StageDraft, at origin: ValueOrigin) {
    log.report(
      origin, found: "no \(port.name) for \(stage.syntax.name)",
      expected: "in: { \(port.name): … } with an artifact of kind \(port.kind.rawValue)",
      nearest: source(of: port, before: stage.syntax.name))
  }

  /// The output of an earlier stage that would fit a port, the latest first.
  private func source(of port: PortDeclaration, before name: String) -> String? {
    if port.kind == .source { return nil }
    for stage in stages.prefix(while: { $0.syntax.name != name }).reversed() {
      if let output = stage.implementation?.declaration.outputs.first(where: { $0.kind == port.kind }) {
        return "\(stage.syntax.name).\(output.name)"
      }
    }
    return nil
  }

  // MARK: Cells

  private func cells(of stage: StageDraft, _ index: Int) -> [Draft] {
    func draft(_ cell: CellName?, _ matrix: Scope.Matrix) -> Draft? {
      let scope = Scope(params: params, matrix: matrix, log: log)
      let inputs = self.inputs(of: stage, index, cell: cell, scope)
      guard let (parameters, origins) = parameters(of: stage, scope) else { return nil }
      checkConnections(of: stage, Set(inputs.map(\.port.name)), parameters)
      return Draft(stage: index, cell: cell, parameters: parameters, origins: origins, inputs: inputs)
    }
    switch stage.grid {
    case .none: return draft(nil, .none).map { [$0] } ?? []
    case .invalid: return draft(nil, .unknown).map { [$0] } ?? []
    case .grid(let grid):
      return grid.cells.compactMap { draft($0.name, .cell(axes: grid.axes, values: $0.nodes)) }
    }
  }

  private func parameters(
    of stage: StageDraft, _ scope: Scope
  ) -> (values: ParameterValues, origins: [String: ValueOrigin])? {
    guard let (runs, declaration) = stage.implementation else {
      for member in stage.syntax.parameters { _ = scope.replacing(member.value) }
      return nil
    }
    let before = log.problems.count
    var given: [(name: String, value: JSONValue)] = []
    var origins: [String: ValueOrigin] = [:]
    for member in stage.syntax.parameters {
      let node = scope.replacing(member.value)
      guard let parameter = declaration.parameter(member.key) else { continue }
      let reader = TypedReader(log: log, subject: "\(member.key) of \(declaration.name)")
      guard let value = reader.read(node, as: parameter.type) else { continue }
      given.append((member.key, value))
      origins[member.key] = node.origin
    }
    guard log.problems.count == before else { return nil }
    do throws(ParameterError) {
      let values = try ParameterValues(JSONObject(given), for: declaration)
      if case .builtin(let type) = runs { _ = try type.init(values) }
      return (values, origins)
    } catch {
      log.report(
        origins[error.parameter] ?? stage.syntax.origin, found: error.found,
        expected: "\(error.expected) for \(error.parameter) of \(declaration.name)")
      return nil
    }
  }

  /// Reports ports that don't go together with the parameters.
  private func checkConnections(of stage: StageDraft, _ connected: Set<String>, _ parameters: ParameterValues) {
    guard case .builtin(let type)? = stage.implementation?.runs,
      // A port that must be connected and isn't has been reported.
      type.declaration.inputs.allSatisfy({ $0.isOptional || connected.contains($0.name) })
    else { return }
    do throws(ConnectionError) {
      let instance: any Stage
      do throws(ParameterError) { instance = try type.init(parameters) } catch { return }
      try instance.check(connected: connected)
    } catch {
      let given = stage.syntax.inputs.first { $0.key == error.port }
      log.report(
        given?.keyOrigin ?? stage.syntax.inputsOrigin, found: "\(error.found) for \(stage.syntax.name)",
        expected: error.expected)
    }
  }

  private func inputs(
    of stage: StageDraft, _ index: Int, cell: CellName?, _ scope: Scope
  ) -> [(port: PortDeclaration, sources: [SourceDraft])] {
    let reader = ReferenceResolver.Reader(stage: index, cell: cell, hasUnknownGrid: stage.hasUnknownGrid)
    guard let declaration = stage.implementation?.declaration else {
      for member in stage.syntax.inputs {
        for text in scope.inputTexts(member.value) ?? [] where !PortReference.isPath(text.text) {
          _ = references.resolve(text, at: nil, for: reader)
        }
      }
      return []
    }
    return declaration.inputs.compactMap { port in
      guard let member = stage.syntax.inputs.first(where: { $0.key == port.name }),
        let texts = scope.inputTexts(member.value)
      else { return nil }
      if texts.isEmpty {
        if !port.isOptional { reportMissing(port, of: stage, at: member.value.origin) }
        return nil
      }
      if !port.isMany, texts.count > 1 || member.value.elements != nil {
        log.report(
          member.value.origin, found: "a list", expected: "one artifact: \(port.name) of \(declaration.name) takes one",
          nearest: texts[0].label)
        return nil
      }
      return (port, texts.flatMap { references.sources($0, at: port, for: reader) })
    }
  }
}

extension StageDraft {
  /// Whether the stage has a matrix that has been reported as wrong.
  var hasUnknownGrid: Bool { if case .invalid = grid { true } else { false } }
}
