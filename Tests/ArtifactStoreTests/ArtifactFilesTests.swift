import ArtifactStore
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Files of an artifact outside the store")
struct ArtifactFilesTests {
  @Test("An input folder links every file to its blob, nested ones too")
  func links() throws {
    let lab = try Laboratory()
    let artifact = try lab.publish(1, ["a": "1", "b/c/d": "2"]).result.outputs[0].artifact
    let work = try lab.store.makeWorkFolder(for: Laboratory.document(2).key)
    try lab.store.linkFiles(of: artifact.manifest, into: work.input("dataset"))
    #expect(Laboratory.read(work.input("dataset").appending("a")) == "1")
    #expect(Laboratory.read(work.input("dataset").appending("b/c/d")) == "2")
    try work.remove()
    #expect(Laboratory.read(lab.store.blobPath(artifact.manifest.layers[0].digest)) == "1")
  }

  @Test("A checked-out folder is the user's: writable, whole, and a change in it leaves the store alone")
  func copies() throws {
    let lab = try Laboratory()
    let artifact = try lab.publish(1, ["a": "1", "b/c": "2"]).result.outputs[0].artifact
    let folder = lab.folder.appending("mine/model")
    try lab.store.copyFiles(of: artifact.digest, to: folder)
    #expect(Laboratory.names(folder) == ["a", "b"])
    #expect(Laboratory.read(folder.appending("b/c")) == "2")
    #expect(try Laboratory.mode(folder.appending("a")) & 0o200 != 0)
    try Laboratory.write("changed", to: folder.appending("a"))
    #expect(try lab.reopened().verify(artifact: artifact.digest) == artifact.manifest)
    #expect(throws: StoreError.self) { try lab.store.copyFiles(of: artifact.digest, to: folder) }
    #expect(Laboratory.names(folder.removingLastComponent()) == ["model"])
  }

  @Test("Damaged bytes are not written out")
  func damaged() throws {
    let lab = try Laboratory()
    let artifact = try lab.publish(1, ["a": "some bytes"]).result.outputs[0].artifact
    try Laboratory.flipBit(lab.store.blobPath(artifact.manifest.layers[0].digest))
    let folder = lab.folder.appending("mine")
    let error = #expect(throws: StoreError.self) { try lab.reopened().copyFiles(of: artifact.digest, to: folder) }
    #expect(error?.exitStatus == 4)
    #expect(!Laboratory.exists(folder))
  }
}
