import ArtifactStore
import CanonicalJSON
import ContentAddressing
import PipelineLanguage
import StageKit
import SystemPackage

extension PipelineRun {
  /// Starts an action, or finds that another process has it or has done it.
  ///
  /// - Returns: Whether a process of ours runs now.
  func start(_ index: Int, threads: Int) -> Bool {
    guard case .ready(let document, let reason) = board[index] else { return false }
    let id = accounts[index].id
    do {
      guard case .held(let lease) = try planner.store.acquire(document.key, uses: document.inputDigests) else {
        return try postpone(index, document, reason)
      }
      // Another process may have finished between planning and now.
      if !reason.isForced, let result = try planner.publishedResult(document.key, of: index) {
        lease.release()
        takeOver(index, result)
        return false
      }
      guard try inputsAreSound(index) else {
        lease.release()
        return false
      }
      try launch(index, document, threads: threads, lease: lease)
      observer.actionBegins(id)
      return true
    } catch {
      fail(index, error)
      return false
    }
  }

  /// Waits for an action that another process holds, or gives it up where waiting is not wanted.
  func postpone(_ index: Int, _ document: KeyDocument, _ reason: StaleReason) throws -> Bool {
    let holder = try planner.store.holder(of: document.key)?.description ?? "another process"
    if options.waits {
      board.move(index, to: .held(document, reason))
      observer.action(accounts[index].id, isHeldBy: holder)
    } else {
      failures[index] = .held
      end(index, .stale, "is held by \(holder)", remedy: "run again later, or without --no-wait")
    }
    return false
  }

  /// Hashes what an action reads; a damaged artifact sends the action that makes it back to be run again.
  private func inputsAreSound(_ index: Int) throws -> Bool {
    for input in planner.pipeline.actions[index].inputs {
      for case .output(let producer, let port, _, _) in input.sources {
        guard let artifact = planner.result(producer)?.output(port) else { continue }
        do {
          try planner.store.verify(artifact: artifact.digest)
        } catch {
          switch error {
          case .damaged, .missing: break
          default: throw error
          }
          guard rebuilt.insert(producer).inserted else { throw error }
          observer.warning("\(accounts[producer].id)'s \(port) was damaged and is made again: \(error)")
          planner.note(nil, of: producer)
          board.resultLost(producer)
          board.move(producer, to: .judgeable)
          set(producer, .stale)
          return false
        }
      }
    }
    return true
  }

  private func launch(_ index: Int, _ document: KeyDocument, threads: Int, lease: Lease) throws {
    let action = planner.pipeline.actions[index]
    do { try planner.checkSources(of: action) } catch {
      lease.release()
      // Only the remote could have helped.
      guard let problem = error as? SourceProblem, let remote, !remote.isReachable else { throw error }
      throw StageFailure(
        "\(problem)", remedy: "or run again when \(remote.summary.name) can be reached", status: .unreachable)
    }
    for digest in document.inputDigests {
      if let manifest = planner.sources.manifest(digest) { _ = try planner.store.keep(sourceManifest: manifest) }
    }
    let preparation = ActionPreparation(
      store: planner.store, numerics: planner.pipeline.numerics,
      artifact: { source in
        guard case .output(let producer, let port, _, _) = source else { return nil }
        return self.planner.result(producer)?.output(port)?.digest
      },
      replacement: { try self.planner.replacement(of: $0, for: action) })
    let (running, job) = try preparation.prepare(
      action, document, threads: threads, lease: lease, log: try journal.logPath(action.id))
    let place: JSONObject
    do { place = try executor.submit(job, of: index) } catch {
      running.leave()
      throw error
    }
    board.move(index, to: .running(running))
    shown.showRunning(running)
    var event: JSONObject = ["event": "begin", "key": .string(document.key.description), "threads": JSONValue(threads)]
    for (name, value) in place.members { event[name] = value }
    journal.append(action.id, event)
  }

  /// Takes leave of a process that has ended, and publishes what it made or tells why there is nothing.
  func finish(_ index: Int, _ running: RunningAction) {
    let (end, reports) = executor.collect(index)
    tell(index, running, reports)
    shares.give(running.threads)
    defer {
      running.leave(to: accounts[index].state == .ran ? planner.store : nil)
      if case .ended = board[index] {} else { board.move(index, to: .ended) }
    }
    if end.status == 0 {
      do {
        try publish(index, running, end)
        return
      } catch {
        fail(index, error)
      }
    } else if interruption != nil, end.signal != nil || end.status == ExitStatus.interrupted.rawValue {
      self.end(index, .stale, "was interrupted; it goes on from its last checkpoint")
    } else {
      tellFailure(index, running, end)
    }
    shown.showLast(running)
  }

  private func publish(_ index: Int, _ running: RunningAction, _ end: JobEnd) throws {
    let action = running.action
    let readsOutside = running.action.inputs.contains { $0.sources.contains { $0.origin != nil } }
    if readsOutside, try planner.keyDocument(of: index, anew: true) != running.document {
      throw StageFailure(
        "what \(action.id) reads was changed while it ran", remedy: "run again when nothing writes to it")
    }
    let recording = try running.publish(in: planner.store)
    let seconds = Clock.seconds() - running.began
    if let divergence = recording.divergence { observer.warning("\(action.id): \(divergence)") }
    settle(index, recording.result)
    made[recording.result.key] = index
    set(index, .ran, reason: accounts[index].reason, result: recording.result)
    offer(recording.result, of: index)
    try? planner.store.removeCheckpoints(of: running.document.key)
    shown.show(recording.result, of: action)
    let details: JSONObject = [
      "seconds": JSONValue((seconds * 1000).rounded() / 1000), "peak_bytes": JSONValue(end.peakBytes),
      "processor_seconds": JSONValue((end.processorSeconds * 1000).rounded() / 1000),
      "threads": JSONValue(running.threads), "measures": .object(running.measures),
      "summary": running.summary.map { .string($0) } ?? .null,
    ]
    journal.note(action.id, result: recording.result, details: details)
    journal.append(action.id, ["event": "end", "state": "ran", "details": .object(details)])
    if let summary = running.summary, action.declaration.outputs.contains(where: { $0.kind == .report }),
      summary.utf8.contains(UInt8(ascii: "\n"))
    {
      reports.append(summary)
    }
    observer.actionEnds(
      ActionEnding(id: action.id, state: .ran, seconds: seconds, summary: running.summary))
  }

  private func tellFailure(_ index: Int, _ running: RunningAction, _ end: JobEnd) {
    let isCommand = if case .command = running.action.implementation { true } else { false }
    let kept: [ExitStatus] = [.damaged, .diskFull, .interrupted, .terminated]
    failures[index] = kept.first { $0.rawValue == end.status } ?? .stageFailed
    var message = "ended with status \(end.status)"
    if let signal = end.signal {
      message = "was ended by signal \(signal)" + (signal == 9 ? ", perhaps for want of memory" : "")
    }
    if let failure = running.failure { message = "failed: \(failure.message)" }
    // A stage of ours says what went wrong; what a user's program prints is all there is.
    let tail = isCommand || running.failure == nil ? running.logTail(12) : []
    var remedy = running.failure?.remedy
    // Programs seldom say by their status that the disk is full.
    if failures[index] == .stageFailed, FailureStatus.isDiskFull(at: running.work.path) { failures[index] = .diskFull }
    if failures[index] == .diskFull, !FailureStatus.isForLimit(remedy) {
      remedy = "the disk of \(planner.store.path) is full: free some space and run again, or name another --store"
    }
    self.end(index, .failed, message, remedy: remedy, logTail: tail)
  }
}
