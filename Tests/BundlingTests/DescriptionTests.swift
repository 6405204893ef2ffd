import ArtifactStore
import Bundling
import CanonicalJSON
import ContentAddressing
import Testing

/// What a bundle says of itself survives being written and read.
@Suite struct DescriptionTests {
  static let digest = Digest(hashing: [1, 2, 3])

  static let description = BundleDescription(
    pipeline: "small", file: "small.yaml", settings: ["data=/d", "seed=3"], parameters: ["seed": 3],
    actions: [.init(label: "iq@lambda=0.1", key: ActionKey(digest), result: digest)],
    sources: [
      RecordedSource(
        label: "${data}", kind: "source", files: ["*.csv"], path: "", setting: "data=/d", isFolder: true,
        manifest: digest),
      RecordedSource(
        label: "../rows", kind: "source", files: nil, path: "../rows", setting: nil, isFolder: false,
        manifest: digest),
    ], stages: [.init(folder: "stages/upper", manifest: digest, programs: ["upper.py"])])

  @Test("a description is read back as it was written")
  func roundTrip() throws {
    let bytes = Self.description.json.canonical
    #expect(try BundleDescription(json: JSONValue(parsing: bytes)) == Self.description)
  }

  @Test(
    "a name that would lead out of the folder is refused",
    arguments: ["../small.yaml", "/tmp/small.yaml", "a/b.yaml", "..", "", ".bashrc", "a\u{1b}.yaml"])
  func fileNames(name: String) throws {
    var description = Self.description
    description.file = name
    #expect(throws: ManifestError(member: "file", expected: "a plain file name")) {
      try BundleDescription(json: description.json)
    }
  }
}
