public import CanonicalJSON
public import ContentAddressing
import Glibc
import Synchronization
import SystemPackage

/// What an action came to: its outputs by port.
public struct ActionResult: Sendable, Hashable {
  /// An output.
  public struct Output: Sendable, Hashable {
    /// The port.
    public var port: String
    /// What was written there.
    public var artifact: Artifact

    /// An output.
    public init(port: String, artifact: Artifact) {
      self.port = port
      self.artifact = artifact
    }
  }

  /// The action.
  public var key: ActionKey
  /// The digest of the result's manifest.
  public var digest: Digest
  /// The list of the result's documents.
  public var manifest: Manifest
  /// The outputs, in the order of the bytes of their ports.
  public var outputs: [Output]

  /// A result whose parts have been checked.
  public init(key: ActionKey, digest: Digest, manifest: Manifest, outputs: [Output]) {
    self.key = key
    self.digest = digest
    self.manifest = manifest
    self.outputs = outputs
  }

  /// The artifact of a port, or nil.
  public func output(_ port: String) -> Artifact? { outputs.first { $0.port == port }?.artifact }
}

/// What the store knows of an action.
public enum Lookup: Sendable {
  /// It was done, and all of its bytes are here.
  case hit(ActionResult)
  /// It must be done.
  case miss(MissReason)
}

/// Why an action must be done.
public enum MissReason: Sendable, Hashable, CustomStringConvertible {
  /// It never was.
  case neverRun
  /// What the store holds about it cannot be used.
  case unusableRecord(String)
  /// It was done, and a file of it is gone or has another size.
  case outputGone(port: String, file: String)

  /// One clause.
  public var description: String {
    switch self {
    case .neverRun: "it has not run with these inputs"
    case .unusableRecord(let reason): "its recorded result cannot be used: \(reason)"
    case .outputGone(let port, let file): "its output \(port) has lost \(file)"
    }
  }
}

/// Two results of one action with different outputs.
public struct Divergence: Sendable, Hashable, CustomStringConvertible {
  /// The action.
  public var key: ActionKey
  /// The result recorded before.
  public var previous: Digest
  /// The result recorded now.
  public var current: Digest
  /// The ports whose artifacts differ.
  public var ports: [String]
  /// Where the previous result was made; nil where that is lost.
  public var previousEnvironment: JSONValue?
  /// Where the present result was made.
  public var currentEnvironment: JSONValue
  /// Where the previous result came from, where it was not made here.
  public var previousOrigin: ResultOrigin?

  /// Whether nothing explains the difference: the stage does not keep its promise to be reproducible.
  public var hasEqualEnvironments: Bool { previousEnvironment == currentEnvironment }

  /// One sentence.
  public var description: String {
    if let previousOrigin {
      return "its result here is another \(ports.joined(separator: ", ")) than the one that came with "
        + "\(previousOrigin.description) (result \(current), was \(previous)): that was made in another way or from "
        + "something else"
        + (hasEqualEnvironments ? "" : ", or the environment explains it: \(previousEnvironment?.text ?? "unknown")")
    }
    return
      "Action \(key) gave another \(ports.joined(separator: ", ")) than before (result \(current), was \(previous)) "
      + (hasEqualEnvironments
        ? "in the same environment; the stage is not reproducible, please report it."
        : "in another environment: \(currentEnvironment.text), was \(previousEnvironment?.text ?? "unknown").")
  }
}

extension Store {
  /// What the store knows of an action.
  ///
  /// A hit reads three documents and looks at every file's size; it opens no data. What is missing or damaged makes a
  /// miss, never an error.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func lookup(_ key: ActionKey) throws(StoreError) -> Lookup {
    let digest: Digest
    switch try actionEntry(key) {
    case .absent: return .miss(.neverRun)
    case .unusable(let reason): return .miss(.unusableRecord(reason))
    case .result(let recorded): digest = recorded
    }
    do throws(StoreError) {
      let result = try result(digest, key: key)
      for output in result.outputs {
        if try !has(output.artifact.digest) {
          memory.withLock { $0.manifests[output.artifact.digest] = nil }
          return .miss(.outputGone(port: output.port, file: "its manifest"))
        }
        for file in output.artifact.manifest.layers where try !has(file.digest, size: file.size) {
          return .miss(.outputGone(port: output.port, file: file.title ?? file.digest.description))
        }
      }
      return .hit(result)
    } catch {
      switch error {
      case .missing, .damaged, .malformed: return .miss(.unusableRecord(error.description))
      default: throw error
      }
    }
  }

  /// What stands in an action's entry.
  enum ActionEntry {
    case absent
    case result(Digest)
    case unusable(String)
  }

  /// Reads an action's entry.
  func actionEntry(_ key: ActionKey) throws(StoreError) -> ActionEntry {
    let path = actionPath(key)
    let bytes: [UInt8]?
    do throws(StoreError) { bytes = try FileSystem.read(path, limit: 4096) } catch .system(_, _, let code)
      where [EISDIR, EFBIG, ELOOP, EIO, ENXIO].contains(code)
    {
      return .unusable("its entry can't be read (\(Errno(rawValue: code)))")
    }
    guard let bytes else {
      return try FileSystem.status(path) == nil ? .absent : .unusable("its entry is a link that leads nowhere")
    }
    let text = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    return Digest(text).map { .result($0) } ?? .unusable("its entry is not one line with a digest")
  }

  /// The result that an action's entry names; nil where there is none or the entry is not one line with a digest.
  func recordedResult(_ key: ActionKey) throws(StoreError) -> Digest? {
    if case .result(let digest) = try actionEntry(key) { digest } else { nil }
  }

  /// Whether a manifest is the result of an action, as far as the manifest itself says.
  func isResult(_ digest: Digest, of key: ActionKey) -> Bool {
    guard let manifest = try? manifest(digest, neededBy: "action \(key)") else { return false }
    return manifest.artifactType == MediaType.result && manifest.file("key.json")?.digest == key.digest
  }

  /// Reads a result; its outputs' manifests must be there, their files need not.
  ///
  /// - Throws: `StoreError.missing`, `.damaged`, or `.malformed` where it is not the result of this action.
  func result(_ digest: Digest, key: ActionKey) throws(StoreError) -> ActionResult {
    let user = "action \(key)"
    let manifest = try manifest(digest, neededBy: user)
    let place = "result \(digest)"
    guard manifest.artifactType == MediaType.result, manifest.file("key.json")?.digest == key.digest else {
      throw .malformed(place: place, reason: "it is not the result of action \(key)")
    }
    var outputs: [ActionResult.Output] = []
    for (port, digest) in try outputDigests(of: manifest, place) {
      let artifact = Artifact(digest: digest, manifest: try self.manifest(digest, neededBy: user))
      outputs.append(.init(port: port, artifact: artifact))
    }
    return ActionResult(key: key, digest: digest, manifest: manifest, outputs: outputs)
  }

  /// The digests of a result's outputs by port, in the order of the bytes of the ports.
  func outputDigests(of manifest: Manifest, _ place: String) throws(StoreError) -> [(port: String, digest: Digest)] {
    guard let layer = manifest.file("outputs.json"),
      let members = try json(layer.digest, neededBy: place).object?.members
    else { throw .malformed(place: place, reason: "it has no outputs.json") }
    var outputs: [(port: String, digest: Digest)] = []
    for (port, value) in members {
      guard let digest = value.string.flatMap(Digest.init(_:)) else {
        throw .malformed(place: place, reason: "the output \(port) is no digest")
      }
      outputs.append((port, digest))
    }
    return outputs.sorted { $0.port.utf8.lexicographicallyPrecedes($1.port.utf8) }
  }

  /// The environment in which a result was made.
  ///
  /// - Throws: `StoreError.missing`, `.damaged` or `.malformed`.
  public func environment(of result: Digest) throws(StoreError) -> JSONValue {
    let manifest = try manifest(result, neededBy: "a result")
    guard let layer = manifest.file("environment.json") else {
      throw .malformed(place: "result \(result)", reason: "it has no environment.json")
    }
    return try json(layer.digest, neededBy: "result \(result)")
  }
}
