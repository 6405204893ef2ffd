import Testing
import Training

@Suite struct EventFileTests {
  /// Splits a file into the data of its records, checking lengths and checksums.
  static func records(_ bytes: [UInt8]) throws -> [[UInt8]] {
    var records: [[UInt8]] = []
    var rest = bytes[...]
    func number(_ count: Int) -> UInt64 {
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    while !rest.isEmpty {
      let header = Array(rest.prefix(8))
      let count = Int(number(8))
      #expect(number(4) == UInt64(EventFile.maskedChecksum(header)))
      try #require(rest.count >= count + 4)
      let data = Array(rest.prefix(count))
      rest = rest.dropFirst(count)
      #expect(number(4) == UInt64(EventFile.maskedChecksum(data)))
      records.append(data)
    }
    return records
  }

  @Test("Checksums are CRC-32C, turned by 15 bits and shifted")
  func checksum() {
    // The check value of the Castagnoli polynomial is that of the text 123456789.
    let plain: UInt32 = 0xE306_9283
    #expect(EventFile.maskedChecksum(Array("123456789".utf8)) == (plain >> 15 | plain << 17) &+ 0xA282_EAD8)
  }

  @Test("A file begins with its version, and a record holds wall time, step and scalars")
  func layout() throws {
    let file = EventFile.header + EventFile.record(step: 300, scalars: [("train/loss", 1.5)])
    let records = try Self.records(file)
    #expect(records.count == 2)
    #expect(records[0] == [9] + Array(repeating: 0, count: 8) + [26, 13] + Array("brain.Event:2".utf8))
    let value: [UInt8] = [10, 10] + Array("train/loss".utf8) + [21, 0, 0, 0xC0, 0x3F]
    let summary: [UInt8] = [10, UInt8(value.count)] + value
    let wallTime: [UInt8] = [9, 0, 0, 0, 0, 0, 0xC0, 0x72, 0x40]
    #expect(records[1] == wallTime + [16, 0xAC, 0x02, 42, UInt8(summary.count)] + summary)
  }
}
