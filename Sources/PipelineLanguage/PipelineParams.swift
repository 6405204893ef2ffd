import CanonicalJSON

/// The file's `params` as `--set` and the environment make them.
///
/// A param may read others and the environment, in any order but no circle; each is resolved once, when first asked
/// for.
final class PipelineParams {
  let names: [String]
  private let defaults: [String: YAMLMember]
  private let settings: [String: (value: String, origin: ValueOrigin)]
  private let allowedVariables: [String]
  private let variable: (String) -> String?
  private var resolved: [String: YAMLNode] = [:]
  private var open: [String] = []

  private static let maximumDepth = 64

  /// The params of a file.
  ///
  /// - Parameters:
  ///   - syntax: The file.
  ///   - settings: The arguments of `--set`; of two for one name the later holds.
  ///   - variable: The value of an environment variable.
  ///   - log: Told of settings that fit no param.
  init(
    _ syntax: PipelineSyntax, settings: [String], variable: @escaping (String) -> String?, log: ProblemLog
  ) {
    let names = syntax.params.map(\.key)
    let defaults = Dictionary(syntax.params.map { ($0.key, $0) }) { first, _ in first }
    self.names = names
    self.defaults = defaults
    allowedVariables = syntax.environment
    self.variable = variable
    var given: [String: (value: String, origin: ValueOrigin)] = [:]
    for setting in settings {
      let origin = ValueOrigin.commandLine("--set \(setting)")
      guard let equals = setting.firstIndex(of: "=") else {
        log.report(origin, found: "\(setting) without a value", expected: "name=value")
        continue
      }
      let name = String(setting[..<equals])
      if defaults[name] == nil {
        let expected =
          names.isEmpty ? "a file with params: there is none to set" : "one of \(names.joined(separator: ", "))"
        log.report(
          origin, found: "unknown param \(name)", expected: expected,
          nearest: Spelling.nearest(to: name, among: names) ?? ForeignNames.ours(for: name).first { names.contains($0) }
        )
      }
      given[name] = (String(setting[setting.index(after: equals)...]), origin)
    }
    self.settings = given
  }

  /// All params in the order of the file, those that are invalid left out.
  func all(log: ProblemLog) -> [PipelineParameter] {
    names.compactMap { name in
      guard let node = value(of: name, log: log), let value = node.value else { return nil }
      return PipelineParameter(name: name, value: value, origin: node.origin)
    }
  }

  /// The value of a param, `.invalid` where it has been reported, nil where there is none of the name.
  func value(of name: String, log: ProblemLog) -> YAMLNode? {
    if let node = resolved[name] { return node }
    guard let member = defaults[name] else { return nil }
    if let start = open.firstIndex(of: name) {
      log.report(
        member.value.origin,
        found: "params that read each other: \((open[start...] + [name]).joined(separator: " → "))",
        expected: "no circle")
      return YAMLNode(.invalid, member.value.origin)
    }
    guard open.count < Self.maximumDepth else {
      log.report(
        member.value.origin, found: "params that read each other through more than \(Self.maximumDepth) steps",
        expected: "fewer steps")
      return YAMLNode(.invalid, member.value.origin)
    }
    open.append(name)
    let node: YAMLNode
    if let (text, origin) = settings[name] {
      let like = Scope(params: self, matrix: .none, log: ProblemLog()).replacing(member.value)
      node = SettingReader(origin: origin, name: name, log: log).read(text, like: like)
    } else {
      node = Scope(params: self, matrix: .none, log: log).replacing(member.value)
    }
    open.removeLast()
    resolved[name] = node
    return node
  }

  /// The value of an environment variable that the file lists.
  func environment(_ name: String, at origin: ValueOrigin, log: ProblemLog) -> YAMLNode? {
    guard allowedVariables.contains(name) else {
      log.report(
        origin, found: "${env.\(name)}, which the file does not list", expected: "env: [\(name)] in the file",
        nearest: Spelling.nearest(to: name, among: allowedVariables).map { "${env.\($0)}" })
      return nil
    }
    guard let value = variable(name) else {
      log.report(origin, found: "${env.\(name)}, which is not set", expected: "the environment variable \(name)")
      return nil
    }
    return YAMLNode(.scalar(value, isPlain: !value.isEmpty), .environment(name))
  }
}

/// Reads the value of a setting by the type of the param's default.
private struct SettingReader {
  var origin: ValueOrigin
  var name: String
  var log: ProblemLog

  func read(_ text: String, like example: YAMLNode) -> YAMLNode {
    switch example.content {
    case .scalar:
      let value = example.value ?? .null
      if value.isNull { return parse(text) }
      return scalar(text, isPlain: true, like: value)
    case .sequence, .mapping: return convert(parse(text), like: example)
    case .invalid: return YAMLNode(.scalar(text, isPlain: false), origin)
    }
  }

  private func parse(_ text: String) -> YAMLNode {
    YAMLReader.read(text, at: origin, log: log) ?? YAMLNode(.invalid, origin)
  }

  /// A value that must have the shape of an example, its elements the type that the example's share.
  private func convert(_ node: YAMLNode, like example: YAMLNode) -> YAMLNode {
    switch (node.content, example.content) {
    case (.invalid, _): return node
    case (.sequence(let elements), .sequence(let examples)):
      let types = examples.compactMap(\.value)
      guard let first = types.first, types.allSatisfy({ $0.typeName == first.typeName }) else { return node }
      let converted = elements.map { element in
        guard case .scalar(let text, let isPlain) = element.content else { return element }
        return scalar(text, isPlain: isPlain, like: first)
      }
      return YAMLNode(.sequence(converted), node.origin)
    case (.mapping, .mapping): return node
    default:
      let isList = example.elements != nil
      let shown = example.value.map { Scope.print($0) } ?? ""
      log.report(
        node.origin, found: node.shown, expected: "\(isList ? "a list" : "a mapping") for \(name), such as \(shown)",
        nearest: isList && !node.isNull ? node.text.map { "[\($0)]" } : nil)
      return YAMLNode(.invalid, node.origin)
    }
  }

  private func scalar(_ text: String, isPlain: Bool, like value: JSONValue) -> YAMLNode {
    let node = YAMLNode(.scalar(text, isPlain: isPlain), origin)
    let fits =
      switch value {
      case .number: isPlain && (CoreSchema.number(text)?.isFinite ?? false)
      case .bool: isPlain && CoreSchema.resolve(text).bool != nil
      default: true
      }
    guard fits else {
      log.report(
        origin, found: node.shown,
        expected: "\(value.typeName == "a Boolean" ? "true or false" : value.typeName) for \(name), as its default is")
      return YAMLNode(.invalid, node.origin)
    }
    if case .string = value { return YAMLNode(.scalar(text, isPlain: false), node.origin) }
    return node
  }
}
