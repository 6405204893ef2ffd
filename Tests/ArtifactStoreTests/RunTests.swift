import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Records of runs")
struct RunTests {
  @Test("A run's events are lines in order, and its records name keys and results")
  func record() throws {
    let lab = try Laboratory()
    let recording = try lab.publish(1).result
    let run = try lab.store.beginRun(pipeline: "e2e", details: ["file": "e2e.yaml"])
    for number in 0..<3 { try run.append(["event": "progress", "step": JSONValue(number)]) }
    try run.record([
      ActionRecord(label: "iq@seed=2", key: recording.key, result: recording.digest, details: ["seconds": 1.5]),
      ActionRecord(label: "mle", key: Laboratory.document(2).key, result: nil),
    ])
    let lines = (Laboratory.read(run.path.appending("events.jsonl")) ?? "").split(separator: "\n")
    #expect(try lines.map { try JSONValue(parsing: String($0))["step"]?.integer } == [0, 1, 2])
    let store = try lab.reopened()
    #expect(try store.runs() == [run.id])
    #expect(try store.description(of: run.id)?["pipeline"] == "e2e")
    #expect(try store.description(of: run.id)?["file"] == "e2e.yaml")
    let actions = try store.actions(of: run.id)
    #expect(actions.map(\.label) == ["iq@seed=2", "mle"])
    #expect(actions[0].result == recording.digest)
    #expect(actions[0].run == run.id)
    #expect(actions[0].details["seconds"] == 1.5)
    #expect(actions[1].result == nil)
  }

  @Test("Runs sort by time, the last first")
  func order() throws {
    let lab = try Laboratory()
    let ids = try (0..<5).map { _ in try lab.store.beginRun(pipeline: "p").id }
    #expect(try lab.store.runs() == ids.sorted(by: >))
    #expect(ids == ids.sorted())
    #expect(RunID(ids[0].description) == ids[0])
    #expect(RunID("latest") == nil)
  }

  @Test("The latest record of an action is that of the last run that had it, pipeline by pipeline")
  func latest() throws {
    let lab = try Laboratory()
    func record(_ pipeline: String, _ label: String, _ number: Int) throws {
      let run = try lab.store.beginRun(pipeline: pipeline)
      try run.record([ActionRecord(label: label, key: Laboratory.document(number).key, result: nil)])
    }
    try record("one", "a", 1)
    try record("one", "b", 2)
    try record("one", "a", 3)
    try record("two/…", "a", 4)
    let latest = try lab.reopened().latestActions(of: "one")
    #expect(latest.mapValues(\.key) == ["a": Laboratory.document(3).key, "b": Laboratory.document(2).key])
    #expect(try lab.store.latestActions(of: "two/…")["a"]?.key == Laboratory.document(4).key)
    #expect(try lab.store.latestActions(of: "three").isEmpty)
    #expect(try Set(lab.store.pipelines()) == ["one", "two/…"])
  }

  @Test("Records that two runs write at once are both there")
  func concurrent() throws {
    let lab = try Laboratory()
    let stores = try (0..<8).map { _ in try lab.reopened() }
    DispatchQueue.concurrentPerform(iterations: stores.count) { number in
      let run = try? stores[number].beginRun(pipeline: "p")
      try? run?.record([ActionRecord(label: "stage\(number)", key: Laboratory.document(number).key, result: nil)])
    }
    #expect(try lab.store.latestActions(of: "p").count == 8)
  }

  @Test("Labels become file names that stay inside their folder, and different ones stay different")
  func fileNames() throws {
    let lab = try Laboratory()
    let run = try lab.store.beginRun(pipeline: "p")
    let long = String(repeating: "x", count: 300)
    let labels = [
      "iq@lambda=0.1,seed=2", "a/b", "a%2Fb", "..", ".", "", long, long + "y", "é", "e\u{301}", "a b", "a\nb",
    ]
    let paths = labels.map { run.logPath($0) }
    #expect(Set(paths).count == labels.count)
    for path in paths {
      #expect(path.removingLastComponent() == run.path.appending("logs"))
      #expect((path.lastComponent?.string.utf8.count ?? 0) <= 255)
      #expect(path.lexicallyNormalized() == path)
      try Laboratory.write("log", to: path)
    }
    #expect(run.logPath("iq@lambda=0.1,seed=2").lastComponent?.string == "iq@lambda=0.1,seed=2.log")
    #expect(lab.store.logPath(of: run.id, label: "a/b") == run.logPath("a/b"))
  }

  @Test("A line of the latest that was cut off costs itself, not the next one; a file without a line begins anew")
  func tornLatest() throws {
    let lab = try Laboratory()
    func record(_ label: String, _ number: Int) throws {
      let run = try lab.store.beginRun(pipeline: "p")
      try run.record([ActionRecord(label: label, key: Laboratory.document(number).key, result: nil)])
    }
    let file = lab.store.path.pushing("runs/latest/p.jsonl")
    try record("a", 1)
    try Laboratory.write((Laboratory.read(file) ?? "") + #"{"key":"sha256:12"#, to: file)
    try record("b", 2)
    #expect(try Set(lab.reopened().latestActions(of: "p").keys) == ["a", "b"])
    for content in ["", "garbage\nand more\n", "garbage", #"{"pipeline":"#, #"{"pipeline":"q"}"# + "\n"] {
      try Laboratory.write(content, to: file)
      try record("c", 3)
      #expect(try lab.reopened().latestActions(of: "p").keys.sorted() == ["c"])
      #expect(try lab.reopened().pipelines() == ["p"])
    }
  }

  @Test("A file of the latest that says of no pipeline is damage, told with its place")
  func damagedLatest() throws {
    let lab = try Laboratory()
    let file = lab.store.path.pushing("runs/latest/p.jsonl")
    try Laboratory.write("", to: file)
    #expect(throws: StoreError.damagedRecord(file)) { try lab.store.pipelines() }
  }

  @Test("What a killed run was writing is no damage: the last line may be cut off")
  func killed() throws {
    let lab = try Laboratory()
    let run = try lab.store.beginRun(pipeline: "p")
    try run.record([ActionRecord(label: "a", key: Laboratory.document(1).key, result: nil)])
    let file = run.path.appending("actions.jsonl")
    let whole = Laboratory.read(file) ?? ""
    try Laboratory.write(whole + whole.prefix(20), to: file)
    #expect(try lab.store.actions(of: run.id).map(\.label) == ["a"])
    try Laboratory.write(whole.prefix(20) + "\n" + whole, to: file)
    #expect(throws: StoreError.damagedRecord(file)) { try lab.store.actions(of: run.id) }
    #expect(try lab.store.summary(of: run.id) == nil)
    for content in ["\(whole)garbage\n", "\(whole.prefix(20))\n\(whole.prefix(20))"] {
      try Laboratory.write(content, to: file)
      #expect(throws: StoreError.damagedRecord(file), "only what was cut off is let pass, and only at the end") {
        try lab.store.actions(of: run.id)
      }
    }
    // A full disk leaves a file that was made and not written.
    try Laboratory.write("", to: file)
    #expect(try lab.store.actions(of: run.id).isEmpty)
  }

  @Test("The list of the latest is made short where most of its lines are no longer the latest, and says the same")
  func compacted() throws {
    let lab = try Laboratory()
    let run = try lab.store.beginRun(pipeline: "p")
    for number in 1...40 {
      try run.record([
        ActionRecord(label: "a\(number % 2)", key: Laboratory.document(number).key, result: nil)
      ])
    }
    let before = try lab.store.latestActions(of: "p")
    try lab.store.compactLatest(of: "p")
    let list = Laboratory.read(lab.store.path.appending("runs/latest/p.jsonl")) ?? ""
    #expect(list.split(separator: "\n").count == 3, "a head and a line for each")
    #expect(try lab.reopened().latestActions(of: "p") == before)
    #expect(before.mapValues(\.key) == ["a0": Laboratory.document(40).key, "a1": Laboratory.document(39).key])
  }

  @Test("A run's name tells its time")
  func time() { #expect(RunID("20260131T235958.123456Z-1a2b3c4d")?.time == "2026-01-31T23:59:58Z") }

  @Test("That the list of the latest names some results is known without reading it, until it changes")
  func agreement() throws {
    let lab = try Laboratory()
    let (results, others) = (Digest(hashing: [1]), Digest(hashing: [2]))
    let run = try lab.store.beginRun(pipeline: "p")
    try run.record([ActionRecord(label: "a", key: Laboratory.document(1).key, result: nil)])
    lab.store.noteAgreement(of: "p", with: results, asOf: wallClock())
    #expect(!lab.store.latest(of: "p", agreesWith: results), "it was changed a moment ago")
    lab.store.noteAgreement(of: "p", with: results, asOf: wallClock() + 3_000_000_000)
    #expect(lab.store.latest(of: "p", agreesWith: results))
    #expect(!lab.store.latest(of: "p", agreesWith: others))
    #expect(!lab.store.latest(of: "q", agreesWith: results))
    // In place, of the same length: only its times tell.
    let file = lab.store.path.pushing("runs/latest/p.jsonl")
    let list = Laboratory.read(file) ?? ""
    usleep(20_000)
    try Laboratory.write(list.replacing(#""label":"a""#, with: #""label":"b""#), to: file)
    #expect(!lab.store.latest(of: "p", agreesWith: results))
    lab.store.noteAgreement(of: "p", with: results, asOf: wallClock() + 3_000_000_000)
    #expect(lab.store.latest(of: "p", agreesWith: results))
    try run.record([ActionRecord(label: "b", key: Laboratory.document(2).key, result: nil)])
    #expect(!lab.store.latest(of: "p", agreesWith: results))
  }

  @Test("Of a run that is gone there is no description, which is no damage")
  func gone() throws {
    let lab = try Laboratory()
    let run = try lab.store.beginRun(pipeline: "p")
    try FileManager.default.removeItem(atPath: run.path.string)
    #expect(try lab.store.description(of: run.id) == nil)
    #expect(try lab.store.summary(of: run.id) == nil)
    #expect(try lab.store.actions(of: run.id).isEmpty)
  }

  @Test("What stands in the place of a record and is no file is neither waited for nor written to")
  func pipe() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      let lab = try Laboratory()
      let run = try lab.store.beginRun(pipeline: "p")
      let file = run.path.appending("actions.jsonl")
      #expect(mkfifo(file.string, 0o600) == 0)
      let record = ActionRecord(label: "a", key: Laboratory.document(1).key, result: nil)
      #expect(throws: StoreError.self, "nobody reads") { try run.record([record]) }
      let reader = open(file.string, O_RDWR | O_NONBLOCK)
      #expect(throws: StoreError.refusedEntry(file, what: "no regular file")) { try run.record([record]) }
      var byte: UInt8 = 0
      #expect(read(reader, &byte, 1) < 0, "nothing was written")
    }
  }
}
