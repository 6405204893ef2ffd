import ContentAddressing
import Registries
import Testing

/// What is a reference to a registry, and what is not.
@Suite struct ReferenceTests {
  static let digest = Digest(hashing: [1])

  @Test(
    "host, repository and version are read, and print as they were written",
    arguments: [
      ("oci://host/a", "host", "a", nil), ("oci://host:5000/a/b-c__d.e:v1.0_x", "host:5000", "a/b-c__d.e", "v1.0_x"),
      ("oci://127.0.0.1:5000/a:latest", "127.0.0.1:5000", "a", "latest"),
      ("oci://[::1]:80/a---b", "[::1]:80", "a---b", nil),
      ("oci://ghcr.io/group/name@\(digest)", "ghcr.io", "group/name", digest.description),
    ])
  func accepted(_ text: String, _ host: String, _ repository: String, _ version: String?) throws {
    let reference = try OCIReference(text)
    #expect(reference.host.description == host)
    #expect(reference.repository == repository)
    #expect(reference.version?.description == version)
    #expect(reference.description == text)
  }

  @Test("of tag and digest the digest counts; a host's case does not")
  func canonical() throws {
    #expect(try OCIReference("oci://Host/a:v1@\(Self.digest)") == OCIReference("oci://host/a@\(Self.digest)"))
  }

  @Test(
    "what is wrong is named",
    arguments: [
      ("host/a:v1", "must begin with oci://"), ("https://host/a", "must begin with oci://"),
      ("oci://host", "repository must follow"), ("oci://host/", "is no repository"),
      ("oci:///a", "is no host"), ("oci://host:0/a", "is no host"), ("oci://host:99999/a", "is no host"),
      ("oci://user@host/a", "is no host"), ("oci://ho st/a", "is no host"), ("oci://-host/a", "is no host"),
      ("oci://host/A", "is no repository"), ("oci://host/a//b", "is no repository"),
      ("oci://host/../a", "is no repository"), ("oci://host/a..b", "is no repository"),
      ("oci://host/a___b", "is no repository"), ("oci://host/a?x=1", "is no repository"),
      ("oci://host/a:", "is no tag"), ("oci://host/a:.x", "is no tag"), ("oci://host/a:ä", "is no tag"),
      ("oci://host/a:\(String(repeating: "x", count: 129))", "is no tag"),
      ("oci://host/a@sha256:12", "64 hexadecimal digits"),
      ("oci://host/a@md5:\(digest.hexadecimal)", "64 hexadecimal digits"),
    ])
  func refused(_ text: String, _ words: String) {
    let error = #expect(throws: OCIReferenceError.self) { try OCIReference(text) }
    #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "")")
  }

  @Test("only this machine itself is loopback")
  func loopback() {
    for text in ["localhost", "localhost:5000", "127.0.0.1", "127.9.9.9:1", "[::1]"] {
      #expect(RegistryHost(text)?.isLoopback == true, "\(text)")
    }
    for text in ["localhost.evil.org", "127.0.0.1.evil.org", "128.0.0.1", "127.0.0", "127.1.1.256", "[::2]", "host"] {
      #expect(RegistryHost(text)?.isLoopback != true, "\(text)")
    }
  }
}
