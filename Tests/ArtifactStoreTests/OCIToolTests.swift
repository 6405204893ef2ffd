import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import Testing

/// Runs skopeo, an OCI tool that knows nothing of us.
enum Skopeo {
  static let path: String? = ["/usr/bin/skopeo", "/usr/local/bin/skopeo"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  static func run(_ arguments: String...) throws -> (status: Int32, output: [UInt8]) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path ?? "/usr/bin/skopeo")
    process.arguments = ["--insecure-policy"] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, [UInt8](output))
  }
}

@Suite("Other people's OCI tools", .enabled(if: Skopeo.path != nil, "needs skopeo"))
struct OCIToolTests {
  @Test("skopeo reads a store's references bit for bit")
  func inspect() throws {
    let lab = try Laboratory()
    let result = try lab.publish(1, ["train.jsonl": "{}\n", "data/a.csv": "x"]).result
    let artifact = result.outputs[0].artifact
    try lab.store.setReference("model", to: artifact.digest)
    try lab.store.setReference("result", to: result.digest)
    for (name, bytes) in [("model", artifact.manifest.canonical), ("result", result.manifest.canonical)] {
      let (status, output) = try Skopeo.run("inspect", "--raw", "oci:\(lab.store.path):\(name)")
      #expect(status == 0)
      #expect(output == bytes)
    }
  }

  @Test("skopeo carries a run whole into another layout, every manifest and file with its digest")
  func copy() throws {
    let lab = try Laboratory()
    let results = try (1...3).map { try lab.publish($0, ["a": "content \($0)", "b/c": "same"]).result }
    let manifests = results.flatMap { [$0.manifest] + $0.outputs.map(\.artifact.manifest) }
    try lab.store.setReference("run", toIndexOf: results)
    let copy = lab.folder.appending("copy")
    #expect(try Skopeo.run("copy", "--all", "oci:\(lab.store.path):run", "oci:\(copy):run").status == 0)
    for manifest in manifests {
      for digest in [manifest.descriptor.digest, manifest.config.digest] + manifest.layers.map(\.digest) {
        let path = copy.appending("blobs/sha256").appending(digest.hexadecimal)
        #expect(FileManager.default.contents(atPath: path.string).map { Digest(hashing: [UInt8]($0)) } == digest)
      }
    }
    let archive = lab.folder.appending("run.tar")
    #expect(try Skopeo.run("copy", "--all", "oci:\(lab.store.path):run", "oci-archive:\(archive):run").status == 0)
    #expect(Laboratory.exists(archive))
  }
}
