import ArtifactStore
import CanonicalJSON
import Glibc
import SafetensorsFormat
package import SystemPackage

/// How far the numbers of two files are from one another: the largest |a − b| / (1 + |a|).
package enum NumericDistance {
  /// The distance of two files; nil where they differ in anything that rounding doesn't change.
  ///
  /// Safetensors are compared tensor by tensor, JSON, and JSONL line by line, value by value; whole numbers exactly.
  /// TensorBoard's files and pages are drawn from rows that are compared themselves.
  package static func between(_ before: FilePath, _ now: FilePath, title: String) -> Double? {
    if title.hasSuffix(".safetensors") { return tensors(before, now) }
    if title.hasSuffix(".jsonl") { return documents(before, now) { $0.split(separator: 0x0A) } }
    if title.hasSuffix(".json") { return documents(before, now) { [$0[...]] } }
    if title.hasPrefix("events.out.tfevents") || title.hasSuffix(".html") || title.hasSuffix(".csv") { return 0 }
    return nil
  }

  private static func tensors(_ before: FilePath, _ now: FilePath) -> Double? {
    guard let old = try? SafetensorsFile(before), let new = try? SafetensorsFile(now),
      old.entries.map(\.name) == new.entries.map(\.name)
    else { return nil }
    var largest = 0.0
    for (first, second) in zip(old.entries, new.entries) {
      guard first.type == second.type, first.shape == second.shape else { return nil }
      switch first.type {
      case .float32, .float16, .bfloat16:
        let count = first.shape.reduce(1, *)
        let buffers = [first, second].map { _ in UnsafeMutableBufferPointer<Float>.allocate(capacity: count) }
        defer { for buffer in buffers { buffer.deallocate() } }
        guard (try? old.copyFloats(of: first, to: buffers[0])) != nil,
          (try? new.copyFloats(of: second, to: buffers[1])) != nil
        else { return nil }
        for index in 0..<count {
          guard let distance = distance(Double(buffers[0][index]), Double(buffers[1][index])) else { return nil }
          largest = max(largest, distance)
        }
      default:
        let isEqual = old.withBytes(of: first) { a in
          new.withBytes(of: second) { b in a.count == b.count && memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0 }
        }
        guard isEqual else { return nil }
      }
    }
    return largest
  }

  private static func documents(
    _ before: FilePath, _ now: FilePath, _ split: ([UInt8]) -> [ArraySlice<UInt8>]
  ) -> Double? {
    func parts(_ path: FilePath) -> [ArraySlice<UInt8>]? {
      (try? FileSystem.read(path, limit: .max)).flatMap(\.self).map(split)
    }
    guard let old = parts(before), let new = parts(now), old.count == new.count else { return nil }
    var largest = 0.0
    for (first, second) in zip(old, new) where first != second {
      guard let a = try? JSONValue(parsing: Array(first)), let b = try? JSONValue(parsing: Array(second)),
        let distance = values(a, b)
      else { return nil }
      largest = max(largest, distance)
    }
    return largest
  }

  private static func values(_ a: JSONValue, _ b: JSONValue) -> Double? {
    switch (a, b) {
    case (.number(let a), .number(let b)):
      // Whole numbers name tokens and count things.
      let areWhole = a == a.rounded() && b == b.rounded()
      return areWhole && a != b ? nil : distance(a, b)
    case (.array(let a), .array(let b)):
      guard a.count == b.count else { return nil }
      return largest(zip(a, b).map(values))
    case (.object(let a), .object(let b)):
      guard a.names == b.names else { return nil }
      return largest(zip(a.members, b.members).map { values($0.value, $1.value) })
    default: return a == b ? 0 : nil
    }
  }

  private static func largest(_ distances: [Double?]) -> Double? {
    distances.reduce(0) { sum, distance in sum.flatMap { sum in distance.map { max(sum, $0) } } }
  }

  private static func distance(_ a: Double, _ b: Double) -> Double? {
    let distance = abs(a - b) / (1 + abs(a))
    return distance.isNaN ? nil : distance
  }
}
