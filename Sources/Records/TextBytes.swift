internal import CanonicalJSON

/// A text that is told from others by its bytes; Swift's own equality takes é and e + combining accent for one.
package struct TextBytes: Hashable, Sendable {
  /// The text.
  package let text: String

  /// A text.
  package init(_ text: String) { self.text = text }

  package static func == (left: TextBytes, right: TextBytes) -> Bool { left.text.hasSameBytes(as: right.text) }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
