import Glibc

/// A window on bytes that come in order; it grows as far as is needed and no further.
package struct ByteWindow: ~Copyable {
  private var storage = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
  private var start = 0
  private var end = 0
  private var hasEnded = false
  private var handedOut = 0

  /// A window that holds nothing yet.
  package init() {}

  deinit { storage.deallocate() }

  /// What is read and not consumed; valid until the next call that reads.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[start..<end]) }

  /// Lets go of the first bytes.
  package mutating func consume(_ count: Int) { start += count }

  /// Reads more bytes behind those that are there.
  ///
  /// - Parameters:
  ///   - limit: The most that the window may hold.
  ///   - read: Fills a buffer and returns how many bytes it wrote; 0 at the end.
  /// - Returns: Whether there were any; nil where the window is full.
  /// - Throws: What `read` throws.
  package mutating func more(
    limit: Int = .max, _ read: (UnsafeMutableRawBufferPointer) throws -> Int
  ) rethrows -> Bool? {
    if hasEnded { return false }
    if start > 0 {
      memmove(storage.baseAddress!, storage.baseAddress! + start, end - start)
      end -= start
      start = 0
    }
    if end == storage.count {
      guard storage.count < limit else { return nil }
      let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: storage.count * 2, alignment: 16)
      larger.copyMemory(from: UnsafeRawBufferPointer(storage))
      storage.deallocate()
      storage = larger
    }
    let count = try read(UnsafeMutableRawBufferPointer(rebasing: storage[end...]))
    end += count
    hasEnded = count == 0
    return !hasEnded
  }

  /// The next whole lines, as many as some bytes hold, at least one; the last of the file needs no end.
  ///
  /// - Parameters:
  ///   - size: How many bytes are read at least, if there are as many.
  ///   - limit: The most that the window may hold.
  ///   - read: Fills a buffer and returns how many bytes it wrote; 0 at the end.
  /// - Returns: The lines, valid until the next call; empty at the end, nil where a line is longer than the limit.
  /// - Throws: What `read` throws.
  package mutating func lines(
    _ size: Int, limit: Int = .max, _ read: (UnsafeMutableRawBufferPointer) throws -> Int
  ) rethrows -> UnsafeRawBufferPointer? {
    consume(handedOut)
    handedOut = 0
    var scanned = 0
    var isMore = true
    while true {
      while isMore, bytes.count < max(size, scanned + 1) {
        guard let more = try more(limit: limit, read) else { break }
        isMore = more
      }
      let window = bytes
      if !isMore {
        handedOut = window.count
        return window
      }
      if let last = window[scanned...].lastIndex(of: 0x0A) {
        handedOut = last + 1
        return UnsafeRawBufferPointer(rebasing: window[...last])
      }
      scanned = window.count
      if scanned >= limit { return nil }
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Whether there is white space only.
  package var isBlank: Bool { allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }

  /// Calls a body with each line, without its LF, and its number from 1; the last line needs no LF.
  ///
  /// - Returns: How many lines there are.
  @discardableResult
  package func forEachLine<Failure: Error>(
    _ body: (UnsafeRawBufferPointer, Int) throws(Failure) -> Void
  ) throws(Failure) -> Int {
    var start = 0
    var number = 0
    while start < count {
      number += 1
      let found = memchr(baseAddress! + start, 0x0A, count - start)
      let end = found.map { UnsafeRawPointer($0) - baseAddress! } ?? count
      try body(UnsafeRawBufferPointer(rebasing: self[start..<end]), number)
      start = end + 1
    }
    return number
  }

  /// The bytes in about equal parts, each of whole lines; fewer where lines are long.
  package func lineParts(_ number: Int) -> [UnsafeRawBufferPointer] {
    var parts: [UnsafeRawBufferPointer] = []
    var start = 0
    for part in 1...Swift.max(number, 1) where start < count {
      let middle = Swift.max(start, part == number ? count : count / number * part)
      let found = middle < count ? memchr(baseAddress! + middle, 0x0A, count - middle) : nil
      let end = found.map { UnsafeRawPointer($0) - baseAddress! + 1 } ?? count
      parts.append(UnsafeRawBufferPointer(rebasing: self[start..<end]))
      start = end
    }
    return parts
  }
}
