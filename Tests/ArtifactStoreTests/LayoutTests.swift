import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Layout of a store")
struct LayoutTests {
  @Test("A new store is an OCI image layout with our folders beside it and the empty configuration in it")
  func creation() throws {
    let lab = try Laboratory()
    #expect(
      Laboratory.names(lab.store.path) == [
        "actions", "blobs", "index.json", "leases", "oci-layout", "quarantine", "refs", "runs", "work",
      ])
    #expect(Laboratory.read(lab.store.path.appending("oci-layout")) == #"{"imageLayoutVersion":"1.0.0"}"#)
    let index = try ImageIndex(
      json: JSONValue(parsing: Laboratory.read(lab.store.path.appending("index.json")) ?? ""))
    #expect(index.manifests.isEmpty)
    #expect(Laboratory.read(lab.store.blobPath(Descriptor.empty.digest)) == "{}")
  }

  @Test("Opening without leave to create fails where there is no store, and makes nothing")
  func absent() throws {
    let lab = try Laboratory()
    let path = lab.folder.appending("elsewhere")
    #expect(throws: StoreError.notAStore(path)) { try Store.open(path, creating: false) }
    #expect(!Laboratory.exists(path))
  }

  @Test(
    "Where no folder can be made the system's reason is told", arguments: ["/proc/apprentice"])
  func impossible(path: String) {
    let error = #expect(throws: StoreError.self) { try Store.open(FilePath(path), creating: true) }
    #expect(error?.description.hasPrefix("Cannot make the folder \(path)") == true, "\(String(describing: error))")
  }

  @Test("What stands in the place of a store or above it and is no folder is named, whether one is to be made or not")
  func noFolder() throws {
    let lab = try Laboratory()
    let file = lab.folder.appending("file")
    try Laboratory.write("x", to: file)
    for path in [file, file.pushing("x/y")] {
      for creating in [false, true] {
        #expect(throws: StoreError.noFolder(file)) { try Store.open(path, creating: creating) }
      }
    }
  }

  @Test("A store of a later version is refused with its version", arguments: ["2.0.0", "1.0.0"])
  func laterVersion(layout: String) throws {
    let lab = try Laboratory()
    let apprentice = layout == "1.0.0" ? #","apprentice":2"# : ""
    try Laboratory.write(
      #"{"imageLayoutVersion":"\#(layout)"\#(apprentice)}"#, to: lab.store.path.appending("oci-layout"))
    let found = layout == "1.0.0" ? "2" : layout
    #expect(throws: StoreError.unknownFormat(lab.store.path, found: found)) { try lab.reopened() }
  }

  @Test("A damaged oci-layout is an error of damage that names the file")
  func damagedLayout() throws {
    let lab = try Laboratory()
    try Laboratory.write("", to: lab.store.path.appending("oci-layout"))
    let error = #expect(throws: StoreError.self) { try lab.reopened() }
    #expect(error?.exitStatus == 4)
    #expect(error?.description.contains("oci-layout") == true)
  }

  @Test("The store is the option's, else the environment's, else .apprentice of the nearest project above")
  func location() throws {
    let lab = try Laboratory()
    let project = lab.folder
    let deep = project.appending("pipelines").appending("paper")
    try Laboratory.write("", to: deep.appending("a.yaml"))
    let found = StoreLocation(option: nil, environment: nil, start: deep)
    #expect(found.project == project)
    #expect(found.store == project.appending(".apprentice"))
    let named = StoreLocation(option: "/a/../b", environment: "/c", start: deep)
    #expect(named.store == "/b")
    #expect(named.project == project)
    #expect(StoreLocation(option: nil, environment: "/c", start: deep).store == "/c")
    #expect(StoreLocation(option: nil, environment: "", start: deep).store == project.appending(".apprentice"))
    // .apprentice wins over a nearer .git; without .apprentice .git marks the project; without both the folder itself.
    try Laboratory.write("", to: deep.appending(".git").appending("HEAD"))
    #expect(StoreLocation(option: nil, environment: nil, start: deep).project == project)
    let other = try Laboratory().folder
    #expect(!Laboratory.exists(other))
    #expect(StoreLocation(option: nil, environment: nil, start: other).project == other)
  }

  @Test("Folders of a store that are gone are made anew", arguments: ["leases", "blobs", "work", "refs"])
  func lostFolder(name: String) throws {
    let lab = try Laboratory()
    try FileManager.default.removeItem(atPath: lab.store.path.appending(name).string)
    let store = try lab.reopened()
    try Laboratory.publish(Laboratory.document(1), ["a": "1"], in: store)
    #expect(try store.fsck().isSound)
  }

  @Test("An oci-layout that is empty, rotten or a folder is set aside by a repair; one of another version stays")
  func repairedLayout() throws {
    for what in ["", "{", "folder"] {
      let lab = try Laboratory()
      let result = try lab.publish(1).result
      let file = lab.store.path.appending("oci-layout")
      try FileManager.default.removeItem(atPath: file.string)
      try Laboratory.write(what, to: what == "folder" ? file.appending("x") : file)
      #expect(throws: StoreError.self) { try lab.reopened() }
      let (store, wasMended) = try Store.repair(lab.store.path, options: Laboratory.options)
      #expect(wasMended)
      guard case .hit = try store.lookup(result.key) else {
        Issue.record("what the store holds is found")
        return
      }
      #expect(try !Store.repair(lab.store.path, options: Laboratory.options).wasMended)
    }
    for text in [#"{"imageLayoutVersion":"2.0.0"}"#, #"{"imageLayoutVersion":2}"#] {
      let lab = try Laboratory()
      try Laboratory.write(text, to: lab.store.path.appending("oci-layout"))
      #expect(throws: StoreError.self) { try Store.repair(lab.store.path) }
      #expect(Laboratory.read(lab.store.path.appending("oci-layout")) == text)
    }
  }

  @Test("Whether a place lies in the store is told through links and for what is not there yet")
  func holds() throws {
    let lab = try Laboratory()
    let link = lab.folder.appending("link")
    try FileManager.default.createSymbolicLink(
      atPath: link.string, withDestinationPath: lab.store.path.appending("work").string)
    #expect(lab.store.holds(lab.store.path))
    #expect(lab.store.holds(lab.store.path.pushing("blobs/new/deep")))
    #expect(lab.store.holds(link.appending("new")))
    #expect(!lab.store.holds(lab.folder.appending("results")))
    let beside = FilePath(lab.store.path.string + "-beside")
    #expect(!lab.store.holds(beside))
    try FileManager.default.createDirectory(atPath: beside.string, withIntermediateDirectories: false)
    #expect(!lab.store.holds(beside), "a name that begins like the store's")
  }

  @Test("A repair makes no store of what is none, and changes nothing where nothing may be moved")
  func noRepair() throws {
    let lab = try Laboratory()
    let layout = lab.store.path.appending("oci-layout")
    try Laboratory.write("{", to: layout)
    var options = Laboratory.options
    options.movesDamaged = false
    let still = options
    #expect(throws: StoreError.self) { try Store.repair(lab.store.path, options: still) }
    #expect(Laboratory.read(layout) == "{")
    // Somebody's OCI layout has blobs and no actions.
    try FileManager.default.removeItem(atPath: lab.store.path.appending("actions").string)
    #expect(throws: StoreError.self) { try Store.repair(lab.store.path, options: Laboratory.options) }
    #expect(Laboratory.read(layout) == "{")
  }
}
