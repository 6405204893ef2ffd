import ArtifactStore
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("A process killed while it publishes")
struct CrashTests {
  static let files = ["a": "one", "b/c": "two"]

  /// Publishes action 1, whose process dies at a point if it gets there.
  static func publish(in store: String, dyingAt point: String, _ files: [String: String] = files) throws {
    var options = Laboratory.options
    options.durability = .full
    options.failpoint = { reached in
      if reached.rawValue == point { kill(getpid(), SIGKILL) }
    }
    let store = try Store.open(FilePath(store), creating: false, options: options)
    try Laboratory.publish(Laboratory.document(1), files, in: store)
  }

  @Test("shows a whole result or none, and the next process publishes it", arguments: Failpoint.allCases)
  func killed(point: Failpoint) async throws {
    let lab = try Laboratory()
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [path = lab.store.path.string as String, point = point.rawValue as String] in
      try CrashTests.publish(in: path, dyingAt: point)
    }
    let key = Laboratory.document(1).key
    let store = try lab.reopened()
    switch try store.lookup(key) {
    case .hit(let result):
      #expect(point == .entryMoved)
      try store.verify(artifact: #require(result.output("data")).digest)
    case .miss(let reason):
      #expect(point != .entryMoved)
      #expect(reason == .neverRun)
    }
    let report = try store.fsck()
    #expect(report.isSound)
    #expect(report.incomplete.isEmpty)
    // What the dead process was writing is swept, and doing it again gives the very result.
    #expect(try store.sweepWorkFolders() == 1)
    #expect(Laboratory.names(store.path.appending("work")).isEmpty)
    let recording = try Laboratory.publish(Laboratory.document(1), CrashTests.files, in: store)
    #expect(recording.divergence == nil)
    let other = try Laboratory()
    #expect(try Laboratory.publish(Laboratory.document(1), CrashTests.files, in: other.store) == recording)
  }

  @Test("keeps the last good result while another is on its way", arguments: Failpoint.allCases)
  func lastGoodResult(point: Failpoint) async throws {
    let lab = try Laboratory()
    let first = try lab.publish(1, ["a": "good"]).result
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [path = lab.store.path.string as String, point = point.rawValue as String] in
      try CrashTests.publish(in: path, dyingAt: point)
    }
    guard case .hit(let result) = try lab.reopened().lookup(first.key) else {
      Issue.record("a miss")
      return
    }
    #expect((result == first) == (point != .entryMoved))
    try lab.reopened().verify(artifact: first.outputs[0].artifact.digest)
  }
}
