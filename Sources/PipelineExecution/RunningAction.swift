import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Glibc
import PipelineLanguage
import StageKit
import SystemPackage

/// An action whose process runs: what it holds and what it has told.
final class RunningAction {
  let action: PlannedAction
  let document: KeyDocument
  let threads: Int
  let work: WorkFolder
  let log: FilePath
  let began = Clock.seconds()
  var process: ActionProcess
  /// Whether its events can still be read.
  var isListening = true
  private let lease: Lease

  private(set) var summary: String?
  private(set) var measures: JSONObject = [:]
  private(set) var environment: JSONObject = [:]
  private(set) var failure: (message: String, remedy: String?)?

  init(
    action: PlannedAction, document: KeyDocument, threads: Int, work: WorkFolder, log: FilePath,
    process: ActionProcess, lease: Lease
  ) {
    self.action = action
    self.document = document
    self.threads = threads
    self.work = work
    self.log = log
    self.process = process
    self.lease = lease
  }

  /// Takes in what the process told.
  ///
  /// - Returns: The stage's events among it, to be shown.
  func take(_ reports: [ActionReport]) -> [StageEvent] {
    reports.compactMap { report in
      switch report {
      case .failure(let message, let remedy):
        // The first is a program's own words; that it ended badly is the supervisor's.
        failure = failure ?? (message, remedy)
        return nil
      case .environment(let environment):
        // The supervisor's own comes first; what a user's program adds stands apart.
        if self.environment.members.isEmpty {
          self.environment = environment
        } else {
          self.environment["program"] = .object(environment)
        }
        return nil
      case .stage(let event):
        switch event {
        case .summary(let text): summary = text
        case .measure(let name, let value): measures[name] = .number(value)
        case .progress, .warning: break
        }
        return event
      }
    }
  }

  /// Publishes what the process wrote and records it as the action's result.
  func publish(in store: Store) throws -> Recording {
    let publication = try store.beginPublication(in: work)
    var artifacts: [String: Artifact] = [:]
    for output in action.declaration.outputs {
      guard let kind = KindName(output.kind.rawValue) else { preconditionFailure("\(output.kind) is no name") }
      do {
        artifacts[output.name] = try publication.add(folder: work.output(output.name), kind: kind)
      } catch {
        guard case .emptyArtifact = error else { throw error }
        if !output.isOptional { throw StageFailure("the stage wrote nothing to its output \(output.name)") }
      }
    }
    return try publication.record(document, environment: .object(environment), outputs: artifacts)
  }

  /// Removes what is left of the attempt and lets others run the action; checkpoints stay.
  func leave() {
    try? work.remove()
    lease.release()
  }

  /// The last lines of its log, empty ones left out.
  func logTail(_ count: Int) -> [String] {
    guard let bytes = try? SmallFile.tail(of: log, limit: 8 << 10) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(count).map {
      String($0.prefix(200))
    }
  }
}

/// Makes ready what the process of an action finds: links to its inputs, folders for its outputs, its request.
struct ActionPreparation {
  let store: Store
  let program: ActionProgram
  let numerics: NumericsPolicy
  /// The digest of an input's artifact; nil for a path outside the store.
  let artifact: (InputSource) -> Digest?
  /// What stands in for a path outside the store where there is nothing.
  let replacement: (InputSource) throws -> AbsentSources.Known?

  /// Starts the process of an action.
  ///
  /// - Throws: `StoreError` or `Errno` where the system refuses.
  func start(
    _ action: PlannedAction, _ document: KeyDocument, threads: Int, lease: Lease,
    log: (descriptor: FileDescriptor, path: FilePath)
  ) throws -> RunningAction {
    let work = try store.makeWorkFolder(for: document.key)
    do {
      var inputs: [(port: String, inputs: [StageInput])] = []
      for input in action.inputs {
        inputs.append((input.port.name, try link(input, into: work)))
      }
      var outputs: [(port: String, path: FilePath)] = []
      for output in action.declaration.outputs {
        let folder = work.output(output.name)
        try SmallFile.makeFolder(folder)
        outputs.append((output.name, folder))
      }
      let request = ActionRequest(
        stage: action.declaration.name, key: "\(document.key.digest)", inputs: inputs, outputs: outputs,
        parameters: action.parameters.object, work: try store.checkpointFolder(for: document.key),
        threads: threads)
      let file = work.path.appending("action.json")
      try SmallFile.write(file, Array(request.json.text.utf8))
      let process = try ActionProcess(
        program: program, request: file, command: try command(of: action, in: work), log: log.descriptor,
        environment: ProcessEnvironment.variables(isPortable: numerics == .portable, forOwnProgram: true))
      return RunningAction(
        action: action, document: document, threads: threads, work: work, log: log.path, process: process,
        lease: lease)
    } catch {
      try? work.remove()
      throw error
    }
  }

  /// Folders with links to an input's files; a path outside the store stands for itself.
  private func link(_ input: PlannedInput, into work: WorkFolder) throws -> [StageInput] {
    var inputs: [StageInput] = []
    for (index, source) in input.sources.enumerated() {
      guard let digest = artifact(source) else {
        guard case .path(let path, _, let label, _) = source else { continue }
        guard let known = try replacement(source) else {
          inputs.append(StageInput(label: label, path: path))
          continue
        }
        if let place = known.places.first {
          inputs.append(StageInput(label: label, path: place))
          continue
        }
        let folder = work.input(input.port.name).appending("\(index)")
        try store.linkFiles(of: known.manifest, into: folder)
        let file = known.isFolder ? nil : known.manifest.layers.first?.title
        inputs.append(StageInput(label: label, path: file.map { folder.pushing(FilePath($0)) } ?? folder))
        continue
      }
      let port = work.input(input.port.name)
      let folder = input.port.isMany ? port.appending("\(index)") : port
      try store.linkFiles(of: try store.manifest(digest, neededBy: "input \(input.port.name)"), into: folder)
      inputs.append(StageInput(label: source.label, axes: source.axes, digest: "\(digest)", path: folder))
    }
    return inputs
  }

  /// Copies a user's code and says how to start it; nil for a built-in stage.
  private func command(of action: PlannedAction, in work: WorkFolder) throws -> FilePath? {
    guard case .command(let stage) = action.implementation else { return nil }
    let folder = work.path.appending("code")
    try SmallFile.makeFolder(folder)
    for file in stage.code {
      let (source, copy) = (stage.folder.pushing(file), folder.pushing(file))
      try SmallFile.makeFolder(copy.removingLastComponent())
      var status = stat()
      let isProgram = stat(source.string, &status) == 0 && status.st_mode & S_IXUSR != 0
      let plain: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
      try SmallFile.write(
        copy, try SmallFile.bytes(of: source),
        permissions: isProgram ? plain.union([.ownerExecute, .groupExecute, .otherExecute]) : plain)
    }
    let command = UserCommand(
      command: stage.command, directory: folder,
      environment: ProcessEnvironment.variables(isPortable: numerics == .portable, forOwnProgram: false),
      outputs: stage.declaration.outputs.map { ($0.name, $0.kind) })
    let file = work.path.appending("command.json")
    try SmallFile.write(file, Array(command.json.text.utf8))
    return file
  }
}
