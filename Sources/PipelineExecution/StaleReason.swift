package import CanonicalJSON
package import ArtifactStore
import ContentAddressing
package import PipelineLanguage
import StageKit
import SystemPackage

/// Why an action runs.
package enum StaleReason: Sendable {
  /// The documents of this key and an earlier one differ.
  case changed([ExplainedChange])
  /// There is no earlier result to compare with.
  case noEarlierResult
  /// The result was made once, but its bytes are not all there.
  case lost
  /// The result came from elsewhere and counts for nothing here.
  case untrusted(ResultOrigin)
  /// The command line asks for it.
  case forced
  /// Inputs are made by actions that are to run first.
  case waits(for: [String], because: String?)

  /// One sentence about an action.
  package func sentence(_ id: String) -> String {
    switch self {
    case .changed(let changes):
      guard let first = changes.first else { return "\(id) runs because its key changed" }
      let more = changes.count > 1 ? ", and \(changes.count - 1) more" : ""
      return "\(id) runs because \(first.clause)\(more)"
    case .noEarlierResult: return "\(id) runs because there is no earlier result"
    case .lost: return "\(id) runs because its earlier result is no longer whole in the store"
    case .untrusted(let origin):
      let remedy = origin.digest.map { " (`apprentice bundle trust \($0)`, or --trust imported, takes it)" } ?? ""
      return "\(id) runs because its result came with \(origin.description), which is not trusted here\(remedy)"
    case .forced: return "\(id) runs because --force asks for it"
    case .waits(let ids, let cause):
      let more = ids.count > 2 ? " and \(ids.count - 2) more" : ""
      let named = ids.prefix(2).joined(separator: ids.count == 2 ? " and " : ", ")
      return "\(id) waits for \(named)\(more)" + (cause.map { ": \($0)" } ?? "")
    }
  }

  /// Whether the command line asks for it, whatever is in the store.
  var isForced: Bool { if case .forced = self { true } else { false } }

  /// The differences, where there are any.
  package var changes: [ExplainedChange] { if case .changed(let changes) = self { changes } else { [] } }
}

/// A field of the key that differs from an earlier one, with the place that the new value comes from.
package struct ExplainedChange: Sendable {
  /// What differs: a parameter's name, or `inputs.tokens`, `revision`, `code.upper.py`.
  package var field: String
  /// The value before.
  package var old: JSONValue?
  /// The value now.
  package var new: JSONValue?
  /// Where the new value was written, where it was written at all.
  package var origin: ValueOrigin?
  /// What an input comes from: `fresh.model`, or a path.
  package var source: String?

  /// The change in a few words, such as `lambda 0.1 → 0.2 (e2e-nlg.yaml:24)`.
  package var clause: String {
    let place = origin.map { " (\(Self.place($0)))" } ?? ""
    if field.hasPrefix("inputs.") {
      let name = "input " + field.dropFirst("inputs.".count)
      return switch (old, new) {
      case (nil, _): "\(name) is new" + (source.map { " (\($0))" } ?? place)
      case (_, nil): "\(name) is gone"
      default: "\(name) changed" + (source.map { " (\($0))" } ?? place)
      }
    }
    if field.hasPrefix("code.") { return "\(field.dropFirst("code.".count)) changed" }
    if field == "development" { return "the program was built anew" }
    return "\(field) \(Self.short(old)) → \(Self.short(new))\(place)"
  }

  /// Field, old and new value, file and line.
  package var json: JSONValue {
    let (file, line): (JSONValue, JSONValue) =
      switch origin {
      case .file(let location)?: (.string(location.file.string), JSONValue(location.line))
      case let origin?: (.string(origin.description), .null)
      case nil: (.null, .null)
      }
    return ["field": .string(field), "old": old ?? .null, "new": new ?? .null, "file": file, "line": line]
  }

  private static func place(_ origin: ValueOrigin) -> String {
    guard case .file(let location) = origin else { return origin.description }
    return "\(location.file.lastComponent?.string ?? location.file.string):\(location.line)"
  }

  /// A value that fits in a sentence.
  private static func short(_ value: JSONValue?) -> String {
    guard let value else { return "unset" }
    let text = value.string ?? value.text
    return text.count <= 60 ? text : text.prefix(57) + "…"
  }
}

extension PlannedAction {
  /// The differences of key documents in the user's words, with places in the pipeline file.
  ///
  /// - Parameters:
  ///   - changes: The differences.
  ///   - files: The names of the files that differ between an old and a new digest of a source.
  /// - Returns: A change each.
  func explain(
    _ changes: [FieldChange], files: (_ old: JSONValue?, _ new: JSONValue?) -> [String]
  ) -> [ExplainedChange] {
    changes.compactMap { change in
      let head = change.path.first
      let rest = change.path.dropFirst()
      switch (head, rest.first) {
      case ("parameters"?, let name?):
        // What a key leaves out stands at its default.
        let isWhole = rest.count == 1
        let old = change.old ?? (isWhole ? declaration.parameter(name)?.defaultValue : nil)
        let new = change.new ?? (isWhole ? parameters.object[name] : nil)
        guard old != new else { return nil }
        return ExplainedChange(
          field: rest.joined(separator: "."), old: old, new: new, origin: parameterOrigins[name] ?? .file(location))
      case ("inputs"?, let port?):
        let sources = inputs.first { $0.port.name == port }?.sources ?? []
        let label = rest.dropFirst().first
        let source = sources.first { label == nil || $0.label == label } ?? sources.first
        return ExplainedChange(
          field: change.field, old: change.old, new: change.new, origin: source?.origin ?? .file(location),
          source: source.map { source in
            let names = files(change.old, change.new)
            return names.isEmpty ? source.label : "\(names.joined(separator: ", ")) in \(source.label)"
          })
      case ("program"?, "code"?):
        return ExplainedChange(
          field: "code." + rest.dropFirst().joined(separator: "."), old: change.old, new: change.new, origin: nil)
      case ("program"?, _): return ExplainedChange(field: "command", old: change.old, new: change.new)
      case ("numerics"?, _):
        return ExplainedChange(field: "numerics", old: change.old, new: change.new)
      default: return ExplainedChange(field: change.field, old: change.old, new: change.new)
      }
    }
  }
}

extension InputSource {
  /// How the user calls it.
  var label: String {
    switch self {
    case .output(_, _, let label, _): label
    case .path(_, _, let label, _): label
    }
  }

  /// Where a path was written.
  var origin: ValueOrigin? {
    switch self {
    case .output: nil
    case .path(_, _, _, let origin): origin
    }
  }
}
