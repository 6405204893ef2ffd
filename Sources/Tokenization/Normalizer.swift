@_spi(_Unicode) import Swift

/// Changes a text before it is split: a sequence of steps, often none.
struct Normalizer: Sendable, Equatable {
  enum Step: Sendable, Equatable {
    /// Unicode normalisation form C.
    case composed
    /// A text put before one that is not empty.
    case prepend([UInt8])
    /// One text in place of another, wherever it stands.
    case replace([UInt8], with: [UInt8])
  }

  var steps: [Step] = []

  /// Whether texts stay as they are.
  var isIdentity: Bool { steps.isEmpty }

  /// At most how many times longer the steps make a text.
  var growth: Double {
    steps.reduce(1) { growth, step in
      switch step {
      // Form C takes at most three times the bytes.
      case .composed: 3 * growth
      case .prepend(let prefix): growth * Double(1 + prefix.count)
      case .replace(let pattern, let replacement):
        growth * max(1, Double(replacement.count) / Double(max(pattern.count, 1)))
      }
    }
  }

  /// The normalised text.
  func normalize(_ text: some Collection<UInt8>) -> [UInt8] {
    var bytes = Array(text)
    for step in steps {
      switch step {
      case .composed: bytes = Self.composed(bytes)
      case .prepend(let prefix): if !bytes.isEmpty { bytes.insert(contentsOf: prefix, at: 0) }
      case .replace(let pattern, let replacement): bytes = Self.replace(pattern, with: replacement, in: bytes)
      }
    }
    return bytes
  }

  /// Form C; no character below U+0300 changes under it or takes part in a change by itself.
  private static func composed(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(where: { $0 >= 0xCC }) else { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for scalar in String(decoding: bytes, as: UTF8.self)._nfc { result.append(contentsOf: UTF8.encode(scalar)!) }
    return result
  }

  private static func replace(_ pattern: [UInt8], with replacement: [UInt8], in bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + bytes.count / 4)
    var index = 0
    while index < bytes.count {
      if bytes[index] == pattern[0], bytes[index...].starts(with: pattern) {
        result.append(contentsOf: replacement)
        index += pattern.count
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }
}
