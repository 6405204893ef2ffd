import CanonicalJSON

/// The cells of a stage's matrix: every cell has a value for every axis.
struct Grid {
  var axes: [String]
  /// The cells in order, the last axis fastest, included ones last.
  var cells: [Cell]

  /// One cell.
  struct Cell {
    var name: CellName
    /// The value of each axis as it was written.
    var nodes: [YAMLNode]
  }

  /// The cells by the values of all axes.
  private(set) var indices: [[UInt8]: Int]

  /// A grid, or nil where two cells are equal.
  init(axes: [String], cells: [Cell]) {
    self.axes = axes
    self.cells = cells
    indices = Dictionary(minimumCapacity: cells.count)
    for (index, cell) in cells.enumerated() { indices[Array(cell.name.description.utf8)] = index }
  }

  /// The index of the cell whose axes all have the values that they have in another stage's cell; nil where that has
  /// not all of the axes, or no cell has the values.
  func index(matching other: JSONObject) -> Int? {
    var own: [(name: String, value: JSONValue)] = []
    for axis in axes {
      guard let value = other[axis] else { return nil }
      own.append((axis, value))
    }
    return indices[Array(CellName(axes: JSONObject(own)).description.utf8)]
  }
}

/// Makes grids of `matrix` entries, which may name each other.
final class GridResolver {
  /// What a stage's `matrix` comes to.
  enum Outcome {
    /// The stage has no matrix.
    case none
    case grid(Grid)
    /// The matrix has been reported as wrong.
    case invalid
  }

  private static let maximumCells = 100_000
  private static let maximumDepth = 64
  private static let keywords = ["from", "exclude", "include"]

  private let stages: [String: StageSyntax]
  private let stageNames: [String]
  private let scope: Scope
  private let log: ProblemLog
  private var outcomes: [String: Outcome] = [:]
  private var open: [String] = []

  init(_ stages: [StageSyntax], params: PipelineParams, log: ProblemLog) {
    self.stages = Dictionary(stages.map { ($0.name, $0) }) { first, _ in first }
    stageNames = stages.map(\.name)
    scope = Scope(params: params, matrix: .none, log: log)
    self.log = log
  }

  /// The grid of a stage.
  func grid(of stage: StageSyntax) -> Outcome {
    if let outcome = outcomes[stage.name] { return outcome }
    guard let matrix = stage.matrix else { return .none }
    open.append(stage.name)
    let outcome = resolve(scope.replacing(matrix), of: stage)
    open.removeLast()
    outcomes[stage.name] = outcome
    return outcome
  }

  // MARK: The parts of a matrix

  private func resolve(_ node: YAMLNode, of stage: StageSyntax) -> Outcome {
    switch node.content {
    case .invalid: return .invalid
    case .scalar where !node.isNull: return grid(named: node).map(Outcome.grid) ?? .invalid
    case .mapping(let members): return resolve(members, of: stage, at: node.origin)
    default:
      log.report(node.origin, found: node.shown, expected: "axes with lists of values, or the name of a gridded stage")
      return .invalid
    }
  }

  private func resolve(_ members: [YAMLMember], of stage: StageSyntax, at origin: ValueOrigin) -> Outcome {
    var isValid = true
    var axes: [String] = []
    var cells: [[YAMLNode]] = [[]]
    if let from = members.first(where: { $0.key == "from" }) {
      if let base = grid(named: from.value) {
        axes = base.axes
        cells = base.cells.map(\.nodes)
      } else {
        isValid = false
      }
    }
    for member in members where !Self.keywords.contains(member.key) {
      guard let values = axisValues(member), isNewAxis(member, beside: axes) else {
        isValid = false
        continue
      }
      axes.append(member.key)
      let count = cells.count * values.count
      guard count <= Self.maximumCells else {
        log.report(member.keyOrigin, found: "\(count) cells", expected: "at most \(Self.maximumCells)")
        return .invalid
      }
      cells = cells.flatMap { cell in values.map { cell + [$0] } }
    }
    if axes.isEmpty { cells = [] }
    guard isValid else { return .invalid }
    return complete(members, axes: axes, cells: cells, at: origin)
  }

  /// Takes `exclude` away and appends `include`.
  private func complete(
    _ members: [YAMLMember], axes: [String], cells: [[YAMLNode]], at origin: ValueOrigin
  ) -> Outcome {
    var axes = axes
    var isValid = true
    var named = cells.map { Self.cell(axes, $0) }
    if let exclude = members.first(where: { $0.key == "exclude" }) {
      let patterns = entries(exclude, axes: axes, areWhole: false)
      isValid = patterns != nil
      let all = named
      for pattern in patterns ?? [] {
        func isExcluded(_ cell: Grid.Cell) -> Bool {
          pattern.allSatisfy { cell.name.axes[$0.key] == $0.value.value }
        }
        guard all.contains(where: isExcluded) else {
          report(pattern, thatMatchesNoneOf: all, axes, at: exclude.keyOrigin)
          isValid = false
          continue
        }
        named.removeAll(where: isExcluded)
      }
    }
    if let include = members.first(where: { $0.key == "include" }) {
      if axes.isEmpty, let first = include.value.elements?.first?.members { axes = first.map(\.key) }
      let added = entries(include, axes: axes, areWhole: true)
      isValid = isValid && added != nil
      for entry in added ?? [] {
        named.append(Self.cell(axes, axes.compactMap { axis in entry.first { $0.key == axis }?.value }))
      }
    }
    guard isValid else { return .invalid }
    guard !named.isEmpty else {
      log.report(origin, found: "a matrix without cells", expected: "at least one cell")
      return .invalid
    }
    let grid = Grid(axes: axes, cells: named)
    for (index, cell) in named.enumerated() where grid.indices[Array(cell.name.description.utf8)] != index {
      log.report(
        cell.nodes.first?.origin ?? origin, found: "the cell \(cell.name) twice", expected: "each cell once")
      isValid = false
    }
    return isValid ? .grid(grid) : .invalid
  }

  /// Says which value of an excluded cell no cell has, or that no cell has all of them together.
  private func report(
    _ pattern: [YAMLMember], thatMatchesNoneOf cells: [Grid.Cell], _ axes: [String], at origin: ValueOrigin
  ) {
    for member in pattern {
      let values = cells.compactMap { $0.name.axes[member.key] }
      if values.contains(where: { $0 == member.value.value }) { continue }
      var known: [String] = []
      for value in values.map({ Scope.print($0) }) where !known.contains(value) && known.count < 20 {
        known.append(value)
      }
      return log.report(
        member.value.origin, found: "\(member.key) \(member.value.shown) in exclude, which no cell has",
        expected: "one of \(known.joined(separator: ", "))",
        nearest: member.value.text.flatMap { Spelling.nearest(to: $0, among: known) })
    }
    log.report(
      pattern.first?.keyOrigin ?? origin, found: "an excluded cell that the matrix has not",
      expected: "one of its cells")
  }

  private static func cell(_ axes: [String], _ nodes: [YAMLNode]) -> Grid.Cell {
    let values = zip(axes, nodes).map { (name: $0, value: $1.value ?? .null) }
    return Grid.Cell(name: CellName(axes: JSONObject(values)), nodes: nodes)
  }

  // MARK: Small parts

  /// The grid of another stage.
  private func grid(named node: YAMLNode) -> Grid? {
    guard let name = node.text else {
      if !node.isInvalid { log.report(node.origin, found: node.shown, expected: "the name of a gridded stage") }
      return nil
    }
    guard let stage = stages[name] else {
      log.report(
        node.origin, found: "unknown stage \(name)", expected: "the name of a gridded stage",
        nearest: nearestGridded(to: name))
      return nil
    }
    guard open.count < Self.maximumDepth else {
      log.report(
        node.origin, found: "matrices that name each other through more than \(Self.maximumDepth) steps",
        expected: "fewer steps")
      return nil
    }
    if let start = open.firstIndex(of: name) {
      log.report(
        node.origin, found: "a circle of matrices: \((open[start...] + [name]).joined(separator: " → "))",
        expected: "axes in one of them")
      return nil
    }
    switch grid(of: stage) {
    case .grid(let grid): return grid
    case .invalid: return nil
    case .none:
      log.report(
        node.origin, found: "stage \(name), which has no matrix", expected: "the name of a gridded stage",
        nearest: nearestGridded(to: name))
      return nil
    }
  }

  private func nearestGridded(to name: String) -> String? {
    Spelling.nearest(to: name, among: stageNames.filter { stages[$0]?.matrix != nil })
  }

  private func axisValues(_ member: YAMLMember) -> [YAMLNode]? {
    guard let elements = member.value.elements else {
      if !member.value.isInvalid {
        log.report(
          member.value.origin, found: member.value.shown, expected: "a list of values for axis \(member.key)",
          nearest: member.value.text.map { "[\($0)]" })
      }
      return nil
    }
    if elements.isEmpty {
      log.report(member.value.origin, found: "an empty list", expected: "at least one value for axis \(member.key)")
      return nil
    }
    let areValid = elements.map { isCellValue($0, of: member.key) }
    return areValid.contains(false) ? nil : elements
  }

  private func isCellValue(_ node: YAMLNode, of axis: String) -> Bool {
    if case .scalar = node.content, let value = node.value, value.number?.isFinite ?? true { return true }
    if !node.isInvalid {
      log.report(node.origin, found: node.shown, expected: "a number, a string or a Boolean for axis \(axis)")
    }
    return false
  }

  private func isNewAxis(_ member: YAMLMember, beside axes: [String]) -> Bool {
    if axes.contains(member.key) {
      log.report(
        member.keyOrigin, found: "axis \(member.key), which the matrix named by from has", expected: "a new axis")
      return false
    }
    return log.checkName(member, "an axis' name")
  }

  /// The entries of `exclude` or `include`.
  private func entries(_ list: YAMLMember, axes: [String], areWhole: Bool) -> [[YAMLMember]]? {
    if list.value.isNull { return [] }
    guard let elements = list.value.elements else {
      if !list.value.isInvalid {
        log.report(list.value.origin, found: list.value.shown, expected: "a list of cells, each { axis: value }")
      }
      return nil
    }
    let entries = elements.map { entry($0, axes: axes, isWhole: areWhole) }
    return entries.contains { $0 == nil } ? nil : entries.compactMap(\.self)
  }

  private func entry(_ node: YAMLNode, axes: [String], isWhole: Bool) -> [YAMLMember]? {
    guard let members = node.members, !members.isEmpty else {
      if !node.isInvalid { log.report(node.origin, found: node.shown, expected: "a cell: { axis: value }") }
      return nil
    }
    var isValid = true
    for member in members {
      if !axes.contains(member.key) {
        log.report(
          member.keyOrigin, found: "unknown axis \(member.key)", expected: "one of \(axes.joined(separator: ", "))",
          nearest: Spelling.nearest(to: member.key, among: axes))
        isValid = false
      } else if !isCellValue(member.value, of: member.key) {
        isValid = false
      }
    }
    let missing = axes.filter { axis in !members.contains { $0.key == axis } }
    if isWhole, isValid, !missing.isEmpty {
      log.report(
        node.origin, found: "a cell without \(missing.joined(separator: ", "))", expected: "a value for every axis")
      isValid = false
    }
    return isValid ? members : nil
  }
}
