import ContentAddressing
import Foundation
import Registries
import SystemPackage
import TestSupport
import Testing

/// TLS against a registry that others wrote, with a certificate of its own.
@Suite(
  .enabled(
    if: DockerRegistry.program != nil && OpenSSL.program != nil,
    "needs docker-registry and openssl, which are not installed"))
struct EncryptionTests {
  private func client(_ port: Int, _ authorities: FilePath?) throws -> Registry {
    try Registry(
      OCIReference("oci://127.0.0.1:\(port)/a"),
      options: FakeRegistry.options {
        $0.isAlwaysEncrypted = true
        $0.authorities = authorities
        $0.attempts = 1
      })
  }

  @Test("whoever can prove its name is talked to, nobody else")
  func trust() throws {
    let folder = ScratchFolder()
    let (certificate, key) = try OpenSSL.certificate(in: folder.path, for: "IP:127.0.0.1")
    let registry = try DockerRegistry(in: folder.path, .encryption(certificate: certificate, key: key))
    defer { registry.stop() }
    let bytes = noise(100_000)
    let digest = Digest(hashing: bytes)
    let client = try client(registry.port, certificate)
    try client.upload(digest, size: bytes.count, from: .bytes(bytes))
    let bucket = Bucket()
    try client.download(digest, size: bytes.count, to: bucket)
    #expect(bucket.bytes == bytes)
    // The system's authorities did not sign it.
    let error = fault { _ = try self.client(registry.port, nil).hasBlob(digest, size: bytes.count) }
    #expect(error?.exitStatus == 6)
    #expect(error?.description.contains("can't be trusted") ?? false, "\(String(describing: error))")
  }

  @Test("a certificate of another name proves nothing")
  func otherName() throws {
    let folder = ScratchFolder()
    let (certificate, key) = try OpenSSL.certificate(in: folder.path, for: "DNS:elsewhere.example")
    let registry = try DockerRegistry(in: folder.path, .encryption(certificate: certificate, key: key))
    defer { registry.stop() }
    let error = fault { _ = try client(registry.port, certificate).hasBlob(Digest(hashing: []), size: 0) }
    #expect(error?.description.contains("can't be trusted") ?? false, "\(String(describing: error))")
  }
}

/// The command of that name.
enum OpenSSL {
  static let program = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// Makes a certificate that its own key has signed.
  static func certificate(in folder: FilePath, for name: String) throws -> (certificate: FilePath, key: FilePath) {
    let paths = (folder.appending("certificate.pem"), folder.appending("key.pem"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program ?? "")
    process.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
      "/CN=test", "-addext", "subjectAltName=\(name)", "-keyout", paths.1.string, "-out", paths.0.string,
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return paths
  }
}
