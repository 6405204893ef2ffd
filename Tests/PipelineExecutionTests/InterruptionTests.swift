import CanonicalJSON
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct InterruptionTests {
  static let pipeline = """
    stages:
      data:
        uses: ./make
      slow:
        uses: ./hold
        in: { dataset: data.dataset }
      end:
        uses: ./copy
        in: { dataset: slow.dataset }

    """

  /// Starts a run, waits until `hold` runs, and calls `body` with the process.
  private func whileHolding(_ toy: ToyPipeline, _ body: (Process) throws -> Void) throws {
    let process = Tool.process(["run", "toy.yaml"], in: toy.folder)
    let errors = toy.folder.appending("stderr")
    _ = FileManager.default.createFile(atPath: errors.string, contents: nil)
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors.string))
    try process.run()
    #expect(try eventually { toy.journal.contains("hold") })
    try body(process)
    process.waitUntilExit()
  }

  /// The digests that an undisturbed run gives in another store.
  private func undisturbed(_ toy: ToyPipeline) throws -> [String: String] {
    try toy.touch("gate")
    return try toy.json("run", "--store", "other", "--no-results").digests
  }

  @Test(
    "after kill -9 of the tool no process of a stage is left, nothing half-written is to be seen, and the next run goes on"
  )
  func killed() throws {
    try ToyPipeline.with(Self.pipeline) { toy in
      try whileHolding(toy) { process in
        #expect(toy.processes.allSatisfy(isAlive))
        kill(process.processIdentifier, SIGKILL)
      }
      #expect(toy.processes.count == 2)
      #expect(try eventually { !toy.processes.contains(where: isAlive) })
      #expect(try toy.json("status").states == ["data": "fresh", "slow": "stale", "end": "stale"])
      #expect(!Fixture.exists(toy.folder.appending("results/toy/slow/dataset/train.jsonl")))
      #expect(try toy.tool("fsck").status == 0)
      try toy.touch("gate")
      let resumed = try toy.json("run")
      #expect(resumed.states == ["data": "fresh", "slow": "ran", "end": "ran"])
      let note = try Fixture.lines(toy.folder.appending("journal")).last { $0.hasPrefix("hold-done") }
      #expect(note == "hold-done 2", "the second attempt finds what the first left in its work folder")
      #expect(try undisturbed(toy) == resumed.digests)
    }
  }

  @Test("kill -9 at many moments of a run leaves a sound store, and the last run gives what an undisturbed one gives")
  func killedOften() throws {
    try ToyPipeline.with(StalenessTests.chain) { toy in
      for attempt in 0..<12 {
        let process = Tool.process(["run", "toy.yaml"], in: toy.folder)
        process.standardError = FileHandle.nullDevice
        try process.run()
        usleep(UInt32(attempt) * 25_000)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(try eventually { !toy.processes.contains(where: isAlive) })
      }
      let last = try toy.json("run")
      #expect(try toy.tool("fsck").status == 0)
      #expect(try toy.json("run", "--store", "other", "--no-results").digests == last.digests)
    }
  }

  @Test(
    "an interrupted run stops its stages, ends with 130 or 143, says how to go on, and goes on",
    arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
  func interrupted(_ signal: Int32, _ status: Int32) throws {
    try ToyPipeline.with(Self.pipeline) { toy in
      try whileHolding(toy) { process in
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == status)
      }
      #expect(toy.journal.contains("hold-stopped"), "the stage was asked, not killed")
      #expect(!toy.processes.contains(where: isAlive))
      let said = String(decoding: try Fixture.bytes(toy.folder.appending("stderr")), as: UTF8.self)
      #expect(said.contains("Resume  apprentice run toy.yaml\n"))
      try toy.touch("gate")
      let resumed = try toy.json("run")
      #expect(resumed.states == ["data": "fresh", "slow": "ran", "end": "ran"])
      #expect(try undisturbed(toy) == resumed.digests)
    }
  }

  @Test("a killed supervisor takes its program with it, and the action counts as failed")
  func killedSupervisor() throws {
    try ToyPipeline.with(Self.pipeline) { toy in
      try whileHolding(toy) { process in
        let program = try #require(toy.processes.first)
        let status = String(decoding: try Fixture.bytes(FilePath("/proc/\(program)/status")), as: UTF8.self)
        let parent = try #require(
          status.split(separator: "\n").first { $0.hasPrefix("PPid:") }.flatMap { Int32($0.dropFirst(6)) })
        #expect(parent != process.processIdentifier)
        kill(parent, SIGKILL)
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
      }
      #expect(try eventually { !toy.processes.contains(where: isAlive) })
    }
  }

  @Test("two processes on one store run every action once, and both end well")
  func twoAtOnce() throws {
    let pipeline = """
      stages:
        data:
          uses: ./make
        slow:
          uses: ./hold
          in: { dataset: data.dataset }
        end:
          uses: ./copy
          matrix: { weight: [1, 2, 3, 4] }
          in: { dataset: slow.dataset }
          with: { weight: "${matrix.weight}" }

      """
    try ToyPipeline.with(pipeline) { toy in
      let outputs = ["one", "two"].map { toy.folder.appending($0) }
      let processes = try outputs.map { output in
        let process = Tool.process(["run", "toy.yaml", "--json"], in: toy.folder)
        _ = FileManager.default.createFile(atPath: output.string, contents: nil)
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output.string))
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
      }
      #expect(try eventually { toy.journal.contains("hold") })
      try toy.touch("gate")
      for process in processes {
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
      }
      #expect(toy.journal.sorted() == ["copy", "copy", "copy", "copy", "hold", "hold-done", "make"])
      let answers = try outputs.map {
        try JSONValue(parsing: try Fixture.bytes($0))
      }
      #expect(answers[0].digests == answers[1].digests)
      let all = answers.flatMap { $0.states.values }
      #expect(all.count { $0 == "ran" } == 6, "every action was run by one of the two")
      #expect(Set(all).isSubset(of: ["ran", "waited", "fresh"]))
    }
  }

  @Test("--no-wait ends with 5 where another process holds an action")
  func noWait() throws {
    try ToyPipeline.with(Self.pipeline) { toy in
      try whileHolding(toy) { process in
        let other = try toy.tool("run", "toy.yaml", "--no-wait")
        #expect(other.status == 5)
        #expect(other.errors.contains("is held by process \(process.processIdentifier)"))
        try toy.touch("gate")
      }
    }
  }

  @Test("what a program is given of the environment lies in no file while it runs, and nobody else could read it")
  func secrets() throws {
    try ToyPipeline.with(Self.pipeline) { toy in
      try whileHolding(toy) { _ in
        let work = toy.folder.pushing(".apprentice/work")
        let files = (FileManager.default.enumerator(atPath: work.string)?.allObjects ?? []).compactMap { $0 as? String }
          .filter { $0.hasSuffix("command.json") }
        #expect(!files.isEmpty)
        for file in files {
          let attributes = try FileManager.default.attributesOfItem(atPath: work.pushing(FilePath(file)).string)
          #expect((attributes[.posixPermissions] as? Int).map { $0 & 0o077 } == 0, "\(file)")
          #expect(attributes[.size] as? Int == 0, "\(file)")
        }
        try toy.touch("gate")
      }
      #expect(toy.journal.contains("hold-done"))
    }
  }

  @Test("under nohup a hang-up stops nothing")
  func hangUp() throws {
    try ToyPipeline.with(Self.pipeline) { toy in
      let process = Tool.process([], in: toy.folder)
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["nohup", Tool.executable.string, "run", "toy.yaml"]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      #expect(try eventually { toy.journal.contains("hold") })
      kill(process.processIdentifier, SIGHUP)
      // Time to heed it, if it did.
      usleep(500_000)
      try toy.touch("gate")
      process.waitUntilExit()
      #expect(process.terminationReason == .exit && process.terminationStatus == 0)
      #expect(toy.journal.contains("hold-done"))
      #expect(!toy.journal.contains("hold-stopped"))
    }
  }

  @Test("what a program started with an environment of its own ends with the run, also where its supervisor was killed")
  func stray() throws {
    try ToyPipeline.with(Self.pipeline) { toy in
      let program = toy.folder.appending("make/make.sh")
      let text = String(decoding: try Fixture.bytes(program), as: UTF8.self)
      // It holds none of our descriptors, so that nobody waits for it.
      try TemporaryFolder.write(
        text + """

          env -i "PATH=$PATH" setsid python3 -c 'import os, time; os.closerange(0, 1024); time.sleep(1000)' &
          echo "stray $!" >> "$journal"
          sleep 0.5
          kill -9 $PPID
          sleep 1000

          """, to: program)
      #expect(try toy.tool("run", "toy.yaml", "data").status != 0)
      let processes = toy.processes
      #expect(processes.count == 1)
      #expect(!processes.contains(where: isAlive))
      for process in processes where isAlive(process) { kill(process, SIGKILL) }
    }
  }
}
