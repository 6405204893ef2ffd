import ContentAddressing

extension Store {
  /// Whether a result was recorded of which the action's entry alone is gone.
  ///
  /// A collection takes an entry only with a part of its result, so that what is whole and has no entry was lost. What
  /// was collected is none.
  ///
  /// - Parameter record: What a run noted of the action.
  /// - Returns: False where the entry is there, whatever it names.
  /// - Throws: `StoreError` where the system refuses.
  package func hasLostEntry(_ record: ActionRecord) throws(StoreError) -> Bool {
    guard let digest = record.result, case .absent = try actionEntry(record.key) else { return false }
    return try isWhole(digest, of: record.key)
  }

  /// Whether all that a result is made of is here, by the sizes of its files.
  private func isWhole(_ digest: Digest, of key: ActionKey) throws(StoreError) -> Bool {
    guard let parts = parts(of: digest, key: key) else { return false }
    for part in parts where try !has(part.digest, size: part.size) { return false }
    return true
  }

  /// Whether a result is whole now, and still is when some blobs are gone.
  func staysWhole(_ digest: Digest, of key: ActionKey, without gone: Set<Digest>) throws(StoreError) -> Bool {
    // Most go with their own manifest.
    guard !gone.contains(digest), let parts = parts(of: digest, key: key) else { return false }
    if parts.contains(where: { gone.contains($0.digest) }) { return false }
    return try isWhole(digest, of: key)
  }

  /// What a result is made of: its manifest and documents, the outputs' manifests and their files, with sizes where they
  /// are written down; nil where that can't be read.
  private func parts(of digest: Digest, key: ActionKey) -> [(digest: Digest, size: Int?)]? {
    guard let result = try? self.result(digest, key: key) else { return nil }
    var parts: [(digest: Digest, size: Int?)] = [(digest: digest, size: nil)]
    for layer in result.manifest.layers { parts.append((digest: layer.digest, size: layer.size)) }
    for output in result.outputs {
      parts.append((digest: output.artifact.digest, size: nil))
      for layer in output.artifact.manifest.layers { parts.append((digest: layer.digest, size: layer.size)) }
    }
    return parts
  }
}
