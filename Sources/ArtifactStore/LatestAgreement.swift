public import ContentAddressing
import SystemPackage

extension Store {
  private func agreementFile(_ pipeline: String) -> FilePath {
    latestFolder.appending(folderName(pipeline) + ".agreed")
  }

  /// Whether the list of a pipeline's latest actions is known to name a set of results, without the list being read: it
  /// looks as it did when that was noted.
  ///
  /// - Parameters:
  ///   - pipeline: The pipeline's name.
  ///   - results: A digest of the actions' names, keys and results.
  /// - Returns: False where that is not known.
  public func latest(of pipeline: String, agreesWith results: Digest) -> Bool {
    guard let line = agreement(of: pipeline, with: results) else { return false }
    return (try? FileSystem.read(agreementFile(pipeline), limit: 4096)) == line
  }

  /// Notes that the list of a pipeline's latest actions names a set of results; failing to is no error, since it only
  /// costs time.
  ///
  /// - Parameters:
  ///   - pipeline: The pipeline's name.
  ///   - results: A digest of the actions' names, keys and results.
  ///   - time: When the list was read, in nanoseconds since 1970: one that was changed shortly before may have changed
  ///     since without its times telling.
  public func noteAgreement(of pipeline: String, with results: Digest, asOf time: Int64) {
    guard let status = (try? FileSystem.status(latestFile(pipeline))).flatMap({ $0 }),
      time - max(status.modified, status.changed) >= 2_000_000_000,
      let line = agreement(of: pipeline, with: results)
    else { return }
    try? FileSystem.replace(agreementFile(pipeline), line)
  }

  private func agreement(of pipeline: String, with results: Digest) -> [UInt8]? {
    guard let status = (try? FileSystem.status(latestFile(pipeline))).flatMap({ $0 }), status.kind == .file else {
      return nil
    }
    let words = [
      "\(results)", "\(status.device)", "\(status.inode)", "\(status.size)", "\(status.modified)", "\(status.changed)",
    ]
    return Array((words.joined(separator: " ") + "\n").utf8)
  }
}
