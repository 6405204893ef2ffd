import ContentAddressing
import SystemPackage
import TestSupport
import Testing

@Suite("Digests")
struct DigestTests {
  let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

  @Test("FIPS 180-4's examples hash to their published digests")
  func publishedDigests() {
    #expect(Digest(hashing: []).description == empty)
    #expect(Digest(hashing: Array("abc".utf8)).description == abc)
    #expect(
      Digest(hashing: Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)).description
        == "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      Digest(hashing: [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)).description
        == "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test("A hasher gives the same digest however the bytes are split, and begins anew after each")
  func incremental() {
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var hasher = SHA256Hasher()
    for size in [1, 63, 64, 65, 999] {
      for start in stride(from: 0, to: bytes.count, by: size) {
        hasher.update(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(hasher.finish() == Digest(hashing: bytes))
    }
    #expect(hasher.finish().description == empty)
  }

  @Test("A printed digest reads back; hexadecimal digits and raw bytes agree with it")
  func roundTrip() throws {
    let digest = try #require(Digest(abc))
    #expect(digest.description == abc)
    #expect(digest.hexadecimal == String(abc.dropFirst(7)))
    #expect(Digest(hexadecimal: digest.hexadecimal) == digest)
    #expect(digest.bytes.withUnsafeBytes { Digest(bytes: $0) } == digest)
    #expect(digest.bytes.prefix(4) == [0xba, 0x78, 0x16, 0xbf])
  }

  @Test(
    "Anything but sha256: and 64 lowercase digits is refused",
    arguments: [
      "", "sha256:", "SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
      "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      " sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
      "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ])
  func strictParsing(text: String) {
    #expect(Digest(text) == nil)
  }

  @Test("Digests are ordered as their printed forms are")
  func order() {
    let digests = (0..<100).map { Digest(hashing: [UInt8($0)]) }
    #expect(digests.sorted().map(\.description) == digests.map(\.description).sorted())
  }

  @Test("A file's digest is that of its bytes, at sizes around the buffer's")
  func files() throws {
    try TemporaryFolder.with { folder in
      var hasher = FileHasher()
      for size in [0, 1, 262_143, 262_144, 262_145, 1_000_000] {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ size) }
        let path = folder.appending("file-\(size)")
        let file = try FileDescriptor.open(path, .writeOnly, options: .create, permissions: .ownerReadWrite)
        try file.closeAfter { _ = try file.writeAll(bytes) }
        let content = try hasher.content(of: path)
        #expect(content == FileHasher.Content(digest: Digest(hashing: bytes), size: size))
      }
      #expect(throws: Errno.noSuchFileOrDirectory) { try hasher.content(of: folder.appending("absent")) }
    }
  }
}
