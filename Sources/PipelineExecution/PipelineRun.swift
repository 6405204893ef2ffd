import ArtifactStore
package import CanonicalJSON
import ContentAddressing
import Glibc
import PipelineLanguage
package import StageKit
package import SystemPackage

/// One run of a pipeline: judges every action, starts those that are to run, and waits for all of them.
///
/// It lives on one thread, which waits for signals and for what the processes tell.
package final class PipelineRun {
  let planner: Planner
  let options: RunOptions
  let executor: any Executor
  let memory: PipelineMemory
  let observer: any RunObserver
  let journal: RunJournal
  let shown: ResultsShown
  /// The actions of this run, ascending.
  package let selection: [Int]
  /// Where every action stands.
  var board: ActionBoard
  /// Actions that ran here or came from the remote, by key: other cells of the same key are the same action.
  var made: [ActionKey: Int] = [:]
  /// Actions that failed or were blocked and whose followers were not told yet.
  var unsettled: [Int] = []
  /// When held actions were looked at last.
  var lastLook = 0.0
  /// What is known of every action so far.
  var accounts: [ActionAccount]
  var shares: ThreadShare
  /// How failed actions ended, by index.
  var failures: [Int: ExitStatus] = [:]
  /// How the run ends because a signal asked for it.
  var interruption: ExitStatus?
  var deadline: Double?
  /// Texts of the reports that were made.
  var reports: [String] = []
  /// Actions whose lost results were made again in this run, so that it is tried only once.
  var rebuilt: Set<Int> = []
  /// Where results are looked for and shared; nil where that is not wanted.
  let remote: Remote?
  /// Whether nobody waits any more for what comes from the remote and goes there.
  var isAbandoned = false

  /// A run.
  ///
  /// - Parameters:
  ///   - planner: Judges actions.
  ///   - selection: The actions to bring up to date, ascending, all that they need among them.
  ///   - options: Threads, jobs and the like.
  ///   - program: What runs an action.
  ///   - memory: What is known of earlier runs.
  ///   - details: What the journal says of the run as a whole.
  ///   - observer: Is told what happens.
  package init(
    planner: Planner, selection: [Int], options: RunOptions, program: ActionProgram, memory: PipelineMemory,
    details: JSONObject, observer: any RunObserver
  ) {
    self.planner = planner
    self.selection = selection
    self.options = options
    executor = LocalExecutor(program: program)
    self.memory = memory
    self.observer = observer
    let pipeline = planner.pipeline
    journal = RunJournal(store: planner.store, pipeline: pipeline.name, memory: memory, details: details)
    shown = ResultsShown(options.results, pipeline: pipeline, store: planner.store)
    remote = options.remote.map { Remote($0, store: planner.store) }
    shares = ThreadShare(threads: options.threads, jobs: options.jobs)
    board = ActionBoard(selection: selection, dependencies: pipeline.actions.map(\.dependencies))
    accounts = pipeline.actions.map { ActionAccount(stage: $0.stage, cell: $0.cell?.description, state: .stale) }
  }

  // MARK: Before anything runs

  /// Judges every action as far as that is possible before anything runs.
  ///
  /// - Throws: `StoreError` or `SourceProblem`.
  package func plan() throws {
    // Actions that read nothing but what is known are looked up together, so that all cores share the work.
    var rest = selection[...]
    while let first = rest.first {
      let wave = rest.prefix { index in
        index == first || planner.pipeline.actions[index].dependencies.allSatisfy { planner.result($0) != nil }
      }
      if wave.allSatisfy({ planner.pipeline.actions[$0].dependencies.allSatisfy { planner.result($0) != nil } }) {
        try planner.lookAhead(Array(wave))
      }
      for index in wave { try judge(index) }
      rest = rest.dropFirst(wave.count)
    }
  }

  /// Whether nothing is to run.
  package var isUpToDate: Bool { selection.allSatisfy { accounts[$0].state == .fresh } }

  /// The actions of this run in plan order, with what is known of them.
  package var selectedAccounts: [ActionAccount] { selection.map { accounts[$0] } }

  /// What is known before anything runs.
  package var overview: RunOverview {
    let pending = selection.filter { accounts[$0].state != .fresh }
    let atRemote = pending.filter { accounts[$0].origin != nil }
    let toRun = pending.filter { accounts[$0].origin == nil }
    let tasks = toRun.compactMap { index in
      memory.cost(of: accounts[index].id).map {
        RunEstimator.Task(index: index, needs: planner.pipeline.actions[index].dependencies, cost: $0)
      }
    }
    let places = min(shares.jobs, shares.threads)
    return RunOverview(
      pipeline: planner.pipeline.name, actions: selection.count, fresh: selection.count - pending.count,
      pending: pending.map { accounts[$0].id },
      estimate: tasks.count == toRun.count && !tasks.isEmpty
        ? RunEstimator.estimate(tasks, places: places) : nil,
      threads: options.threads, remote: remote.map { ($0.summary.name, atRemote.count) },
      origins: ActionAccount.origins(selectedAccounts))
  }

  /// Puts the results folder, the latest records and a damaged reference in step where nothing is to run.
  ///
  /// - Returns: What went wrong with the results folder, or nil.
  package func refresh() -> String? {
    shown.begin(keys())
    noteFresh(selection)
    journal.close()
    nameResults()
    planner.sources.save()
    planner.saveIndex()
    return shown.trouble
  }

  /// Looks up whether an action must run, as far as that can be known.
  func judge(_ index: Int) throws {
    let id = accounts[index].id
    switch try planner.examine(index) {
    case .waiting(let needs):
      board.move(index, to: .waiting)
      let reason = StaleReason.waits(for: needs.map { accounts[$0].id }, because: cause(of: needs))
      set(index, .stale, reason: reason.sentence(id))
    case .fresh(let result):
      board.move(index, to: .ended)
      set(index, .fresh, result: result)
      accounts[index].origin = try planner.origins(of: result.key).first
      board.resultArrived(index)
    case .stale(let document, let reason):
      board.move(index, to: isToBeSought(document, reason) ? .sought(document, reason) : .ready(document, reason))
      set(index, .stale, reason: reason.sentence(id))
      accounts[index].key = document.key
      accounts[index].changes = reason.changes
      if case .lost = reason { accounts[index].isLost = true }
    }
  }

  /// Why the first of some actions, or what it waits for in turn, runs.
  private func cause(of needs: [Int]) -> String? {
    var root = needs.first
    while let index = root {
      guard case .waiting = board[index] else { return accounts[index].reason }
      root = planner.pipeline.actions[index].dependencies.first { planner.result($0) == nil }
    }
    return nil
  }

  /// The key of every action of the pipeline, where it is known: what may be shown of the actions that are no part of
  /// this run.
  func keys() -> [(label: String, key: ActionKey?)] {
    let selected = Set(selection)
    return planner.pipeline.actions.indices.map { index in
      if selected.contains(index) { return (accounts[index].id, accounts[index].key) }
      switch try? planner.examine(index) {
      case .fresh(let result)?: return (accounts[index].id, result.key)
      case .stale(let document, _)?: return (accounts[index].id, document.key)
      case .waiting?, nil: return (accounts[index].id, nil)
      }
    }
  }

  func set(_ index: Int, _ state: ActionState, reason: String? = nil, result: ActionResult? = nil) {
    accounts[index].state = state
    accounts[index].reason = reason
    if let result {
      accounts[index].key = result.key
      accounts[index].outputs = planner.pipeline.actions[index].declaration.outputs.compactMap { port in
        result.output(port.name).map { (port.name, $0.digest) }
      }
    }
  }

  /// Shows the results of fresh actions, and notes them as the latest.
  func noteFresh(_ indices: [Int]) {
    var fresh: [(result: ActionResult, label: String)] = []
    fresh.reserveCapacity(indices.count)
    for index in indices { if let result = planner.result(index) { fresh.append((result, accounts[index].id)) } }
    shown.show(fresh)
    journal.note(fresh)
  }

  // MARK: The end

  /// How the command line ends: by signal, else as the first failure in plan order says.
  package var status: ExitStatus {
    interruption ?? failures.min { $0.key < $1.key }?.value ?? .done
  }

  /// The folder in which an output of an action is shown; nil where results are not shown.
  package func shownFolder(of index: Int, port: String) -> FilePath? {
    shown.folder(of: planner.pipeline.actions[index], port: port)
  }

  /// What went wrong with the results folder, or nil.
  package var resultsTrouble: String? { shown.trouble }

  /// The texts of the reports that were made in this run.
  package var reportTexts: [String] { reports }
}
