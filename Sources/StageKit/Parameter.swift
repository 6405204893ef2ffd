public import CanonicalJSON

/// A Swift type that a parameter can have.
public protocol ParameterValue: Sendable {
  /// The type without a range.
  static var parameterType: ParameterType { get }
  /// The value of JSON that `parameterType` accepts, else nil.
  init?(parameter: JSONValue)
  /// The value as JSON.
  var parameter: JSONValue { get }
}

/// A parameter with its Swift type: declared once, then used to read its value.
///
///     static let lambda = Parameter("lambda", default: 0.1, in: 0...1000, doc: "Weight of the TD term.")
///     …
///     let weight = parameters[Self.lambda]
public struct Parameter<Value: ParameterValue>: Sendable {
  /// The declaration that goes into the manifest.
  public let declaration: ParameterDeclaration

  init(
    name: String, type: ParameterType, default value: Value, unit: String?, doc: String, affectsResult: Bool
  ) {
    precondition(type.accepts(value.parameter), "the default of \(name) is not \(type.expectation)")
    declaration = ParameterDeclaration(
      name: name, type: type, defaultValue: value.parameter, unit: unit, doc: doc, affectsResult: affectsResult)
  }

  /// A parameter without a range.
  public init(
    _ name: String, default value: Value, unit: String? = nil, doc: String, affectsResult: Bool = true
  ) {
    self.init(
      name: name, type: Value.parameterType, default: value, unit: unit, doc: doc, affectsResult: affectsResult)
  }
}

extension Parameter<Int> {
  /// An integer in a range.
  public init(
    _ name: String, default value: Int, in range: ClosedRange<Int>, unit: String? = nil, doc: String,
    affectsResult: Bool = true
  ) {
    self.init(
      name: name, type: .integer(range), default: value, unit: unit, doc: doc, affectsResult: affectsResult)
  }
}

extension Parameter<Int?> {
  /// An integer in a range, or unset.
  public init(
    _ name: String, in range: ClosedRange<Int>, unit: String? = nil, doc: String, affectsResult: Bool = true
  ) {
    self.init(
      name: name, type: .optional(.integer(range)), default: nil, unit: unit, doc: doc,
      affectsResult: affectsResult)
  }
}

extension Parameter<Double> {
  /// A number in a range.
  public init(
    _ name: String, default value: Double, in range: ClosedRange<Double>, unit: String? = nil, doc: String,
    affectsResult: Bool = true
  ) {
    self.init(
      name: name, type: .number(range), default: value, unit: unit, doc: doc, affectsResult: affectsResult)
  }
}

extension Parameter<Double?> {
  /// A number in a range, or unset.
  public init(
    _ name: String, in range: ClosedRange<Double>, unit: String? = nil, doc: String, affectsResult: Bool = true
  ) {
    self.init(
      name: name, type: .optional(.number(range)), default: nil, unit: unit, doc: doc,
      affectsResult: affectsResult)
  }
}

extension Int: ParameterValue {
  /// Integers.
  public static var parameterType: ParameterType { .integer(nil) }
  /// An integral number.
  public init?(parameter: JSONValue) {
    guard let value = parameter.integer else { return nil }
    self = value
  }
  /// A number.
  public var parameter: JSONValue { JSONValue(self) }
}

extension Double: ParameterValue {
  /// Numbers.
  public static var parameterType: ParameterType { .number(nil) }
  /// A number.
  public init?(parameter: JSONValue) {
    guard let value = parameter.number else { return nil }
    self = value
  }
  /// A number.
  public var parameter: JSONValue { .number(self) }
}

extension String: ParameterValue {
  /// Texts.
  public static var parameterType: ParameterType { .string }
  /// A text.
  public init?(parameter: JSONValue) {
    guard let value = parameter.string else { return nil }
    self = value
  }
  /// A text.
  public var parameter: JSONValue { .string(self) }
}

extension Bool: ParameterValue {
  /// Booleans.
  public static var parameterType: ParameterType { .boolean }
  /// A Boolean.
  public init?(parameter: JSONValue) {
    guard let value = parameter.bool else { return nil }
    self = value
  }
  /// A Boolean.
  public var parameter: JSONValue { .bool(self) }
}

extension Optional: ParameterValue where Wrapped: ParameterValue {
  /// The wrapped type, or null.
  public static var parameterType: ParameterType { .optional(Wrapped.parameterType) }
  /// Null is nil.
  public init?(parameter: JSONValue) {
    if parameter.isNull {
      self = nil
      return
    }
    guard let value = Wrapped(parameter: parameter) else { return nil }
    self = value
  }
  /// Nil is null.
  public var parameter: JSONValue { self?.parameter ?? .null }
}

extension Array: ParameterValue where Element: ParameterValue {
  /// Lists.
  public static var parameterType: ParameterType { .list(Element.parameterType) }
  /// A list whose every element fits.
  public init?(parameter: JSONValue) {
    guard let values = parameter.array else { return nil }
    let elements = values.compactMap { Element(parameter: $0) }
    guard elements.count == values.count else { return nil }
    self = elements
  }
  /// A list.
  public var parameter: JSONValue { .array(map(\.parameter)) }
}

/// A parameter that maps names to values, in the order of writing.
public struct NamedValues<Value: ParameterValue>: ParameterValue {
  /// Names and values in order.
  public var entries: [(name: String, value: Value)]

  /// Entries in order.
  public init(_ entries: [(name: String, value: Value)] = []) { self.entries = entries }

  /// Whether there are none.
  public var isEmpty: Bool { entries.isEmpty }

  /// Maps.
  public static var parameterType: ParameterType { .map(Value.parameterType) }
  /// An object whose every member fits.
  public init?(parameter: JSONValue) {
    guard let object = parameter.object else { return nil }
    var entries: [(name: String, value: Value)] = []
    for member in object.members {
      guard let value = Value(parameter: member.value) else { return nil }
      entries.append((member.name, value))
    }
    self.entries = entries
  }
  /// An object.
  public var parameter: JSONValue { .object(JSONObject(entries.map { ($0.name, $0.value.parameter) })) }
}

/// A parameter that is one text for all, or a text for each of some names.
public enum TextOrMap: ParameterValue {
  case text(String)
  case map(NamedValues<String>)

  /// Texts, or maps of texts.
  public static var parameterType: ParameterType { .textOrMap }
  /// A text or an object of texts.
  public init?(parameter: JSONValue) {
    if let text = parameter.string {
      self = .text(text)
    } else if let values = NamedValues<String>(parameter: parameter) {
      self = .map(values)
    } else {
      return nil
    }
  }
  /// A text or an object.
  public var parameter: JSONValue {
    switch self {
    case .text(let text): .string(text)
    case .map(let values): values.parameter
    }
  }
}

/// An enumeration of words, such as a schedule; declare `enum Schedule: String, ChoiceParameter`.
public protocol ChoiceParameter: ParameterValue, CaseIterable, RawRepresentable where RawValue == String {}

extension ChoiceParameter {
  /// One of the words.
  public static var parameterType: ParameterType { .choice(allCases.map(\.rawValue)) }
  /// A word.
  public init?(parameter: JSONValue) {
    guard let word = parameter.string, let value = Self(rawValue: word) else { return nil }
    self = value
  }
  /// A word.
  public var parameter: JSONValue { .string(rawValue) }
}
