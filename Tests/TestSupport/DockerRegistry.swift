import Foundation
public import SystemPackage

/// Debian's `docker-registry` on a free port of this machine, as long as somebody holds it.
public final class DockerRegistry {
  /// The program; nil where it is not installed.
  public static let program: String? = ["/usr/bin/docker-registry", "/usr/local/bin/docker-registry"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// What a test says that is skipped without it.
  public static let missing = "needs docker-registry, which is not installed"

  /// What a registry asks of its users.
  public enum Protection {
    /// Nothing.
    case none
    /// A line of an htpasswd file, with bcrypt.
    case password(String)
    /// TLS with a certificate and its key.
    case encryption(certificate: FilePath, key: FilePath)
  }

  /// Where it listens.
  public let port: Int
  private let process: Process

  /// Starts one that keeps all in a folder, and waits until it listens.
  ///
  /// - Parameters:
  ///   - folder: Its folder.
  ///   - protection: What it asks of its users.
  /// - Throws: What starting the process throws.
  public init(in folder: FilePath, _ protection: Protection = .none) throws {
    port = LoopbackServer.freePort()
    var text = """
      version: 0.1
      log: { level: error, accesslog: { disabled: true } }
      storage: { filesystem: { rootdirectory: \(folder)/registry } }
      http:
        addr: 127.0.0.1:\(port)

      """
    switch protection {
    case .none: break
    case .password(let line):
      try TemporaryFolder.write(line + "\n", to: folder.appending("htpasswd"))
      text += "auth: { htpasswd: { realm: test, path: \(folder)/htpasswd } }\n"
    case .encryption(let certificate, let key):
      text += "  tls: { certificate: \(certificate), key: \(key) }\n"
    }
    let configuration = try TemporaryFolder.write(text, to: folder.appending("registry.yml"))
    process = Process()
    process.executableURL = URL(fileURLWithPath: Self.program ?? "/usr/bin/docker-registry")
    process.arguments = ["serve", configuration.string]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    for _ in 0..<200 where process.isRunning {
      if Self.listens(port) { return }
      usleep(50_000)
    }
    stop()
    throw Errno.connectionRefused
  }

  deinit { stop() }

  /// Ends it and waits until it has.
  public func stop() {
    guard process.isRunning else { return }
    process.terminate()
    process.waitUntilExit()
  }

  /// `oci://127.0.0.1:PORT/` and a repository.
  public func reference(_ repository: String) -> String { "oci://127.0.0.1:\(port)/\(repository)" }

  private static func listens(_ port: Int) -> Bool {
    let connection = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    defer { close(connection) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = UInt16(port).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
