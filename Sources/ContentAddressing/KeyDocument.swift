public import CanonicalJSON

/// The identity of an action: the digest of its key document.
public struct ActionKey: Hashable, Sendable, Comparable, LosslessStringConvertible {
  /// The digest of the key document, which is a blob under this very digest.
  public var digest: Digest

  /// The key of a digest.
  public init(_ digest: Digest) { self.digest = digest }

  /// Reads `sha256:` and 64 hexadecimal digits.
  public init?(_ description: String) {
    guard let digest = Digest(description) else { return nil }
    self.digest = digest
  }

  /// The printed form, `sha256:` and 64 hexadecimal digits.
  public var description: String { digest.description }

  /// Orders keys by their bytes.
  public static func < (left: ActionKey, right: ActionKey) -> Bool { left.digest < right.digest }
}

/// All that an action's result depends on, and nothing else: no names but labels, no paths, times, threads, hosts.
///
/// Two actions with equal documents have equal results, so the digest of the canonical document finds the result.
public struct KeyDocument: Hashable, Sendable {
  /// What a port receives.
  public enum Input: Hashable, Sendable {
    /// One artifact.
    case one(Digest)
    /// An ordered list of artifacts, for a port that takes many.
    case many([LabelledInput])
  }

  /// One of the artifacts of a port that takes many; label and axes belong to the key, since a report prints them.
  public struct LabelledInput: Hashable, Sendable {
    /// The stage and cell that it came from, or the label that was given.
    public var label: String
    /// The values of the cell's axes.
    public var axes: JSONObject
    /// The artifact.
    public var digest: Digest

    /// An artifact with its label and axes.
    public init(label: String, axes: JSONObject = [:], digest: Digest) {
      self.label = label
      self.axes = axes
      self.digest = digest
    }
  }

  /// The program of a stage of the user's own.
  public struct Program: Hashable, Sendable {
    /// The command and its arguments.
    public var command: [String]
    /// The files that it runs with, by name.
    public var code: [String: Digest]

    /// A program.
    public init(command: [String], code: [String: Digest]) {
      self.command = command
      self.code = code
    }
  }

  /// The name of the stage's declaration, such as `train-iq`.
  public var stage: String
  /// The stage's revision, which stands for its code.
  public var revision: Int
  /// The parameters that affect the result; of a built-in stage only those that differ from their default.
  public var parameters: JSONObject
  /// The artifacts by port.
  public var inputs: [String: Input]
  /// The numerics policy, `native` or `portable`.
  public var numerics: String
  /// The program of a stage of the user's own.
  public var program: Program?
  /// The digest of the executable, where development asks for it.
  public var development: Digest?

  /// A key document.
  public init(
    stage: String, revision: Int, parameters: JSONObject, inputs: [String: Input], numerics: String,
    program: Program? = nil, development: Digest? = nil
  ) {
    self.stage = stage
    self.revision = revision
    self.parameters = parameters
    self.inputs = inputs
    self.numerics = numerics
    self.program = program
    self.development = development
  }

  /// The version of the document's form; another form is another key.
  public static let version = 1

  /// The artifacts that the action reads, port by port in the order of their names.
  public var inputDigests: [Digest] {
    inputs.sorted { $0.key < $1.key }.flatMap { _, input in
      switch input {
      case .one(let digest): [digest]
      case .many(let list): list.map(\.digest)
      }
    }
  }

  /// The document as JSON.
  public var json: JSONValue {
    var object: JSONObject = [
      "apprentice": JSONValue(KeyDocument.version), "stage": .string(stage), "revision": JSONValue(revision),
      "parameters": .object(parameters), "numerics": .string(numerics),
      "inputs": .object(JSONObject(inputs.map { (name: $0.key, value: $0.value.json) })),
    ]
    if let program {
      object["program"] = [
        "command": .array(program.command.map { .string($0) }),
        "code": .strings(program.code.mapValues(\.description)),
      ]
    }
    if let development { object["development"] = .string(development.description) }
    return .object(object)
  }

  /// The canonical bytes (RFC 8785), which are stored under the key.
  public var canonical: [UInt8] { json.canonical }

  /// The action key: the digest of the canonical bytes.
  public var key: ActionKey { ActionKey(Digest(hashing: canonical)) }
}

extension KeyDocument.Input {
  var json: JSONValue {
    switch self {
    case .one(let digest): .string(digest.description)
    case .many(let list):
      .array(
        list.map {
          ["label": .string($0.label), "axes": .object($0.axes), "digest": .string($0.digest.description)]
        })
    }
  }

  init(json: JSONValue, at place: String) throws(ManifestError) {
    let digestRule = "sha256: and 64 hexadecimal digits"
    if let text = json.string {
      guard let digest = Digest(text) else { throw ManifestError(member: place, expected: digestRule) }
      self = .one(digest)
      return
    }
    guard let elements = json.array else { throw ManifestError(member: place, expected: "a digest or an array") }
    var list: [KeyDocument.LabelledInput] = []
    for (index, element) in elements.enumerated() {
      guard let label = element["label"]?.string else {
        throw ManifestError(member: "\(place)[\(index)].label", expected: "a string")
      }
      guard let axes = element["axes"]?.object else {
        throw ManifestError(member: "\(place)[\(index)].axes", expected: "an object")
      }
      guard let digest = element["digest"]?.string.flatMap(Digest.init(_:)) else {
        throw ManifestError(member: "\(place)[\(index)].digest", expected: digestRule)
      }
      list.append(.init(label: label, axes: axes, digest: digest))
    }
    self = .many(list)
  }
}

extension KeyDocument {
  /// Reads a document.
  ///
  /// - Throws: `ManifestError` that names the member.
  public init(json: JSONValue) throws(ManifestError) {
    guard json["apprentice"]?.integer == KeyDocument.version else {
      throw ManifestError(member: "apprentice", expected: "\(KeyDocument.version)")
    }
    guard let stage = json["stage"]?.string else { throw ManifestError(member: "stage", expected: "a string") }
    guard let revision = json["revision"]?.integer else {
      throw ManifestError(member: "revision", expected: "an integer")
    }
    guard let parameters = json["parameters"]?.object else {
      throw ManifestError(member: "parameters", expected: "an object")
    }
    guard let ports = json["inputs"]?.object else { throw ManifestError(member: "inputs", expected: "an object") }
    guard let numerics = json["numerics"]?.string else {
      throw ManifestError(member: "numerics", expected: "a string")
    }
    var inputs: [String: Input] = [:]
    for (port, value) in ports.members { inputs[port] = try Input(json: value, at: "inputs.\(port)") }
    var development: Digest?
    if let value = json["development"] {
      guard let digest = value.string.flatMap(Digest.init(_:)) else {
        throw ManifestError(member: "development", expected: "a digest")
      }
      development = digest
    }
    self.init(
      stage: stage, revision: revision, parameters: parameters, inputs: inputs, numerics: numerics,
      program: try json["program"].map(Program.init(json:)), development: development)
  }
}

extension KeyDocument.Program {
  init(json: JSONValue) throws(ManifestError) {
    let command = json["command"]?.array?.compactMap(\.string) ?? []
    guard !command.isEmpty, command.count == json["command"]?.array?.count else {
      throw ManifestError(member: "program.command", expected: "an array of strings")
    }
    var code: [String: Digest] = [:]
    for (name, text) in try strings(json["code"], at: "program.code") {
      guard let digest = Digest(text) else { throw ManifestError(member: "program.code.\(name)", expected: "a digest") }
      code[name] = digest
    }
    self.init(command: command, code: code)
  }
}
