import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Glibc
import PipelineLanguage
import StageKit
import SystemPackage

/// Makes ready what the process of an action finds: links to its inputs, folders for its outputs, its request.
struct ActionPreparation {
  let store: Store
  let numerics: NumericsPolicy
  /// The digest of an input's artifact; nil for a path outside the store.
  let artifact: (InputSource) -> Digest?
  /// What stands in for a path outside the store where there is nothing.
  let replacement: (InputSource) throws -> AbsentSources.Known?

  /// Makes ready an attempt at an action.
  ///
  /// - Parameters:
  ///   - action: The action.
  ///   - document: Its key document.
  ///   - threads: How many threads it may use.
  ///   - lease: The right to run it.
  ///   - log: Where its output goes.
  /// - Returns: What it holds, and what is to be submitted.
  /// - Throws: `StoreError` or `Errno` where the system refuses.
  func prepare(
    _ action: PlannedAction, _ document: KeyDocument, threads: Int, lease: Lease, log: FilePath
  ) throws -> (running: RunningAction, job: ActionJob) {
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
        parameters: action.parameters.object, work: try store.checkpointFolder(for: document.key), threads: threads)
      let file = work.request
      try SmallFile.write(file, Array(request.json.text.utf8))
      let job = ActionJob(
        request: file, command: try command(of: action, document, in: work), log: log,
        environment: ProcessEnvironment.variables(isPortable: numerics == .portable, forOwnProgram: true))
      let running = RunningAction(
        action: action, document: document, threads: threads, work: work, log: log, lease: lease)
      return (running, job)
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
  ///
  /// - Throws: `StageFailure` where the code is no longer what the key says.
  private func command(of action: PlannedAction, _ document: KeyDocument, in work: WorkFolder) throws -> FilePath? {
    guard case .command(let stage) = action.implementation else { return nil }
    let folder = work.code
    try SmallFile.makeFolder(folder)
    try work.removeCode(but: Set(stage.code.map(\.string)))
    for file in stage.code {
      let (source, copy) = (stage.folder.pushing(file), folder.pushing(file))
      try SmallFile.makeFolder(copy.removingLastComponent())
      var status = stat()
      let isProgram = stat(source.string, &status) == 0 && status.st_mode & S_IXUSR != 0
      let bytes = try SmallFile.bytes(of: source)
      guard Digest(hashing: bytes) == document.program?.code[file.string] else {
        throw StageFailure("\(source) was changed after the run had looked at it", remedy: "run again")
      }
      try SmallFile.write(copy, bytes)
      _ = chmod(copy.string, isProgram ? 0o755 : 0o644)
    }
    let command = UserCommand(
      command: stage.command, directory: folder,
      environment: ProcessEnvironment.variables(
        isPortable: numerics == .portable, forOwnProgram: false, passing: stage.environment),
      outputs: stage.declaration.outputs.map { ($0.name, $0.kind) })
    let file = work.path.appending("command.json")
    // It holds values of variables that may be secrets.
    try SmallFile.write(file, Array(command.json.text.utf8), permissions: .ownerReadWrite)
    _ = chmod(file.string, 0o600)
    return file
  }
}
