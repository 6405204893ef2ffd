public import CanonicalJSON
public import ContentAddressing
import SystemPackage

/// What recording a result came to.
public struct Recording: Sendable, Hashable {
  /// The result that the action's entry names now.
  public var result: ActionResult
  /// The difference from the result recorded before, where there is one.
  public var divergence: Divergence?
}

extension Publication {
  /// Records what an action came to: the result's documents, one sync of all blobs, then the action entry.
  ///
  /// A result with the same outputs as the recorded one leaves the entry as it is. One with other outputs replaces it;
  /// the old one is kept and told.
  ///
  /// - Parameters:
  ///   - document: The action's key document.
  ///   - environment: What could explain different bits: processor, kernels, libraries; no times, hosts or paths.
  ///   - outputs: The artifacts by port.
  /// - Returns: The result, and how it differs from an earlier one.
  /// - Throws: `StoreError` where the system refuses.
  public func record(
    _ document: KeyDocument, environment: JSONValue, outputs: [String: Artifact]
  ) throws(StoreError) -> Recording {
    let key = document.key
    let outputs = outputs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    let digests = JSONValue.object(
      JSONObject(outputs.map { (name: $0.key, value: .string($0.value.digest.description)) }))
    let documents = [("key.json", document.json), ("environment.json", environment), ("outputs.json", digests)]
    var layers: [Descriptor] = []
    for (title, json) in documents {
      let bytes = json.canonical
      layers.append(
        Descriptor(file: title, digest: try add(bytes), size: bytes.count, mediaType: MediaType.json))
    }
    let manifest = Manifest(artifactType: MediaType.result, files: layers)
    let digest = try add(manifest.canonical)
    store.options.failpoint(.resultWritten)
    try sync()
    store.options.failpoint(.synced)
    let result = ActionResult(
      key: key, digest: digest, manifest: manifest,
      outputs: outputs.map { ActionResult.Output(port: $0.key, artifact: $0.value) })
    let origins = try store.origins(of: key)
    let recording = try enter(result, environment: environment, replacing: origins.first)
    // It was made here now, whatever stood there before.
    if !origins.isEmpty { try store.forgetOrigins(of: key) }
    return recording
  }

  private func enter(
    _ result: ActionResult, environment: JSONValue, replacing origin: ResultOrigin?
  ) throws(StoreError) -> Recording {
    let key = result.key
    let now = result.outputs.map { (port: $0.port, digest: $0.artifact.digest) }
    // An entry that names another action's result is damage of the store and says nothing of this one.
    if let previous = try store.recordedResult(key), store.isResult(previous, of: key),
      let before = store.outputs(ofPossibly: previous)
    {
      if before.elementsEqual(now, by: ==) {
        // The entry stands, unless what it leads to was lost meanwhile.
        if case .hit(let recorded) = try store.lookup(key) { return Recording(result: recorded) }
      } else {
        let ports = (before + now).map(\.port)
        let divergence = Divergence(
          key: key, previous: previous, current: result.digest,
          ports: Set(ports).filter { port in
            before.first { $0.port == port }?.digest != now.first { $0.port == port }?.digest
          }.sorted(),
          previousEnvironment: try? store.environment(of: previous), currentEnvironment: environment,
          previousOrigin: origin)
        try store.note(divergence)
        try publish(Array("\(result.digest)\n".utf8), at: store.actionPath(key))
        return Recording(result: result, divergence: divergence)
      }
    }
    try store.clearEntry(key)
    try publish(Array("\(result.digest)\n".utf8), at: store.actionPath(key))
    return Recording(result: result)
  }
}

extension Store {
  /// Moves a folder that stands in the place of an action's entry out of the way.
  func clearEntry(_ key: ActionKey) throws(StoreError) {
    guard try FileSystem.status(actionPath(key))?.kind == .folder else { return }
    try FileSystem.makeFolders(quarantineFolder)
    try FileSystem.rename(
      actionPath(key), to: quarantineFolder.appending("action-" + key.digest.hexadecimal + "." + nonce()))
  }
}

extension Store {
  /// The outputs of a result that may be lost or damaged, or whose files never came.
  public func outputs(ofPossibly result: Digest) -> [(port: String, digest: Digest)]? {
    guard let manifest = try? manifest(result, neededBy: "an action") else { return nil }
    return try? outputDigests(of: manifest, "result \(result)")
  }

  /// The outputs of a result.
  ///
  /// - Throws: `StoreError.missing`, `.damaged` or `.malformed`.
  public func outputs(of result: Digest) throws(StoreError) -> [(port: String, digest: Digest)] {
    try outputDigests(of: try manifest(result, neededBy: "an action"), "result \(result)")
  }

  var divergencesFile: FilePath { runsFolder.appending("divergences.jsonl") }

  /// Keeps a divergence on record, which keeps both results from being collected.
  func note(_ divergence: Divergence) throws(StoreError) {
    let line: JSONValue = [
      "key": .string(divergence.key.description), "previous": .string(divergence.previous.description),
      "current": .string(divergence.current.description),
    ]
    try FileSystem.append(line.canonical + [0x0A], to: divergencesFile)
  }

  /// The results that differed from one another, as pairs of previous and current.
  func notedDivergences() throws(StoreError) -> [(previous: Digest, current: Digest)] {
    let lines = (try FileSystem.read(divergencesFile) ?? []).split(separator: 0x0A)
    return lines.compactMap { line in
      guard let json = try? JSONValue(parsing: Array(line)),
        let previous = json["previous"]?.string.flatMap(Digest.init(_:)),
        let current = json["current"]?.string.flatMap(Digest.init(_:))
      else { return nil }
      return (previous, current)
    }
  }
}
