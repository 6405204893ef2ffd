import CanonicalJSON

/// A value of a YAML file as it was written: what a scalar means is decided by the type that it is read for.
struct YAMLNode: Sendable {
  /// What the value is.
  enum Content: Sendable {
    /// A text; a plain one may stand for a number, a Boolean or null.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    case mapping([YAMLMember])
    /// Something that has been reported already; whoever meets it stays silent.
    case invalid
  }

  var content: Content
  /// Where it was written.
  var origin: ValueOrigin
  /// What a relative path in it is relative to, where that is not `origin`'s: `${data}/x` follows `data`.
  var pathOrigin: ValueOrigin?

  init(_ content: Content, _ origin: ValueOrigin) {
    self.content = content
    self.origin = origin
  }
}

/// A key with its value.
struct YAMLMember: Sendable {
  var key: String
  var keyOrigin: ValueOrigin
  var value: YAMLNode
}

extension YAMLNode {
  /// The text of a scalar, or nil.
  var text: String? { if case .scalar(let text, _) = content { text } else { nil } }

  /// The members of a mapping, or nil.
  var members: [YAMLMember]? { if case .mapping(let members) = content { members } else { nil } }

  /// The elements of a sequence, or nil.
  var elements: [YAMLNode]? { if case .sequence(let elements) = content { elements } else { nil } }

  /// Whether the value has been reported already.
  var isInvalid: Bool { if case .invalid = content { true } else { false } }

  /// Whether this is a plain scalar that the core schema reads as null, such as nothing at all.
  var isNull: Bool {
    guard case .scalar(let text, true) = content else { return false }
    return CoreSchema.resolve(text).isNull
  }

  /// The value by the core schema, for places that declare no type; nil where something in it is invalid.
  var value: JSONValue? {
    switch content {
    case .scalar(let text, let isPlain): return isPlain ? CoreSchema.resolve(text) : .string(text)
    case .sequence(let elements):
      let values = elements.compactMap(\.value)
      guard values.count == elements.count else { return nil }
      return .array(values)
    case .mapping(let members):
      var object: [(name: String, value: JSONValue)] = []
      for member in members {
        guard let value = member.value.value else { return nil }
        object.append((member.key, value))
      }
      return .object(JSONObject(object))
    case .invalid: return nil
    }
  }

  /// The value as messages show it: short, on one line.
  var shown: String {
    switch content {
    case .scalar("", true): "nothing"
    case .scalar(let text, true): Self.shorten(text.contains("\n") ? JSONValue.string(text).text : text)
    case .scalar(let text, false): Self.shorten(JSONValue.string(text).text) + " (a string)"
    case .sequence(let elements): elements.isEmpty ? "an empty list" : "a list"
    case .mapping: "a mapping"
    case .invalid: "an invalid value"
    }
  }

  private static func shorten(_ text: String) -> String {
    text.utf8.count > 60 ? text.prefix(57) + "…" : text
  }
}
