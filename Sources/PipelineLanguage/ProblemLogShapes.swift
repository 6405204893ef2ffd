import CanonicalJSON

/// Checks that files of any sort share.
extension ProblemLog {
  /// The members of a mapping; nil for anything else, which is reported.
  func mapping(_ node: YAMLNode, expected: String) -> [YAMLMember]? {
    if let members = node.members { return members }
    if !node.isInvalid { report(node.origin, found: node.shown, expected: expected) }
    return nil
  }

  /// Reports a key that is none of those that a place has.
  ///
  /// - Parameters:
  ///   - member: The key with its value.
  ///   - keys: The keys that the place has.
  ///   - place: The place, such as `a stage`.
  ///   - foreign: What people call some of the keys elsewhere.
  func checkKey(_ member: YAMLMember, among keys: [String], of place: String, foreign: [String: String] = [:]) {
    guard !keys.contains(member.key) else { return }
    report(
      member.keyOrigin, found: "unknown key \(member.key)",
      expected: "one of \(keys.joined(separator: ", ")) in \(place)",
      nearest: foreign[member.key] ?? Spelling.nearest(to: member.key, among: keys))
  }

  /// Whether a key is a name that references can spell; reported if not.
  func checkName(_ member: YAMLMember, _ what: String) -> Bool {
    if member.key.isName { return true }
    report(
      member.keyOrigin, found: "the name \(JSONValue.string(member.key).text)",
      expected: "\(what) of letters, digits, _ and -")
    return false
  }
}

extension String {
  /// Whether this consists of letters, digits, `_` and `-`, the first of them no `-`.
  var isName: Bool { isName(dots: false) }

  /// Whether this consists of letters, digits, `_`, `-` and, after the first, dots.
  func isName(dots: Bool) -> Bool {
    guard let first = utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: ".") else { return false }
    return utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      case UInt8(ascii: "."): dots
      default: false
      }
    }
  }
}
