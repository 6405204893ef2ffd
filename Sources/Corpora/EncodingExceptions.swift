import Glibc

/// Where the Encoding Standard's table of an encoding is another than iconv's.
struct EncodingExceptions: Sendable {
  /// How many bytes a character has.
  private enum Lengths {
    case single
    case double
    /// Two bytes, or four where the second is a digit.
    case gb18030
    /// Two bytes, or three behind 8F.
    case japanese
  }

  /// Characters by their bytes as one number.
  private let characters: [UInt32: UnicodeScalar]
  private let lengths: Lengths
  /// First bytes that occur in `characters`.
  private let leads: [Bool]
  /// Whether 80 to 9F that iconv refuses are control characters of the same number.
  let hasControls: Bool
  /// Whether rows 89 to 92 of JIS X 0208 are IBM's characters, where iconv has room for one's own.
  let hasIBMRows: Bool

  private init(
    _ characters: [UInt32: UInt32] = [:], _ lengths: Lengths = .single, hasControls: Bool = false,
    hasIBMRows: Bool = false
  ) {
    self.characters = characters.compactMapValues(UnicodeScalar.init)
    self.lengths = lengths
    var leads = [Bool](repeating: false, count: 256)
    for code in characters.keys {
      var lead = code
      while lead > 0xFF { lead >>= 8 }
      leads[Int(lead)] = true
    }
    self.leads = leads
    self.hasControls = hasControls
    self.hasIBMRows = hasIBMRows
  }

  /// The exceptions of an encoding by iconv's name; nil where there are none.
  static func of(_ name: String) -> EncodingExceptions? { table[name] }

  private static let table: [String: EncodingExceptions] = {
    var table: [String: EncodingExceptions] = [
      "KOI8-U": EncodingExceptions([0xAE: 0x45E, 0xBE: 0x40E]),
      "MACINTOSH": EncodingExceptions([0xC6: 0x2206, 0xF0: 0xF8FF]), "MAC-UK": EncodingExceptions([0xFF: 0x20AC]),
      "CP1255": EncodingExceptions(bytes(of: "CP1255").merging([0xCA: 0x5BA]) { $1 }, hasControls: true),
      "CP1258": EncodingExceptions(bytes(of: "CP1258"), hasControls: true),
      "GB18030": EncodingExceptions(gb18030, .gb18030), "BIG5-HKSCS": EncodingExceptions(big5, .double),
      "EUC-JP-MS": EncodingExceptions([0x8FA2C3: 0xA6], .japanese, hasIBMRows: true),
    ]
    for name in ["CP1250", "CP1251", "CP1252", "CP1253", "CP1254", "CP1256", "CP1257", "CP874"] {
      table[name] = EncodingExceptions(hasControls: true)
    }
    return table
  }()

  /// An exception at the beginning of bytes.
  ///
  /// - Returns: The character and its number of bytes, or nil.
  func character(at bytes: UnsafeRawBufferPointer) -> (scalar: UnicodeScalar, length: Int)? {
    guard let first = bytes.first, leads[Int(first)] else { return nil }
    let length = length(of: bytes)
    guard length <= bytes.count else { return nil }
    let code = bytes[..<length].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return characters[code].map { ($0, length) }
  }

  /// How many bytes stand before the first exception, in whole characters.
  ///
  /// - Parameters:
  ///   - bytes: Text from the beginning of a character.
  ///   - limit: Behind how many bytes no further character is looked at.
  /// - Returns: All of the bytes where the last character is cut off.
  func reach(in bytes: UnsafeRawBufferPointer, limit: Int) -> Int {
    guard !characters.isEmpty else { return bytes.count }
    var index = 0
    while index < bytes.count, index < limit {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[index...])
      if character(at: rest) != nil { return index }
      index += length(of: rest)
    }
    return min(index, bytes.count)
  }

  /// The number of bytes of the character at the beginning of bytes, which may be cut off.
  private func length(of bytes: UnsafeRawBufferPointer) -> Int {
    switch lengths {
    case _ where bytes[0] <= 0x80: 1
    case .single: 1
    case .double: 2
    case .gb18030: bytes.count > 1 && bytes[1] >= 0x30 && bytes[1] <= 0x39 ? 4 : 2
    case .japanese: bytes[0] == 0x8F ? 3 : bytes[0] == 0x8E || bytes[0] >= 0xA1 ? 2 : 1
    }
  }

  /// The characters of the bytes from 80 on, each by itself: iconv's converter joins letters and the accents behind them.
  private static func bytes(of name: String) -> [UInt32: UInt32] {
    guard let converter = iconv_open("UTF-8", name), converter != UnsafeMutableRawPointer(bitPattern: -1) else {
      return [:]
    }
    defer { iconv_close(converter) }
    var characters: [UInt32: UInt32] = [:]
    for byte in UInt8(0x80)...0xFF {
      var code = CChar(bitPattern: byte)
      var text = [CChar](repeating: 0, count: 8)
      var (left, room) = (1, 8)
      let isKnown = text.withUnsafeMutableBufferPointer { text in
        var output = text.baseAddress
        let isKnown = withUnsafeMutablePointer(to: &code) { code in
          var input: UnsafeMutablePointer<CChar>? = code
          return iconv(converter, &input, &left, &output, &room) != -1
        }
        // A letter is held back until the next byte is known.
        return isKnown && iconv(converter, nil, nil, &output, &room) != -1
      }
      let decoded = String(decoding: text[..<(8 - room)].map { UInt8(bitPattern: $0) }, as: UTF8.self).unicodeScalars
      if isKnown, decoded.count == 1 { characters[UInt32(byte)] = decoded.first?.value }
    }
    return characters
  }

  private static let gb18030: [UInt32: UInt32] = {
    var characters: [UInt32: UInt32] = [
      0x80: 0x20AC, 0xA3A0: 0x3000, 0xFE51: 0xE816, 0xFE52: 0xE817, 0xFE53: 0xE818, 0xFE6C: 0xE831,
      0xFE76: 0xE83B, 0xFE91: 0xE855,
    ]
    // Characters that have codes of two bytes, too, stand in a row of codes of four, whose last byte has ten values.
    let runs: [(code: UInt32, first: UInt32, scalar: UInt32, count: UInt32)] = [
      (0x8235_9030, 7, 0x9FB4, 8), (0x8431_8230, 6, 0xFE10, 10),
    ]
    for run in runs {
      for index in 0..<run.count {
        let digit = run.first + index
        characters[run.code + digit / 10 * 0x100 + digit % 10] = run.scalar + index
      }
    }
    return characters
  }()

  /// What Hong Kong's table has under other codes, or draws otherwise.
  private static let big5: [UInt32: UInt32] = [
    0x8E69: 0x7BB8, 0x8E6F: 0x7C06, 0x8E7E: 0x7CCE, 0x8EAB: 0x7DD2, 0x8EB4: 0x7E1D, 0x8ECD: 0x8005, 0x8ED0: 0x8028,
    0x8F57: 0x83C1, 0x8F69: 0x84A8, 0x8F6E: 0x840F, 0x8FCB: 0x89A6, 0x8FCC: 0x89A9, 0x8FFE: 0x8D77, 0x906D: 0x90FD,
    0x907A: 0x92B9, 0x90DC: 0x975C, 0x90F1: 0x97FF, 0x91BF: 0x9F16, 0x9244: 0x8503, 0x92AF: 0x5159, 0x92B0: 0x515B,
    0x92B1: 0x515D, 0x92B2: 0x515E, 0x92C8: 0x936E, 0x92D1: 0x7479, 0x9447: 0x6D67, 0x94CA: 0x799B, 0x95D9: 0x9097,
    0x9644: 0x975D, 0x96ED: 0x701E, 0x96FC: 0x5B28, 0x9B76: 0x7201, 0x9B78: 0x77D7, 0x9B7B: 0x7E87, 0x9BC6: 0x99D6,
    0x9BDE: 0x91D4, 0x9BEC: 0x60DE, 0x9BF6: 0x6FB6, 0x9C42: 0x8F36, 0x9C53: 0x4FBB, 0x9C62: 0x71DF, 0x9C68: 0x9104,
    0x9C6B: 0x9DF0, 0x9C77: 0x83CF, 0x9CBC: 0x5C10, 0x9CBD: 0x79E3, 0x9CD0: 0x5A67, 0x9D57: 0x8F0B, 0x9D5A: 0x7B51,
    0x9DC4: 0x62D0, 0x9EA9: 0x6062, 0x9EEF: 0x75F9, 0x9EFD: 0x6C4A, 0x9F60: 0x9B2E, 0x9F66: 0x9F17, 0x9FCB: 0x50ED,
    0x9FD8: 0x5F0C, 0xA063: 0x880F, 0xA077: 0x62CE, 0xA0D5: 0x7468, 0xA0DF: 0x7162, 0xA0E4: 0x7250, 0xA145: 0x2027,
    0xA14E: 0xFE51, 0xA15A: 0x2574, 0xA1C2: 0x00AF, 0xA1C3: 0xFFE3, 0xA1C5: 0x02CD, 0xA1E3: 0xFF5E, 0xA1F2: 0x2295,
    0xA1F3: 0x2299, 0xA1FE: 0xFF0F, 0xA240: 0xFF3C, 0xA241: 0x2215, 0xA242: 0xFE68, 0xA244: 0xFFE5, 0xA246: 0xFFE0,
    0xA247: 0xFFE1, 0xA2CC: 0x5341, 0xA2CE: 0x5345, 0xA3C0: 0x2400, 0xA3C1: 0x2401, 0xA3C2: 0x2402, 0xA3C3: 0x2403,
    0xA3C4: 0x2404, 0xA3C5: 0x2405, 0xA3C6: 0x2406, 0xA3C7: 0x2407, 0xA3C8: 0x2408, 0xA3C9: 0x2409, 0xA3CA: 0x240A,
    0xA3CB: 0x240B, 0xA3CC: 0x240C, 0xA3CD: 0x240D, 0xA3CE: 0x240E, 0xA3CF: 0x240F, 0xA3D0: 0x2410, 0xA3D1: 0x2411,
    0xA3D2: 0x2412, 0xA3D3: 0x2413, 0xA3D4: 0x2414, 0xA3D5: 0x2415, 0xA3D6: 0x2416, 0xA3D7: 0x2417, 0xA3D8: 0x2418,
    0xA3D9: 0x2419, 0xA3DA: 0x241A, 0xA3DB: 0x241B, 0xA3DC: 0x241C, 0xA3DD: 0x241D, 0xA3DE: 0x241E, 0xA3DF: 0x241F,
    0xA3E0: 0x2421, 0xA3E1: 0x20AC, 0xC6CF: 0x5EF4, 0xC6D3: 0x65E0, 0xC6D5: 0x7676, 0xC6D7: 0x96B6, 0xC6DE: 0x3003,
    0xC6DF: 0x4EDD, 0xFA5F: 0x5029, 0xFA66: 0x507D, 0xFABD: 0x5305, 0xFAC5: 0x5344, 0xFAD5: 0x537F, 0xFB48: 0x5605,
    0xFBB8: 0x5A77, 0xFBF3: 0x5E75, 0xFBF9: 0x5ED0, 0xFC4F: 0x5F58, 0xFC6C: 0x60A4, 0xFCB9: 0x6490, 0xFCE2: 0x6674,
    0xFCF1: 0x675E, 0xFDB7: 0x6C9C, 0xFDB8: 0x6E1D, 0xFDBB: 0x6E2F, 0xFDF1: 0x716E, 0xFE52: 0x732A, 0xFE6F: 0x745C,
    0xFEAA: 0x74E9, 0xFEDD: 0x7809,
  ]
}
