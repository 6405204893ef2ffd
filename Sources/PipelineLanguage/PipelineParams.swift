import CanonicalJSON

/// The file's `params` as `--set` and the environment make them.
///
/// The values of the scale that the param `scale` names stand in for those of `params`; a setting goes over both.
///
/// A param may read others and the environment, in any order but no circle; each is resolved once, when first asked
/// for.
final class PipelineParams {
  let names: [String]
  private let defaults: [String: YAMLMember]
  private let settings: [String: (value: String, origin: ValueOrigin)]
  private let scales: [(name: YAMLMember, values: [YAMLMember])]
  private let allowedVariables: [String]
  private let variable: (String) -> String?
  private var resolved: [String: YAMLNode] = [:]
  private var open: [String] = []
  /// The params that something in the file reads.
  private var read: Set<String> = []

  private static let maximumDepth = 64
  /// The param that chooses among `scales`.
  private static let scaleName = "scale"

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
    scales = syntax.scales
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
    checkScales(log)
  }

  /// Reports a choice of a scale that is none, and values that fit no param, of every scale.
  private func checkScales(_ log: ProblemLog) {
    guard let first = scales.first else { return }
    guard let choice = defaults[Self.scaleName] else {
      let example = "scale: \(first.name.key)"
      log.report(
        first.name.keyOrigin, found: "scales, and no param that chooses one", expected: "\(example) in params",
        nearest: example)
      return
    }
    if chosenScale == nil, !(settings[Self.scaleName] == nil && choice.value.isNull) {
      let known = scales.map(\.name.key)
      let chosen = settings[Self.scaleName]?.value ?? choice.value.text
      log.report(
        settings[Self.scaleName]?.origin ?? choice.value.origin, found: "the scale \(chosen ?? choice.value.shown)",
        expected: "one of \(known.joined(separator: ", "))",
        nearest: chosen.flatMap { Spelling.nearest(to: $0, among: known) })
    }
    for scale in scales {
      for member in scale.values {
        guard member.key != Self.scaleName, let like = defaults[member.key] else {
          log.report(
            member.keyOrigin, found: "\(member.key) in the scale \(scale.name.key)",
            expected: "one of the params \(names.filter { $0 != Self.scaleName }.joined(separator: ", "))",
            nearest: Spelling.nearest(to: member.key, among: names))
          continue
        }
        _ = fitting(member, like: like, log: log)
      }
    }
  }

  /// The scale that the param names, as it stands: it reads no other; nil where it names none.
  private var chosenScale: (name: YAMLMember, values: [YAMLMember])? {
    guard !scales.isEmpty else { return nil }
    let chosen = settings[Self.scaleName]?.value ?? defaults[Self.scaleName]?.value.text
    return scales.first { $0.name.key == chosen }
  }

  /// A scale's value, of the type of the param that it stands in for.
  private func fitting(_ member: YAMLMember, like example: YAMLMember, log: ProblemLog) -> YAMLNode {
    let node = Scope(params: self, matrix: .none, log: log).replacing(member.value)
    let like = Scope(params: self, matrix: .none, log: ProblemLog()).replacing(example.value)
    return SettingReader(origin: node.origin, name: member.key, log: log).read(node, like: like)
  }

  /// All params in the order of the file, those that are invalid left out.
  func all(log: ProblemLog) -> [PipelineParameter] {
    names.compactMap { name in
      guard let node = resolve(name, log: log), let value = node.value else { return nil }
      return PipelineParameter(name: name, value: value, origin: node.origin)
    }
  }

  /// The value of a param, `.invalid` where it has been reported, nil where there is none of the name.
  func value(of name: String, log: ProblemLog) -> YAMLNode? {
    read.insert(name)
    return resolve(name, log: log)
  }

  /// The settings of params that nothing has read by now: they change nothing.
  var unread: [String] {
    settings.keys.filter { name in
      defaults[name] != nil && !read.contains(name) && !(name == Self.scaleName && !scales.isEmpty)
    }.sorted()
  }

  private func resolve(_ name: String, log: ProblemLog) -> YAMLNode? {
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
    } else if name != Self.scaleName, let scaled = chosenScale?.values.first(where: { $0.key == name }) {
      // What does not fit is reported once, for every scale.
      node = fitting(scaled, like: member, log: ProblemLog())
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

  /// A value of the file that must have the type of an example.
  func read(_ node: YAMLNode, like example: YAMLNode) -> YAMLNode {
    guard case .scalar = example.content, let value = example.value, !value.isNull else {
      return example.value?.isNull ?? false ? node : convert(node, like: example)
    }
    guard case .scalar(let text, let isPlain) = node.content else {
      if !node.isInvalid {
        log.report(node.origin, found: node.shown, expected: "\(value.typeName) for \(name), as its default is")
      }
      return YAMLNode(.invalid, node.origin)
    }
    if case .string = value { return node }
    return scalar(text, isPlain: isPlain, like: value)
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
      case .number, .numeral: isPlain && (CoreSchema.number(text)?.isFinite ?? false)
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
