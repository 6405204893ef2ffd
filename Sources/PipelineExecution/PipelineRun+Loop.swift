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
    defer { process_release_signals(signals) }
    signal(SIGPIPE, SIG_IGN)
    let began = Clock.seconds()
    journal.hasWork = true
    _ = try? planner.store.sweepWorkFolders()
    observer.runBegins(overview)
    shown.begin(keys())
    noteFresh(selection.filter { accounts[$0].state == .fresh })
    while true {
      advance()
      if board.running.isEmpty && board.fetching.isEmpty && !isWaiting && isExchangeOver { break }
      tellSharing()
      wait(signals)
      hear(signals)
      for event in executor.watch() { take(event) }
      attendRemote()
      lookAgain()
      observer.timePasses()
    }
    // A signal that came while the last action was being published still counts.
    hear(signals)
    settleRest()
    executor.close()
    planner.store.dropSpares()
    journal.close(
      RunSummary(
        actions: selection.map { index in
          RunSummary.Action(
            label: accounts[index].id, key: accounts[index].key, result: planner.result(index)?.digest,
            state: accounts[index].state.rawValue)
        }, seconds: ((Clock.seconds() - began) * 1000).rounded() / 1000, exit: Int(status.rawValue)))
    nameResults()
    planner.sources.save()
    planner.saveIndex()
    return status
  }

  /// Names the results after the pipeline in the store's `index.json`, for tools that know OCI and nothing of us.
  ///
  /// A run that has made nothing sets the name where it leads nowhere, since nothing else would.
  func nameResults() {
    let (store, name) = (planner.store, planner.pipeline.name)
    guard !made.isEmpty || (try? store.isDangling(name)) ?? false else { return }
    let results = planner.pipeline.actions.indices.compactMap { planner.result($0) }
    guard !results.isEmpty else { return }
    // Nothing of ours reads it, so that it may lag.
    try? store.setReference(name, toIndexOf: results)
  }

  /// Judges what has become judgeable, and starts what can start.
  private func advance() {
    guard interruption == nil else { return }
    block()
    while let index = board.nextJudgeable { judgeDuringRun(index) }
    block()
    guard mayStart else { return }
    beginFetches()
    while let index = board.nextReady {
      guard case .ready(let document, _) = board[index] else { preconditionFailure("it is in the queue of those") }
      // Cells that differ in nothing that their stage reads are one action.
      if board.isUnderWay(document.key) {
        board.setAside(index, for: document.key)
        continue
      }
      guard let share = shares.take(ready: board.readyCount) else { return }
      if !start(index, threads: share) { shares.give(share) }
      guard mayStart else { return }
    }
  }

  /// Gives up what needs actions that failed.
  private func block() {
    while let failed = unsettled.popLast() {
      for index in board.followers(of: failed) {
        if case .ended = board[index] { continue }
        end(index, .blocked, "needs \(accounts[failed].id)")
      }
    }
  }

  private var isExchangeOver: Bool { isAbandoned || remote?.exchange.isIdle ?? true }

  /// Whether nothing speaks against starting one more.
  private var mayStart: Bool { interruption == nil && (failures.isEmpty || options.keepsGoing) }

  /// Whether something can still happen without a process of ours.
  private var isWaiting: Bool { mayStart && board.hasOpen }

  private func judgeDuringRun(_ index: Int) {
    do {
      try planner.lookAtOriginsAgain()
      try judge(index)
      if accounts[index].state == .fresh {
        noteFresh([index])
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
    for descriptor in executor.descriptors {
      descriptors.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
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
    if !board.running.isEmpty {
      let again = number == SIGINT ? "; Ctrl-C again ends them at once" : ""
      observer.notice("Stopping: what runs saves its state\(again).")
    }
    for index in board.running { executor.cancel(index, atOnce: false) }
    cancelRemote()
  }

  private func killAll() {
    for index in board.running { executor.cancel(index, atOnce: true) }
    abandonFetches()
  }

  /// Takes note of what a process told, or takes leave of it.
  private func take(_ event: ExecutorEvent) {
    switch event {
    case .told(let index, let reports):
      if case .running(let running) = board[index] { tell(index, running, reports) }
    case .ended(let index):
      if case .running(let running) = board[index] { finish(index, running) }
    }
  }

  func tell(_ index: Int, _ running: RunningAction, _ reports: [ActionReport]) {
    let id = accounts[index].id
    for event in running.take(reports) {
      observer.action(id, tells: event)
      if case .progress = event { continue }
      if let object = event.json.object { journal.append(id, object) }
    }
  }

  /// Looks several times a second whether other processes have finished actions, or given them up.
  private func lookAgain() {
    guard interruption == nil, !board.held.isEmpty, Clock.seconds() - lastLook > 0.05 else { return }
    lastLook = Clock.seconds()
    for index in board.held { lookAgain(index) }
  }

  private func lookAgain(_ index: Int) {
    guard case .held(let document, let reason) = board[index] else { return }
    do {
      if let result = try planner.publishedResult(document.key, of: index) { return takeOver(index, result) }
      if let holder = try planner.store.holder(of: document.key) {
        observer.action(accounts[index].id, isHeldBy: holder.description)
      } else {
        board.move(index, to: .ready(document, reason))
      }
    } catch {
      fail(index, error)
    }
  }

  /// Takes note of an action's result, whoever made it.
  func settle(_ index: Int, _ result: ActionResult) {
    planner.note(result, of: index)
    board.move(index, to: .ended)
    board.resultArrived(index)
  }

  /// Uses a result that another process, or another cell of this run, made.
  func takeOver(_ index: Int, _ result: ActionResult) {
    let twin = made[result.key]
    settle(index, result)
    let message = twin.map { "same as \(accounts[$0].id)" } ?? "made by another process"
    let id = accounts[index].id
    set(index, twin == nil ? .waited : .fresh, reason: twin == nil ? "\(id) was \(message)" : nil, result: result)
    noteFresh([index])
    observer.actionEnds(ActionEnding(id: id, state: accounts[index].state, message: message))
  }

  // MARK: Ends

  /// Notes the end of an action that has no result.
  func end(_ index: Int, _ state: ActionState, _ message: String, remedy: String? = nil, logTail: [String] = []) {
    board.move(index, to: .ended)
    if state == .failed { unsettled.append(index) }
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
      if case .ended = board[index] { continue }
      let needs = planner.pipeline.actions[index].dependencies
      if needs.contains(where: { [.failed, .blocked].contains(accounts[$0].state) }) {
        accounts[index].state = .blocked
      }
      board.move(index, to: .ended)
    }
  }
}
