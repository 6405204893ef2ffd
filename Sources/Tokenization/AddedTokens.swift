internal import CanonicalJSON

/// A token that is matched in the text itself, before the model sees it.
struct AddedToken: Sendable, Equatable {
  var token: Int32
  var content: String
  /// Matched only where no word character stands beside it.
  var singleWord = false
  /// Takes the white space on its left.
  var stripsLeft = false
  /// Takes the white space on its right.
  var stripsRight = false
  /// Matched after normalisation.
  var isNormalized = false
  /// Left out of decoded text on demand.
  var isSpecial = false
}

extension AddedToken {
  /// A token with the flags that an entry of a file states; a special one is matched before normalisation unless the entry
  /// says otherwise, any other after it.
  init(_ entry: JSONValue, token: Int32, content: String) {
    let isSpecial = entry["special"]?.bool ?? false
    self.init(
      token: token, content: content, singleWord: entry["single_word"]?.bool ?? false,
      stripsLeft: entry["lstrip"]?.bool ?? false, stripsRight: entry["rstrip"]?.bool ?? false,
      isNormalized: entry["normalized"]?.bool ?? !isSpecial, isSpecial: isSpecial)
  }

  /// The flags by the names that files give them.
  private var flags: [(name: String, value: Bool)] {
    [
      ("lstrip", stripsLeft), ("normalized", isNormalized), ("rstrip", stripsRight), ("single_word", singleWord),
      ("special", isSpecial),
    ]
  }

  /// What another declaration of the same token says otherwise, such as `lstrip true`; empty where it says the same.
  func differences(of other: AddedToken) -> [String] {
    zip(flags, other.flags).filter { $0.value != $1.value }.map { "\($1.name) \($1.value)" }
  }
}

/// Finds added tokens in text: at every position the longest, the leftmost first, none overlapping.
struct AddedTokenMatcher: Sendable {
  private struct Node {
    var byte: UInt8
    var firstChild: Int32 = -1
    var nextSibling: Int32 = -1
    var token: Int32 = -1
  }

  private var nodes: [Node] = []
  private var roots: [Int32] = Array(repeating: -1, count: 256)
  private var flags: [Int32: AddedToken] = [:]

  /// A matcher for tokens, each by the bytes that it has in the text.
  init(_ tokens: [(bytes: [UInt8], token: AddedToken)]) {
    for (bytes, token) in tokens where !bytes.isEmpty {
      insert(bytes, token.token)
      flags[token.token] = token
    }
  }

  var isEmpty: Bool { nodes.isEmpty }

  private mutating func insert(_ bytes: [UInt8], _ token: Int32) {
    var parent = -1
    for byte in bytes {
      var node = parent < 0 ? roots[Int(byte)] : nodes[parent].firstChild
      while node >= 0, nodes[Int(node)].byte != byte { node = nodes[Int(node)].nextSibling }
      if node < 0 {
        node = Int32(nodes.count)
        let sibling = parent < 0 ? -1 : nodes[parent].firstChild
        nodes.append(Node(byte: byte, nextSibling: sibling))
        if parent < 0 { roots[Int(byte)] = node } else { nodes[parent].firstChild = node }
      }
      parent = Int(node)
    }
    nodes[parent].token = token
  }

  /// The longest token at a place.
  private func longest(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> (end: Int, token: Int32)? {
    var node = roots[Int(text[start])]
    var position = start
    var best: (end: Int, token: Int32)? = nil
    while node >= 0 {
      position += 1
      if nodes[Int(node)].token >= 0 { best = (position, nodes[Int(node)].token) }
      guard position < text.count else { break }
      node = nodes[Int(node)].firstChild
      while node >= 0, nodes[Int(node)].byte != text[position] { node = nodes[Int(node)].nextSibling }
    }
    return best
  }

  /// Pieces of a text: those between added tokens, and the added tokens.
  struct Scanner {
    enum Piece {
      case text(Range<Int>)
      case token(Int32)
    }

    /// Where the search for the next token goes on.
    fileprivate var search = 0
    /// What is handed out up to here.
    fileprivate var done = 0
    fileprivate var waiting: Int32? = nil
  }

  /// The next piece; nil at the end of the text.
  func next(
    _ scanner: inout Scanner, in text: UnsafeBufferPointer<UInt8>, _ traits: ScalarTraits
  ) -> Scanner.Piece? {
    if let token = scanner.waiting {
      scanner.waiting = nil
      return .token(token)
    }
    while scanner.search < text.count {
      guard let match = longest(text, at: scanner.search) else {
        scanner.search += 1
        continue
      }
      var start = scanner.search
      var end = match.end
      // A match that is dropped is not searched again for shorter or overlapping ones.
      scanner.search = match.end
      guard let token = flags[match.token] else { continue }
      if token.singleWord, touchesWord(text, start..<end, traits) { continue }
      if token.stripsLeft { start = max(whiteSpace(text, before: start, traits), scanner.done) }
      if token.stripsRight { end = whiteSpace(text, after: end, traits) }
      let before = scanner.done..<max(start, scanner.done)
      scanner.done = end
      if before.isEmpty { return .token(match.token) }
      scanner.waiting = match.token
      return .text(before)
    }
    guard scanner.done < text.count else { return nil }
    defer { scanner.done = text.count }
    return .text(scanner.done..<text.count)
  }

  private func touchesWord(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ traits: ScalarTraits
  ) -> Bool {
    guard let start = text.baseAddress else { return false }
    let end = start + text.count
    if range.lowerBound > 0,
      traits.before(start + range.lowerBound, from: start).traits & ScalarTraits.word != 0
    {
      return true
    }
    return range.upperBound < text.count
      && traits.at(start + range.upperBound, before: end).traits & ScalarTraits.word != 0
  }

  private func whiteSpace(
    _ text: UnsafeBufferPointer<UInt8>, before index: Int, _ traits: ScalarTraits
  ) -> Int {
    guard let start = text.baseAddress else { return index }
    var index = index
    while index > 0 {
      let found = traits.before(start + index, from: start)
      if found.traits & ScalarTraits.space == 0 { break }
      index -= found.length
    }
    return index
  }

  private func whiteSpace(
    _ text: UnsafeBufferPointer<UInt8>, after index: Int, _ traits: ScalarTraits
  ) -> Int {
    guard let start = text.baseAddress else { return index }
    var index = index
    while index < text.count {
      let found = traits.at(start + index, before: start + text.count)
      if found.traits & ScalarTraits.space == 0 { break }
      index += found.length
    }
    return index
  }
}
