import Bundling
import ArtifactStore
import ContentAddressing
import Foundation
import SystemPackage
import TestSupport
import Testing

/// What an import writes goes to a folder of its own, whole or not at all, and never through a link.
@Suite struct BundleFolderTests {
  /// A bundle with a pipeline file, an own stage and a source.
  static let bundle = HostileBundleTests.folder.appending("sound-stage.tar.zst")
  static let files = [
    "rows/train.jsonl", "small.yaml", "stages/upper/bin/upper.sh", "stages/upper/stage.yaml",
  ]

  /// The paths of all files below a folder, those of a store left out.
  static func files(_ folder: FilePath) -> [String] {
    HostileBundleTests.listing(folder).filter { name in
      var isFolder: ObjCBool = false
      let path = folder.pushing(FilePath(name)).string
      return !name.hasPrefix(".apprentice/") && FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        && !isFolder.boolValue
    }
  }

  static func withStore(_ body: (FilePath, Store) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      try body(folder, Store.open(folder.appending("store"), creating: true))
    }
  }

  /// Expects a refusal that names a place and leaves folder and store as they were.
  static func expectUnfit(
    _ target: BundleFolder, _ words: String, in store: Store, location: SourceLocation = #_sourceLocation
  ) {
    let before = (HostileBundleTests.listing(store.path), HostileBundleTests.listing(target.path))
    let error = #expect(throws: BundleFolder.Unfit.self, sourceLocation: location) {
      try store.importBundle(Self.bundle, writingTo: target)
    }
    #expect(error?.description.contains(words) == true, "\(String(describing: error))", sourceLocation: location)
    #expect(HostileBundleTests.listing(store.path) == before.0, sourceLocation: location)
    #expect(HostileBundleTests.listing(target.path) == before.1, sourceLocation: location)
  }

  @Test("a new folder, an empty one, one that holds a store alone, and one that holds the same files take a bundle")
  func fit() throws {
    try Self.withStore { folder, store in
      let new = folder.appending("new")
      for _ in 0..<2 {
        _ = try store.importBundle(Self.bundle, writingTo: BundleFolder(new))
        #expect(Self.files(new) == Self.files)
      }
      #expect(access(new.pushing("stages/upper/bin/upper.sh").string, X_OK) == 0)
      try Shell.run("mkdir empty beside; rm -r new/stages", in: folder)
      let own = try Store.open(folder.pushing("beside/.apprentice"), creating: true)
      let named = try Store.open(folder.pushing("named/store"), creating: true)
      for (target, store) in [("empty", store), ("new", store), ("beside", own), ("named", named)] {
        _ = try store.importBundle(Self.bundle, writingTo: BundleFolder(folder.appending(target)))
        #expect(Self.files(folder.appending(target)).filter { !$0.hasPrefix("store/") } == Self.files, "\(target)")
      }
      // Nothing of the staging is left.
      #expect(!HostileBundleTests.listing(folder).contains { $0.contains(".apprentice-import-") })
    }
  }

  @Test("a folder that holds anything else is refused before anything is published")
  func unfit() throws {
    try Self.withStore { folder, store in
      for (name, making, words) in [
        ("git", "mkdir -p git/.git/hooks", "git/.git is not of the bundle"),
        ("notes", "mkdir notes; echo mine > notes/notes.txt", "notes/notes.txt is not of the bundle"),
        ("other", "mkdir other; echo mine > other/small.yaml", "other/small.yaml is there already, with other content"),
        ("below", "mkdir -p below/stages/mine", "below/stages/mine is not of the bundle"),
        ("place", "mkdir -p place/small.yaml", "place/small.yaml is there already, and no regular file"),
        ("full", "mkdir full; echo > full/stages", "full/stages stands where the bundle has a folder"),
        ("linked", "mkdir linked away; ln -s ../away linked/stages", "linked/stages stands where the bundle has"),
        ("pointer", "mkdir pointer; echo > mine; ln -s ../mine pointer/small.yaml", "and no regular file"),
        ("pipe", "mkdir pipe; mkfifo pipe/small.yaml", "and no regular file"),
        ("hidden", "mkdir hidden; ln -s ../store hidden/.apprentice", "hidden/.apprentice is not of the bundle"),
        ("link", "mkdir target; ln -s target link", "is a link"), ("file", "echo > file", "is no folder"),
        ("store", "true", "is the store itself"), ("store/work/x", "true", "lies in the store"),
        ("absent/x", "true", "make it first"), ("file/x", "true", "file can't be written to"),
      ] {
        try Shell.run(making, in: folder)
        Self.expectUnfit(BundleFolder(folder.pushing(FilePath(name))), words, in: store)
      }
      #expect(HostileBundleTests.listing(folder.appending("away")).isEmpty)
      let deep = try Store.open(folder.pushing("deep/a/store"), creating: true)
      Self.expectUnfit(BundleFolder(folder.appending("deep")), "deeper than at its top", in: deep)
    }
  }

  @Test("a file of the very size and another content is no file of the bundle")
  func sameSize() throws {
    try Self.withStore { folder, store in
      _ = try store.importBundle(Self.bundle, writingTo: BundleFolder(folder.appending("model")))
      try Shell.run("mkdir same; tr a b < model/small.yaml > same/small.yaml", in: folder)
      Self.expectUnfit(
        BundleFolder(folder.appending("same")), "same/small.yaml is there already, with other content", in: store)
    }
  }

  @Test(
    "where one file can't be renamed into its place none of the others stays, and what was replaced comes back",
    .enabled(if: SmallDisk.isPossible, "needs leave to mount a tmpfs"))
  func undone() throws {
    try Self.withStore { folder, store in
      try Shell.run(
        """
        mkdir -p to/rows to/stages/upper; echo mine > to/stages/upper/stage.yaml
        mount -t tmpfs tmpfs to/rows
        """, in: folder)
      defer { umount2(folder.pushing("to/rows").string, Int32(MNT_DETACH)) }
      // The rows come after the stage, and nothing is renamed from one file system to another.
      #expect(throws: StoreError.self) {
        try store.importBundle(Self.bundle, writingTo: BundleFolder(folder.appending("to"), replacing: true))
      }
      #expect(Self.files(folder.appending("to")) == ["stages/upper/stage.yaml"])
      #expect(try Fixture.lines(folder.pushing("to/stages/upper/stage.yaml")) == ["mine"])
      #expect(!HostileBundleTests.listing(folder).contains { $0.contains(".apprentice-import-") })
    }
  }

  @Test("by force regular files of the very names are replaced, others stay, and no link is followed")
  func force() throws {
    try Self.withStore { folder, store in
      try Shell.run(
        """
        mkdir -p to/stages/upper linked away; echo mine > to/small.yaml; echo notes > to/stages/notes.txt
        ln to/small.yaml kept.yaml; ln -s ../away linked/stages; echo mine > linked/small.yaml
        """, in: folder)
      let target = folder.appending("to")
      _ = try store.importBundle(Self.bundle, writingTo: BundleFolder(target, replacing: true))
      #expect(Self.files(target) == (Self.files + ["stages/notes.txt"]).sorted())
      #expect(try Fixture.lines(target.appending("small.yaml")).first == "apprentice: 1")
      // Another name of the file that was replaced still leads to what it held.
      #expect(try Fixture.lines(folder.appending("kept.yaml")) == ["mine"])
      let linked = BundleFolder(folder.appending("linked"), replacing: true)
      Self.expectUnfit(linked, "linked/stages stands where the bundle has a folder", in: store)
      #expect(try Fixture.lines(folder.pushing("linked/small.yaml")) == ["mine"])
      #expect(HostileBundleTests.listing(folder.appending("away")).isEmpty)
    }
  }

  @Test("what imports that were killed have staged goes with the next one, what a living one stages stays")
  func sweep() throws {
    try Self.withStore { folder, store in
      for name in ["dead", "alive"] {
        try TemporaryFolder.write("x", to: folder.appending(".apprentice-import-\(name)").pushing("files/small.yaml"))
      }
      let lock = open(folder.appending(".apprentice-import-alive").string, O_RDONLY)
      defer { close(lock) }
      #expect(flock(lock, LOCK_EX) == 0)
      _ = try store.importBundle(Self.bundle, writingTo: BundleFolder(folder.appending("to")))
      #expect(!Fixture.exists(folder.appending(".apprentice-import-dead")))
      #expect(Fixture.exists(folder.pushing(".apprentice-import-alive/files/small.yaml")))
    }
  }

  @Test("a bundle that verify refuses leaves neither files nor results")
  func half() throws {
    try Self.withStore { folder, store in
      for name in ["title-clash", "folder-clash", "stage-hidden", "source-hidden", "source-over-pipeline"] {
        let path = HostileBundleTests.folder.appending("\(name).tar.zst")
        #expect(throws: BundleError.self) {
          try store.importBundle(path, writingTo: BundleFolder(folder.appending("to")))
        }
        #expect(HostileBundleTests.listing(folder).allSatisfy { $0.hasPrefix("store") }, "\(name)")
        #expect(HostileBundleTests.listing(store.path.appending("actions")).isEmpty, "\(name)")
      }
    }
  }
}
