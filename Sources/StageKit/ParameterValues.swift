public import CanonicalJSON

/// Why a set of parameters can't be used; found before anything runs.
public struct ParameterError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The parameter at fault.
  public var parameter: String
  /// What was found.
  public var found: String
  /// What was expected.
  public var expected: String

  /// An error about one parameter.
  public init(parameter: String, found: String, expected: String) {
    self.parameter = parameter
    self.found = found
    self.expected = expected
  }

  /// One sentence.
  public var description: String { "parameter \(parameter): expected \(expected), found \(found)" }
}

/// The parameters of one action: every declared name has a value of its type.
public struct ParameterValues: Sendable, Hashable {
  /// Name to value, in the order of the declaration.
  public let object: JSONObject

  /// Fills in defaults and checks types, ranges and names.
  ///
  /// - Parameters:
  ///   - given: What the user wrote, already of JSON type.
  ///   - declaration: The stage.
  /// - Throws: `ParameterError` for the first name or value that does not fit.
  public init(_ given: JSONObject, for declaration: StageDeclaration) throws(ParameterError) {
    for name in given.names where declaration.parameter(name) == nil {
      throw ParameterError(
        parameter: name, found: "a parameter that \(declaration.name) does not have",
        expected: "one of " + declaration.parameters.map(\.name).joined(separator: ", "))
    }
    var members: [(name: String, value: JSONValue)] = []
    for parameter in declaration.parameters {
      let value = given[parameter.name] ?? parameter.defaultValue
      guard parameter.type.accepts(value) else {
        throw ParameterError(
          parameter: parameter.name, found: value.text, expected: parameter.type.expectation)
      }
      members.append((parameter.name, value))
    }
    object = JSONObject(members)
  }

  /// The value of a parameter.
  public subscript<Value>(_ parameter: Parameter<Value>) -> Value {
    guard let value = object[parameter.declaration.name].flatMap({ Value(parameter: $0) }) else {
      preconditionFailure("\(parameter.declaration.name) is not declared by this stage")
    }
    return value
  }

  /// The values that decide the result and are not the declaration's own: those of an action key.
  public func differing(from declaration: StageDeclaration) -> JSONObject {
    JSONObject(
      object.members.filter { member in
        guard let parameter = declaration.parameter(member.name) else { return true }
        return parameter.affectsResult && parameter.defaultValue != member.value
      })
  }

  /// The values that decide the result.
  public func affectingResult(of declaration: StageDeclaration) -> JSONObject {
    JSONObject(object.members.filter { declaration.parameter($0.name)?.affectsResult ?? true })
  }
}
