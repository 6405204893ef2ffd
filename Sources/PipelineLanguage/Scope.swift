import CanonicalJSON

/// What `${…}` can stand for at one place of a file.
struct Scope {
  /// What `${matrix.name}` reads.
  enum Matrix {
    /// The place has no grid.
    case none
    /// The grid has been reported as wrong: its axes are not known.
    case unknown
    /// A value for each axis.
    case cell(axes: [String], values: [YAMLNode])
  }

  let params: PipelineParams
  var matrix: Matrix
  let log: ProblemLog

  /// The value of a name, or nil where there is none; the log then says so, or has said why.
  func value(of name: String, at origin: ValueOrigin) -> YAMLNode? {
    if name.hasPrefix("matrix.") {
      let axis = String(name.dropFirst("matrix.".count))
      switch matrix {
      case .unknown: return nil
      case .cell(let axes, let values):
        if let index = axes.firstIndex(of: axis) { return values[index] }
        reportUnknown(name, among: axes.map { "matrix.\($0)" }, "an axis of this stage's matrix", at: origin)
      case .none:
        log.report(
          origin, found: "${\(name)} where there is no matrix", expected: "a stage with matrix: { \(axis): […] }")
      }
      return nil
    }
    if name.hasPrefix("env.") { return params.environment(String(name.dropFirst("env.".count)), at: origin, log: log) }
    if let param = params.value(of: name, log: log) { return param.isInvalid ? nil : param }
    var candidates = params.names
    if case .cell(let axes, _) = matrix {
      if axes.contains(name) { candidates = ["matrix.\(name)"] }
      candidates += axes.map { "matrix.\($0)" }
    }
    reportUnknown(name, among: candidates, "a name of params", at: origin)
    return nil
  }

  private func reportUnknown(_ name: String, among candidates: [String], _ expected: String, at origin: ValueOrigin) {
    let bare = name.split(separator: " ").joined()
    let last = bare.split(separator: ".").last.map(String.init) ?? bare
    let nearest =
      candidates.first { $0 == bare || $0 == "matrix.\(bare)" || $0 == last }
      ?? Spelling.nearest(to: bare, among: candidates)
    log.report(origin, found: "${\(name)}", expected: expected, nearest: nearest.map { "${\($0)}" })
  }
}

// MARK: Replacing

extension Scope {
  /// A value with every `${…}` in it replaced; `.invalid` where that was not possible.
  func replacing(_ node: YAMLNode) -> YAMLNode {
    var result = node
    switch node.content {
    case .invalid: return node
    case .scalar(let text, _):
      guard Template.occurs(in: text) else { return node }
      guard let template = template(text, at: node.origin) else { return invalid(node) }
      if let name = template.exactName { return value(of: name, at: node.origin) ?? invalid(node) }
      guard let printed = printing(template, at: node.origin) else { return invalid(node) }
      result.content = .scalar(printed.text, isPlain: false)
      result.pathOrigin = printed.pathOrigin
    case .sequence(let elements): result.content = .sequence(elements.map(replacing))
    case .mapping(let members):
      result.content = .mapping(
        members.map { YAMLMember(key: $0.key, keyOrigin: $0.keyOrigin, value: replacing($0.value)) })
    }
    return result
  }

  /// The template of a text, or nil where it is malformed, which the log then says.
  func template(_ text: String, at origin: ValueOrigin) -> Template? {
    do throws(Template.Malformed) {
      return try Template(text)
    } catch {
      log.report(origin, found: error.found, expected: error.expected, nearest: error.nearest)
      return nil
    }
  }

  /// A template as text, and what a path in it is relative to: a name at its start brings its own origin.
  func printing(_ template: Template, at origin: ValueOrigin) -> (text: String, pathOrigin: ValueOrigin?)? {
    var text = ""
    var pathOrigin: ValueOrigin?
    for (index, piece) in template.pieces.enumerated() {
      switch piece {
      case .text(let literal): text += literal
      case .name(let name):
        guard let node = value(of: name, at: origin), let value = node.value else { return nil }
        if index == 0 { pathOrigin = node.pathOrigin ?? node.origin }
        text += Self.print(value)
      }
    }
    return (text, pathOrigin)
  }

  /// A value inside a text: strings verbatim, everything else as canonical JSON.
  static func print(_ value: JSONValue) -> String {
    value.string ?? String(decoding: value.canonical, as: UTF8.self)
  }

  private func invalid(_ node: YAMLNode) -> YAMLNode {
    var result = node
    result.content = .invalid
    return result
  }
}
