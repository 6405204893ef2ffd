public import CanonicalJSON
public import ContentAddressing
import SystemPackage

/// Where a result came from that was not made in this store.
public struct ResultOrigin: Sendable, Hashable {
  /// What brought it.
  public enum Kind: String, Sendable, Hashable {
    /// A bundle that was imported or pulled: anybody may have made it.
    case bundle
    /// A shared cache that the command line named, which is trusted by that.
    case remote
  }

  /// What brought it.
  public var kind: Kind
  /// The bundle's file or address, or the cache's place, as people name it.
  public var name: String
  /// The digest of the bundle's own manifest; nil for a cache.
  public var digest: Digest?
  /// The digest of the bundle's pipeline file; nil for a cache.
  public var pipelineFile: Digest?

  /// An origin.
  public init(kind: Kind, name: String, digest: Digest? = nil, pipelineFile: Digest? = nil) {
    self.kind = kind
    self.name = name
    self.digest = digest
    self.pipelineFile = pipelineFile
  }

  /// The origin in a few words: `the bundle e2e.tar.zst`, `/lab`.
  public var description: String { kind == .bundle ? "the bundle \(name)" : name }

  /// The member `origin` of the answers of `run` and `status`.
  public var json: JSONValue {
    [
      "kind": .string(kind.rawValue), "name": .string(name),
      "digest": digest.map { .string($0.description) } ?? .null,
    ]
  }

  private var line: [UInt8] {
    var object: JSONObject = ["kind": .string(kind.rawValue), "name": .string(name)]
    object["digest"] = digest.map { .string($0.description) }
    object["pipeline_file"] = pipelineFile.map { .string($0.description) }
    return JSONValue.object(object).canonical + [0x0A]
  }

  fileprivate static func lines(_ origins: [ResultOrigin]) -> [UInt8] { origins.flatMap(\.line) }

  fileprivate init?(_ line: ArraySlice<UInt8>) {
    guard let json = try? JSONValue(parsing: Array(line)),
      let kind = json["kind"]?.string.flatMap(Kind.init(rawValue:)),
      let name = json["name"]?.string
    else { return nil }
    self.init(
      kind: kind, name: name, digest: json["digest"]?.string.flatMap { Digest($0) },
      pipelineFile: json["pipeline_file"]?.string.flatMap { Digest($0) })
  }
}

extension Store {
  var originsFolder: FilePath { path.appending("origins") }
  private var trustedFile: FilePath { originsFolder.appending("trusted") }
  private func originPath(_ key: ActionKey) -> FilePath { originsFolder.appending(key.digest.hexadecimal) }

  /// How the list of what came from elsewhere looks; it changes with every result that is added or taken away.
  package struct OriginsState: Equatable, Sendable {
    var folder: FileStatus?
    var trusted: FileStatus?
  }

  /// How the list of what came from elsewhere looks now.
  ///
  /// - Throws: `StoreError` where the system refuses.
  package func originsState() throws(StoreError) -> OriginsState {
    OriginsState(folder: try FileSystem.status(originsFolder), trusted: try FileSystem.status(trustedFile))
  }

  /// Notes where a result came from, before anybody can see it.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func note(_ origin: ResultOrigin, of key: ActionKey) throws(StoreError) {
    var origins = try self.origins(of: key)
    guard !origins.contains(origin) else { return }
    origins.append(origin)
    try FileSystem.makeFolders(originsFolder)
    try FileSystem.replace(originPath(key), ResultOrigin.lines(origins))
  }

  /// Where a result came from, the first that brought it first; empty for one that was made here.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func origins(of key: ActionKey) throws(StoreError) -> [ResultOrigin] {
    guard let bytes = try FileSystem.read(originPath(key)) else { return [] }
    let origins = bytes.split(separator: 0x0A).compactMap { ResultOrigin($0) }
    // What can't be read is no reason to take a result for one of our own.
    return origins.isEmpty ? [ResultOrigin(kind: .bundle, name: "of which the record is damaged")] : origins
  }

  /// The actions whose results came from elsewhere.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func importedActions() throws(StoreError) -> Set<ActionKey> {
    Set(try FileSystem.list(originsFolder).compactMap { Digest(hexadecimal: $0) }.map { ActionKey($0) })
  }

  /// Forgets where a result came from: it was made here.
  func forgetOrigins(of key: ActionKey) throws(StoreError) { try FileSystem.remove(originPath(key)) }

  /// Trusts all that a bundle brought or brings.
  ///
  /// - Parameter bundle: The digest of its own manifest.
  /// - Throws: `StoreError` where the system refuses.
  public func trust(bundle: Digest) throws(StoreError) {
    if try trustedBundles().contains(bundle) { return }
    try FileSystem.makeFolders(originsFolder)
    try FileSystem.append(Array("\(bundle)\n".utf8), to: trustedFile)
  }

  /// The bundles that are trusted whatever asks for their results.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func trustedBundles() throws(StoreError) -> Set<Digest> {
    let lines = (try FileSystem.read(trustedFile) ?? []).split(separator: 0x0A)
    return Set(lines.compactMap { Digest(String(decoding: $0, as: UTF8.self)) })
  }
}
