/// Takes the words of a text one by one.
protocol WordSink {
  mutating func take(_ word: UnsafeBufferPointer<UInt8>)
}

/// Cuts a text into the words within which a model merges.
struct PreTokenizer: Sendable, Equatable {
  enum Step: Sendable, Equatable {
    /// Words as a pattern cuts them.
    case pattern(SplittingPattern)
    /// Runs of digits apart from the rest, or every digit alone.
    case digits(individual: Bool)
    /// A blank before a text that starts with none.
    case leadingSpace
  }

  /// What is done, in order; each step sees the pieces of the one before.
  var steps: [Step] = []
  /// Whether words are then written in the byte alphabet.
  var isByteLevel = false

  /// Hands all words of a text to a sink.
  func split<Sink: WordSink>(
    _ text: UnsafeBufferPointer<UInt8>, _ traits: ScalarTraits, into sink: inout Sink
  ) {
    split(text, from: 0, traits, into: &sink)
  }

  private func split<Sink: WordSink>(
    _ text: UnsafeBufferPointer<UInt8>, from index: Int, _ traits: ScalarTraits, into sink: inout Sink
  ) {
    guard let start = text.baseAddress, !text.isEmpty else { return }
    guard index < steps.count else { return sink.take(text) }
    let isLast = index + 1 == steps.count
    switch steps[index] {
    case .pattern(let pattern):
      let end = start + text.count
      var position = start
      while position < end {
        let next = pattern.wordEnd(from: position, before: end, traits)
        let word = UnsafeBufferPointer(start: position, count: next - position)
        if isLast { sink.take(word) } else { split(word, from: index + 1, traits, into: &sink) }
        position = next
      }
    case .digits(let individual):
      let end = start + text.count
      var position = start
      while position < end {
        let next = Self.digitsEnd(position, end, traits, individual: individual)
        split(UnsafeBufferPointer(start: position, count: next - position), from: index + 1, traits, into: &sink)
        position = next
      }
    case .leadingSpace:
      if start.pointee == UInt8(ascii: " ") { return split(text, from: index + 1, traits, into: &sink) }
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: text.count + 1) { spaced in
        spaced[0] = UInt8(ascii: " ")
        for offset in 0..<text.count { spaced[offset + 1] = text[offset] }
        split(UnsafeBufferPointer(spaced), from: index + 1, traits, into: &sink)
      }
    }
  }

  private static func digitsEnd(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ traits: ScalarTraits, individual: Bool
  ) -> UnsafePointer<UInt8> {
    let first = traits.at(start, before: end)
    let kind = first.traits & ScalarTraits.numeric
    var position = start + first.length
    if kind != 0, individual { return position }
    while position < end {
      let next = traits.at(position, before: end)
      if next.traits & ScalarTraits.numeric != kind { break }
      position += next.length
    }
    return position
  }
}
