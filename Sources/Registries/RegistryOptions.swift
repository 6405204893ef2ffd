import Glibc
import Synchronization
public import SystemPackage

/// How registries are asked.
public struct RegistryOptions: Sendable {
  /// The most transfers at once.
  public var connections = 8
  /// Ends a transfer that moves hardly anything for so many seconds.
  public var stall = 60.0
  /// How often something is tried that may pass.
  public var attempts = 4
  /// Seconds before the second attempt; each later one waits twice as long.
  public var firstDelay = 0.25
  /// A blob of more bytes is sent in parts of so many.
  public var partSize = 16 << 20
  /// Gives up all that is under way.
  public var cancellation: Cancellation?
  /// A file of certificates to trust instead of the system's.
  public var authorities: FilePath?
  /// Hosts, with port, that may be shown a registry's credentials where it has its tokens made there.
  public var tokenHosts: Set<String> = []
  /// Where credentials are looked up.
  public var configuration: DockerConfiguration
  /// Whether TLS is spoken with a registry on this machine, too.
  package var isAlwaysEncrypted = false

  /// Options with their defaults and the credentials of a Docker configuration.
  public init(configuration: DockerConfiguration) { self.configuration = configuration }

  /// The options that the environment asks for: `DOCKER_CONFIG`, `SSL_CERT_FILE`, `APPRENTICE_REMOTE_TIMEOUT` (the
  /// seconds for which nothing may move) and `APPRENTICE_TOKEN_HOSTS` (hosts joined by commas).
  public static func ofEnvironment() -> RegistryOptions {
    var options = RegistryOptions(configuration: .ofEnvironment())
    if let text = environmentVariable("APPRENTICE_REMOTE_TIMEOUT"), let seconds = Double(text), seconds > 0 {
      options.stall = min(seconds, 86400)
    }
    let hosts = environmentVariable("APPRENTICE_TOKEN_HOSTS")?.split(separator: ",") ?? []
    options.tokenHosts = Set(hosts.map { $0.lowercased() })
    options.authorities = environmentVariable("SSL_CERT_FILE").map { FilePath($0) }
    return options
  }

  func withAuthorities<Value>(_ body: (UnsafePointer<CChar>?) -> Value) -> Value {
    authorities.map { $0.string.withCString(body) } ?? body(nil)
  }
}

/// The value of a variable, or nil where it is absent or empty.
func environmentVariable(_ name: String) -> String? {
  getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
}

/// A wish to stop, from any thread.
public final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)

  /// Nobody wishes so yet.
  public init() {}

  /// Whether somebody does.
  public var isCancelled: Bool { flag.load(ordering: .relaxed) }

  /// Wishes it.
  public func cancel() { flag.store(true, ordering: .relaxed) }
}
