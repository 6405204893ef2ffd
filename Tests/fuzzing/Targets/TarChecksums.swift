/// Makes the checksums of a plain tar's headers right again, so that what was changed in them is read at all.
enum TarChecksums {
  static func mended(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var header = 0
    while header + 512 <= bytes.count, bytes[header + 257..<header + 262].elementsEqual("ustar".utf8) {
      for index in 148..<156 { bytes[header + index] = 0x20 }
      let sum = bytes[header..<header + 512].reduce(0) { $0 + Int($1) }
      let digits = String(sum, radix: 8)
      let text = String(repeating: "0", count: 6 - min(6, digits.count)) + digits + "\0 "
      for (index, byte) in text.utf8.prefix(8).enumerated() { bytes[header + 148 + index] = byte }
      let size = Int(String(decoding: bytes[header + 124..<header + 135], as: UTF8.self), radix: 8) ?? 0
      guard size >= 0, size < bytes.count else { break }
      header += 512 + (size + 511) / 512 * 512
    }
    return bytes
  }
}
