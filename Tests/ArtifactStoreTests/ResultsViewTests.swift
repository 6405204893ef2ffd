import ArtifactStore
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Results view")
struct ResultsViewTests {
  func view(_ lab: Laboratory, store: Store? = nil) -> ResultsView {
    ResultsView(results: lab.folder.appending("results"), pipeline: "e2e", store: store ?? lab.store)
  }

  func manifest(_ lab: Laboratory, _ number: Int, _ files: [String: String]) throws -> Manifest {
    try lab.publish(number, files).result.outputs[0].artifact.manifest
  }

  func target(_ path: FilePath) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: path.string)
  }

  @Test("Files stand under their own names, nested ones too, and cannot be written to")
  func shown() throws {
    let lab = try Laboratory()
    try view(lab).show(manifest(lab, 1, ["index.html": "<html>", "data/a.csv": "1"]), label: "report", port: "report")
    let folder = lab.folder.appending("results/e2e/report/report")
    #expect(Laboratory.read(folder.appending("index.html")) == "<html>")
    #expect(Laboratory.read(folder.appending("data/a.csv")) == "1")
    #expect(try Laboratory.mode(lab.store.blobPath(Digest(hashing: Array("1".utf8)))) == 0o444)
    #expect(Laboratory.names(folder.removingLastComponent()) == ["report"])
  }

  @Test("Links of a store inside the project survive a move of the project")
  func moved() throws {
    let lab = try Laboratory()
    try view(lab).show(manifest(lab, 1, ["a/b": "content"]), label: "iq@seed=2", port: "model")
    let elsewhere = FilePath(lab.folder.string + "-moved")
    try FileManager.default.moveItem(atPath: lab.folder.string, toPath: elsewhere.string)
    defer { try? FileManager.default.moveItem(atPath: elsewhere.string, toPath: lab.folder.string) }
    #expect(Laboratory.read(elsewhere.appending("results/e2e/iq@seed=2/model/a/b")) == "content")
  }

  @Test("A new result replaces the old one; the same one is left alone; extra and edited files are put right")
  func replaced() throws {
    let lab = try Laboratory()
    let (first, second) = (try manifest(lab, 1, ["a": "1", "b": "2"]), try manifest(lab, 2, ["a": "3"]))
    let folder = lab.folder.appending("results/e2e/mle/model")
    try view(lab).show(first, label: "mle", port: "model")
    let inode = try Laboratory.inode(folder)
    try view(lab).show(first, label: "mle", port: "model")
    #expect(try Laboratory.inode(folder) == inode)
    try view(lab).show(second, label: "mle", port: "model")
    #expect(Laboratory.names(folder) == ["a"])
    #expect(Laboratory.read(folder.appending("a")) == "3")
    try Laboratory.write("extra", to: folder.appending("notes"))
    try view(lab).show(second, label: "mle", port: "model")
    #expect(Laboratory.names(folder) == ["a"])
    try FileManager.default.removeItem(atPath: folder.appending("a").string)
    try Laboratory.write("edited", to: folder.appending("a"))
    try view(lab).show(second, label: "mle", port: "model")
    #expect(Laboratory.read(folder.appending("a")) == "3")
    #expect(Laboratory.names(folder.removingLastComponent()) == ["model"])
  }

  @Test("Links that dangle or lead into another store are made anew, absolute for a store outside the project")
  func otherStore() throws {
    let lab = try Laboratory()
    let other = try Laboratory()
    let manifest = try manifest(lab, 1, ["a": "1"])
    try Laboratory.publish(Laboratory.document(1), ["a": "1"], in: other.store)
    let place = lab.folder.appending("results/e2e/mle/model/a")
    try view(lab).show(manifest, label: "mle", port: "model")
    try view(lab, store: other.store).show(manifest, label: "mle", port: "model")
    if let target = target(place) {
      #expect(target == other.store.blobPath(manifest.layers[0].digest).string)
    }
    #expect(Laboratory.read(place) == "1")
    try FileManager.default.removeItem(atPath: place.string)
    try FileManager.default.createSymbolicLink(atPath: place.string, withDestinationPath: "/nowhere")
    try view(lab).show(manifest, label: "mle", port: "model")
    #expect(Laboratory.read(place) == "1")
  }

  @Test("Behind a results folder that is itself a link the files can still be read")
  func linkedResults() throws {
    let lab = try Laboratory()
    let far = lab.folder.appending("far/away/results")
    try FileManager.default.createDirectory(atPath: far.string, withIntermediateDirectories: true)
    let link = lab.folder.appending("results").string
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: far.string)
    try view(lab).show(manifest(lab, 1, ["a": "1"]), label: "mle", port: "model")
    #expect(Laboratory.read(far.appending("e2e/mle/model/a")) == "1")
  }

  @Test("A running action's folder is shown by a link, and the result takes its place")
  func running() throws {
    let lab = try Laboratory()
    let work = try lab.store.makeWorkFolder(for: Laboratory.document(1).key)
    try Laboratory.write("row", to: work.output("curves").appending("curves.jsonl"))
    let place = lab.folder.appending("results/e2e/mle/curves")
    try view(lab).showRunning(work.output("curves"), label: "mle", port: "curves")
    #expect(Laboratory.read(place.appending("curves.jsonl")) == "row")
    try work.remove()
    try view(lab).show(manifest(lab, 1, ["curves.jsonl": "rows"]), label: "mle", port: "curves")
    #expect(Laboratory.read(place.appending("curves.jsonl")) == "rows")
    #expect(target(place) == nil)
    // And over a result, when it runs again.
    let again = try lab.store.makeWorkFolder(for: Laboratory.document(1).key)
    try Laboratory.write("new", to: again.output("curves").appending("curves.jsonl"))
    try view(lab).showRunning(again.output("curves"), label: "mle", port: "curves")
    #expect(Laboratory.read(place.appending("curves.jsonl")) == "new")
    #expect(Laboratory.names(place.removingLastComponent()) == ["curves"])
  }

  @Test("Cells and ports that the last run has not are removed, the store's blobs are not")
  func pruned() throws {
    let lab = try Laboratory()
    let manifest = try manifest(lab, 1, ["a": "1"])
    for label in ["iq@seed=1", "iq@seed=2"] {
      for port in ["model", "curves"] { try view(lab).show(manifest, label: label, port: port) }
    }
    try view(lab).keepOnly([(label: "iq@seed=1", ports: ["model"])])
    #expect(Laboratory.names(lab.folder.appending("results/e2e")) == ["iq@seed=1"])
    #expect(Laboratory.names(lab.folder.appending("results/e2e/iq@seed=1")) == ["model"])
    #expect(Laboratory.read(lab.store.blobPath(manifest.layers[0].digest)) == "1")
  }
}
