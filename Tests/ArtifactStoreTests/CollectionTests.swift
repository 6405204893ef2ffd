import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage
import Testing

@Suite("Collection")
struct CollectionTests {
  /// Nothing is spared for being young.
  var policy: CollectionPolicy {
    var policy = CollectionPolicy()
    policy.grace = -60
    policy.runsPerPipeline = 1
    policy.runAge = 0
    return policy
  }

  func isHit(_ number: Int, _ lab: Laboratory) throws -> Bool {
    if case .hit = try lab.reopened().lookup(Laboratory.document(number).key) { true } else { false }
  }

  @Test("What nothing refers to goes, entry and all; what a reference, a run or a lease needs stays")
  func roots() throws {
    let lab = try Laboratory()
    let results = try (1...5).map { try lab.publish($0, ["a": "content \($0)"]).result }
    try lab.store.setReference("named", to: results[0].digest)
    try lab.store.beginRun(pipeline: "p").record([
      ActionRecord(label: "mle", key: results[1].key, result: results[1].digest)
    ])
    let input = try #require(results[2].output("data")).digest
    guard case .held(let lease) = try lab.store.acquire(Laboratory.document(9).key, uses: [input]) else {
      Issue.record("the lease is taken")
      return
    }
    let plan = try lab.store.planCollection(policy)
    #expect(plan.roots.map(\.name).contains("reference named"))
    #expect(plan.roots.allSatisfy { $0.reached > 0 })
    #expect(Set(plan.actions) == [results[2].key, results[3].key, results[4].key])
    #expect(plan.freedBytes > 0)
    // A plan changes nothing.
    #expect(try (1...5).allSatisfy { try isHit($0, lab) })

    try lab.store.collect(plan)
    #expect(try (1...5).map { try isHit($0, lab) } == [true, true, false, false, false])
    #expect(throws: Never.self) { try lab.reopened().verify(artifact: input) }
    for index in [3, 4] {
      let artifact = try #require(results[index].output("data"))
      #expect(!Laboratory.exists(lab.store.blobPath(artifact.digest)))
      #expect(!Laboratory.exists(lab.store.blobPath(artifact.manifest.layers[0].digest)))
    }
    lease.release()
    let report = try lab.reopened().fsck()
    #expect(report.isSound)
    #expect(report.incomplete.isEmpty)
    #expect(Laboratory.exists(lab.store.blobPath(Descriptor.empty.digest)))
  }

  @Test("What is young is kept whole")
  func grace() throws {
    let lab = try Laboratory()
    try lab.publish(1)
    let plan = try lab.store.planCollection()
    #expect(plan.actions.isEmpty)
    #expect(plan.blobs.isEmpty)
    #expect(plan.youngBytes > 0)
    try lab.store.collect(plan)
    #expect(try isHit(1, lab))
  }

  @Test("Of older runs only the latest record of every action keeps its result")
  func olderRuns() throws {
    let lab = try Laboratory()
    for (number, label) in [(1, "a"), (2, "a"), (3, "b"), (4, "a")] {
      let result = try lab.publish(number, ["f": "\(number)"]).result
      let run = try lab.store.beginRun(pipeline: "p")
      try run.record([ActionRecord(label: label, key: result.key, result: result.digest)])
      try run.finish(RunSummary(actions: [], seconds: 1, exit: 0))
    }
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(try (1...4).map { try isHit($0, lab) } == [false, false, true, true])
  }

  @Test("A reference made between plan and collection keeps what it names")
  func lateReference() throws {
    let lab = try Laboratory()
    let result = try lab.publish(1).result
    let plan = try lab.store.planCollection(policy)
    #expect(plan.actions == [result.key])
    try lab.store.setReference("late", to: result.digest)
    try lab.store.collect(plan)
    #expect(try isHit(1, lab))
  }

  @Test("An index keeps all manifests that it lists, and they their files")
  func index() throws {
    let lab = try Laboratory()
    let result = try lab.publish(1).result
    try lab.store.setReference("run", toIndexOf: [result])
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(try isHit(1, lab))
  }

  @Test("A result keeps the manifest of what it read, not its files")
  func inputs() throws {
    let lab = try Laboratory()
    let input = try #require(lab.publish(1, ["a": "input"]).result.output("data"))
    let document = Laboratory.document(2, inputs: ["dataset": .one(input.digest)])
    let result = try Laboratory.publish(document, ["b": "output"], in: lab.store).result
    try lab.store.setReference("kept", to: result.digest)
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(Laboratory.exists(lab.store.blobPath(input.digest)))
    #expect(!Laboratory.exists(lab.store.blobPath(input.manifest.layers[0].digest)))
    #expect(try lab.reopened().verify(artifact: #require(result.output("data")).digest).layers.count == 1)
  }

  @Test("Quarantined blobs and the checkpoints of finished actions go; those of running ones stay")
  func folders() throws {
    let lab = try Laboratory()
    let done = try lab.publish(1).result
    let (running, waiting) = (Laboratory.document(2).key, Laboratory.document(3).key)
    for key in [done.key, running, waiting] {
      try Laboratory.write("state", to: lab.store.checkpointFolder(for: key).appending("step-1"))
    }
    try Laboratory.write("bad", to: lab.store.path.appending("quarantine/blob"))
    guard case .held(let lease) = try lab.store.acquire(running) else {
      Issue.record("the lease is taken")
      return
    }
    var policy = policy
    policy.grace = 3600
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(try lab.store.checkpoints(of: done.key).isEmpty)
    #expect(try lab.store.checkpoints(of: waiting) == ["step-1"])
    try lab.store.collect(lab.store.planCollection(self.policy))
    #expect(try lab.store.checkpoints(of: running) == ["step-1"])
    #expect(try lab.store.checkpoints(of: waiting).isEmpty)
    #expect(Laboratory.names(lab.store.path.appending("quarantine")).isEmpty)
    lease.release()
  }

  @Test(
    "A record of a run that can't be read stops a collection: what the run needs can't be told",
    arguments: ["run.json", "actions.jsonl", "summary.json"])
  func damagedRecord(name: String) throws {
    let lab = try Laboratory()
    let result = try lab.publish(1).result
    let run = try lab.store.beginRun(pipeline: "p")
    try run.record([ActionRecord(label: "a", key: result.key, result: result.digest)])
    try run.finish(
      RunSummary(
        actions: [.init(label: "a", key: result.key, result: result.digest, state: "ran")], seconds: 1, exit: 0))
    _ = try lab.store.planCollection(policy)
    try Laboratory.write("", to: run.path.appending(name))
    let error = #expect(throws: StoreError.self) { try lab.reopened().planCollection(policy) }
    #expect(error == .damagedRecord(run.path.appending(name)))
    #expect(error?.exitStatus == 4)
  }

  @Test("What came while an action runs stays, however short the grace: nothing names its blobs yet")
  func besideAnAction() throws {
    let lab = try Laboratory()
    guard case .held(let lease) = try lab.store.acquire(Laboratory.document(9).key) else {
      Issue.record("the lease is taken")
      return
    }
    usleep(20_000)
    try lab.publish(1)
    let plan = try lab.store.planCollection(policy)
    #expect(plan.actions.isEmpty)
    try lab.store.collect(plan)
    #expect(try isHit(1, lab))
    lease.release()
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(try !isHit(1, lab))
  }

  @Test("What is made anew between plan and collection stays")
  func madeMeanwhile() throws {
    let lab = try Laboratory()
    try lab.publish(1)
    var policy = policy
    policy.grace = 0
    usleep(20_000)
    let plan = try lab.store.planCollection(policy)
    #expect(plan.actions.count == 1)
    usleep(20_000)
    try FileManager.default.removeItem(atPath: lab.store.path.appending("actions").string)
    let again = try lab.reopened()
    let result = try Laboratory.publish(Laboratory.document(1), ["train.jsonl": "{\"new\":1}\n"], in: again).result
    try lab.store.collect(plan)
    #expect(Laboratory.names(lab.store.path.appending("actions")).count == 1)
    #expect(try isHit(1, lab))
    let documents = [result.key.digest] + result.manifest.layers.map(\.digest)
    #expect(
      documents.allSatisfy { Laboratory.exists(lab.store.blobPath($0)) },
      "its key and its environment were there before, and only it needs them")
  }

  @Test("What an action that began between plan and collection reads is kept")
  func lateLease() throws {
    let lab = try Laboratory()
    let input = try #require(lab.publish(1).result.output("data")).digest
    let plan = try lab.store.planCollection(policy)
    guard case .held(let lease) = try lab.store.acquire(Laboratory.document(9).key, uses: [input]) else {
      Issue.record("the lease is taken")
      return
    }
    try lab.store.collect(plan)
    #expect(throws: Never.self) { try lab.reopened().verify(artifact: input) }
    lease.release()
  }

  @Test("A process that is gone keeps nothing of what its action read")
  func deadLease() throws {
    let lab = try Laboratory()
    let input = try #require(lab.publish(1).result.output("data")).digest
    let key = Laboratory.document(9).key
    guard case .held(let lease) = try lab.store.acquire(key, uses: [input]) else {
      Issue.record("the lease is taken")
      return
    }
    let file = lab.store.path.appending("leases").appending(key.digest.hexadecimal)
    var object = try #require(JSONValue(parsing: Laboratory.read(file) ?? "").object)
    lease.release()
    object["process"] = 999_999_999
    try Laboratory.write(JSONValue.object(object).text, to: file)
    try lab.store.collect(lab.reopened().planCollection(policy))
    #expect(!Laboratory.exists(lab.store.blobPath(input)))
  }

  @Test("Where a size is given the oldest go until it is reached, and results that stay whole stay found")
  func size() throws {
    let lab = try Laboratory()
    for number in 1...3 {
      try lab.publish(number, ["f": "content \(number)"], environment: ["cpu": .string("machine \(number)")])
      usleep(20_000)
    }
    var policy = policy
    policy.mostBytes = 0
    let all = try lab.store.planCollection(policy)
    #expect(all.actions.count == 3)
    policy.mostBytes = all.freedBytes + all.keptBytes - 1
    let plan = try lab.store.planCollection(policy)
    #expect(plan.blobs.count == 1)
    #expect(plan.actions == [Laboratory.document(1).key])
    try lab.store.collect(plan)
    #expect(try (1...3).map { try isHit($0, lab) } == [false, true, true])
  }

  @Test("Where a size is given a result that stays whole stays found, though what it read goes")
  func inputsGo() throws {
    let lab = try Laboratory()
    let input = try #require(lab.publish(1, ["a": "input"], environment: ["cpu": "one"]).result.output("data"))
    usleep(20_000)
    let document = Laboratory.document(2, inputs: ["dataset": .one(input.digest)])
    try Laboratory.publish(document, ["b": "output"], in: lab.store, environment: ["cpu": "two"])
    var policy = policy
    policy.mostBytes = 0
    let all = try lab.store.planCollection(policy)
    let place = try #require(all.blobs.firstIndex(of: input.digest))
    let sizes = try all.blobs[...place].map { try lab.store.document($0, neededBy: "the test").count }
    policy.mostBytes = all.freedBytes + all.keptBytes - sizes.reduce(0, +)
    let plan = try lab.store.planCollection(policy)
    #expect(plan.blobs.contains(input.digest))
    #expect(plan.actions == [Laboratory.document(1).key])
  }

  @Test("So many runs as are asked for keep their results, those too that were fresh in them")
  func runs() throws {
    let lab = try Laboratory()
    for number in 1...3 {
      let result = try lab.publish(number, ["f": "\(number)"]).result
      let run = try lab.store.beginRun(pipeline: "p")
      try run.record([ActionRecord(label: "a", key: result.key, result: result.digest)])
      try run.finish(RunSummary(actions: [], seconds: 1, exit: 0))
    }
    var policy = policy
    policy.runsPerPipeline = 2
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(try (1...3).map { try isHit($0, lab) } == [false, true, true])
    guard case .hit(let fresh) = try lab.store.lookup(Laboratory.document(2).key) else {
      Issue.record("it is gone")
      return
    }
    // A run that found the second result, by now no longer the latest, and did nothing else.
    try lab.store.beginRun(pipeline: "p").finish(
      RunSummary(
        actions: [.init(label: "a", key: fresh.key, result: fresh.digest, state: "fresh")], seconds: 0, exit: 0))
    policy.runsPerPipeline = 1
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(try (2...3).map { try isHit($0, lab) } == [true, true])
  }

  @Test("Both results of an action that gave two are kept, so that they can be compared")
  func differed() throws {
    let lab = try Laboratory()
    let first = try lab.publish(1, ["f": "1"]).result
    let second = try lab.publish(1, ["f": "2"]).result
    let plan = try lab.store.planCollection(policy)
    #expect(plan.roots.map(\.name) == ["results that differed"])
    try lab.store.collect(plan)
    for result in [first, second] {
      #expect(throws: Never.self) { try lab.reopened().verify(artifact: result.outputs[0].artifact.digest) }
    }
  }

  @Test("A blob that is written anew between plan and collection stays, though nothing names it yet")
  func blobMeanwhile() throws {
    let lab = try Laboratory()
    let file = try #require(lab.publish(1, ["a": "1"]).result.outputs[0].artifact.manifest.layers.first).digest
    var policy = policy
    policy.grace = 0
    usleep(20_000)
    let plan = try lab.store.planCollection(policy)
    #expect(plan.blobs.contains(file))
    usleep(20_000)
    try FileManager.default.removeItem(atPath: lab.store.blobPath(file).string)
    let again = try lab.reopened()
    let work = try again.makeWorkFolder(for: Laboratory.document(2).key)
    try Laboratory.write("1", to: work.output("data").appending("a"))
    _ = try again.beginPublication(in: work).add(folder: work.output("data"), kind: Laboratory.kind)
    try lab.store.collect(plan)
    #expect(Laboratory.exists(lab.store.blobPath(file)))
  }

  @Test("Checkpoints of an action that runs again since the plan stay")
  func checkpointsMeanwhile() throws {
    let lab = try Laboratory()
    let key = Laboratory.document(9).key
    let folder = try lab.store.checkpointFolder(for: key)
    try Laboratory.write("state", to: folder.appending("step-1/weights"))
    let plan = try lab.store.planCollection(policy)
    #expect(plan.folders == [folder])
    guard case .held(let lease) = try lab.store.acquire(key) else {
      Issue.record("the lease is taken")
      return
    }
    try lab.store.collect(plan)
    #expect(try lab.store.checkpoints(of: key) == ["step-1"])
    lease.release()
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(!Laboratory.exists(folder))
  }

  @Test("What a run has made that goes on stays, however many others have ended since")
  func liveRun() throws {
    let lab = try Laboratory()
    func record(_ number: Int) throws -> Run {
      let result = try lab.publish(number, ["f": "\(number)"]).result
      let run = try lab.store.beginRun(pipeline: "p")
      try run.record([ActionRecord(label: "a", key: result.key, result: result.digest)])
      return run
    }
    let live = try record(1)
    for number in 2...3 { try record(number).finish(RunSummary(actions: [], seconds: 1, exit: 0)) }
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(try (1...3).map { try isHit($0, lab) } == [true, false, true])
    try live.finish(RunSummary(actions: [], seconds: 1, exit: 0))
    try lab.store.collect(lab.store.planCollection(policy))
    #expect(try (1...3).map { try isHit($0, lab) } == [false, false, true])
  }
}
