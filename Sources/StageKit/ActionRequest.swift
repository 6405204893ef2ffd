public import CanonicalJSON
public import SystemPackage

/// The JSON file that tells a child process which action to run; `APPRENTICE_ACTION` names it.
public struct ActionRequest: Sendable {
  /// The stage's name.
  public var stage: String
  /// The action's key, `sha256:…`, to which checkpoints are bound; nil where a request names none.
  public var key: String?
  /// Port to ordered inputs.
  public var inputs: [(port: String, inputs: [StageInput])]
  /// Port to the folder to fill.
  public var outputs: [(port: String, path: FilePath)]
  /// Resolved parameters.
  public var parameters: JSONObject
  /// The folder for checkpoints.
  public var work: FilePath
  /// How many threads to use.
  public var threads: Int

  /// A request.
  public init(
    stage: String, key: String? = nil, inputs: [(port: String, inputs: [StageInput])],
    outputs: [(port: String, path: FilePath)], parameters: JSONObject, work: FilePath, threads: Int
  ) {
    self.stage = stage
    self.key = key
    self.inputs = inputs
    self.outputs = outputs
    self.parameters = parameters
    self.work = work
    self.threads = threads
  }

  /// The file's content.
  public var json: JSONValue {
    let ports = inputs.map { port in
      (
        name: port.port,
        value: JSONValue.array(port.inputs.map(Self.json))
      )
    }
    var object: JSONObject = ["apprentice": 1, "stage": .string(stage)]
    object["key"] = key.map { .string($0) }
    let rest: JSONObject = [
      "in": .object(JSONObject(ports)),
      "out": .object(JSONObject(outputs.map { (name: $0.port, value: .string($0.path.string)) })),
      "parameters": .object(parameters),
      "work": .string(work.string),
      "threads": JSONValue(threads),
    ]
    for member in rest.members { object[member.name] = member.value }
    return .object(object)
  }

  private static func json(_ input: StageInput) -> JSONValue {
    var object: JSONObject = ["label": .string(input.label), "axes": .object(input.axes)]
    object["digest"] = input.digest.map { .string($0) }
    object["path"] = .string(input.path.string)
    return .object(object)
  }

  /// A request from the file's content, or nil where a member is missing or of another type.
  public init?(json: JSONValue) {
    guard json["apprentice"]?.integer == 1, let stage = json["stage"]?.string, let ports = json["in"]?.object,
      let outputs = json["out"]?.object, let parameters = json["parameters"]?.object,
      let work = json["work"]?.string, let threads = json["threads"]?.integer
    else { return nil }
    self.stage = stage
    key = json["key"]?.string
    self.inputs = ports.members.map { member in
      let inputs = (member.value.array ?? []).map {
        StageInput(
          label: $0["label"]?.string ?? member.name, axes: $0["axes"]?.object ?? [:], digest: $0["digest"]?.string,
          path: FilePath($0["path"]?.string ?? ""))
      }
      return (member.name, inputs)
    }
    self.outputs = outputs.members.map { ($0.name, FilePath($0.value.string ?? "")) }
    self.parameters = parameters
    self.work = FilePath(work)
    self.threads = threads
  }
}
