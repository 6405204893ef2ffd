import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import PipelineExecution
import PipelineLanguage
import StageKit
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The engine with a remote cache, in this process; actions run as processes of the built command.
@Suite struct RemoteTests {
  /// Writes down what a run tells.
  private final class Listener: RunObserver {
    var notices: [String] = []
    var endings: [ActionEnding] = []
    func runBegins(_ overview: RunOverview) {}
    func actionBegins(_ id: String) {}
    func action(_ id: String, tells event: StageEvent) {}
    func action(_ id: String, isHeldBy holder: String) {}
    func action(_ id: String, isSoughtAt place: String?) {}
    func sharing(_ count: Int, at place: String) {}
    func actionEnds(_ ending: ActionEnding) { endings.append(ending) }
    func notice(_ text: String) { notices.append(text) }
    func warning(_ text: String) { notices.append(text) }
    func timePasses() {}
    func runEnds(_ closing: RunClosing) {}
  }

  /// What became of a run.
  struct Outcome: Sendable {
    var status: StageKit.ExitStatus
    var accounts: [ActionAccount]
    var summary: RemoteSummary?
    var notices: [String]

    var states: [String] { accounts.map { "\($0.id) \($0.state.rawValue)" + ($0.origin == nil ? "" : " from") } }
  }

  /// Runs the toy pipeline on a store, on a thread of its own: the engine blocks signals on the thread that it has.
  private func run(
    _ toy: ToyPipeline, store name: String, _ cache: MemoryCache, offers: Bool = true, forced: [String] = []
  ) throws -> Outcome {
    let folder = toy.folder
    let done = DispatchSemaphore(value: 0)
    let answer = Mutex<Result<Outcome, any Error>?>(nil)
    Thread {
      let result = Result { try Self.execute(folder, name, cache, offers, forced) }
      answer.withLock { $0 = result }
      done.signal()
    }.start()
    done.wait()
    return try #require(try answer.withLock { try $0?.get() })
  }

  private static func execute(
    _ folder: FilePath, _ name: String, _ cache: MemoryCache, _ offers: Bool, _ forced: [String]
  ) throws -> Outcome {
    let checker = PipelineChecker(registry: StageRegistry([]), workingDirectory: folder, environment: { _ in nil })
    let pipeline = try checker.check("toy.yaml")
    let store = try Store.open(folder.appending(name), creating: true)
    let memory = PipelineMemory(of: pipeline.name, in: store)
    let indices = Set(pipeline.actions.indices.filter { forced.contains(pipeline.actions[$0].id) })
    let planner = Planner(
      pipeline: pipeline, store: store, sources: PlannedSources(store.sourceDigests()), memory: memory,
      forced: indices)
    var options = RunOptions(threads: 2, results: nil)
    options.remote = SharedResults(name: "memory", offers: offers) { cache }
    let listener = Listener()
    let run = PipelineRun(
      planner: planner, selection: Array(pipeline.actions.indices), options: options,
      program: ActionProgram(executable: Tool.executable, name: "apprentice", arguments: ["run-action"]),
      memory: memory, details: [:], observer: listener)
    try run.plan()
    let status = run.isUpToDate ? .done : try run.execute()
    return Outcome(
      status: status, accounts: run.selectedAccounts, summary: run.remoteSummary, notices: listener.notices)
  }

  @Test("what one run shared is fresh in another store, and what is fresh is neither asked for nor shared")
  func shared() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let cache = MemoryCache()
      let first = try run(toy, store: "one", cache)
      #expect(first.status == .done)
      #expect(first.summary?.shared == 4)
      #expect(Set(cache.calls.offers).count == 4)
      let second = try run(toy, store: "two", cache)
      #expect(second.status == .done)
      #expect(
        second.accounts.allSatisfy { $0.state == .fresh && $0.origin == ResultOrigin(kind: .remote, name: "memory") })
      #expect(second.summary?.fetched == 4)
      #expect(second.accounts.map { $0.outputs.map(\.digest) } == first.accounts.map { $0.outputs.map(\.digest) })
      #expect(toy.journal.count == 4)
      let store = try Store.open(toy.folder.appending("two"), creating: false)
      let report = try store.fsck()
      #expect(report.isSound)
      let calls = cache.calls
      #expect(calls.offers.count == 4, "what came from there does not go back")
      _ = try run(toy, store: "two", cache)
      #expect(cache.calls.fetches.count == calls.fetches.count)
      #expect(cache.calls.finds.isEmpty)
    }
  }

  @Test("a cache that may only be read is given nothing")
  func onlyRead() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let cache = MemoryCache()
      let outcome = try run(toy, store: "one", cache, offers: false)
      #expect(outcome.status == .done)
      #expect(cache.calls.offers.isEmpty)
      #expect(cache.calls.fetches.count == 4)
    }
  }

  @Test("a forced action runs whatever is at the remote")
  func forced() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let cache = MemoryCache()
      _ = try run(toy, store: "one", cache)
      let second = try run(toy, store: "two", cache, forced: ["mid"])
      #expect(second.states == ["data fresh from", "mid ran", "end fresh from", "side fresh from"])
    }
  }

  @Test("an unreachable remote is told once, left out from then on, and fails nothing")
  func unreachable() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let cache = MemoryCache()
      cache.fail(RemoteCacheError(.unreachable, "memory: nobody answers"))
      let outcome = try run(toy, store: "one", cache)
      #expect(outcome.status == .done)
      #expect(outcome.accounts.allSatisfy { $0.state == .ran })
      #expect(outcome.notices.filter { $0.contains("nobody answers") }.count == 1)
      #expect(outcome.summary?.trouble?.contains("nobody answers") == true)
      #expect(cache.calls.fetches.count == 1)
      #expect(cache.calls.offers.isEmpty)
    }
  }

  @Test("a damaged result is told with its action and made here; the others are still asked for")
  func damaged() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let cache = MemoryCache { cache in
        if cache.calls.fetches.count == 1 { throw RemoteCacheError(.damaged, "memory: blob x holds other bytes") }
      }
      let outcome = try run(toy, store: "one", cache)
      #expect(outcome.status == .done)
      #expect(outcome.notices.contains { $0.contains("data is made here: memory: blob x") })
      #expect(cache.calls.fetches.count == 4)
    }
  }

  @Test("a result that lacks an output of its stage is not taken: nobody stumbles over it")
  func foreignOutputs() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      let cache = MemoryCache()
      _ = try run(toy, store: "one", cache)
      // Under the key of `data` a result whose one output has another name.
      let store = try Store.open(toy.folder.appending("one"), creating: false)
      let first = try run(toy, store: "one", cache)
      let key = try #require(first.accounts[0].key)
      guard case .hit(let result) = try store.lookup(key) else { return }
      let forged = MemoryCache()
      let work = try store.makeWorkFolder(for: key)
      let publication = try store.beginPublication(in: work)
      let recording = try publication.record(
        store.keyDocument(key), environment: .null, outputs: ["other": result.outputs[0].artifact])
      _ = try forged.offer(recording.result, from: store)
      let outcome = try run(toy, store: "two", forged)
      #expect(outcome.status == .done)
      #expect(outcome.accounts[0].state == .ran)
      #expect(outcome.notices.contains { $0.contains("does not have the outputs of make") })
      let again = try run(toy, store: "two", forged)
      #expect(again.accounts.allSatisfy { $0.state == .fresh })
    }
  }

  @Test("of two runs at once on one store, one fetches and the other waits")
  func fetchedOnce() throws {
    try ToyPipeline.with("stages:\n  data:\n    uses: ./make\n\n") { toy in
      let filled = MemoryCache()
      _ = try run(toy, store: "one", filled)
      let gate = DispatchSemaphore(value: 0)
      let slow = MemoryCache { _ in gate.wait() }
      let store = try Store.open(toy.folder.appending("one"), creating: false)
      let key = try #require(filled.calls.offers.first)
      guard case .hit(let result) = try store.lookup(key) else { return }
      _ = try slow.offer(result, from: store)
      let outcomes = Mutex<[Outcome]>([])
      let group = DispatchGroup()
      for _ in 0..<2 {
        group.enter()
        Thread {
          if let outcome = try? Self.execute(toy.folder, "two", slow, true, []) {
            outcomes.withLock { $0.append(outcome) }
          }
          group.leave()
        }.start()
      }
      #expect(try eventually { slow.calls.fetches.count == 1 })
      // The second would have asked by now, if it did not see that the first does.
      usleep(400_000)
      gate.signal()
      gate.signal()
      group.wait()
      let states = outcomes.withLock { $0.flatMap(\.states) }.sorted()
      #expect(states == ["data fresh from", "data waited"])
      #expect(slow.calls.fetches.count == 1)
      #expect(toy.journal == ["make"])
    }
  }
}
