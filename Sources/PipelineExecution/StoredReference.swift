package import ArtifactStore
package import ContentAddressing
import PipelineLanguage

/// What a REF of the command line names in a store: `[PIPELINE:]STAGE[@CELL][.PORT]`, a digest, or a prefix of one.
package enum StoredReference {
  /// One thing that a reference names.
  package struct Match: Sendable {
    /// Stage, cell and port, where the reference names a stage.
    package var label: String?
    /// The manifest.
    package var digest: Digest
  }

  /// A reference that names nothing, or too much.
  package struct Failure: Error, CustomStringConvertible {
    /// One sentence.
    package var description: String
    /// Whether there was a result, and what is left of it can't be used.
    package var isDamage = false
  }

  /// Everything that a reference names: the outputs of the last run, or one manifest.
  ///
  /// - Parameters:
  ///   - text: The reference.
  ///   - preferred: The pipeline that is meant where the reference names none.
  ///   - store: The store.
  /// - Returns: At least one match.
  /// - Throws: `Failure`, or `StoreError`.
  package static func resolve(_ text: String, preferring preferred: String?, in store: Store) throws -> [Match] {
    if let digest = Digest(text) { return [Match(label: nil, digest: digest)] }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let pipelines = try store.pipelines().sorted()
    if parts.count == 2, parts[0] != "sha256" {
      guard pipelines.contains(parts[0]) else {
        throw Failure(
          description: "no pipeline \(parts[0]) has run in this store"
            + (pipelines.isEmpty ? "" : "; there are \(pipelines.joined(separator: ", "))"))
      }
      let (matches, collected) = try outputs(parts[1], of: parts[0], in: store)
      if matches.isEmpty {
        if let collected {
          throw Failure(
            description:
              "the result of \(collected) in pipeline \(parts[0]) is gone, `apprentice gc` removes old ones; "
              + "run the pipeline again to make it anew")
        }
        // What it says already is no help, as the name of a port that the action did not write.
        let known = try names(in: parts[0], store).filter { $0 != parts[1] }
        let near = Spelling.suggestion(for: parts[1], among: known)
        throw Failure(description: "pipeline \(parts[0]) has no result of \(parts[1])\(near)")
      }
      return matches
    }
    if let preferred, pipelines.contains(preferred) {
      let matches = try outputs(text, of: preferred, in: store).matches
      if !matches.isEmpty { return matches }
    }
    let found = try pipelines.map { (name: $0, matches: try outputs(text, of: $0, in: store).matches) }
      .filter { !$0.matches.isEmpty }
    if found.count > 1 {
      let names = found.map { "\($0.name):\(text)" }.joined(separator: ", ")
      throw Failure(description: "\(text) is in several pipelines; say one of \(names)")
    }
    if let one = found.first { return one.matches }
    return [Match(label: nil, digest: try digest(startingWith: parts.last ?? text, called: text, in: store))]
  }

  private static func digest(startingWith prefix: String, called text: String, in store: Store) throws -> Digest {
    let isHexadecimal = prefix.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
    let digests = isHexadecimal && prefix.utf8.count >= 4 ? try store.digests(startingWith: prefix) : []
    if digests.count > 1 {
      let names = digests.prefix(4).map { String($0.hexadecimal.prefix(prefix.utf8.count + 6)) }
      throw Failure(description: "several digests begin with \(prefix): \(names.joined(separator: ", ")), …")
    }
    guard let digest = digests.first else {
      throw Failure(
        description: "\(text) is neither a stage with a result in this store nor the start of a digest")
    }
    return digest
  }

  /// What can be named in a pipeline: stages and cells, and their outputs.
  private static func names(in pipeline: String, _ store: Store) throws -> [String] {
    try store.latestActions(of: pipeline).values.prefix(1000).flatMap { record in
      let outputs = record.result.flatMap { store.outputs(ofPossibly: $0) } ?? []
      return [record.label] + outputs.map { "\(record.label).\($0.port)" }
    }
  }

  /// The outputs of `STAGE[@CELL][.PORT]` in the last run, and an action that it names whose result was collected.
  private static func outputs(
    _ text: String, of pipeline: String, in store: Store
  ) throws -> (matches: [Match], collected: String?) {
    let records = try store.latestActions(of: pipeline)
    let labels = records.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var matches: [Match] = []
    var damage: String?
    var collected: String?
    for label in labels {
      guard let record = records[label], let rest = suffix(of: text, after: label) else { continue }
      let result: ActionResult
      switch try store.lookup(record.key) {
      case .hit(let found): result = found
      case .miss(.neverRun):
        if try store.hasLostEntry(record) {
          damage = damage ?? "the entry of \(label) is gone from the store; run the pipeline again to make it anew"
        } else if record.result != nil {
          collected = collected ?? label
        }
        continue
      case .miss(let reason):
        damage = damage ?? "the result of \(label) can't be used: \(reason); run the pipeline again to make it anew"
        continue
      }
      for output in result.outputs where rest.isEmpty || rest == output.port {
        matches.append(Match(label: "\(label).\(output.port)", digest: output.artifact.digest))
      }
    }
    if matches.isEmpty, let damage { throw Failure(description: damage, isDamage: true) }
    return (matches, collected)
  }

  /// What a reference says after stage and cell: a port, or nothing; nil where it means another action.
  private static func suffix(of text: String, after label: String) -> String? {
    if text == label { return "" }
    if text.hasPrefix(label + ".") { return String(text.dropFirst(label.count + 1)) }
    let (labelParts, parts) = (halves(label), halves(text))
    guard let cell = labelParts.cell else { return nil }
    guard let selector = parts.cell else {
      if parts.stage == labelParts.stage { return "" }
      let prefix = labelParts.stage + "."
      return parts.stage.hasPrefix(prefix) ? String(parts.stage.dropFirst(prefix.count)) : nil
    }
    guard parts.stage == labelParts.stage else { return nil }
    var rest = selector
    if rest.hasPrefix("*") { return port(rest.dropFirst()) }
    let axes = cell.split(separator: ",")
    while true {
      guard let axis = axes.first(where: { starts(rest, with: $0) }) else { return nil }
      rest = String(rest.dropFirst(axis.count))
      guard rest.hasPrefix(",") else { return port(rest[...]) }
      rest.removeFirst()
    }
  }

  private static func starts(_ text: String, with axis: Substring) -> Bool {
    guard text.hasPrefix(axis) else { return false }
    let next = text.dropFirst(axis.count)
    // `lambda=0` is no start of `lambda=0.1`, but of `lambda=0.rewards`.
    return next.isEmpty || next.first == "," || (next.first == "." && !(next.dropFirst().first?.isNumber ?? true))
  }

  private static func port(_ text: Substring) -> String? {
    if text.isEmpty { return "" }
    return text.first == "." ? String(text.dropFirst()) : nil
  }

  private static func halves(_ text: String) -> (stage: String, cell: String?) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    return (parts[0], parts.count == 2 ? parts[1] : nil)
  }
}
