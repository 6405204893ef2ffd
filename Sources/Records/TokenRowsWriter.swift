import CanonicalJSON
import Glibc
import SafetensorsFormat
public import SystemPackage

/// Writes a tokens folder row by row, byte for byte as `TokenRows.write` does; in memory are 12 bytes a row and a part of
/// the tokens.
///
/// The splits come one behind the other, in the order in which `ids.jsonl` is to name them.
public final class TokenRowsWriter {
  private let folder: FilePath
  private let ids: FileDescriptor
  private var names = JSONText()
  private var isFinished = false
  /// The tokens of the split until their number is known; the file has no name, so nothing of it is left.
  private let spool: FileDescriptor
  private var pending: [Int32] = []
  private var split: Split?
  private var offsets: [Int64] = [0]
  private var promptLengths: [Int32] = []
  /// How many tokens all splits have so far.
  public private(set) var tokenCount = 0

  /// How many rows the present split has.
  public var count: Int { promptLengths.count }

  /// Begins a folder.
  ///
  /// - Parameters:
  ///   - folder: An existing folder.
  ///   - work: Where the file without a name lies.
  /// - Throws: `Errno`.
  public init(to folder: FilePath, work: FilePath) throws {
    self.folder = folder
    let path = work.appending("tokens-\(getpid())")
    spool = try FileDescriptor.open(
      path, .readWrite, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
    unlink(path.string)
    do {
      ids = try FileContent.create(folder.appending("ids.jsonl"))
    } catch {
      try? spool.close()
      throw error
    }
  }

  deinit {
    if !isFinished { try? ids.close() }
    try? spool.close()
  }

  /// Begins a split; the one before is ended.
  /// - Throws: `Errno`, such as `noSpace`.
  public func begin(_ split: Split) throws {
    try end()
    self.split = split
  }

  /// Appends a row to the present split.
  ///
  /// - Parameters:
  ///   - id: The row's id.
  ///   - prompt: Tokens of the prompt, at least one.
  ///   - completion: Tokens of the completion, the end token included.
  /// - Throws: `Errno`, such as `noSpace`.
  public func append(id: String, prompt: [Int32], completion: [Int32]) throws {
    pending.append(contentsOf: prompt)
    pending.append(contentsOf: completion)
    let length = prompt.count + completion.count
    tokenCount += length
    offsets.append(offsets[offsets.count - 1] + Int64(length))
    promptLengths.append(Int32(prompt.count))
    names.raw("{\"id\":")
    names.append(id)
    names.raw(",\"split\":")
    names.append(split?.rawValue ?? "")
    names.raw("}\n")
    if pending.count > 1 << 18 { try flush() }
    if names.bytes.count > 1 << 20 { try flushNames() }
  }

  /// Ends the folder; without this it is incomplete.
  /// - Throws: `Errno`, such as `noSpace`.
  public func finish() throws {
    try end()
    try flushNames()
    isFinished = true
    try ids.close()
  }

  private func flush() throws {
    _ = try pending.map { $0.littleEndian }.withUnsafeBytes { try spool.writeAll($0) }
    pending.removeAll(keepingCapacity: true)
  }

  private func flushNames() throws {
    try ids.writeAll(names.bytes)
    names.clear()
  }

  private func end() throws {
    guard let split else { return }
    try flush()
    var writer = SafetensorsWriter()
    writer.add("tokens", int32s: Int(offsets[offsets.count - 1]), from: spool)
    writer.add("offsets", offsets)
    writer.add("prompt_lengths", promptLengths)
    try writer.write(to: TokenRows.file(of: split, in: folder))
    offsets = [0]
    promptLengths = []
    guard ftruncate(spool.rawValue, 0) == 0 else { throw Errno(rawValue: errno) }
    try spool.seek(offset: 0, from: .start)
    self.split = nil
  }
}
