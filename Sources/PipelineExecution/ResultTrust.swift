package import ArtifactStore
package import ContentAddressing

/// Which results that came from elsewhere count as fresh.
package struct ResultTrust: Sendable {
  /// What the command line says.
  package enum Policy: String, Sendable, CaseIterable {
    /// None.
    case own
    /// All.
    case imported
  }

  private let policy: Policy?
  private let pipelineFile: Digest?
  private let bundles: Set<Digest>
  private let imported: Set<ActionKey>

  /// What a store and the command line say.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - pipelineFile: The digest of the pipeline file: what a bundle of this very file brought is fresh.
  ///   - policy: What `--trust` says; nil without it.
  /// - Throws: `StoreError` where the system refuses.
  package init(in store: Store, pipelineFile: Digest?, policy: Policy?) throws(StoreError) {
    self.policy = policy
    self.pipelineFile = pipelineFile
    imported = try store.importedActions()
    bundles = imported.isEmpty ? [] : try store.trustedBundles()
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
