import CanonicalJSON
import Glibc
import Records
import SafetensorsFormat
import SystemPackage
import Tensors

/// The checkpoints of a run: folders `step-<n>` that appear by rename, the newest two.
///
/// Each holds a seal with the action's name and the digest of every file, both checked before a byte is used. A folder
/// that a killed process left half-written has another name and is passed over; one that doesn't fit its seal is reported
/// and set aside under another name, and the one before it is taken.
struct CheckpointFolder {
  let place: CheckpointPlace

  private static let prefix = "step-"
  private static let unfinished = "writing-"
  private static let setAside = "unusable-"
  private static let tensors = "state.safetensors"
  private static let members = "state.json"
  private static let curves = "curves.jsonl"

  private var path: FilePath { place.folder }

  /// Checkpoints, the oldest first.
  private var names: [String] {
    FileContent.names(in: path).filter { $0.hasPrefix(Self.prefix) && $0.utf8.count == Self.name(0).utf8.count }
  }

  private static func name(_ step: Int) -> String {
    let digits = String(step)
    return prefix + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
  }

  /// What a checkpoint is refused for.
  private struct Unusable: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
  }

  /// Takes over the newest checkpoint that is whole and of this action.
  ///
  /// - Parameters:
  ///   - state: Receives the checkpoint; as it was if there is none.
  ///   - steps: A checkpoint beyond so many steps belongs to another run.
  ///   - warn: Told of every checkpoint that can't be used.
  /// - Returns: The curve up to the checkpoint.
  func restore(into state: inout TrainingState, steps: Int, warn: (String) -> Void) -> CurvePrefix {
    for name in names.reversed() {
      do {
        var candidate = state
        let prefix = try read(name, into: &candidate, steps: steps)
        state = candidate
        return prefix
      } catch {
        let aside = Self.setAside + name
        Self.remove(path.appending(aside))
        let isAside = rename(path.appending(name).string, path.appending(aside).string) == 0
        warn(
          "checkpoint \(name) is not used: \(error)"
            + (isAside ? "; it is set aside as \(path.appending(aside))" : "; it can't be set aside"))
      }
    }
    return CurvePrefix()
  }

  private func read(_ name: String, into state: inout TrainingState, steps: Int) throws -> CurvePrefix {
    let folder = path.appending(name)
    guard let seal = CheckpointSeal(json: try FileContent.json(folder.appending(CheckpointSeal.fileName))) else {
      throw Unusable("\(CheckpointSeal.fileName) lacks a member")
    }
    guard seal.action.utf8.elementsEqual(place.action.utf8) else {
      throw Unusable("it belongs to another action than \(place.action)")
    }
    let expected = [Self.curves, CheckpointSeal.fileName, Self.members, Self.tensors]
    guard FileContent.names(in: folder) == expected.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) else {
      throw Unusable("it holds other files than \(expected.joined(separator: ", "))")
    }
    func bytes(_ name: String) throws -> [UInt8] {
      let bytes = try FileContent.read(folder.appending(name))
      guard bytes.withUnsafeBytes({ seal.fits($0, name, place.digest) }) else {
        throw Unusable("the bytes of \(name) are not those that were written")
      }
      return bytes
    }
    let (members, curves) = (try bytes(Self.members), try bytes(Self.curves))
    let file = try SafetensorsFile(folder.appending(Self.tensors)) { seal.fits($0, Self.tensors, place.digest) }
    guard state.adopt(try JSONValue(parsing: members)) else { throw Unusable("\(Self.members) lacks a member") }
    guard state.step <= steps, Self.name(state.step) == name else {
      throw Unusable("it is of step \(state.step) of \(steps)")
    }
    let prefix = CurvePrefix(bytes: curves, rows: try CurveFiles.rows(of: curves, folder.appending(Self.curves)))
    try copy(file, to: state.tensors)
    return prefix
  }

  /// Fills tensors; nothing is written to before all is known to be whole.
  private func copy(_ file: SafetensorsFile, to wanted: [(name: String, tensor: Tensor)]) throws {
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
    for (entry, wanted) in zip(entries, wanted) { try file.copyFloats(of: entry, to: wanted.tensor.buffer) }
  }

  /// Writes a checkpoint and removes all but the newest two.
  /// - Throws: `Errno`, such as `noSpace`.
  func save(_ state: TrainingState, curves: [UInt8]) throws {
    let target = path.appending(Self.name(state.step))
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
    try writer.write(to: temporary.appending(Self.tensors))
    let members = Array(state.json.prettyText.utf8)
    try FileContent.write(curves, to: temporary.appending(Self.curves))
    try FileContent.write(members, to: temporary.appending(Self.members))
    var files: [CheckpointSeal.File] = []
    func add(_ name: String, _ bytes: UnsafeRawBufferPointer) {
      files.append(CheckpointSeal.File(name: name, size: bytes.count, digest: place.digest(bytes)))
    }
    curves.withUnsafeBytes { add(Self.curves, $0) }
    members.withUnsafeBytes { add(Self.members, $0) }
    _ = try SafetensorsFile(temporary.appending(Self.tensors)) {
      add(Self.tensors, $0)
      return true
    }
    let seal = CheckpointSeal(action: place.action, files: files)
    try FileContent.write(seal.json.prettyText.utf8, to: temporary.appending(CheckpointSeal.fileName))
    for name in FileContent.names(in: temporary) { try Self.synchronise(temporary.appending(name)) }
    Self.remove(target)
    guard rename(temporary.string, target.string) == 0 else { throw Errno(rawValue: errno) }
    try Self.synchronise(path)
    // What lies beyond this step could not be used.
    let kept = names.filter { $0 <= Self.name(state.step) }.suffix(2)
    for name in names where !kept.contains(name) { Self.remove(path.appending(name)) }
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
