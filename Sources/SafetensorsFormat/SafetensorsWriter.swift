public import CanonicalJSON
import Glibc
public import SystemPackage

/// Writes a safetensors file: header first, then tensors in the order of adding, so that equal tensors give equal bytes.
public struct SafetensorsWriter {
  private enum Content {
    case bytes([UInt8])
    case memory(UnsafeRawBufferPointer)
    case file(FileDescriptor)
  }

  private var entries: [(entry: SafetensorsEntry, content: Content)] = []
  private var end = 0
  private let metadata: JSONObject

  /// An empty file.
  ///
  /// - Parameter metadata: Texts for `__metadata__`; `transformers` wants `{"format": "pt"}` in a model.
  public init(metadata: JSONObject = [:]) { self.metadata = metadata }

  private mutating func add(_ name: String, _ type: ElementType, shape: [Int], _ content: Content) {
    let count = shape.reduce(type.byteCount, *)
    entries.append((SafetensorsEntry(name: name, type: type, shape: shape, range: end..<end + count), content))
    end += count
  }

  /// Adds 32-bit integers, `[values]`.
  public mutating func add(_ name: String, _ values: [Int32]) {
    add(name, .int32, shape: [values.count], .bytes(values.withUnsafeBytes(Array.init)))
  }

  /// Adds 32-bit integers, `[values]`, that a file holds from its beginning on, each in little-endian order; it stays open.
  public mutating func add(_ name: String, int32s count: Int, from file: FileDescriptor) {
    add(name, .int32, shape: [count], .file(file))
  }

  /// Adds 64-bit integers, `[values]`.
  public mutating func add(_ name: String, _ values: [Int64]) {
    add(name, .int64, shape: [values.count], .bytes(values.withUnsafeBytes(Array.init)))
  }

  /// Adds single-precision numbers in memory that outlives `write`.
  public mutating func add(_ name: String, shape: [Int], memory: UnsafeBufferPointer<Float>) {
    precondition(memory.count == shape.reduce(1, *))
    add(name, .float32, shape: shape, .memory(UnsafeRawBufferPointer(memory)))
  }

  /// Writes the file.
  ///
  /// - Parameter path: Where; an existing file is replaced.
  /// - Throws: `Errno`, such as `noSpace`.
  public func write(to path: FilePath) throws {
    var header = metadata.isEmpty ? JSONObject() : ["__metadata__": .object(metadata)]
    for (entry, _) in entries {
      header[entry.name] = [
        "dtype": .string(entry.type.rawValue), "shape": .array(entry.shape.map { JSONValue($0) }),
        "data_offsets": [JSONValue(entry.range.lowerBound), JSONValue(entry.range.upperBound)],
      ]
    }
    var json = Array(JSONValue.object(header).text.utf8)
    // Data starts at a multiple of 8, as the format recommends.
    json.append(contentsOf: repeatElement(0x20, count: (8 - json.count % 8) % 8))
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite, .groupRead, .otherRead])
    try file.closeAfter {
      try withUnsafeBytes(of: UInt64(json.count).littleEndian) { _ = try file.writeAll($0) }
      try file.writeAll(json)
      for (entry, content) in entries {
        switch content {
        case .file(let source): try Self.copy(entry.range.count, of: source, to: file)
        case .bytes(let bytes): try file.writeAll(bytes)
        case .memory(let memory): try file.writeAll(memory)
        }
      }
    }
  }

  private static func copy(_ count: Int, of source: FileDescriptor, to file: FileDescriptor) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var done = 0
    while done < count {
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(count - done))
      let read = try source.read(fromAbsoluteOffset: Int64(done), into: part)
      guard read > 0 else { throw Errno.ioError }
      try file.writeAll(UnsafeRawBufferPointer(rebasing: part[..<read]))
      done += read
    }
  }
}
