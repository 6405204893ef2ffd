/// What a server asks for in `WWW-Authenticate`.
enum Challenge: Equatable {
  /// A name and a password with every request.
  case basic
  /// A token, which is to be had at the realm.
  case bearer(realm: String, service: String?)

  /// The challenge of the lines of an answer that can be met; nil where there is none.
  init?(_ lines: [String]) {
    let challenges = lines.compactMap { Challenge(line: $0) }
    guard let best = challenges.first(where: { $0 != .basic }) ?? challenges.first else { return nil }
    self = best
  }

  private init?(line: String) {
    let scheme = line.prefix { $0 != " " }.lowercased()
    switch scheme {
    case "basic": self = .basic
    case "bearer":
      let values = Self.values(line.dropFirst(scheme.count))
      guard let realm = values["realm"] else { return nil }
      self = .bearer(realm: realm, service: values["service"])
    default: return nil
    }
  }

  /// `name="value", name=value`, values perhaps with escapes.
  private static func values(_ text: Substring) -> [String: String] {
    var values: [String: String] = [:]
    var rest = text.unicodeScalars[...]
    while true {
      rest = rest.drop { $0 == " " || $0 == "," }
      let name = rest.prefix { $0 != "=" && $0 != "," && $0 != " " }
      rest = rest.dropFirst(name.count)
      guard !name.isEmpty, rest.first == "=" else { return values }
      rest = rest.dropFirst()
      var value = String.UnicodeScalarView()
      if rest.first == "\"" {
        rest = rest.dropFirst()
        while let scalar = rest.popFirst(), scalar != "\"" {
          if scalar == "\\", let escaped = rest.popFirst() { value.append(escaped) } else { value.append(scalar) }
        }
      } else {
        while let scalar = rest.first, scalar != ",", scalar != " " {
          value.append(scalar)
          rest = rest.dropFirst()
        }
      }
      values[String(name).lowercased()] = String(value)
    }
  }
}
