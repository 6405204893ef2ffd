import CanonicalJSON
import ContentAddressing
import Testing

@Suite("Manifests")
struct ManifestTests {
  let kind = KindName("dataset")!

  func file(_ title: String, _ text: String) -> Descriptor {
    Descriptor(file: title, digest: Digest(hashing: Array(text.utf8)), size: text.utf8.count)
  }

  @Test("A manifest's bytes and digest are fixed for ever, since stores refer to them")
  func golden() {
    let manifest = Manifest(kind: kind, files: [file("train.jsonl", "b\n"), file("test.jsonl", "a\n")])
    let expected =
      #"{"artifactType":"application/vnd.apprentice.dataset.v1+json","config":{"digest":"sha256:44136fa355b3678a1146"#
      + #"ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","mediaType":"application/vnd.oci.empty.v1+json","size":2},"lay"#
      + #"ers":[{"annotations":{"org.opencontainers.image.title":"test.jsonl"},"digest":"sha256:87428fc522803d31065e7b"#
      + #"ce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7","mediaType":"application/octet-stream","size":2},{"annotations":"#
      + #"{"org.opencontainers.image.title":"train.jsonl"},"digest":"sha256:0263829989b6fd954f72baaf2fc64bc2e2f01d692d"#
      + #"4de72986ea808f6e99813f","mediaType":"application/octet-stream","size":2}],"mediaType":"application/vnd.oci."#
      + #"image.manifest.v1+json","schemaVersion":2}"#
    #expect(String(decoding: manifest.canonical, as: UTF8.self) == expected)
    #expect(manifest.descriptor.digest == Digest(hashing: Array(expected.utf8)))
    #expect(manifest.descriptor.size == expected.utf8.count)
  }

  @Test("Files are sorted by bytes, whatever order they are given in")
  func order() {
    let names = ["b", "a/z", "a-", "B", "é", "z", "a"]
    let manifest = Manifest(kind: kind, files: names.map { file($0, $0) })
    #expect(manifest.layers.map(\.title) == ["B", "a", "a-", "a/z", "b", "z", "é"])
    #expect(Manifest(kind: kind, files: names.reversed().map { file($0, $0) }) == manifest)
  }

  @Test("A manifest reads back as it was, kind included")
  func roundTrip() throws {
    let manifest = Manifest(kind: kind, files: [file("data/a.csv", "x"), file("index.html", "y")])
    let read = try Manifest(json: JSONValue(parsing: manifest.canonical))
    #expect(read == manifest)
    #expect(read.kind == kind)
    #expect(read.file("index.html")?.size == 1)
    #expect(read.totalSize == 2)
  }

  @Test("Two spellings of an accented name are two files")
  func namesAreBytes() throws {
    let manifest = Manifest(kind: kind, files: [file("\u{e9}", "x"), file("e\u{301}", "y")])
    #expect(try Manifest(json: manifest.json).layers.count == 2)
  }

  @Test(
    "A title that leaves its folder is refused",
    arguments: ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", ".", "..", "a\nb", "a\0b"])
  func hostileTitles(title: String) {
    let manifest = Manifest(kind: kind, files: [file(title, "x")])
    #expect(throws: ManifestError.self) { try Manifest(json: manifest.json) }
  }

  @Test("A manifest that names a file twice, or lacks a member, is refused with the member's name")
  func malformed() throws {
    let twice = Manifest(kind: kind, files: [file("a", "x"), file("a", "y")])
    #expect(throws: ManifestError.self) { try Manifest(json: twice.json) }
    for (member, place) in [
      ("schemaVersion", "schemaVersion"), ("artifactType", "artifactType"), ("layers", "layers"),
      ("config", "config.mediaType"), ("mediaType", "mediaType"),
    ] {
      var object = try #require(Manifest(kind: kind, files: [file("a", "x")]).json.object)
      object[member] = nil
      #expect(throws: ManifestError(member: place, expected: expectation(place))) {
        try Manifest(json: .object(object))
      }
    }
  }

  private func expectation(_ place: String) -> String {
    switch place {
    case "schemaVersion": "2"
    case "layers": "an array"
    case "mediaType": MediaType.manifest
    default: "a media type"
    }
  }

  @Test("Names of kinds are tokens; a media type gives its kind back")
  func kinds() {
    #expect(KindName("init-model")?.description == "init-model")
    for bad in ["", "Dataset", "1st", "a b", "a/b", "-a", String(repeating: "a", count: 65)] {
      #expect(KindName(bad) == nil)
    }
    #expect(KindName(artifactType: "application/vnd.apprentice.scores.v1+json")?.description == "scores")
    #expect(KindName(artifactType: "application/vnd.apprentice.v1+json") == nil)
    #expect(KindName(artifactType: "application/json") == nil)
  }

  @Test("An index reads back as it was")
  func index() throws {
    let manifest = Manifest(kind: kind, files: [file("a", "x")])
    var descriptor = manifest.descriptor
    descriptor.annotations = [Descriptor.referenceAnnotation: "name"]
    let index = ImageIndex(manifests: [descriptor], annotations: ["a": "b"])
    #expect(try ImageIndex(json: JSONValue(parsing: index.canonical)) == index)
  }
}
