import CProcess
import CanonicalJSON
import Glibc
import SystemPackage

/// A program `docker-credential-NAME` that keeps credentials.
struct CredentialHelper {
  var name: String

  /// Asks the program.
  ///
  /// - Parameters:
  ///   - key: The server as the program knows it.
  ///   - host: The server as errors name it.
  /// - Returns: What it keeps, or nil where it has nothing for this server.
  /// - Throws: `RegistryError.Fault.credentials` where it can't be run or does not answer as it must.
  func credentials(for key: String, host: String) throws(RegistryError) -> Credentials? {
    func unusable(_ reason: String) -> RegistryError {
      RegistryError(host, .credentials("docker-credential-\(name): \(reason)"))
    }
    guard
      !name.isEmpty,
      name.utf8.allSatisfy({ byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || "-_.".utf8.contains(byte)
      })
    else { throw unusable("this is no name of a credential helper") }
    let output: [UInt8]
    let status: Int32
    do { (output, status) = try run("docker-credential-\(name)", input: Array(key.utf8)) } catch {
      throw unusable("it can't be run: \(error)")
    }
    let text = String(decoding: output.prefix(300), as: UTF8.self)
    guard status == 0 else {
      if text.contains("credentials not found") { return nil }
      throw unusable("it failed: \(text.split(separator: "\n").first ?? "without a word")")
    }
    guard let json = try? JSONValue(parsing: output), let user = json["Username"]?.string,
      let secret = json["Secret"]?.string
    else { throw unusable("its answer is not JSON with Username and Secret") }
    return user == "<token>" ? .identityToken(secret) : .password(name: user, secret)
  }

  private func run(_ program: String, input: [UInt8]) throws -> (output: [UInt8], status: Int32) {
    // A child of another thread must not hold an end: nobody would see it close.
    let toChild = try Self.pipe()
    let fromChild = try Self.pipe()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, toChild.readEnd.rawValue, 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild.writeEnd.rawValue, 1)
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup("get"), nil]
    defer { for argument in arguments { free(argument) } }
    var child: pid_t = 0
    let code = posix_spawnp(&child, program, &actions, nil, &arguments, environ)
    try toChild.readEnd.close()
    try fromChild.writeEnd.close()
    guard code == 0 else {
      try toChild.writeEnd.close()
      try fromChild.readEnd.close()
      throw Errno(rawValue: code)
    }
    _ = try? toChild.writeEnd.writeAll(input)
    try toChild.writeEnd.close()
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while output.count < 1 << 20,
      let count = try? buffer.withUnsafeMutableBytes({ try fromChild.readEnd.read(into: $0) }),
      count > 0
    {
      output += buffer.prefix(count)
    }
    // One that goes on talking ends by this.
    try fromChild.readEnd.close()
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return (output, status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F))
  }

  /// A pipe whose ends no program inherits.
  private static func pipe() throws -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
    var ends: (CInt, CInt) = (0, 0)
    let code = withUnsafeMutableBytes(of: &ends) { process_pipe($0.assumingMemoryBound(to: CInt.self).baseAddress!) }
    guard code == 0 else { throw Errno(rawValue: errno) }
    return (FileDescriptor(rawValue: ends.0), FileDescriptor(rawValue: ends.1))
  }
}
