/// Turns texts into numbers of words, one tokenization at a time.
struct BLEUWords: ~Copyable {
  private var table = WordTable()
  private var lowered = GrowingBuffer<UInt8>(capacity: 1 << 10)
  private var first = GrowingBuffer<UInt8>(capacity: 1 << 10)
  private var second = GrowingBuffer<UInt8>(capacity: 1 << 10)
  private var firstScalars = GrowingBuffer<UInt32>(capacity: 1 << 10)
  private var secondScalars = GrowingBuffer<UInt32>(capacity: 1 << 10)

  /// Appends the words of a text as numbers that are unique within one tokenization.
  mutating func append(
    _ text: UnsafeBufferPointer<UInt8>, tokenization: BLEUTokenization, lowercase: Bool,
    to words: inout GrowingBuffer<Int32>
  ) {
    var text = text
    if lowercase {
      lowered.removeAll()
      PythonLowercase.append(text, to: &lowered)
      text = lowered.elements
    }
    text = PythonWhiteSpace.trimmingEnd(text)
    switch tokenization {
    case .none: appendSplit(text, to: &words)
    case .character: Self.appendCharacters(text, to: &words)
    case .v13a:
      Self.writeUnescaped(text, to: &first, by: &second)
      Self.separatePunctuation(&first, &second)
      appendSplit(first.elements, to: &words)
    case .international: appendInternational(text, to: &words)
    }
  }

  private mutating func appendSplit(_ text: UnsafeBufferPointer<UInt8>, to words: inout GrowingBuffer<Int32>) {
    PythonWhiteSpace.split(text) { words.append(table.number(of: $0)) }
  }

  /// Scalars are their own numbers.
  private static func appendCharacters(_ text: UnsafeBufferPointer<UInt8>, to words: inout GrowingBuffer<Int32>) {
    var position = 0
    while position < text.count {
      let (scalar, length) = UTF8Scalars.decode(text, at: position)
      if !PythonWhiteSpace.contains(scalar) { words.append(Int32(bitPattern: scalar)) }
      position += length
    }
  }

  // MARK: 13a

  /// The part of 13a that knows no language: `<skipped>`, hyphens at line ends, line ends, four entities; and a space
  /// at both ends.
  private static func writeUnescaped(
    _ text: UnsafeBufferPointer<UInt8>, to output: inout GrowingBuffer<UInt8>, by spare: inout GrowingBuffer<UInt8>
  ) {
    output.removeAll()
    output.reserve(text.count + 2)
    output.append(0x20)
    output.append(contentsOf: text)
    output.append(0x20)
    var hasBracket = false
    var hasLineFeed = false
    var hasAmpersand = false
    for byte in text {
      hasBracket = hasBracket || byte == UInt8(ascii: "<")
      hasLineFeed = hasLineFeed || byte == 0x0A
      hasAmpersand = hasAmpersand || byte == UInt8(ascii: "&")
    }
    if hasBracket { replace("<skipped>", with: "", in: &output, &spare) }
    if hasLineFeed {
      replace("-\n", with: "", in: &output, &spare)
      replace("\n", with: " ", in: &output, &spare)
    }
    if hasAmpersand {
      replace("&quot;", with: "\"", in: &output, &spare)
      replace("&amp;", with: "&", in: &output, &spare)
      replace("&lt;", with: "<", in: &output, &spare)
      replace("&gt;", with: ">", in: &output, &spare)
    }
  }

  private static func replace(
    _ pattern: StaticString, with replacement: StaticString, in text: inout GrowingBuffer<UInt8>,
    _ spare: inout GrowingBuffer<UInt8>
  ) {
    let wanted = UnsafeBufferPointer(start: pattern.utf8Start, count: pattern.utf8CodeUnitCount)
    spare.removeAll()
    let source = text.elements
    var position = 0
    while position < source.count {
      if position + wanted.count <= source.count,
        UnsafeBufferPointer(rebasing: source[position..<position + wanted.count]).elementsEqual(wanted)
      {
        let new = UnsafeBufferPointer(start: replacement.utf8Start, count: replacement.utf8CodeUnitCount)
        spare.append(contentsOf: new)
        position += wanted.count
      } else {
        spare.append(source[position])
        position += 1
      }
    }
    swap(&text, &spare)
  }

  /// The four substitutions of sacrebleu's `TokenizerRegexp`, one pass over the bytes each.
  ///
  /// Every class in them is ASCII or its complement, so bytes behave as characters do.
  private static func separatePunctuation(_ text: inout GrowingBuffer<UInt8>, _ spare: inout GrowingBuffer<UInt8>) {
    let space = UInt8(ascii: " ")
    // ([\{-\~\[-\` -\&\(-\+\:-\@\/]) → ' \1 '; spaces need no more space.
    spare.removeAll()
    spare.reserve(text.count * 3)
    var output = spare.start
    for byte in text.elements {
      if punctuation[Int(byte)] {
        output[0] = space
        output[1] = byte
        output[2] = space
        output += 3
      } else {
        output[0] = byte
        output += 1
      }
    }
    spare.setCount(output - spare.start)
    // ([^0-9])([\.,]) → '\1 \2 '
    separate(&spare, &text) { first, second in
      !isDigit(first) && isStop(second)
    } write: { first, second, output in
      output[0] = first
      output[1] = space
      output[2] = second
      output[3] = space
    }
    // ([\.,])([^0-9]) → ' \1 \2'
    separate(&text, &spare) { first, second in
      isStop(first) && !isDigit(second)
    } write: { first, second, output in
      output[0] = space
      output[1] = first
      output[2] = space
      output[3] = second
    }
    // ([0-9])(-) → '\1 \2 '
    separate(&spare, &text) { first, second in
      second == UInt8(ascii: "-") && isDigit(first)
    } write: {
      first, second, output in
      output[0] = first
      output[1] = space
      output[2] = second
      output[3] = space
    }
  }

  /// Replaces pairs, left to right and without overlap, by four bytes.
  @inline(__always)
  private static func separate(
    _ text: inout GrowingBuffer<UInt8>, _ result: inout GrowingBuffer<UInt8>, where matches: (UInt8, UInt8) -> Bool,
    write: (UInt8, UInt8, UnsafeMutablePointer<UInt8>) -> Void
  ) {
    result.removeAll()
    result.reserve(text.count * 2 + 4)
    let source = text.start
    let last = text.count - 1
    var output = result.start
    var position = 0
    while position < last {
      if matches(source[position], source[position + 1]) {
        write(source[position], source[position + 1], output)
        output += 4
        position += 2
      } else {
        output[0] = source[position]
        output += 1
        position += 1
      }
    }
    if position == last {
      output[0] = source[position]
      output += 1
    }
    result.setCount(output - result.start)
  }

  @inline(__always) private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
  @inline(__always) private static func isStop(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",")
  }

  /// ASCII punctuation other than apostrophe, comma, hyphen and full stop.
  private static let punctuation: InlineArray<256, Bool> = {
    var table = InlineArray<256, Bool>(repeating: false)
    for range: ClosedRange<UInt8> in [0x7B...0x7E, 0x5B...0x60, 0x21...0x26, 0x28...0x2B, 0x3A...0x40, 0x2F...0x2F] {
      for byte in range { table[Int(byte)] = true }
    }
    return table
  }()

  // MARK: intl

  private enum CharacterClass { case number, punctuation, symbol, other }

  /// The three substitutions of sacrebleu's `TokenizerV14International`, one pass over the scalars each.
  private mutating func appendInternational(
    _ text: UnsafeBufferPointer<UInt8>, to words: inout GrowingBuffer<Int32>
  ) {
    let space: UInt32 = 0x20
    secondScalars.removeAll()
    var position = 0
    while position < text.count {
      let (scalar, length) = UTF8Scalars.decode(text, at: position)
      secondScalars.append(scalar)
      position += length
    }
    // (\P{N})(\p{P}) → '\1 \2 '
    Self.separate(&secondScalars, &firstScalars) { first, second in
      Self.classify(second) == .punctuation && Self.classify(first) != .number
    } write: { first, second, output in
      output.append(first)
      output.append(space)
      output.append(second)
      output.append(space)
    }
    // (\p{P})(\P{N}) → ' \1 \2'
    Self.separate(&firstScalars, &secondScalars) { first, second in
      Self.classify(first) == .punctuation && Self.classify(second) != .number
    } write: { first, second, output in
      output.append(space)
      output.append(first)
      output.append(space)
      output.append(second)
    }
    // (\p{S}) → ' \1 ', and the split at white space.
    firstScalars.removeAll()
    for scalar in secondScalars.elements {
      if PythonWhiteSpace.contains(scalar) {
        endWord(&words)
      } else if Self.classify(scalar) == .symbol {
        endWord(&words)
        firstScalars.append(scalar)
        endWord(&words)
      } else {
        firstScalars.append(scalar)
      }
    }
    endWord(&words)
  }

  @inline(__always)
  private static func separate(
    _ text: inout GrowingBuffer<UInt32>, _ result: inout GrowingBuffer<UInt32>,
    where matches: (UInt32, UInt32) -> Bool, write: (UInt32, UInt32, inout GrowingBuffer<UInt32>) -> Void
  ) {
    result.removeAll()
    let last = text.count - 1
    var position = 0
    while position <= last {
      if position < last, matches(text[position], text[position + 1]) {
        write(text[position], text[position + 1], &result)
        position += 2
      } else {
        result.append(text[position])
        position += 1
      }
    }
  }

  private mutating func endWord(_ words: inout GrowingBuffer<Int32>) {
    if firstScalars.count == 0 { return }
    let bytes = UnsafeRawBufferPointer(firstScalars.elements)
    words.append(table.number(of: bytes.assumingMemoryBound(to: UInt8.self)))
    firstScalars.removeAll()
  }

  private static func classify(_ value: UInt32) -> CharacterClass {
    if value < 0x80 { return asciiClasses[Int(value)] }
    return Unicode.Scalar(value).map(classOf) ?? .other
  }

  private static func classOf(_ scalar: Unicode.Scalar) -> CharacterClass {
    switch scalar.properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: .number
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      .punctuation
    case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: .symbol
    default: .other
    }
  }

  private static let asciiClasses: [CharacterClass] = (0..<0x80).map { classOf(Unicode.Scalar(UInt8($0))) }
}
