import CanonicalJSON
import Testing

@Suite("UTF-8 check")
struct UTF8Tests {
  @Test("says of every lead byte, with the bytes at the borders behind it, what the standard library says")
  func borders() {
    let edges: [UInt8] = [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
    var differing: [[UInt8]] = []
    for lead in UInt8.min...UInt8.max {
      for second in edges {
        for third: UInt8 in [0x41, 0x80, 0xBF, 0xC0] {
          for tail: [UInt8] in [[], [0x80], [0xBF, 0x41], [0x22]] {
            // The place decides whether eight bytes at a time are looked at.
            for before in [0, 7, 9] {
              let bytes = [UInt8](repeating: 0x61, count: before) + [lead, second, third] + tail
              let ours = bytes.withUnsafeBytes { String(utf8: $0) }
              let known = String(validating: bytes, as: UTF8.self)
              if ours.map({ Array($0.utf8) }) != known.map({ Array($0.utf8) }) { differing.append(bytes) }
            }
          }
        }
      }
    }
    #expect(differing.isEmpty)
  }

  @Test("texts are whole, short or long, ASCII or not")
  func texts() {
    for text in ["", "a", "é", "fifteen bytes..", "sixteen bytes...", "ünd mehr als sechzehn Bytes 👩‍🚀", "日本語"] {
      #expect(Array(text.utf8).withUnsafeBytes { String(utf8: $0) } == text)
    }
  }
}
