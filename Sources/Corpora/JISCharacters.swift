import Glibc

/// The characters of JIS X 0208 as browsers have them, in 94 rows of 94 cells; row 13 is NEC's, rows 89 to 92 are IBM's.
enum JISCharacters {
  /// The character of a cell.
  ///
  /// - Parameters:
  ///   - row: 1 to 94.
  ///   - cell: 1 to 94.
  /// - Returns: Nil where the cell holds none.
  static func scalar(row: Int, cell: Int) -> UnicodeScalar? {
    guard (1...94).contains(row), (1...94).contains(cell), !scalars.isEmpty else { return nil }
    return scalars[(row - 1) * 94 + cell - 1]
  }

  /// All cells, from iconv's table of Shift_JIS, which is the standard's; empty where iconv lacks it.
  private static let scalars: [UnicodeScalar?] = {
    guard let converter = iconv_open("UTF-8", "CP932"), converter != UnsafeMutableRawPointer(bitPattern: -1) else {
      return []
    }
    defer { iconv_close(converter) }
    return (1...94).flatMap { row in
      (1...94).map { cell -> UnicodeScalar? in
        // Shift_JIS has two rows to a first byte.
        let second = row % 2 == 1 ? cell + 0x3F + (cell > 63 ? 1 : 0) : cell + 0x9E
        let first = (row - 1) / 2 + (row <= 62 ? 0x81 : 0xC1)
        var code = [CChar(bitPattern: UInt8(first)), CChar(bitPattern: UInt8(second))]
        var text = [CChar](repeating: 0, count: 8)
        var (left, room) = (2, 8)
        let isKnown = code.withUnsafeMutableBufferPointer { code in
          text.withUnsafeMutableBufferPointer { text in
            var (input, output) = (code.baseAddress, text.baseAddress)
            return iconv(converter, &input, &left, &output, &room) != -1
          }
        }
        guard isKnown else { return nil }
        let decoded = String(decoding: text[..<(8 - room)].map { UInt8(bitPattern: $0) }, as: UTF8.self).unicodeScalars
        return decoded.count == 1 ? decoded.first : nil
      }
    }
  }()
}
