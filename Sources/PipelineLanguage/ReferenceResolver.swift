import CanonicalJSON
import StageKit
import SystemPackage

/// Where an input comes from, before actions are numbered.
enum SourceDraft {
  case cell(stage: Int, cell: Int, port: String, label: String, axes: JSONObject)
  case path(FilePath, kind: ArtifactKind, label: String, origin: ValueOrigin)

  /// The source once it is known which action is each stage's first.
  func source(firstAction: [Int]) -> InputSource {
    switch self {
    case .cell(let stage, let cell, let port, let label, let axes):
      .output(action: firstAction[stage] + cell, port: port, label: label, axes: axes)
    case .path(let path, let kind, let label, let origin): .path(path, kind: kind, label: label, origin: origin)
    }
  }
}

/// Finds what the texts at input ports name: outputs of stages, and files.
final class ReferenceResolver {
  /// Who reads an input.
  struct Reader {
    var stage: Int
    var cell: CellName?
    /// Whether its grid has been reported as wrong, so that its cells are not known.
    var hasUnknownGrid: Bool
  }

  /// Stage to the stages that it needs, with the place that says so first.
  private(set) var edges: [[Int: ValueOrigin]]
  private let stages: [StageDraft]
  private let indices: [String: Int]
  private let places: Places
  private let missing: (ArtifactKind, FilePath) -> String?
  private let isKnown: (String, ArtifactKind, FilePath) -> Bool
  private let log: ProblemLog
  /// References of which one cell has been reported; those of its other cells are not.
  private var unmatched: Set<ValueOrigin> = []

  init(
    stages: [StageDraft], places: Places, missing: @escaping (ArtifactKind, FilePath) -> String?,
    isKnown: @escaping (String, ArtifactKind, FilePath) -> Bool, log: ProblemLog
  ) {
    self.stages = stages
    self.places = places
    self.missing = missing
    self.isKnown = isKnown
    self.log = log
    indices = Dictionary(stages.enumerated().map { ($1.syntax.name, $0) }) { first, _ in first }
    edges = Array(repeating: [:], count: stages.count)
  }

  /// What a text at a port names.
  func sources(_ text: InputText, at port: PortDeclaration, for reader: Reader) -> [SourceDraft] {
    guard port.kind == .source || PortReference.isPath(text.text) else {
      return resolve(text, at: port, for: reader)
    }
    let path = places.absolute(text.text, from: text.pathOrigin)
    guard FileAccess.exists(path) else {
      if isKnown(text.label, port.kind, path) {
        return [.path(path, kind: port.kind, label: text.label, origin: text.origin)]
      }
      let from =
        switch text.pathOrigin {
        case .file: "relative to the file"
        case .commandLine, .environment: "relative to the working directory"
        }
      log.report(
        text.origin, found: "no file or folder \(text.text)", expected: "an existing path, \(from)",
        nearest: places.nearestFile(to: path))
      return []
    }
    guard FileAccess.isFile(path) || FileAccess.isFolder(path) else {
      log.report(
        text.origin, found: "\(text.text), a pipe, socket or device",
        expected: "a file or folder, which can be read again: write it to a file first")
      return []
    }
    if let file = missing(port.kind, path) {
      log.report(
        text.origin, found: "\(text.text), which holds no \(file)",
        expected: "an artifact of kind \(port.kind.rawValue) at port \(port.name)")
      return []
    }
    return [.path(path, kind: port.kind, label: text.label, origin: text.origin)]
  }

  /// The outputs that a reference names.
  ///
  /// - Parameters:
  ///   - text: The reference.
  ///   - port: The port that receives them, or nil where the reading stage is not known.
  ///   - reader: The reading stage and cell.
  /// - Returns: An output for each selected cell; none where the reference has been reported.
  func resolve(_ text: InputText, at port: PortDeclaration?, for reader: Reader) -> [SourceDraft] {
    guard let reference = PortReference(text.text, isPort: { _, name in !Self.isNumeric(name) }) else {
      log.report(text.origin, found: text.text, expected: "stage.port, stage@axis=value.port, or stage@*.port")
      return []
    }
    guard let index = indices[reference.stage] else {
      reportUnknownStage(reference, text)
      return []
    }
    if edges[reader.stage][index] == nil { edges[reader.stage][index] = text.origin }
    guard let output = output(of: stages[index], reference, text, at: port) else { return [] }
    return cells(of: index, reference, text, isMany: port?.isMany ?? true, output, for: reader).map { cell in
      let name = cell.name.map { "\(reference.stage)@\($0)" } ?? reference.stage
      return .cell(
        stage: index, cell: cell.index, port: output.name, label: "\(name).\(output.name)",
        axes: cell.name?.axes ?? [:])
    }
  }

  // MARK: Stage and port

  private func reportUnknownStage(_ reference: PortReference, _ text: InputText) {
    let names = stages.map(\.syntax.name)
    let last = reference.stage.split(separator: ".").last.map(String.init) ?? reference.stage
    var nearest = names.contains(last) ? last : Spelling.nearest(to: reference.stage, among: names)
    if let name = nearest {
      let rest = text.text.dropFirst(reference.stage.count)
      nearest = name + rest
    } else if FileAccess.exists(places.absolute(text.text, from: text.pathOrigin)) {
      nearest = "./\(text.text)"
    }
    log.report(
      text.origin, found: "unknown stage \(reference.stage)", expected: "a stage of this file, or a path with a /",
      nearest: nearest)
  }

  private func output(
    of stage: StageDraft, _ reference: PortReference, _ text: InputText, at port: PortDeclaration?
  ) -> PortDeclaration? {
    guard let declaration = stage.implementation?.declaration else { return nil }
    let start = text.text.dropLast(reference.port.map { $0.utf8.count + 1 } ?? 0)
    let fitting = declaration.outputs.first { $0.kind == port?.kind }
    guard let name = reference.port, let output = declaration.output(name) else {
      let outputs = declaration.outputs.map(\.name)
      let near = reference.port.flatMap { Spelling.nearest(to: $0, among: outputs) } ?? fitting?.name
      log.report(
        text.origin, found: reference.port == nil ? "\(text.text), which names no port" : text.text,
        expected: outputs.isEmpty
          ? "a stage with outputs: \(declaration.name) has none"
          : outputs.map { "\(start).\($0)" }.joined(separator: " or "),
        nearest: near.map { "\(start).\($0)" })
      return nil
    }
    if let port, output.kind != port.kind {
      log.report(
        text.origin, found: "\(text.text), of kind \(output.kind.rawValue)",
        expected: "kind \(port.kind.rawValue) at port \(port.name)", nearest: fitting.map { "\(start).\($0.name)" })
      return nil
    }
    return output
  }

  // MARK: Cells

  private typealias SelectedCell = (index: Int, name: CellName?)

  private func cells(
    of index: Int, _ reference: PortReference, _ text: InputText, isMany: Bool, _ output: PortDeclaration,
    for reader: Reader
  ) -> [SelectedCell] {
    let grid: Grid
    switch stages[index].grid {
    case .invalid: return []
    case .none:
      guard reference.selection != nil else { return [(0, nil)] }
      let plain = "\(reference.stage).\(output.name)"
      log.report(
        text.origin, found: "\(text.text), but \(reference.stage) has no matrix", expected: plain, nearest: plain)
      return []
    case .grid(let found): grid = found
    }
    guard let selection = reference.selection else {
      return cell(of: grid, reference, text, isMany: isMany, output, for: reader)
    }
    for axis in selection.axes where !grid.axes.contains(axis) {
      log.report(
        text.origin, found: "unknown axis \(axis) of \(reference.stage)",
        expected: "one of \(grid.axes.joined(separator: ", "))", nearest: Spelling.nearest(to: axis, among: grid.axes))
      return []
    }
    var selected = grid.cells.indices.filter { selection.accepts(grid.cells[$0].name.axes) }
    if !isMany, selected.count > 1, let own = reader.cell?.axes {
      // The axes that the selection leaves open are the reader's own.
      selected.removeAll { cell in
        grid.cells[cell].name.axes.members.contains { axis in own[axis.name].map { $0 != axis.value } ?? false }
      }
    }
    guard !selected.isEmpty, isMany || selected.count == 1 else {
      if reader.hasUnknownGrid { return [] }
      let count = selected.isEmpty ? "no cell" : "\(selected.count) cells"
      report(text) {
        log.report(
          text.origin, found: "\(text.text), which selects \(count)",
          expected: selected.isEmpty
            ? "cells of \(reference.stage): \(Self.list(grid))"
            : "one cell: the port takes one artifact",
          nearest: "\(reference.stage)@\(grid.cells[selected.first ?? 0].name).\(output.name)")
      }
      return []
    }
    return selected.map { ($0, grid.cells[$0].name) }
  }

  /// The cell of a gridded stage that a reference without selection names: the one with the reader's own values.
  private func cell(
    of grid: Grid, _ reference: PortReference, _ text: InputText, isMany: Bool, _ output: PortDeclaration,
    for reader: Reader
  ) -> [SelectedCell] {
    if reader.hasUnknownGrid { return [] }
    guard let own = reader.cell?.axes else {
      let one = "\(reference.stage)@\(grid.cells[0].name).\(output.name)"
      let all = "\(reference.stage)@*.\(output.name)"
      log.report(
        text.origin, found: "\(text.text), which has \(grid.cells.count) cells",
        expected: isMany ? "\(all) for all of them, or one, such as \(one)" : "one of them, such as \(one)",
        nearest: all)
      return []
    }
    if let index = grid.index(matching: own) { return [(index, grid.cells[index].name)] }
    report(text) {
      let missing = grid.axes.filter { own[$0] == nil }
      let reading = stages[reader.stage].syntax.name
      log.report(
        text.origin,
        found: missing.isEmpty
          ? "\(text.text), which has no cell \(CellName(axes: own)) as \(reading) has"
          : "\(text.text), whose axis \(missing.joined(separator: ", ")) \(reading) does not have",
        expected: "exactly one cell of \(reference.stage): \(Self.list(grid))",
        nearest: missing.isEmpty
          ? nil : isMany ? "\(reference.stage)@*.\(output.name)" : "matrix: \(reference.stage)")
    }
    return []
  }

  /// Reports a reference once, for whichever of the reader's cells comes first.
  private func report(_ text: InputText, _ body: () -> Void) {
    if unmatched.insert(text.origin).inserted { body() }
  }

  /// The first cells of a grid.
  private static func list(_ grid: Grid) -> String {
    let names = grid.cells.prefix(3).map(\.name.description).joined(separator: "; ")
    return grid.cells.count > 3 ? "\(names); …" : names
  }

  /// Whether what follows a dot is the end of a number rather than a port's name.
  private static func isNumeric(_ name: String) -> Bool {
    name.utf8.first.map { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } ?? false
  }
}
