public import CanonicalJSON

/// The type of a parameter, which decides how a scalar of a pipeline file or of `--with` is read.
public indirect enum ParameterType: Sendable, Hashable {
  /// A whole number, within the range where there is one.
  case integer(ClosedRange<Int>?)
  /// A finite number, within the range where there is one.
  case number(ClosedRange<Double>?)
  /// A text, taken verbatim.
  case string
  /// `true` or `false`.
  case boolean
  /// One of some words.
  case choice([String])
  /// A list.
  case list(ParameterType)
  /// A mapping from names to values, in the order of writing.
  case map(ParameterType)
  /// A text, or a mapping from names to texts.
  case textOrMap
  /// The type or null, which leaves the parameter unset.
  case optional(ParameterType)

  /// The name that manifests and messages use, such as `integer` or `list of strings`.
  public var name: String {
    switch self {
    case .integer: "integer"
    case .number: "number"
    case .string: "string"
    case .boolean: "boolean"
    case .choice: "choice"
    case .list(let element): "list of \(element.name)s"
    case .map(let element): "map of \(element.name)s"
    case .textOrMap: "string or map of strings"
    case .optional(let wrapped): wrapped.name
    }
  }

  /// What is expected, with the range or the words: `a number from 0 to 1`.
  public var expectation: String {
    switch self {
    case .integer(nil): "an integer"
    case .integer(let range?): "an integer from \(range.lowerBound) to \(range.upperBound)"
    case .number(nil): "a number"
    case .number(let range?): "a number from \(JSONValue(range.lowerBound).text) to \(JSONValue(range.upperBound).text)"
    case .string: "a string"
    case .boolean: "true or false"
    case .choice(let words): "one of " + words.joined(separator: ", ")
    case .list(let element): "a list, each element \(element.expectation)"
    case .map(let element): "a mapping, each value \(element.expectation)"
    case .textOrMap: "a string, or a mapping, each value a string"
    case .optional(let wrapped): "\(wrapped.expectation), or null"
    }
  }

  /// Whether a value is of this type and in range.
  public func accepts(_ value: JSONValue) -> Bool {
    switch (self, value) {
    case (.integer(let range), .number):
      guard let integer = value.integer, integer.magnitude <= 1 << 53 else { return false }
      return range?.contains(integer) ?? true
    case (.number(let range), .number(let number)): return number.isFinite && (range?.contains(number) ?? true)
    case (.string, .string), (.boolean, .bool): return true
    case (.choice(let words), .string(let word)): return words.contains { $0.utf8.elementsEqual(word.utf8) }
    case (.list(let element), .array(let values)): return values.allSatisfy(element.accepts)
    case (.textOrMap, .string): return true
    case (.textOrMap, .object(let object)):
      return !object.isEmpty && object.members.allSatisfy { $0.value.string != nil }
    case (.map(let element), .object(let object)): return object.members.allSatisfy { element.accepts($0.value) }
    case (.optional, .null): return true
    case (.optional(let wrapped), _): return wrapped.accepts(value)
    default: return false
    }
  }
}

/// One parameter of a stage, as the manifest states it.
public struct ParameterDeclaration: Sendable, Hashable {
  /// The name in `with:` and `--with`.
  public var name: String
  /// How it is read.
  public var type: ParameterType
  /// The value where none is given.
  public var defaultValue: JSONValue
  /// The unit, such as `rows` or `nats per token`, or nil.
  public var unit: String?
  /// One line of documentation.
  public var doc: String
  /// Whether the result depends on it; if not, it stays outside the action key.
  public var affectsResult: Bool

  /// A declaration.
  public init(
    name: String, type: ParameterType, defaultValue: JSONValue, unit: String? = nil, doc: String,
    affectsResult: Bool = true
  ) {
    self.name = name
    self.type = type
    self.defaultValue = defaultValue
    self.unit = unit
    self.doc = doc
    self.affectsResult = affectsResult
  }
}
