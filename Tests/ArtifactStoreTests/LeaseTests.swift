import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import Synchronization
import SystemPackage
import Testing

@Suite("Leases")
struct LeaseTests {
  let key = Laboratory.document(1).key

  func path(_ lab: Laboratory) -> FilePath {
    lab.store.path.appending("leases").appending(key.digest.hexadecimal)
  }

  func acquire(_ store: Store) throws -> Lease? {
    if case .held(let lease) = try store.acquire(key) { lease } else { nil }
  }

  /// Writes a lease of some other process.
  func plant(_ lab: Laboratory, _ change: (inout JSONObject) -> Void, silence: Double = 0) throws {
    let lease = try #require(try acquire(lab.store))
    var object = try #require(JSONValue(parsing: Laboratory.read(path(lab)) ?? "").object)
    lease.release()
    object["nonce"] = "0123456789abcdef"
    change(&object)
    try Laboratory.write(JSONValue.object(object).text, to: path(lab))
    try Laboratory.age(path(lab), seconds: silence)
  }

  @Test("An action is held once: a second asker, in this process too, learns who has it")
  func exclusive() throws {
    let lab = try Laboratory()
    let lease = try #require(try acquire(lab.store))
    #expect(lease.isHeld)
    for store in [lab.store, try lab.reopened()] {
      guard case .busy(let holder) = try store.acquire(key) else {
        Issue.record("held twice")
        continue
      }
      #expect(holder.process == Int(getpid()))
      #expect(holder.isOnThisHost)
      #expect(holder.silence < 60)
      #expect(try store.holder(of: key) == holder)
    }
    guard case .held = try lab.store.acquire(Laboratory.document(2).key) else {
      Issue.record("another action is held by this one's lease")
      return
    }
    lease.release()
    #expect(!lease.isHeld)
    #expect(try lab.store.holder(of: key) == nil)
    #expect(try acquire(lab.reopened()) != nil)
  }

  @Test("A lease that is dropped is released, and nothing stays behind")
  func dropped() throws {
    let lab = try Laboratory()
    _ = try acquire(lab.store)
    #expect(try lab.store.holder(of: key) == nil)
    lab.store.dropSpares()
    #expect(Laboratory.names(lab.store.path.appending("leases")).filter { !$0.hasPrefix(".takeover") }.isEmpty)
  }

  @Test("On this host a holder that is gone is replaced at once: no such process, a later one, an earlier boot")
  func deadHere() throws {
    let changes: [(inout JSONObject) -> Void] = [
      { $0["process"] = 4_194_305 }, { $0["started"] = 1 }, { $0["boot"] = "00000000-0000-0000-0000-000000000000" },
    ]
    for change in changes {
      let lab = try Laboratory()
      try plant(lab, change)
      #expect(try lab.store.holder(of: key) == nil)
      let lease = try #require(try acquire(lab.store))
      #expect(lease.isHeld)
      guard case .busy = try lab.reopened().acquire(key) else {
        Issue.record("taken over twice")
        continue
      }
    }
  }

  @Test("Another host's holder is borne with for three minutes of silence, then replaced")
  func deadElsewhere() throws {
    for (silence, isBusy) in [(0.0, true), (170, true), (190, false)] {
      let lab = try Laboratory()
      try plant(lab, { $0["host"] = "elsewhere" }, silence: silence)
      switch try lab.store.acquire(key) {
      case .held: #expect(!isBusy)
      case .busy(let holder):
        #expect(isBusy)
        #expect(holder.host == "elsewhere")
        #expect(!holder.isOnThisHost)
        #expect(holder.description.contains("elsewhere"))
      }
    }
  }

  @Test("A lease file without content, as a power cut leaves it, lasts for three minutes")
  func emptyFile() throws {
    let lab = try Laboratory()
    try Laboratory.write("", to: path(lab))
    #expect(try acquire(lab.store) == nil)
    try Laboratory.age(path(lab), seconds: 190)
    #expect(try acquire(lab.store) != nil)
  }

  @Test("A lease that was taken over meanwhile is not removed by its former holder")
  func lostLease() throws {
    let lab = try Laboratory()
    let lease = try #require(try acquire(lab.store))
    try FileManager.default.removeItem(atPath: path(lab).string)
    let other = try #require(try acquire(lab.reopened()))
    #expect(!lease.isHeld)
    lease.release()
    #expect(other.isHeld)
  }

  @Test("The heartbeat keeps a held lease fresh")
  func heartbeat() async throws {
    let lab = try Laboratory()
    let lease = try #require(try acquire(lab.store))
    try Laboratory.age(path(lab), seconds: 100)
    var silence = 100
    for _ in 0..<100 where silence > 50 {
      try await Task.sleep(for: .milliseconds(100))
      guard case .busy(let holder) = try lab.store.acquire(key) else { continue }
      silence = holder.silence
    }
    #expect(silence < 50)
    lease.release()
  }

  @Test("Of many threads that ask at once, over a dead holder's lease too, exactly one gets it")
  func threads() throws {
    for planted in [false, true] {
      let lab = try Laboratory()
      for _ in 0..<20 {
        if planted { try plant(lab, { $0["process"] = 4_194_305 }) }
        let stores = try (0..<8).map { _ in try lab.reopened() }
        let leases = Mutex<[Lease]>([])
        DispatchQueue.concurrentPerform(iterations: stores.count) { index in
          if let lease = try? acquire(stores[index]) { leases.withLock { $0.append(lease) } }
        }
        #expect(leases.withLock { $0.count } == 1)
      }
    }
  }

  @Test("A slow taker leaves alone what a faster one has taken over meanwhile")
  func slowTaker() throws {
    let lab = try Laboratory()
    try plant(lab, { $0["process"] = 4_194_305 })
    let faster = Mutex<Lease?>(nil)
    let store = try lab.reopened()
    var options = Laboratory.options
    options.deadLeaseSeen = { faster.withLock { if $0 == nil { $0 = try? acquire(store) } } }
    let slow = try Store.open(lab.store.path, creating: false, options: options)
    guard case .busy = try slow.acquire(key) else {
      Issue.record("held twice")
      return
    }
    #expect(faster.withLock { $0?.isHeld } == true)
  }

  /// Takes the lease, leaves a line in a file while it has it, and exits with status 3 if anyone else was there.
  static func contend(store path: String, key: String, log: String) throws {
    let store = try Store.open(FilePath(path), creating: false)
    guard let key = ActionKey(key) else { exit(9) }
    for _ in 0..<25 {
      while true {
        if case .held(let lease) = try store.acquire(key) {
          let inside = open(log + ".inside", O_CREAT | O_EXCL | O_WRONLY, 0o644)
          if inside < 0 { exit(3) }
          close(inside)
          usleep(500)
          unlink(log + ".inside")
          lease.release()
          break
        }
        usleep(200)
      }
    }
    exit(0)
  }

  @Test("Two processes that contend for an action are never in it together")
  func processes() async throws {
    let lab = try Laboratory()
    let log = lab.folder.appending("log").string
    await withTaskGroup { group in
      for _ in 0..<2 {
        group.addTask { [path = lab.store.path.string, key = key.description] in
          await #expect(processExitsWith: .exitCode(0)) {
            [path = path as String, key = key as String, log = log as String] in
            try LeaseTests.contend(store: path, key: key, log: log)
          }
        }
      }
    }
  }

  @Test("When a holder is killed with SIGKILL its action is free at once")
  func killedHolder() async throws {
    let lab = try Laboratory()
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [path = lab.store.path.string as String, key = key.description as String] in
      let store = try Store.open(FilePath(path), creating: false)
      guard let key = ActionKey(key), case .held(let lease) = try store.acquire(key), lease.isHeld else { exit(9) }
      kill(getpid(), SIGKILL)
    }
    #expect(Laboratory.exists(path(lab)))
    #expect(try acquire(lab.store) != nil)
  }

  @Test("What is no lease in a lease's place is taken away unread: a dangling link, a link to a user's file, a pipe")
  func noLease() throws {
    let lab = try Laboratory()
    let path = lab.store.path.appending("leases").appending(key.digest.hexadecimal)
    let mine = lab.folder.appending("mine.txt")
    try Laboratory.write("mine", to: mine)
    let makers: [(FilePath) throws -> Void] = [
      { try FileManager.default.createSymbolicLink(atPath: $0.string, withDestinationPath: "nowhere/x") },
      { try FileManager.default.createSymbolicLink(atPath: $0.string, withDestinationPath: mine.string) },
      { #expect(mkfifo($0.string, 0o644) == 0) },
    ]
    for make in makers {
      try make(path)
      let lease = try #require(try acquire(lab.store))
      lease.release()
    }
    #expect(Laboratory.read(mine) == "mine")
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    #expect(throws: StoreError.self) { try acquire(lab.store) }
  }

  @Test("A folder of leases that is gone is made again")
  func folderGone() throws {
    let lab = try Laboratory()
    try FileManager.default.removeItem(atPath: lab.store.path.appending("leases").string)
    #expect(try acquire(lab.store) != nil)
  }

  @Test("A lease whose touch lies in the future counts as touched when it was first seen, not for ever")
  func future() throws {
    let lab = try Laboratory()
    let path = lab.store.path.appending("leases").appending(key.digest.hexadecimal)
    try Laboratory.write("another host's", to: path)
    try Laboratory.age(path, seconds: -7200)
    #expect(try lab.store.holder(of: key)?.silence == 0)
    sleep(2)
    let seen = try #require(try lab.store.holder(of: key))
    #expect((1...10).contains(seen.silence), "it grows by our own clock: \(seen.silence)")
  }

  @Test("A lease's file that was put by and that somebody has swept is made again")
  func sweptSpare() throws {
    let lab = try Laboratory()
    try #require(try acquire(lab.store)).release()
    let leases = lab.store.path.appending("leases")
    #expect(!Laboratory.names(leases).isEmpty)
    for name in Laboratory.names(leases) {
      try FileManager.default.removeItem(atPath: leases.appending(name).string)
    }
    #expect(try acquire(lab.store)?.isHeld == true)
  }
}
