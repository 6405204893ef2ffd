import CanonicalJSON
import SystemPackage

/// The header of a safetensors file: its length in 8 bytes, little-endian, then JSON.
struct SafetensorsHeader {
  /// Longer headers are refused, as the reference implementation does.
  static let maximumByteCount = 100_000_000

  var entries: [SafetensorsEntry]
  var metadata: JSONObject?
  /// Bytes up to the data.
  var byteCount: Int

  init(_ bytes: UnsafeRawBufferPointer, file: FilePath) throws(SafetensorsError) {
    func failure(_ reason: SafetensorsError.Reason) -> SafetensorsError { SafetensorsError(file: file, reason: reason) }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(Self.maximumByteCount), length <= UInt64(bytes.count - 8) else {
      throw failure(.truncated("the header should take \(length) bytes, the file has \(bytes.count)"))
    }
    byteCount = 8 + Int(length)
    let json: JSONValue
    do {
      json = try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: bytes[8..<byteCount]))
    } catch {
      throw failure(.lying("it is no JSON: \(error)"))
    }
    guard let object = json.object else { throw failure(.lying("it is \(json.typeName), not an object")) }
    entries = []
    for (name, value) in object.members {
      if name == "__metadata__" {
        metadata = value.object
      } else {
        entries.append(try Self.entry(name, value, file: file))
      }
    }
    entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    var end = 0
    for entry in entries {
      guard entry.range.lowerBound == end else {
        throw failure(.lying("tensor \(entry.name) begins at \(entry.range.lowerBound), the one before ends at \(end)"))
      }
      end = entry.range.upperBound
    }
    let available = bytes.count - byteCount
    guard end <= available else { throw failure(.truncated("tensors take \(end) bytes, there are \(available)")) }
    guard end == available else { throw failure(.lying("\(available - end) bytes belong to no tensor")) }
  }

  private static func entry(_ name: String, _ value: JSONValue, file: FilePath) throws(SafetensorsError)
    -> SafetensorsEntry
  {
    func failure(_ text: String) -> SafetensorsError {
      SafetensorsError(file: file, reason: .lying("tensor \(name) \(text)"))
    }
    guard let typeName = value["dtype"]?.string, let type = ElementType(rawValue: typeName) else {
      throw failure("has dtype \(value["dtype"]?.text ?? "missing")")
    }
    var shape: [Int] = []
    var byteCount = type.byteCount
    for element in value["shape"]?.array ?? [.null] {
      guard let extent = element.integer, extent >= 0 else { throw failure("has shape \(value["shape"]?.text ?? "?")") }
      let (product, overflow) = byteCount.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw failure("has shape \(value["shape"]?.text ?? "?"), which no file can hold") }
      byteCount = product
      shape.append(extent)
    }
    guard let offsets = value["data_offsets"]?.array, offsets.count == 2, let start = offsets[0].integer,
      let end = offsets[1].integer, start >= 0, end >= start
    else { throw failure("has data_offsets \(value["data_offsets"]?.text ?? "missing")") }
    guard end - start == byteCount else {
      throw failure("takes \(end - start) bytes, its shape \(shape) of \(type.rawValue) needs \(byteCount)")
    }
    return SafetensorsEntry(name: name, type: type, shape: shape, range: start..<end)
  }
}
