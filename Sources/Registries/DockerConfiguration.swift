import COpenSSL
import CanonicalJSON
public import SystemPackage

/// What proves to a registry who asks.
public enum Credentials: Sendable, Hashable {
  /// Name and password as a header has them: joined by a colon, in base 64.
  case basic(encoded: String)
  /// A token that is exchanged for others where the registry says.
  case identityToken(String)

  /// A name and a password.
  public static func password(name: String, _ password: String) -> Credentials {
    .basic(encoded: base64(Array("\(name):\(password)".utf8)))
  }

  private static func base64(_ bytes: [UInt8]) -> String {
    var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
    let count = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
    return String(decoding: text.prefix(Int(count)), as: UTF8.self)
  }
}

/// The usual Docker configuration, as `docker login` and ORAS write it: which host gets which credentials.
public struct DockerConfiguration: Sendable {
  /// The file; nil where there is none to look for.
  public var file: FilePath?

  /// The configuration of a file, which need not exist.
  public init(file: FilePath?) { self.file = file }

  /// `config.json` in the folder `DOCKER_CONFIG`, else in `~/.docker`.
  public static func ofEnvironment() -> DockerConfiguration {
    let folder =
      environmentVariable("DOCKER_CONFIG").map { FilePath($0) }
      ?? environmentVariable("HOME").map { FilePath($0).appending(".docker") }
    return DockerConfiguration(file: folder?.appending("config.json"))
  }

  /// Docker Hub's hosts share the credentials that stand under its old name.
  private static let hub: Set<String> = ["docker.io", "index.docker.io", "registry-1.docker.io"]

  /// The credentials for a host, `host` or `host:port`.
  ///
  /// A helper program, `credHelpers` before `credsStore`, is asked before the file's own `auths`.
  ///
  /// - Returns: The credentials, or nil where there are none for this host.
  /// - Throws: `RegistryError.Fault.credentials` where the file or a helper can't be used.
  public func credentials(for host: String) throws(RegistryError) -> Credentials? {
    guard let file, let json = try read(file) else { return nil }
    let names = Self.hub.contains(host) ? Self.hub : [host]
    for member in json["credHelpers"]?.object?.members ?? [] where names.contains(Self.host(of: member.name)) {
      guard let program = member.value.string else { throw unusable(file, "credHelpers.\(member.name) is no string") }
      return try CredentialHelper(name: program).credentials(for: member.name, host: host)
    }
    if let program = json["credsStore"]?.string, !program.isEmpty {
      let key = Self.hub.contains(host) ? "https://index.docker.io/v1/" : host
      if let found = try CredentialHelper(name: program).credentials(for: key, host: host) { return found }
    }
    for member in json["auths"]?.object?.members ?? [] where names.contains(Self.host(of: member.name)) {
      if let found = try credentials(member.value, file, "auths.\(member.name)") { return found }
    }
    return nil
  }

  private func credentials(
    _ entry: JSONValue, _ file: FilePath, _ place: String
  ) throws(RegistryError) -> Credentials? {
    if let token = entry["identitytoken"]?.string, !token.isEmpty { return .identityToken(token) }
    if let encoded = entry["auth"]?.string, !encoded.isEmpty {
      guard
        encoded.utf8.allSatisfy({ byte in
          (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || "+/=".utf8.contains(byte)
        })
      else { throw unusable(file, "\(place).auth is not in base 64") }
      return .basic(encoded: encoded)
    }
    if let name = entry["username"]?.string, let password = entry["password"]?.string, !name.isEmpty {
      return .password(name: name, password)
    }
    return nil
  }

  /// The host of a key, which may have a scheme before it and a path behind it.
  private static func host(of key: String) -> String {
    var rest = key[...]
    for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
    return rest.prefix { $0 != "/" }.lowercased()
  }

  private func read(_ file: FilePath) throws(RegistryError) -> JSONValue? {
    let bytes: [UInt8]
    do {
      let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
      bytes = try descriptor.closeAfter {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var count = 0
        while count < buffer.count {
          let start = count
          let part = try buffer.withUnsafeMutableBytes {
            try descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[start...]))
          }
          if part == 0 { break }
          count += part
        }
        return Array(buffer.prefix(count))
      }
    } catch {
      if let code = error as? Errno, [.noSuchFileOrDirectory, .notDirectory].contains(code) { return nil }
      throw unusable(file, "\(error)")
    }
    do { return try JSONValue(parsing: bytes) } catch { throw unusable(file, "\(error)") }
  }

  private func unusable(_ file: FilePath, _ reason: String) -> RegistryError {
    RegistryError(file.string, .credentials("the Docker configuration can't be used: \(reason)"))
  }
}
