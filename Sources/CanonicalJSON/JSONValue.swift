import Glibc

/// A JSON value as RFC 8259 defines it; numbers are IEEE 754 doubles, as RFC 8785 wants them.
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case number(Double)
  /// A number as it was written, which a double might not give back: `12345678901234567890`, `1.0`, `-0`, `1e400`.
  ///
  /// Only a parser that was asked for `JSONNumbers.asWritten` makes it; it equals no `number`.
  case numeral(String)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// The members of a JSON object in the order in which they were written.
///
/// Names are compared by their bytes: `é` and `e` + combining accent are two names, which Swift's own string
/// equality would take for one.
public struct JSONObject: Sendable {
  /// Name and value pairs, in order.
  public private(set) var members: [(name: String, value: JSONValue)]

  /// An object with the given members; of equal names the last wins.
  public init(_ members: [(name: String, value: JSONValue)] = []) {
    self.members = []
    self.members.reserveCapacity(members.count)
    guard members.count > Self.fewMembers else {
      for (name, value) in members { self[name] = value }
      return
    }
    var places: [NameBytes: Int] = [:]
    for (name, value) in members {
      if let place = places[NameBytes(name: name)] {
        self.members[place].value = value
      } else {
        places[NameBytes(name: name)] = self.members.count
        self.members.append((name, value))
      }
    }
  }

  /// So many members are looked through faster than hashed.
  private static let fewMembers = 16

  /// A name that is told from others by its bytes.
  private struct NameBytes: Hashable {
    var name: String

    static func == (left: NameBytes, right: NameBytes) -> Bool { left.name.hasSameBytes(as: right.name) }

    func hash(into hasher: inout Hasher) {
      var name = name
      name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
  }

  /// Members known to be distinct, as whoever made them has checked.
  package init(distinct members: [(name: String, value: JSONValue)]) { self.members = members }

  /// The value of a member, or nil.
  ///
  /// Setting nil removes the member; setting a new name appends it.
  ///
  /// - Complexity: linear in the number of members.
  public subscript(name: String) -> JSONValue? {
    get { members.first { $0.name.hasSameBytes(as: name) }?.value }
    set {
      let index = members.firstIndex { $0.name.hasSameBytes(as: name) }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append((name, value))
      case (nil, nil): break
      }
    }
  }

  /// Whether the object has no members.
  public var isEmpty: Bool { members.isEmpty }
  /// The number of members.
  public var count: Int { members.count }
  /// The names in order.
  public var names: [String] { members.map(\.name) }
}

extension JSONObject: Hashable {
  /// Objects are equal when they have the same members in any order.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    guard left.count == right.count else { return false }
    guard left.count > fewMembers else { return left.members.allSatisfy { right[$0.name] == $0.value } }
    let places = Dictionary(right.members.map { (NameBytes(name: $0.name), $0.value) }) { $1 }
    return left.members.allSatisfy { places[NameBytes(name: $0.name)] == $0.value }
  }

  /// Hashes the number of members and the names, which is all that order leaves equal.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    hasher.combine(members.reduce(into: 0) { $0 ^= $1.name.hashValue })
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// An object written as a literal.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(elements.map { (name: $0.0, value: $0.1) })
  }
}

extension String {
  /// Whether two strings have the same UTF-8 bytes; Swift's `==` compares canonical equivalence instead.
  package func hasSameBytes(as other: String) -> Bool {
    let count = utf8.count
    guard count == other.utf8.count else { return false }
    if count == 0 { return true }
    let areSame = utf8.withContiguousStorageIfAvailable { own in
      other.utf8.withContiguousStorageIfAvailable { memcmp(own.baseAddress!, $0.baseAddress!, count) == 0 }
    }
    return (areSame ?? nil) ?? utf8.elementsEqual(other.utf8)
  }
}

// MARK: Reading

extension JSONValue {
  /// The value as a string, or nil.
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The value as a Boolean, or nil.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The value as a double, or nil.
  public var number: Double? {
    switch self {
    case .number(let value): value
    case .numeral(let text): Double(text)
    default: nil
    }
  }
  /// The value as an integer, or nil where it is no number or not exactly an integer.
  public var integer: Int? {
    switch self {
    case .number(let value): Int(exactly: value)
    case .numeral(let text): Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
    default: nil
    }
  }
  /// The elements of an array, or nil.
  public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  /// The members of an object, or nil.
  public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  /// Whether the value is null.
  public var isNull: Bool { self == .null }

  /// The member of an object, or nil where this is no object or has no such member.
  public subscript(name: String) -> JSONValue? { object?[name] }

  /// The word for the type of this value, as messages use it.
  public var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "a Boolean"
    case .number, .numeral: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// The number whose shortest decimal form is that of `value`, so that a float prints as it does by itself.
  public static func number(shortest value: Float) -> JSONValue { .number(Double("\(value)") ?? Double(value)) }
}

// MARK: Writing as literals

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A number.
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// A Boolean.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// An array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// An object.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements.map { (name: $0.0, value: $0.1) }))
  }
  /// Null.
  public init(nilLiteral: ()) { self = .null }
  /// A number from an integer.
  public init(_ value: Int) { self = .number(Double(value)) }
  /// A number.
  public init(_ value: Double) { self = .number(value) }
  /// A string.
  public init(_ value: String) { self = .string(value) }
}
