import CanonicalJSON
import SystemPackage

/// The members of a `config.json`, read with errors that name them.
struct ConfigurationFields {
  var file: FilePath
  var object: JSONObject

  func failure(_ name: String, _ text: String) -> CheckpointError { CheckpointError(file, .field(name, text)) }

  func unsupported(_ name: String, _ text: String) -> CheckpointError {
    CheckpointError(file, .unsupported(name, text))
  }

  /// A member that is there and not null.
  private func member(_ name: String) -> JSONValue? {
    guard let value = object[name], !value.isNull else { return nil }
    return value
  }

  func has(_ name: String) -> Bool { member(name) != nil }

  /// A positive integer; `standard` where it is absent or null.
  func count(_ name: String, standard: Int? = nil) throws(CheckpointError) -> Int {
    guard let value = member(name) else {
      guard let standard else { throw failure(name, "is missing") }
      return standard
    }
    guard let count = value.integer, count > 0, count <= 1 << 31 else {
      throw failure(name, "is \(value.text), expected a positive integer")
    }
    return count
  }

  func number(_ name: String, standard: Double? = nil) throws(CheckpointError) -> Double {
    guard let value = member(name) else {
      guard let standard else { throw failure(name, "is missing") }
      return standard
    }
    guard let number = value.number, number.isFinite else { throw failure(name, "is \(value.text), expected a number") }
    return number
  }

  /// A number above 0.
  func positive(_ name: String, standard: Double? = nil) throws(CheckpointError) -> Double {
    let number = try number(name, standard: standard)
    guard number > 0 else { throw failure(name, "is \(number), expected a number above 0") }
    return number
  }

  /// A number that single precision holds, of at least `least`.
  func float(_ name: String, standard: Double, from least: Double = -.infinity) throws(CheckpointError) -> Float {
    let number = try number(name, standard: standard)
    guard Float(number).isFinite, number >= least else {
      let bound = least.isFinite ? " from \(least)" : ""
      throw failure(name, "is \(number), expected a number\(bound) that single precision holds")
    }
    return Float(number)
  }

  func flag(_ name: String, standard: Bool) throws(CheckpointError) -> Bool {
    guard let value = member(name) else { return standard }
    guard let flag = value.bool else { throw failure(name, "is \(value.text), expected true or false") }
    return flag
  }

  func string(_ name: String) throws(CheckpointError) -> String? {
    guard let value = member(name) else { return nil }
    guard let text = value.string else { throw failure(name, "is \(value.text), expected a string") }
    return text
  }

  func fields(_ name: String) throws(CheckpointError) -> ConfigurationFields? {
    guard let value = member(name) else { return nil }
    guard let object = value.object else { throw failure(name, "is \(value.text), expected an object") }
    return ConfigurationFields(file: file, object: object)
  }

  /// Token ids: an integer, a list of them, or none where it is null.
  ///
  /// - Parameters:
  ///   - name: The member.
  ///   - standard: What an absent member means.
  ///   - vocabulary: Ids must be below it.
  /// - Returns: The ids, each once.
  /// - Throws: `CheckpointError` naming the member.
  func tokens(_ name: String, standard: [Int32], vocabulary: Int) throws(CheckpointError) -> [Int32] {
    guard let value = object[name] else { return standard.filter { $0 < vocabulary } }
    if value.isNull { return [] }
    let ids = value.array ?? [value]
    var tokens: [Int32] = []
    for id in ids {
      guard let token = id.integer, token >= 0, token < vocabulary else {
        throw failure(name, "is \(value.text), expected token ids below the vocabulary size of \(vocabulary)")
      }
      if !tokens.contains(Int32(token)) { tokens.append(Int32(token)) }
    }
    return tokens
  }
}
