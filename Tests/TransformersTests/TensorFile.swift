import CanonicalJSON
import SystemPackage
import TestSupport
import Testing

/// The tensors of a safetensors file, read the plain way.
struct TensorFile {
  let header: JSONObject
  private let data: ArraySlice<UInt8>

  init(_ path: FilePath) throws {
    let bytes = try Fixture.bytes(path)
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    header = try #require(JSONValue(parsing: Array(bytes[8..<8 + length])).object)
    data = bytes[(8 + length)...]
  }

  private func bytes(_ name: String) throws -> ArraySlice<UInt8> {
    let range = try #require(header[name]?["data_offsets"]?.array).compactMap(\.integer)
    return data[data.startIndex + range[0]..<data.startIndex + range[1]]
  }

  private func load<Element>(_ name: String, as type: Element.Type) throws -> [Element] {
    try bytes(name).withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: MemoryLayout<Element>.size).map {
        bytes.loadUnaligned(fromByteOffset: $0, as: type)
      }
    }
  }

  func floats(_ name: String) throws -> [Float] { try load(name, as: Float.self) }
  func integers(_ name: String) throws -> [Int32] { try load(name, as: Int32.self) }
  func longs(_ name: String) throws -> [Int] { try load(name, as: Int64.self).map(Int.init) }
}
