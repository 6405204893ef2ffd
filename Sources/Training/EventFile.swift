/// TensorBoard event files: TFRecords of `Event` protocol buffers, written by hand so that equal curves give equal bytes.
///
/// A record is its length in 8 bytes, that length's masked CRC-32C, the data, and the data's masked CRC-32C. Wall time
/// is the step: a file holds no time of day.
public enum EventFile {
  /// The name of the file in a curves folder.
  public static let name = "events.out.tfevents.0"

  /// The record that a file begins with.
  public static var header: [UInt8] {
    var event = ProtocolBuffer()
    event.append(double: 0, field: 1)
    event.append(bytes: Array("brain.Event:2".utf8), field: 3)
    return record(event.bytes)
  }

  /// The record of scalars at a step.
  ///
  /// - Parameters:
  ///   - step: The step.
  ///   - scalars: Tags such as `train/loss`, with their values.
  /// - Returns: The record's bytes.
  public static func record(step: Int, scalars: [(tag: String, value: Double)]) -> [UInt8] {
    var summary = ProtocolBuffer()
    for (tag, value) in scalars {
      var scalar = ProtocolBuffer()
      scalar.append(bytes: Array(tag.utf8), field: 1)
      scalar.append(float: Float(value), field: 2)
      summary.append(bytes: scalar.bytes, field: 1)
    }
    var event = ProtocolBuffer()
    event.append(double: Double(step), field: 1)
    event.append(integer: UInt64(step), field: 2)
    event.append(bytes: summary.bytes, field: 5)
    return record(event.bytes)
  }

  private static func record(_ data: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(data.count))
    return length + littleEndian(maskedChecksum(length)) + data + littleEndian(maskedChecksum(data))
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
  }

  /// The CRC-32C (polynomial 0x1EDC6F41, reflected), turned and shifted as TFRecords want it.
  package static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
    let sum = ~bytes.reduce(0xFFFF_FFFF as UInt32) { checksumTable[Int(($0 ^ UInt32($1)) & 0xFF)] ^ ($0 >> 8) }
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  private static let checksumTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
  }
}

/// The few wire types that event files need.
private struct ProtocolBuffer {
  var bytes: [UInt8] = []

  private mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func append(integer value: UInt64, field: UInt64) {
    append(varint: field << 3)
    append(varint: value)
  }

  mutating func append(double value: Double, field: UInt64) {
    append(varint: field << 3 | 1)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(bytes value: [UInt8], field: UInt64) {
    append(varint: field << 3 | 2)
    append(varint: UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func append(float value: Float, field: UInt64) {
    append(varint: field << 3 | 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
