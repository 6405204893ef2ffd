import ArgumentParser
import ArtifactStore
import PipelineExecution
import Registries
import Sharing
import StageKit
import SystemPackage

/// The options of verbs that use a shared cache.
struct RemoteArguments: ParsableArguments {
  /// What is done with a shared cache.
  enum Policy: String, ExpressibleByArgument, CaseIterable {
    case read
    case readWrite = "read-write"
    case off
  }

  @Option(
    help: ArgumentHelp(
      "Where results are shared: a folder, such as a colleague's store, or oci://host[:port]/repository. Default: "
        + "APPRENTICE_REMOTE, else none.", valueName: "PLACE"))
  var remote: String?
  @Option(
    help: ArgumentHelp(
      "Whether results are taken from there, taken and shared, or neither. Default: APPRENTICE_REMOTE_POLICY, else "
        + "read-write.", valueName: "POLICY"))
  var remotePolicy: Policy?

  func validate() throws {
    guard let remote else { return }
    do { _ = try Place(remote) } catch { throw ValidationError("--remote: \(error)") }
  }

  /// The place that the command line names, else the one of the environment.
  ///
  /// - Parameter isExplicit: Whether only the command line counts.
  /// - Returns: The place; nil where there is none or the policy is off.
  /// - Throws: `CommandFailure` where the environment names something else than a place or a policy.
  func shared(explicitly isExplicit: Bool = false) throws(CommandFailure) -> SharedResults? {
    let named = isExplicit ? nil : Environment.variable("APPRENTICE_REMOTE").flatMap { $0.isEmpty ? nil : $0 }
    guard let text = remote ?? named else { return nil }
    let policy = try policy()
    guard policy != .off else { return nil }
    let place: Place
    do throws(Place.Problem) { place = try Place(text) } catch {
      throw CommandFailure(.invalid, "APPRENTICE_REMOTE: \(error)")
    }
    let threads = Processors.available
    return SharedResults(name: text, offers: policy == .readWrite) { try place.open(threads: threads) }
  }

  private func policy() throws(CommandFailure) -> Policy {
    if let remotePolicy { return remotePolicy }
    guard let text = Environment.variable("APPRENTICE_REMOTE_POLICY"), !text.isEmpty else { return .readWrite }
    guard let policy = Policy(rawValue: text) else {
      throw CommandFailure(.invalid, "APPRENTICE_REMOTE_POLICY: '\(text)' is none of read, read-write and off")
    }
    return policy
  }
}

extension RemoteArguments {
  /// Where a shared cache can be.
  enum Place: Sendable {
    case folder(FilePath)
    case registry(OCIReference)

    /// Why a text names no place.
    struct Problem: Error, CustomStringConvertible {
      var description: String
    }

    init(_ text: String) throws(Problem) {
      guard text.contains("://") else {
        guard !text.isEmpty else { throw Problem(description: "expected a folder or oci://host/repository") }
        self = .folder(FilePath(text))
        return
      }
      guard text.hasPrefix("oci://") else {
        throw Problem(description: "'\(text)': expected a folder or oci://host/repository")
      }
      let reference: OCIReference
      do { reference = try OCIReference(text) } catch { throw Problem(description: "\(error)") }
      guard reference.version == nil else {
        throw Problem(description: "'\(text)': a shared cache is a whole repository; leave out what follows its name")
      }
      self = .registry(reference)
    }

    func open(threads: Int) throws -> any RemoteCache {
      switch self {
      case .folder(let path): return DirectoryCache(path, threads: threads)
      case .registry(let reference):
        do { return try RegistryCache(reference, options: .ofEnvironment()) } catch {
          throw RemoteCacheError(.unreachable, "\(error)")
        }
      }
    }
  }
}

/// Gives errors of a remote that was asked for by name, and of the plumbing, their sentence and exit status.
func askingRemote<Value>(_ body: () throws -> Value) throws(CommandFailure) -> Value {
  do { return try body() } catch let error as RemoteCacheError {
    throw CommandFailure(error)
  } catch { throw CommandFailure(explaining: error) }
}

extension CommandFailure {
  /// What a remote cache that was asked for by name did wrong.
  init(_ error: RemoteCacheError) {
    switch error.fault {
    case .unreachable, .cancelled: self.init(.unreachable, error.description)
    case .damaged: self.init(.damaged, error.description)
    }
  }
}
