import CanonicalJSON

/// What tells a sample from all others: the id of its prompt, by its bytes, and its number.
struct SampleKey: Hashable {
  var id: String
  var sample: Int

  static func == (left: SampleKey, right: SampleKey) -> Bool {
    left.sample == right.sample && left.id.hasSameBytes(as: right.id)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(sample)
    var id = id
    id.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
