import ArtifactStore
import ContentAddressing
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite("Results view")
struct ResultsViewTests {
  func view(_ lab: Laboratory, store: Store? = nil) -> ResultsView {
    ResultsView(results: lab.folder.appending("results"), pipeline: "e2e", store: store ?? lab.store)
  }

  func result(_ lab: Laboratory, _ number: Int, _ files: [String: String]) throws -> ActionResult {
    try lab.publish(number, files).result
  }

  /// The folder of the port `data` of a label.
  func place(_ lab: Laboratory, _ label: String = "mle") -> FilePath {
    lab.folder.appending("results/e2e").appending(label).appending("data")
  }

  func target(_ path: FilePath) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: path.string)
  }

  @Test("Files stand under their own names, nested ones too, cannot be written to, and every folder is marked")
  func shown() throws {
    let lab = try Laboratory()
    try view(lab).show(result(lab, 1, ["index.html": "<html>", "data/a.csv": "1"]), label: "mle")
    let folder = place(lab)
    #expect(Laboratory.read(folder.appending("index.html")) == "<html>")
    #expect(target(folder.appending("index.html")) == nil, "a page is a copy")
    #expect(Laboratory.read(folder.appending("data/a.csv")) == "1")
    #expect(try Laboratory.mode(lab.store.blobPath(Digest(hashing: Array("1".utf8)))) == 0o444)
    #expect(Laboratory.names(folder.removingLastComponent()) == [".apprentice-view", "data"])
    for made in ["results", "results/e2e", "results/e2e/mle", "results/e2e/mle/data", "results/e2e/mle/data/data"] {
      #expect(Laboratory.exists(lab.folder.pushing(FilePath(made)).appending(".apprentice-view")), "\(made)")
    }
  }

  @Test("Links of a store inside the project survive a move of the project")
  func moved() throws {
    let lab = try Laboratory()
    try view(lab).show(result(lab, 1, ["a/b": "content"]), label: "iq@seed=2")
    let elsewhere = FilePath(lab.folder.string + "-moved")
    try FileManager.default.moveItem(atPath: lab.folder.string, toPath: elsewhere.string)
    defer { try? FileManager.default.moveItem(atPath: elsewhere.string, toPath: lab.folder.string) }
    #expect(Laboratory.read(elsewhere.appending("results/e2e/iq@seed=2/data/a/b")) == "content")
  }

  @Test("A folder of results that the user has renamed or copied is the user's; in an action's place it is in the way")
  func renamed() throws {
    let lab = try Laboratory()
    let (first, second) = (try result(lab, 1, ["index.html": "1", "b": "2"]), try result(lab, 2, ["index.html": "3"]))
    try view(lab).show(first, label: "mle")
    let home = lab.folder.appending("results/e2e")
    // With their times, as people keep copies.
    try Shell.run("cp -a mle mle-kept && cp -a mle iq", in: home)
    let next = view(lab)
    try next.begin([("mle", second.key), ("iq", first.key)])
    #expect(Laboratory.names(home) == [".apprentice-view", "iq", "mle-kept"])
    try next.show(second, label: "mle")
    let error = #expect(throws: StoreError.self) { try next.show(first, label: "iq") }
    #expect(error == .inTheWay(home.appending("iq"), what: "a copy of another folder of results"))
    for name in ["iq", "mle-kept"] {
      #expect(Laboratory.read(home.appending(name).pushing("data/index.html")) == "1")
    }
  }

  @Test("A new result replaces the old one by rename; the same one is left alone")
  func replaced() throws {
    let lab = try Laboratory()
    let (first, second) = (try result(lab, 1, ["a": "1", "b": "2"]), try result(lab, 2, ["a": "3"]))
    let folder = place(lab)
    try view(lab).show(first, label: "mle")
    let inode = try Laboratory.inode(folder)
    try view(lab).show(first, label: "mle")
    #expect(try Laboratory.inode(folder) == inode)
    try view(lab).show(second, label: "mle")
    #expect(Laboratory.names(folder) == [".apprentice-view", "a"])
    #expect(Laboratory.read(folder.appending("a")) == "3")
    #expect(Laboratory.names(lab.folder.appending("results/e2e")) == [".apprentice-view", "mle"])
  }

  @Test("What a user puts beside results, or in their place, stays as it is, whatever is shown")
  func users() throws {
    let lab = try Laboratory()
    let (first, second) = (try result(lab, 1, ["a": "1", "b": "2"]), try result(lab, 2, ["a": "3", "c": "4"]))
    let folder = place(lab)
    try view(lab).show(first, label: "mle")
    try Laboratory.write("mine", to: folder.appending("notes.md"))
    try Laboratory.write("mine", to: lab.folder.appending("results/e2e/mle/plots/one.svg"))
    try Laboratory.write("mine", to: lab.folder.appending("results/e2e/readme.txt"))
    // An editor writes a file of its own in the place of a link.
    try FileManager.default.removeItem(atPath: folder.appending("a").string)
    try Laboratory.write("edited", to: folder.appending("a"))
    #expect(throws: StoreError.inTheWay(folder.appending("a"), what: "something")) {
      try view(lab).show(second, label: "mle")
    }
    #expect(Laboratory.read(folder.appending("a")) == "edited")
    #expect(Laboratory.read(folder.appending("c")) == "4", "what has room is shown")
    #expect(!Laboratory.exists(folder.appending("b")), "and what was ours is gone")
    try view(lab).begin([])
    #expect(!Laboratory.exists(folder.appending("c")))
    for (path, text) in [
      ("mle/data/a", "edited"), ("mle/data/notes.md", "mine"), ("mle/plots/one.svg", "mine"), ("readme.txt", "mine"),
    ] {
      #expect(Laboratory.read(lab.folder.appending("results/e2e").pushing(FilePath(path))) == text, "\(path)")
    }
    // The folders are still the view's: the next result finds its place.
    try view(lab).show(result(lab, 3, ["d": "5"]), label: "mle")
    #expect(Laboratory.read(folder.appending("d")) == "5")
  }

  @Test("A user's own link in a folder of the view is kept, also one that leads into the store")
  func usersLink() throws {
    let lab = try Laboratory()
    let first = try result(lab, 1, ["a": "1"])
    try view(lab).show(first, label: "mle")
    let blob = lab.store.blobPath(first.outputs[0].artifact.manifest.layers[0].digest)
    let mine = place(lab).appending("best")
    try FileManager.default.createSymbolicLink(atPath: mine.string, withDestinationPath: blob.string)
    try view(lab).show(result(lab, 2, ["a": "2"]), label: "mle")
    try view(lab).begin([])
    #expect(target(mine) == blob.string)
  }

  @Test(
    "A folder without mark, and a link, are in the way: nothing behind them is touched",
    arguments: ["results", "results/e2e", "results/e2e/mle"])
  func inTheWay(name: String) throws {
    let lab = try Laboratory()
    let far = lab.folder.appending("far")
    try Laboratory.write("mine", to: far.appending("e2e/mle/data/a"))
    try Laboratory.write("mine", to: far.appending("mle/data/a"))
    try Laboratory.write("mine", to: far.appending("data/a"))
    let before = try everything(below: far)
    let spot = lab.folder.pushing(FilePath(name))
    let shown = try result(lab, 1, ["a": "1"])
    if name != "results" { try view(lab).show(shown, label: "other") }
    if name == "results/e2e" { try FileManager.default.removeItem(atPath: spot.string) }
    try FileManager.default.createSymbolicLink(atPath: spot.string, withDestinationPath: far.string)
    #expect(throws: StoreError.inTheWay(spot, what: "a link")) { try view(lab).show(shown, label: "mle") }
    try? view(lab).begin([])
    #expect(try everything(below: far) == before)
    try FileManager.default.removeItem(atPath: spot.string)
    // A results folder of the user's own has room for ours; a pipeline's or an action's has not.
    try FileManager.default.copyItem(atPath: far.string, toPath: spot.string)
    if name == "results" { try FileManager.default.removeItem(atPath: spot.appending("e2e").string) }
    let copied = try everything(below: spot)
    if name == "results" {
      try view(lab).show(shown, label: "mle")
      #expect(Laboratory.read(place(lab).appending("a")) == "1")
    } else {
      #expect(throws: StoreError.inTheWay(spot, what: "a folder")) { try view(lab).show(shown, label: "mle") }
      try? view(lab).begin([])
      #expect(try everything(below: spot) == copied)
    }
  }

  private func everything(below folder: FilePath) throws -> [String: String] {
    var found: [String: String] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder.string) {
      found[name] = Laboratory.read(folder.pushing(FilePath(name))) ?? "folder"
    }
    return found
  }

  @Test("A view of folders and links into a store alone, as they were before marks, is taken over")
  func unmarked() throws {
    let lab = try Laboratory()
    let first = try result(lab, 1, ["a": "1"])
    try view(lab).show(first, label: "mle")
    for name in try FileManager.default.subpathsOfDirectory(atPath: lab.folder.appending("results").string)
    where name.hasSuffix(".apprentice-view") {
      try FileManager.default.removeItem(atPath: lab.folder.appending("results").pushing(FilePath(name)).string)
    }
    guard target(place(lab).appending("a")) != nil else { return }  // a file system that shares blocks has no links
    try view(lab).show(result(lab, 2, ["b": "2"]), label: "mle")
    #expect(Laboratory.names(place(lab)) == [".apprentice-view", "b"])
  }

  @Test("Links that dangle or lead into another store are made anew, absolute for a store outside the project")
  func otherStore() throws {
    let lab = try Laboratory()
    let other = try Laboratory()
    let first = try result(lab, 1, ["a": "1"])
    try Laboratory.publish(Laboratory.document(1), ["a": "1"], in: other.store)
    let file = place(lab).appending("a")
    try view(lab).show(first, label: "mle")
    try view(lab, store: other.store).show(first, label: "mle")
    if let target = target(file) {
      #expect(target == other.store.blobPath(first.outputs[0].artifact.manifest.layers[0].digest).string)
    }
    #expect(Laboratory.read(file) == "1")
    try FileManager.default.removeItem(atPath: file.string)
    try view(lab).show(first, label: "mle")
    #expect(Laboratory.read(file) == "1")
  }

  @Test("A running action's folder is shown by a link, and the result takes its place")
  func running() throws {
    let lab = try Laboratory()
    let key = Laboratory.document(1).key
    let work = try lab.store.makeWorkFolder(for: key)
    try Laboratory.write("row", to: work.output("data").appending("curves.jsonl"))
    let place = place(lab)
    try view(lab).showRunning([(port: "data", path: work.output("data"))], key: key, label: "mle")
    #expect(Laboratory.read(place.appending("curves.jsonl")) == "row")
    try work.remove()
    try view(lab).show(result(lab, 1, ["curves.jsonl": "rows"]), label: "mle")
    #expect(Laboratory.read(place.appending("curves.jsonl")) == "rows")
    #expect(target(place) == nil)
    // And over a result, when it runs again.
    let again = try lab.store.makeWorkFolder(for: key)
    try Laboratory.write("new", to: again.output("data").appending("curves.jsonl"))
    try view(lab).showRunning([(port: "data", path: again.output("data"))], key: key, label: "mle")
    #expect(Laboratory.read(place.appending("curves.jsonl")) == "new")
    try view(lab).remove("mle")
    #expect(Laboratory.names(lab.folder.appending("results/e2e")) == [".apprentice-view"])
    #expect(Laboratory.read(again.output("data").appending("curves.jsonl")) == "new", "the folder itself stays")
  }

  @Test("As a run begins, results of other keys and of actions that the plan has not go; the store's blobs do not")
  func begun() throws {
    let lab = try Laboratory()
    let (one, two) = (try result(lab, 1, ["a": "1"]), try result(lab, 2, ["a": "2"]))
    for label in ["same", "changed", "unknown", "gone"] { try view(lab).show(one, label: label) }
    try view(lab).begin([("same", one.key), ("changed", two.key), ("unknown", nil)])
    #expect(Laboratory.names(lab.folder.appending("results/e2e")) == [".apprentice-view", "same"])
    #expect(Laboratory.read(lab.store.blobPath(one.outputs[0].artifact.manifest.layers[0].digest)) == "1")
  }

  @Test("A user's folders stay when the plan changes: empty ones, and ones that hold links into the store")
  func usersFolders() throws {
    let lab = try Laboratory()
    let result = try result(lab, 1, ["a": "1"])
    try view(lab).show(result, label: "mle")
    let home = lab.folder.appending("results/e2e")
    let blob = lab.store.blobPath(Digest(hashing: Array("1".utf8)))
    for name in ["best", "figures/drafts", "mle/plots"] {
      try FileManager.default.createDirectory(
        atPath: home.pushing(FilePath(name)).string, withIntermediateDirectories: true)
    }
    try FileManager.default.createSymbolicLink(
      atPath: home.appending("best/a").string, withDestinationPath: blob.string)
    try FileManager.default.createSymbolicLink(
      atPath: home.appending("mle/plots/a").string, withDestinationPath: blob.string)
    let other = try self.result(lab, 2, ["a": "2"])
    try view(lab).begin([("mle", other.key), ("iq", nil)])
    try view(lab).show(other, label: "mle")
    try view(lab).begin([])
    #expect(target(home.appending("best/a")) == blob.string)
    #expect(target(home.appending("mle/plots/a")) == blob.string)
    #expect(Laboratory.exists(home.appending("figures/drafts")))
    #expect(!Laboratory.exists(place(lab)))
  }

  @Test("Where another run has begun to show its results, the first one shows nothing more")
  func supplanted() throws {
    let lab = try Laboratory()
    let results = try (1...4).map { try result(lab, $0, ["a": "\($0)"]) }
    let (first, second) = (view(lab), view(lab, store: try lab.reopened()))
    try first.show(results[0], label: "a")
    try second.begin([("a", results[2].key), ("b", results[3].key)])
    try second.show(results[2], label: "a")
    #expect(throws: StoreError.supplanted(lab.folder.appending("results/e2e"))) {
      try first.show(results[1], label: "b")
    }
    #expect(throws: StoreError.self) { try first.remove("a") }
    #expect(throws: StoreError.self) { try first.showRunning([("data", "/x")], key: results[1].key, label: "a") }
    try second.show(results[3], label: "b")
    #expect(Laboratory.read(place(lab, "a").appending("a")) == "3")
    #expect(Laboratory.read(place(lab, "b").appending("a")) == "4")
  }

  @Test("A user's folder among those of the view's actions is left whole as a run begins, links into the store too")
  func usersFolderAmongOurs() throws {
    let lab = try Laboratory()
    let first = try result(lab, 1, ["a": "1"])
    try view(lab).show(first, label: "mle")
    let mine = lab.folder.appending("results/e2e/mine")
    try Laboratory.write("mine", to: mine.appending("notes.md"))
    try FileManager.default.createDirectory(atPath: mine.appending("empty").string, withIntermediateDirectories: false)
    let blob = lab.store.blobPath(first.outputs[0].artifact.manifest.layers[0].digest)
    try FileManager.default.createSymbolicLink(
      atPath: mine.appending("best").string, withDestinationPath: blob.string)
    try view(lab).begin([])
    #expect(Laboratory.names(lab.folder.appending("results/e2e")) == [".apprentice-view", "mine"])
    #expect(Laboratory.names(mine) == ["best", "empty", "notes.md"])
  }

  @Test("An empty folder that a user has made beside results stays where it is")
  func usersEmptyFolder() throws {
    let lab = try Laboratory()
    try view(lab).show(result(lab, 1, ["a": "1"]), label: "mle")
    let mine = place(lab).appending("mine")
    try FileManager.default.createDirectory(atPath: mine.string, withIntermediateDirectories: false)
    try view(lab).show(result(lab, 2, ["a": "2"]), label: "mle")
    #expect(Laboratory.names(place(lab)) == [".apprentice-view", "a", "mine"])
    #expect(Laboratory.names(lab.folder.appending("results/e2e")) == [".apprentice-view", "mle"])
    try view(lab).begin([])
    #expect(Laboratory.exists(mine))
  }

  @Test("A page that a user has edited stays, though it is as long as ours, and so does a link led elsewhere")
  func editedInPlace() throws {
    let lab = try Laboratory()
    try view(lab).show(result(lab, 1, ["page.html": "<p>ours", "a": "1"]), label: "mle")
    let (page, link) = (place(lab).appending("page.html"), place(lab).appending("a"))
    for file in [page, link] { try FileManager.default.removeItem(atPath: file.string) }
    try Laboratory.write("<p>mine", to: page)
    try Laboratory.age(page, seconds: 1000)
    let notes = lab.folder.appending("notes.md")
    try Laboratory.write("mine", to: notes)
    try FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: notes.string)
    #expect(throws: StoreError.self) {
      try view(lab).show(result(lab, 2, ["page.html": "<p>next", "a": "2"]), label: "mle")
    }
    try view(lab).begin([])
    #expect(Laboratory.read(page) == "<p>mine")
    #expect(target(link) == notes.string)
  }

  @Test("A folder of links that lead to no blob is a user's, though their paths look like the store's")
  func linksLikeOurs() throws {
    let lab = try Laboratory()
    let mine = lab.folder.appending("results/e2e")
    try FileManager.default.createDirectory(atPath: mine.string, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: mine.appending("papers").string, withDestinationPath: "/lab/blobs/sha256/papers")
    #expect(throws: StoreError.inTheWay(mine, what: "a folder")) {
      try view(lab).show(result(lab, 1, ["a": "1"]), label: "mle")
    }
    #expect(Laboratory.names(mine) == ["papers"])
  }

  @Test("What another process is about to rename into place stays as a run begins")
  func underWay() throws {
    let lab = try Laboratory()
    let one = try result(lab, 1, ["a": "1"])
    try view(lab).show(one, label: "mle")
    let pipeline = lab.folder.appending("results/e2e")
    try FileManager.default.copyItem(
      atPath: pipeline.appending("mle").string, toPath: pipeline.appending(".new-0123").string)
    try view(lab).begin([("mle", one.key)])
    #expect(Laboratory.names(pipeline) == [".apprentice-view", ".new-0123", "mle"])
    #expect(Laboratory.names(pipeline.appending(".new-0123/data")) == [".apprentice-view", "a"])
  }

  @Test("A rerun of an action that gives fewer files leaves none of those before it")
  func fewerFiles() throws {
    let lab = try Laboratory()
    try view(lab).show(result(lab, 1, ["a": "1", "b": "2"]), label: "mle")
    try view(lab).show(result(lab, 1, ["a": "1"]), label: "mle")
    #expect(Laboratory.names(place(lab)) == [".apprentice-view", "a"])
  }

  @Test("An empty folder is free for results, the pipeline's own and an action's")
  func emptyFolders() throws {
    let lab = try Laboratory()
    for name in ["results/e2e", "results/e2e/mle"] {
      try FileManager.default.createDirectory(
        atPath: lab.folder.pushing(FilePath(name)).string, withIntermediateDirectories: true)
      try view(lab).show(result(lab, 1, ["a": "1"]), label: name == "results/e2e" ? "iq" : "mle")
    }
    #expect(Laboratory.read(place(lab).appending("a")) == "1")
    #expect(Laboratory.read(place(lab, "iq").appending("a")) == "1")
  }

  @Test("A link into the store that a user puts beside results is the user's, whatever the mark there says")
  func linkBeside() throws {
    let lab = try Laboratory()
    let first = try result(lab, 1, ["a": "1"])
    let folder = place(lab).removingLastComponent()
    try view(lab).show(first, label: "mle")
    try Laboratory.write("mine", to: folder.appending("notes.md"))
    // Nothing of the view's is left there, and its mark says so.
    try view(lab).begin([])
    let blob = lab.store.blobPath(first.outputs[0].artifact.manifest.layers[0].digest)
    let link = folder.appending("best")
    try FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: blob.string)
    try view(lab).begin([])
    #expect(target(link) == blob.string)
    try view(lab).show(result(lab, 2, ["a": "2"]), label: "mle")
    #expect(target(link) == blob.string)
    #expect(Laboratory.read(place(lab).appending("a")) == "2")
  }

  @Test("What a view without marks shows of an action goes as a run begins that does not know its key yet")
  func unmarkedOfOld() throws {
    let lab = try Laboratory()
    let blob = lab.store.blobPath(try result(lab, 1, ["a": "1"]).outputs[0].artifact.manifest.layers[0].digest)
    for label in ["mle", "mine"] {
      try FileManager.default.createDirectory(atPath: place(lab, label).string, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: place(lab, label).appending("a").string, withDestinationPath: blob.string)
    }
    try view(lab).begin([("mle", nil)])
    #expect(Laboratory.names(lab.folder.appending("results/e2e")).filter { $0 != ".apprentice-view" } == ["mine"])
  }

  @Test("A run that clears the folder of what it will not show has taken it over, before it shows anything")
  func supplantedByClearing() throws {
    let lab = try Laboratory()
    let results = try (1...2).map { try result(lab, $0, ["a": "\($0)"]) }
    let first = view(lab)
    try first.show(results[0], label: "a")
    try view(lab, store: try lab.reopened()).begin([])
    let supplanted = StoreError.supplanted(lab.folder.appending("results/e2e"))
    #expect(throws: supplanted) { try first.show(results[1], label: "b") }
    #expect(throws: supplanted, "also where nothing is shown of the action yet") {
      try first.showRunning([("data", "/x")], key: results[1].key, label: "c")
    }
  }

  @Test("A mark of the pipeline's folder that somebody has removed is made anew")
  func markGone() throws {
    let lab = try Laboratory()
    let view = view(lab)
    try view.show(result(lab, 1, ["a": "1"]), label: "a")
    let mark = lab.folder.appending("results/e2e/.apprentice-view")
    try FileManager.default.removeItem(atPath: mark.string)
    try view.show(result(lab, 2, ["a": "2"]), label: "b")
    #expect(Laboratory.exists(mark))
  }

  @Test("A result counts as shown while all of its files stand as they were put there")
  func isShown() throws {
    let lab = try Laboratory()
    let results = try (1...3).map { try result(lab, $0, ["a": "\($0)", "b": "\($0)"]) }
    for (number, result) in results.enumerated() { try view(lab).show(result, label: "\(number)") }
    try FileManager.default.removeItem(atPath: place(lab, "1").appending("b").string)
    let view = view(lab)
    try view.begin(results.enumerated().map { ("\($0)", $1.key) })
    let labelled = results.enumerated().map { (result: $1, label: "\($0)") }
    #expect(view.shows(labelled + [(result: results[0], label: "new")]) == [true, false, true, false])
  }

  @Test("A folder of a user's that is named like an action stays, also where it holds nothing but empty folders")
  func usersFolderOfThatName() throws {
    let lab = try Laboratory()
    let result = try result(lab, 1, ["a": "1"])
    try view(lab).show(result, label: "iq")
    let mine = lab.folder.appending("results/e2e/mle")
    try FileManager.default.createDirectory(
      atPath: mine.appending("drafts").string, withIntermediateDirectories: true)
    try view(lab).begin([("mle", result.key), ("iq", result.key)])
    #expect(throws: StoreError.inTheWay(mine, what: "a folder")) { try view(lab).show(result, label: "mle") }
    #expect(Laboratory.names(mine) == ["drafts"])
  }
}
