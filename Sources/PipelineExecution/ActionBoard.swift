import ArtifactStore
import ContentAddressing

/// Where an action of a run stands.
enum ActionPhase {
  /// What it reads is not made yet.
  case waiting
  /// What it reads is made; whether it must run is to be looked up.
  case judgeable
  /// Its result is to be looked for at the remote before it starts.
  case sought(KeyDocument, StaleReason)
  /// It can start.
  case ready(KeyDocument, StaleReason)
  /// Another process runs it.
  case held(KeyDocument, StaleReason)
  /// Its process runs.
  case running(RunningAction)
  /// Its result is looked for at the remote, or comes from there.
  case fetching(FetchedAction)
  /// Nothing more happens with it.
  case ended
}

/// Every action of a run with its phase, and the actions of each phase at hand: what is done at an event costs the same
/// whatever the number of actions.
struct ActionBoard {
  /// The actions of the run, ascending.
  let selection: [Int]
  /// The actions that read what an action makes, ascending.
  private let dependents: [[Int]]
  private var phases: [ActionPhase]
  /// How many of the actions that an action reads have no result.
  private var missing: [Int]
  private(set) var running: IndexList = IndexList()
  private(set) var fetching: IndexList = IndexList()
  private(set) var held: IndexList = IndexList()
  private var ready = IndexQueue()
  private var sought = IndexQueue()
  private var judgeable = IndexQueue()
  /// Actions that wait for another cell of the same key.
  private var twins: [ActionKey: [Int]] = [:]
  /// The actions that run here or whose results are on their way, by key.
  private var underWay: [ActionKey: Int] = [:]

  /// A board on which everything waits.
  ///
  /// - Parameters:
  ///   - selection: The actions of the run, ascending, all that they read among them.
  ///   - dependencies: The actions that each action of the pipeline reads.
  init(selection: [Int], dependencies: [[Int]]) {
    self.selection = selection
    var dependents: [[Int]] = Array(repeating: [], count: dependencies.count)
    for index in selection { for dependency in dependencies[index] { dependents[dependency].append(index) } }
    self.dependents = dependents
    phases = Array(repeating: .waiting, count: dependencies.count)
    missing = dependencies.map(\.count)
  }

  subscript(_ index: Int) -> ActionPhase { phases[index] }

  /// The key document of an action that is to run, and why.
  func pending(_ index: Int) -> (KeyDocument, StaleReason)? {
    switch phases[index] {
    case .sought(let document, let reason), .ready(let document, let reason): (document, reason)
    default: nil
    }
  }

  /// The first action of the plan that can be judged.
  var nextJudgeable: Int? { mutating get { judgeable.first } }
  /// The first action of the plan that is to be looked for at the remote.
  var nextSought: Int? { mutating get { sought.first } }
  /// The first action of the plan that can start.
  var nextReady: Int? { mutating get { ready.first } }
  /// How many actions can start.
  var readyCount: Int { ready.count }
  /// Whether something waits that needs no process of ours to go on.
  var hasOpen: Bool { !(held.isEmpty && ready.isEmpty && sought.isEmpty && judgeable.isEmpty && twins.isEmpty) }

  /// Whether an action of this key runs here or its result is on its way.
  func isUnderWay(_ key: ActionKey) -> Bool { underWay[key] != nil }

  /// Moves an action to another phase.
  mutating func move(_ index: Int, to phase: ActionPhase) {
    leave(index)
    phases[index] = phase
    switch phase {
    case .waiting, .ended: break
    case .judgeable: judgeable.insert(index)
    case .sought: sought.insert(index)
    case .ready: ready.insert(index)
    case .held: held.insert(index)
    case .running(let action):
      running.insert(index)
      underWay[action.document.key] = index
    case .fetching(let fetch):
      fetching.insert(index)
      underWay[fetch.document.key] = index
    }
  }

  private mutating func leave(_ index: Int) {
    switch phases[index] {
    case .waiting, .ended: break
    case .judgeable: judgeable.remove(index)
    case .sought: sought.remove(index)
    case .ready: ready.remove(index)
    case .held: held.remove(index)
    case .running(let action):
      running.remove(index)
      released(action.document.key)
    case .fetching(let fetch):
      fetching.remove(index)
      released(fetch.document.key)
    }
  }

  /// Lets those go on that waited for an action of the same key.
  private mutating func released(_ key: ActionKey) {
    underWay[key] = nil
    for index in twins.removeValue(forKey: key) ?? [] {
      switch phases[index] {
      case .sought: sought.insert(index)
      case .ready: ready.insert(index)
      default: break
      }
    }
  }

  /// Sets an action that is ready aside until the one of the same key has ended.
  mutating func setAside(_ index: Int, for key: ActionKey) {
    ready.remove(index)
    sought.remove(index)
    twins[key, default: []].append(index)
  }

  /// Lets everything that was to be looked for at the remote start instead.
  mutating func stopSeeking() {
    for index in selection {
      if case .sought(let document, let reason) = phases[index] { move(index, to: .ready(document, reason)) }
    }
  }

  /// Takes note of an action's result.
  ///
  /// Those that waited for nothing else become judgeable.
  mutating func resultArrived(_ index: Int) {
    for dependent in dependents[index] {
      missing[dependent] -= 1
      if missing[dependent] == 0, case .waiting = phases[dependent] { move(dependent, to: .judgeable) }
    }
  }

  /// Takes note that an action's result is no more: what reads it waits again, unless it has it already.
  mutating func resultLost(_ index: Int) {
    for dependent in dependents[index] {
      missing[dependent] += 1
      switch phases[dependent] {
      case .judgeable, .sought, .ready, .held: move(dependent, to: .waiting)
      case .waiting, .running, .fetching, .ended: break
      }
    }
  }

  /// Whether all that an action reads has a result.
  func hasInputs(_ index: Int) -> Bool { missing[index] == 0 }

  /// All that reads what an action makes, directly or by others, ascending.
  func followers(of index: Int) -> [Int] {
    var found: Set<Int> = []
    var open = dependents[index]
    while let next = open.popLast() {
      if found.insert(next).inserted { open += dependents[next] }
    }
    return found.sorted()
  }
}

/// A small set of indices that is gone through in ascending order.
struct IndexList: Sequence {
  private var members: [Int] = []

  var isEmpty: Bool { members.isEmpty }
  var count: Int { members.count }

  mutating func insert(_ index: Int) {
    let place = members.firstIndex { $0 >= index } ?? members.endIndex
    if place == members.endIndex || members[place] != index { members.insert(index, at: place) }
  }

  mutating func remove(_ index: Int) { members.removeAll { $0 == index } }

  func makeIterator() -> IndexingIterator<[Int]> { members.makeIterator() }
}

/// Indices of which the smallest is at hand; inserting and removing cost the logarithm of their number.
struct IndexQueue {
  private var heap: [Int] = []
  private var members: Set<Int> = []

  var isEmpty: Bool { members.isEmpty }
  var count: Int { members.count }

  /// The smallest; what was removed goes on the way.
  var first: Int? {
    mutating get {
      while let top = heap.first, !members.contains(top) { removeTop() }
      return heap.first
    }
  }

  mutating func insert(_ index: Int) {
    guard members.insert(index).inserted else { return }
    heap.append(index)
    var child = heap.count - 1
    while child > 0, heap[(child - 1) / 2] > heap[child] {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func remove(_ index: Int) {
    members.remove(index)
    if members.isEmpty { heap.removeAll(keepingCapacity: true) }
  }

  private mutating func removeTop() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
        least = child
      }
      if least == parent { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
