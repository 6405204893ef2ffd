import CanonicalJSON
import Glibc
import Records
import SafetensorsFormat
import SystemPackage
import Tensors

/// The checkpoints of a run: folders `step-<n>` that appear by rename, the newest two.
///
/// A folder that a killed process left half-written has another name and is passed over; one that is damaged is
/// reported and removed, and the one before it is taken.
struct CheckpointFolder {
  let path: FilePath

  private static let prefix = "step-"
  private static let unfinished = "writing-"

  /// Checkpoints, the oldest first.
  private var names: [String] {
    FileContent.names(in: path).filter { $0.hasPrefix(Self.prefix) && $0.utf8.count == Self.name(0).utf8.count }
  }

  private static func name(_ step: Int) -> String {
    let digits = String(step)
    return prefix + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
  }

  /// Takes over the newest checkpoint that is whole.
  ///
  /// - Parameters:
  ///   - state: Receives the checkpoint; as it was if there is none.
  ///   - steps: A checkpoint beyond so many steps belongs to another run.
  ///   - warn: Told of every checkpoint that can't be used.
  /// - Returns: The rows of the curve up to the checkpoint.
  func restore(into state: inout TrainingState, steps: Int, warn: (String) -> Void) -> [CurveRow] {
    for name in names.reversed() {
      do {
        var candidate = state
        let rows = try Self.read(path.appending(name), into: &candidate, steps: steps)
        state = candidate
        return rows
      } catch {
        warn("checkpoint \(name) is not used: \(error)")
        Self.remove(path.appending(name))
      }
    }
    return []
  }

  private static func read(_ folder: FilePath, into state: inout TrainingState, steps: Int) throws -> [CurveRow] {
    let json = folder.appending("state.json")
    guard state.adopt(try FileContent.json(json)) else {
      throw RecordError(file: json, reason: "a member is missing")
    }
    guard state.step <= steps else { throw RecordError(file: json, reason: "step \(state.step) of \(steps)") }
    let rows = try CurveFiles.read(folder.appending("curves.jsonl"))
    let file = try SafetensorsFile(folder.appending("state.safetensors"))
    let wanted = state.tensors
    for entry in file.entries where !wanted.contains(where: { $0.name == entry.name }) {
      throw SafetensorsError(file: file.path, reason: .unfit("tensor \(entry.name) is one too many"))
    }
    let entries = try wanted.map { wanted in
      let entry = try file.require(wanted.name, types: [.float32], rank: 1)
      guard entry.shape == wanted.tensor.shape.extents else {
        throw SafetensorsError(
          file: file.path, reason: .unfit("tensor \(wanted.name) has shape \(entry.shape), not \(wanted.tensor.shape)"))
      }
      return entry
    }
    // Nothing is written to before all is known to be whole.
    for (entry, wanted) in zip(entries, wanted) { try file.copyFloats(of: entry, to: wanted.tensor.buffer) }
    return rows
  }

  /// Writes a checkpoint and removes all but the newest two.
  /// - Throws: `Errno`, such as `noSpace`.
  func save(_ state: TrainingState, curves: [UInt8]) throws {
    let target = path.appending(Self.name(state.step))
    if FileContent.exists(target) { return }
    try Self.create(path)
    for name in FileContent.names(in: path) where name.hasPrefix(Self.unfinished) {
      Self.remove(path.appending(name))
    }
    let temporary = path.appending("\(Self.unfinished)\(getpid())")
    try Self.create(temporary)
    defer { Self.remove(temporary) }
    var writer = SafetensorsWriter()
    for (name, tensor) in state.tensors {
      writer.add(name, shape: tensor.shape.extents, memory: UnsafeBufferPointer(tensor.buffer))
    }
    try writer.write(to: temporary.appending("state.safetensors"))
    try FileContent.write(curves, to: temporary.appending("curves.jsonl"))
    try FileContent.write(state.json.prettyText.utf8, to: temporary.appending("state.json"))
    for name in FileContent.names(in: temporary) { try Self.synchronise(temporary.appending(name)) }
    guard rename(temporary.string, target.string) == 0 else { throw Errno(rawValue: errno) }
    try Self.synchronise(path)
    for name in names.dropLast(2) { Self.remove(path.appending(name)) }
  }

  private static func create(_ folder: FilePath) throws {
    guard mkdir(folder.string, 0o755) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
  }

  private static func synchronise(_ path: FilePath) throws {
    let descriptor = try FileDescriptor.open(path, .readOnly)
    try descriptor.closeAfter {
      if fsync(descriptor.rawValue) != 0 { throw Errno(rawValue: errno) }
    }
  }

  /// Removes a checkpoint's folder.
  private static func remove(_ folder: FilePath) {
    for name in FileContent.names(in: folder) { unlink(folder.appending(name).string) }
    rmdir(folder.string)
  }
}
