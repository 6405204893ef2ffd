import CRE2

/// A regular expression in RE2's syntax; matching takes time linear in the text.
///
/// Unchecked, since RE2 lets any number of threads match with one expression and nothing here ever changes.
final class RegularExpression: @unchecked Sendable {
  /// Why RE2 refuses an expression, in its own words.
  struct Refusal: Error {
    var reason: String
  }

  private let compiled: OpaquePointer
  private let spanCount: Int

  /// Compiles an expression over UTF-8.
  init(_ pattern: String) throws(Refusal) {
    var reason = [CChar](repeating: 0, count: 512)
    var pattern = pattern
    let found = pattern.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        re2_compile($0.baseAddress ?? Self.nothing, Int64($0.count), &reason, 512)
      }
    }
    guard let found else {
      throw Refusal(reason: String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
    compiled = found
    spanCount = Int(re2_group_count(found)) + 1
  }

  deinit { re2_free(compiled) }

  /// The first match at or behind a place: the whole, then each group; a group that took no part is nil.
  ///
  /// - Parameters:
  ///   - text: The text in UTF-8.
  ///   - start: Where to begin, in bytes.
  /// - Returns: Nil where nothing matches.
  func match(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> [Range<Int>?]? {
    withUnsafeTemporaryAllocation(of: re2_span.self, capacity: spanCount) { spans in
      let isFound = text.withMemoryRebound(to: CChar.self) {
        re2_find(
          compiled, $0.baseAddress ?? Self.nothing, Int64($0.count), Int64(start), spans.baseAddress, Int32(spanCount))
      }
      guard isFound != 0 else { return nil }
      return spans.prefix(spanCount).map { $0.start < 0 ? nil : Int($0.start)..<Int($0.end) }
    }
  }

  /// Where an empty text lies: RE2 takes a null address for a group that took no part.
  nonisolated(unsafe) private static let nothing = UnsafePointer(UnsafeMutablePointer<CChar>.allocate(capacity: 1))
}
