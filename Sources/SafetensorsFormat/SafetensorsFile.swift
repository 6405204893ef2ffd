public import CanonicalJSON
import Files
import Glibc
public import SystemPackage

/// One tensor in a safetensors file.
public struct SafetensorsEntry: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// The type of its elements.
  public var type: ElementType
  /// Its shape; empty for a scalar.
  public var shape: [Int]
  /// Where its bytes lie behind the header.
  public var range: Range<Int>
}

/// A safetensors file mapped into memory, its header checked against its length.
///
/// Tensors must lie one behind the other without hole or overlap, as the format demands.
public final class SafetensorsFile: Sendable {
  /// The file.
  public let path: FilePath
  /// Tensors in the order of their bytes.
  public let entries: [SafetensorsEntry]
  /// The `__metadata__` member, or nil.
  public let metadata: JSONObject?

  // Read-only after init and unmapped in deinit, so sharing it between threads is safe.
  private nonisolated(unsafe) let mapping: UnsafeRawBufferPointer
  private let dataStart: Int

  /// Maps a file and checks its header.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - isWhole: Sees all bytes before any other is made of them: whether they are those that were written.
  /// - Throws: `SafetensorsError` where it can't be read, is not whole, is cut off or contradicts itself.
  public init(_ path: FilePath, where isWhole: (UnsafeRawBufferPointer) -> Bool = { _ in true })
    throws(SafetensorsError)
  {
    self.path = path
    mapping = try Self.map(path)
    do throws(SafetensorsError) {
      guard isWhole(mapping) else { throw SafetensorsError(file: path, reason: .changed) }
      let header = try SafetensorsHeader(mapping, file: path)
      entries = header.entries
      metadata = header.metadata
      dataStart = header.byteCount
    } catch {
      if let base = mapping.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), mapping.count) }
      throw error
    }
  }

  deinit {
    if let base = mapping.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), mapping.count) }
  }

  private static func map(_ path: FilePath) throws(SafetensorsError) -> UnsafeRawBufferPointer {
    let (descriptor, count): (FileDescriptor, Int)
    do throws(RegularFileError) {
      (descriptor, count) = try RegularFile.open(path)
    } catch {
      throw SafetensorsError(file: path, reason: .unreadable(error.text))
    }
    defer { close(descriptor.rawValue) }
    guard count >= 8 else { throw SafetensorsError(file: path, reason: .truncated("\(count) bytes")) }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor.rawValue, 0), base != MAP_FAILED else {
      throw SafetensorsError(file: path, reason: .unreadable(String(cString: strerror(errno))))
    }
    return UnsafeRawBufferPointer(start: base, count: count)
  }

  /// The entry of a name, or nil.
  public func entry(_ name: String) -> SafetensorsEntry? { entries.first { $0.name == name } }

  /// Calls `body` with the bytes of a tensor, which need not be aligned.
  public func withBytes<Result>(of entry: SafetensorsEntry, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
    -> Result
  {
    let start = dataStart + entry.range.lowerBound
    return try body(UnsafeRawBufferPointer(rebasing: mapping[start..<start + entry.range.count]))
  }

  /// A tensor that must be there, with its shape where one is demanded.
  ///
  /// - Parameters:
  ///   - name: The tensor.
  ///   - types: Which element types will do.
  ///   - rank: How many axes it must have, or nil.
  /// - Returns: Its entry.
  /// - Throws: `SafetensorsError` where it is missing or other than demanded.
  public func require(_ name: String, types: Set<ElementType>, rank: Int? = nil) throws(SafetensorsError)
    -> SafetensorsEntry
  {
    guard let entry = entry(name) else { throw SafetensorsError(file: path, reason: .missing(name)) }
    guard types.contains(entry.type) else {
      let wanted = types.map(\.rawValue).sorted().joined(separator: " or ")
      throw SafetensorsError(
        file: path, reason: .unfit("tensor \(name) is \(entry.type.rawValue), expected \(wanted)"))
    }
    if let rank, entry.shape.count != rank {
      throw SafetensorsError(
        file: path, reason: .unfit("tensor \(name) has shape \(entry.shape), expected \(rank) axes"))
    }
    return entry
  }

  /// Copies a tensor of 32-bit integers.
  /// - Throws: `SafetensorsError` where it is missing or of another type.
  public func int32s(_ name: String) throws(SafetensorsError) -> [Int32] {
    let entry = try require(name, types: [.int32], rank: 1)
    return withBytes(of: entry) { bytes in
      [Int32](unsafeUninitializedCapacity: entry.shape[0]) { buffer, count in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
        count = entry.shape[0]
      }
    }
  }

  /// The index of the first negative one of 32-bit integers, or nil; they are read piece by piece and not kept in memory.
  ///
  /// - Parameter entry: A tensor of 32-bit integers.
  /// - Returns: The index, or nil.
  /// - Throws: `SafetensorsError` where the file has become shorter.
  public func firstNegative(_ entry: SafetensorsEntry) throws(SafetensorsError) -> Int? {
    let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw SafetensorsError(file: path, reason: .unreadable(String(cString: strerror(errno))))
    }
    defer { close(descriptor) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    var done = 0
    while done < entry.range.count {
      var filled = 0
      let wanted = min(buffer.count, entry.range.count - done)
      while filled < wanted {
        let place = off_t(dataStart + entry.range.lowerBound + done + filled)
        let count = pread(descriptor, buffer.baseAddress! + filled, wanted - filled, place)
        guard count > 0 else { throw SafetensorsError(file: path, reason: .truncated("\(done + filled) bytes")) }
        filled += count
      }
      for index in 0..<(filled / 4) where buffer.load(fromByteOffset: index * 4, as: Int32.self) < 0 {
        return done / 4 + index
      }
      done += filled
    }
    return nil
  }

  /// Copies a tensor of 64-bit integers.
  /// - Throws: `SafetensorsError` where it is missing or of another type.
  public func int64s(_ name: String) throws(SafetensorsError) -> [Int64] {
    let entry = try require(name, types: [.int64], rank: 1)
    return withBytes(of: entry) { bytes in
      [Int64](unsafeUninitializedCapacity: entry.shape[0]) { buffer, count in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
        count = entry.shape[0]
      }
    }
  }

  /// Copies a tensor of F32, F16 or BF16 elements as single precision.
  ///
  /// - Parameters:
  ///   - entry: The tensor.
  ///   - destination: Room for exactly its elements.
  /// - Throws: `SafetensorsError` where it is of another type.
  public func copyFloats(of entry: SafetensorsEntry, to destination: UnsafeMutableBufferPointer<Float>)
    throws(SafetensorsError)
  {
    precondition(destination.count == entry.shape.reduce(1, *))
    let type = entry.type
    guard [.float32, .float16, .bfloat16].contains(type) else {
      throw SafetensorsError(
        file: path, reason: .unfit("tensor \(entry.name) is \(type.rawValue), expected F32, F16 or BF16"))
    }
    withBytes(of: entry) { bytes in
      switch type {
      case .float32: UnsafeMutableRawBufferPointer(destination).copyMemory(from: bytes)
      case .float16:
        for index in destination.indices {
          let bits = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
          destination[index] = Float(Float16(bitPattern: bits))
        }
      default:
        for index in destination.indices {
          let bits = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
          destination[index] = Float(bitPattern: UInt32(bits) << 16)
        }
      }
    }
  }
}
