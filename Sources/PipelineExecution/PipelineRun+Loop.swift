import ArtifactStore
import CProcess
import CanonicalJSON
import ContentAddressing
import Glibc
import PipelineLanguage
package import StageKit
import SystemPackage

extension PipelineRun {
  /// Runs what is to run.
  ///
  /// - Returns: How the command line ends.
  /// - Throws: The system's error where signals can't be received.
  package func execute() throws -> ExitStatus {
    let numbers = [SIGINT, SIGTERM, SIGHUP, SIGCHLD]
    let signals = process_signal_descriptor(numbers, Int32(numbers.count))
    guard signals >= 0 else { throw Errno(rawValue: errno) }
    defer { close(signals) }
    signal(SIGPIPE, SIG_IGN)
    _ = try? planner.store.sweepWorkFolders()
    observer.runBegins(overview)
    for index in selection where accounts[index].state == .fresh { noteFresh(index) }
    while true {
      advance()
      if running.isEmpty && fetching.isEmpty && !isWaiting && isExchangeOver { break }
      tellSharing()
      wait(signals)
      hear(signals)
      for index in running { attend(index) }
      attendRemote()
      for index in held { lookAgain(index) }
      observer.timePasses()
    }
    // A signal that came while the last action was being published still counts.
    hear(signals)
    settleRest()
    shown.tidy()
    journal.flush()
    nameResults()
    planner.sources.save()
    return status
  }

  /// Names the results after the pipeline in the store's `index.json`, for tools that know OCI and nothing of us.
  private func nameResults() {
    guard accounts.contains(where: { $0.state == .ran || $0.origin != nil }) else { return }
    let results = planner.pipeline.actions.indices.compactMap { planner.result($0) }
    // Nothing of ours reads it, so that it may lag.
    try? planner.store.setReference(planner.pipeline.name, toIndexOf: results)
  }

  /// Judges what has become judgeable, and starts what can start.
  private func advance() {
    guard interruption == nil else { return }
    for index in selection {
      guard case .unknown? = phases[index] else { continue }
      let needs = planner.pipeline.actions[index].dependencies
      if let failed = needs.first(where: { [.failed, .blocked].contains(accounts[$0].state) }) {
        end(index, .blocked, "needs \(accounts[failed].id)")
      } else if needs.allSatisfy({ planner.result($0) != nil }) {
        judgeDuringRun(index)
      }
    }
    guard mayStart else { return }
    beginFetches()
    var ready = selection.filter { index in
      guard case .ready(let document, let reason)? = phases[index] else { return false }
      return !isUnderWay(document.key) && !isToBeSought(document, reason)
    }
    while !ready.isEmpty, let share = shares.take(ready: ready.count) {
      let index = ready.removeFirst()
      if !start(index, threads: share) { shares.give(share) }
      guard mayStart else { return }
      // Cells that differ in nothing that their stage reads are one action.
      if let key = accounts[index].key, isUnderWay(key) { ready.removeAll { accounts[$0].key == key } }
    }
  }

  /// Whether an action runs here or its result is on its way.
  func isUnderWay(_ key: ActionKey) -> Bool {
    (running + fetching).contains { accounts[$0].key == key }
  }

  private var isExchangeOver: Bool { isAbandoned || remote?.exchange.isIdle ?? true }

  /// Whether nothing speaks against starting one more.
  private var mayStart: Bool { interruption == nil && (failures.isEmpty || options.keepsGoing) }

  /// Whether something can still happen without a process of ours.
  private var isWaiting: Bool {
    mayStart
      && selection.contains { index in
        switch phases[index] {
        case .held?, .ready?: true
        case .unknown?:
          // What it needs may have been sent back to be made again.
          planner.pipeline.actions[index].dependencies.allSatisfy { planner.result($0) != nil }
        default: false
        }
      }
  }

  var running: [Int] { selection.filter { if case .running? = phases[$0] { true } else { false } } }

  private var held: [Int] { selection.filter { if case .held? = phases[$0] { true } else { false } } }

  private func judgeDuringRun(_ index: Int) {
    do {
      try judge(index)
      if accounts[index].state == .fresh {
        noteFresh(index)
        observer.actionEnds(ActionEnding(id: accounts[index].id, state: .fresh, message: "unchanged"))
      }
    } catch {
      fail(index, error)
    }
  }

  // MARK: Waiting

  /// Sleeps until a signal comes, a process tells something, or it is time to look around.
  private func wait(_ signals: Int32) {
    var descriptors = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
    for index in running {
      guard case .running(let running)? = phases[index], running.isListening else { continue }
      descriptors.append(pollfd(fd: running.process.events.rawValue, events: Int16(POLLIN), revents: 0))
    }
    if let remote {
      descriptors.append(pollfd(fd: remote.exchange.wakeDescriptor, events: Int16(POLLIN), revents: 0))
    }
    _ = poll(&descriptors, nfds_t(descriptors.count), 100)
  }

  private func hear(_ signals: Int32) {
    while true {
      let number = process_next_signal(signals)
      if number == 0 { break }
      if number != SIGCHLD { interrupt(by: number) }
    }
    if let deadline, Clock.seconds() > deadline { killAll() }
  }

  private func interrupt(by number: Int32) {
    if interruption != nil { return killAll() }
    interruption = number == SIGINT ? .interrupted : .terminated
    deadline = Clock.seconds() + options.grace
    if !running.isEmpty {
      let again = number == SIGINT ? "; Ctrl-C again ends them at once" : ""
      observer.notice("Stopping: what runs saves its state\(again).")
    }
    for index in running {
      if case .running(let running)? = phases[index] { running.process.interrupt() }
    }
    cancelRemote()
  }

  private func killAll() {
    for index in running {
      if case .running(let running)? = phases[index] { running.process.kill() }
    }
    abandonFetches()
  }

  /// Reads what a process tells, and takes leave of one that has ended.
  private func attend(_ index: Int) {
    guard case .running(let running)? = phases[index] else { return }
    let hasEnded = running.process.hasEnded
    if running.isListening {
      let (reports, isOpen) = running.process.readReports()
      running.isListening = isOpen
      tell(index, running, reports)
    }
    if hasEnded { finish(index, running) }
  }

  func tell(_ index: Int, _ running: RunningAction, _ reports: [ActionReport]) {
    let id = accounts[index].id
    for event in running.take(reports) {
      observer.action(id, tells: event)
      if case .progress = event { continue }
      if let object = event.json.object { journal.append(id, object) }
    }
  }

  /// Looks whether another process has finished an action, or given it up.
  private func lookAgain(_ index: Int) {
    guard case .held(let document, let reason)? = phases[index], interruption == nil else { return }
    do {
      if let result = try planner.publishedResult(document.key, of: index) { return takeOver(index, result) }
      if let holder = try planner.store.holder(of: document.key) {
        observer.action(accounts[index].id, isHeldBy: holder.description)
      } else {
        phases[index] = .ready(document, reason)
      }
    } catch {
      fail(index, error)
    }
  }

  /// Uses a result that another process, or another cell of this run, made.
  func takeOver(_ index: Int, _ result: ActionResult) {
    let twin = selection.first {
      $0 != index && (accounts[$0].state == .ran || accounts[$0].origin != nil) && accounts[$0].key == result.key
    }
    planner.note(result, of: index)
    phases[index] = .ended
    let message = twin.map { "same as \(accounts[$0].id)" } ?? "made by another process"
    let id = accounts[index].id
    set(index, twin == nil ? .waited : .fresh, reason: twin == nil ? "\(id) was \(message)" : nil, result: result)
    noteFresh(index)
    observer.actionEnds(ActionEnding(id: id, state: accounts[index].state, message: message))
  }

  // MARK: Ends

  /// Notes the end of an action that has no result.
  func end(_ index: Int, _ state: ActionState, _ message: String, remedy: String? = nil, logTail: [String] = []) {
    phases[index] = .ended
    let id = accounts[index].id
    set(index, state, reason: "\(id) \(message)")
    observer.actionEnds(ActionEnding(id: id, state: state, message: message, remedy: remedy, logTail: logTail))
    journal.append(id, ["event": "end", "state": .string(state.rawValue), "message": .string(message)])
  }

  func fail(_ index: Int, _ error: any Error) {
    let failure = FailureStatus.failure(error)
    failures[index] = failure.status
    end(index, .failed, failure.message, remedy: failure.remedy)
  }

  /// Says of what never started why it did not.
  private func settleRest() {
    for index in selection {
      if case .ended? = phases[index] { continue }
      let needs = planner.pipeline.actions[index].dependencies
      if needs.contains(where: { [.failed, .blocked].contains(accounts[$0].state) }) {
        accounts[index].state = .blocked
      }
      phases[index] = .ended
    }
  }
}
