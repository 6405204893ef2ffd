/// The SHA-256 of some bytes: the identity of everything in a store.
///
/// Prints as `sha256:` and 64 lowercase hexadecimal digits, and is read back from exactly that. Digests are ordered
/// by their bytes, which is also the order of their printed forms.
public struct Digest: Hashable, Sendable, Comparable, LosslessStringConvertible {
  /// The number of bytes of a digest.
  public static let byteCount = 32

  // Big-endian words, so that comparing words compares bytes.
  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  /// A digest from its 32 raw bytes.
  ///
  /// - Precondition: `bytes.count == 32`.
  public init(bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count == Digest.byteCount, "a SHA-256 digest has 32 bytes")
    func word(_ index: Int) -> UInt64 {
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
    (first, second, third, fourth) = (word(0), word(1), word(2), word(3))
  }

  /// Reads the printed form, strictly: `sha256:` and 64 lowercase hexadecimal digits, nothing else.
  public init?(_ description: String) {
    guard description.utf8.starts(with: Digest.prefix.utf8) else { return nil }
    self.init(hexadecimal: description.utf8.dropFirst(Digest.prefix.utf8.count))
  }

  /// Reads 64 lowercase hexadecimal digits: the name of a blob.
  public init?(hexadecimal: some StringProtocol) {
    self.init(hexadecimal: hexadecimal.utf8)
  }

  private init?(hexadecimal digits: some Collection<UInt8>) {
    guard digits.count == 2 * Digest.byteCount else { return nil }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var index = 0
    for digit in digits {
      let value: UInt64
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt64(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = UInt64(digit - UInt8(ascii: "a") + 10)
      default: return nil
      }
      switch index >> 4 {
      case 0: words.0 = words.0 << 4 | value
      case 1: words.1 = words.1 << 4 | value
      case 2: words.2 = words.2 << 4 | value
      default: words.3 = words.3 << 4 | value
      }
      index += 1
    }
    (first, second, third, fourth) = words
  }

  private static let prefix = "sha256:"

  /// The 64 lowercase hexadecimal digits: the name of the blob with this content.
  public var hexadecimal: String {
    String(unsafeUninitializedCapacity: 2 * Digest.byteCount) { buffer in
      write(into: buffer, from: 0)
      return 2 * Digest.byteCount
    }
  }

  /// The printed form, `sha256:` and 64 hexadecimal digits.
  public var description: String {
    let start = Digest.prefix.utf8.count
    return String(unsafeUninitializedCapacity: start + 2 * Digest.byteCount) { buffer in
      for (index, byte) in Digest.prefix.utf8.enumerated() { buffer[index] = byte }
      write(into: buffer, from: start)
      return start + 2 * Digest.byteCount
    }
  }

  /// The 32 raw bytes.
  public var bytes: [UInt8] {
    [first, second, third, fourth].flatMap { word in withUnsafeBytes(of: word.bigEndian, Array.init) }
  }

  private func write(into buffer: UnsafeMutableBufferPointer<UInt8>, from start: Int) {
    var position = start
    for word in [first, second, third, fourth] {
      for shift in stride(from: 60, through: 0, by: -4) {
        let value = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
        buffer[position] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
        position += 1
      }
    }
  }

  /// Orders digests by their bytes.
  public static func < (left: Digest, right: Digest) -> Bool {
    (left.first, left.second, left.third, left.fourth) < (right.first, right.second, right.third, right.fourth)
  }
}
