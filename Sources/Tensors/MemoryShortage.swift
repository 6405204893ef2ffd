internal import COpenBLAS
import Glibc

/// Memory that a job needs, and that this machine or a limit of the process does not have.
public struct MemoryShortage: Error, Sendable, Hashable, CustomStringConvertible {
  /// What needs it.
  public var purpose: String
  /// How many bytes.
  public var bytes: Int
  /// How many bytes the job holds already.
  public var held = 0
  /// How many bytes the machine has; nil where the process may not have more.
  public var machine: Int?

  /// One sentence.
  public var description: String {
    let beside = held > 0 ? " beside the \(Self.size(held)) that are taken already" : ""
    let needed = "\(purpose) needs \(Self.size(bytes)) of memory\(beside)"
    return machine.map { "\(needed), this machine has \(Self.size($0)); take a smaller model, or a larger machine" }
      ?? "\(needed), which the system does not give this process; raise its limit (ulimit -v)"
  }

  private static func size(_ bytes: Int) -> String {
    func rounded(_ unit: Int) -> Int { bytes / unit + (bytes % unit >= unit / 2 ? 1 : 0) }
    return bytes >= 1 << 30 ? "\(rounded(1 << 30)) GiB" : "\(max(1, rounded(1 << 20))) MiB"
  }
}

extension Device {
  /// Sees to it that memory of this size can be had, without taking it.
  ///
  /// - Parameters:
  ///   - bytes: How many bytes.
  ///   - held: How many bytes the job holds already: what is asked for must fit beside them.
  ///   - purpose: What needs them, for the message.
  /// - Throws: `MemoryShortage`.
  public static func requireMemory(
    _ bytes: Int, beside held: Int = 0, for purpose: String
  ) throws(MemoryShortage) {
    if let machine = machineMemory, bytes > machine - min(held, machine) {
      throw MemoryShortage(purpose: purpose, bytes: bytes, held: held, machine: machine)
    }
    let space = mmap(nil, max(bytes, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard space != MAP_FAILED else { throw MemoryShortage(purpose: purpose, bytes: bytes, held: held) }
    munmap(space, max(bytes, 1))
  }

  /// A device, once the matrix library has all memory that it will need: where that is short later, the library asks for
  /// it again and again for ever.
  ///
  /// - Parameter threads: How many threads work.
  /// - Returns: The device.
  /// - Throws: `MemoryShortage`.
  public static func ready(threads: Int) throws(MemoryShortage) -> Device {
    let missing = openblas_prepare(CInt(clamping: threads))
    if missing > 0 { throw MemoryShortage(purpose: "the matrix library", bytes: Int(missing)) }
    return Device(threads: threads)
  }

  /// Bytes of memory and swap of the machine, or of the group of processes where that has less; nil where unknown.
  package static var machineMemory: Int? {
    let total = ["MemTotal:", "SwapTotal:"].compactMap { numbers("/proc/meminfo", after: $0) }.map { $0 << 10 }
    guard let memory = total.first, memory > 0 else { return nil }
    let sum = total.reduce(0, +)
    guard let limit = numbers("/sys/fs/cgroup/memory.max", after: "") else { return sum }
    return min(sum, limit)
  }

  /// The number on the first line of a file that begins with some words.
  private static func numbers(_ path: String, after words: String) -> Int? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, CInt(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix(words) else { continue }
      return Int(text.dropFirst(words.count).drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber })
    }
    return nil
  }
}

/// Ends the process for want of memory, with a line instead of a trap.
func endForWantOfMemory(_ bytes: Int, _ purpose: String) -> Never {
  let text = Array("apprentice: out of memory: \(bytes) bytes for \(purpose)\n".utf8)
  _ = write(STDERR_FILENO, text, text.count)
  _exit(1)
}
