package import ArtifactStore
package import ContentAddressing

/// Which results that came from elsewhere count as fresh.
///
/// What came from elsewhere is looked at again when the store's list of it has changed: others import beside a run.
package final class ResultTrust {
  /// What the command line says.
  package enum Policy: String, Sendable, CaseIterable {
    /// None.
    case own
    /// All.
    case imported
  }

  private let store: Store
  private let policy: Policy?
  private let pipelineFile: Digest?
  private var seen: Store.OriginsState?
  private var bundles: Set<Digest> = []
  private var imported: Set<ActionKey> = []

  /// What a store and the command line say.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - pipelineFile: The digest of the pipeline file: what a bundle of this very file brought is fresh.
  ///   - policy: What `--trust` says; nil without it.
  /// - Throws: `StoreError` where the system refuses.
  package init(in store: Store, pipelineFile: Digest?, policy: Policy?) throws(StoreError) {
    self.store = store
    self.policy = policy
    self.pipelineFile = pipelineFile
    try lookAgain()
  }

  /// Reads anew what came from elsewhere, where that has changed.
  ///
  /// - Throws: `StoreError` where the system refuses.
  package func lookAgain() throws(StoreError) {
    let state = try store.originsState()
    guard state != seen || seen == nil else { return }
    imported = try store.importedActions()
    bundles = imported.isEmpty ? [] : try store.trustedBundles()
    seen = state
  }

  /// Whether a result may have come from elsewhere; nothing is read.
  package func mayBeImported(_ key: ActionKey) -> Bool { imported.contains(key) }

  /// Whether a result from one of these places counts.
  package func accepts(_ origins: [ResultOrigin]) -> Bool {
    switch policy {
    case .own: origins.isEmpty
    case .imported: true
    case nil: origins.isEmpty || origins.contains(where: isTrusted)
    }
  }

  private func isTrusted(_ origin: ResultOrigin) -> Bool {
    switch origin.kind {
    case .remote: true
    case .bundle:
      origin.digest.map(bundles.contains) ?? false
        || (origin.pipelineFile != nil && origin.pipelineFile == pipelineFile)
    }
  }
}
