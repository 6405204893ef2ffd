/// Where a script of an HTML page ends: a comment's beginning in it may hide its end tag.
///
/// The standard has pages that wrote `<!-- <script> … </script> -->` into their scripts: within what such a comment's
/// marks enclose, a start tag `<script` makes the next `</script` its own end, not the element's.
struct HTMLScript {
  private enum Reach {
    case script
    /// Behind `<!--`.
    case escaped
    /// Behind `<script` behind `<!--`.
    case doubleEscaped
  }

  /// The page as UTF-8.
  let bytes: UnsafeRawBufferPointer

  /// Where the end tag begins, or the end of the page where there is none.
  ///
  /// - Parameter start: Where the script begins.
  /// - Returns: An index into the page.
  func end(from start: Int) -> Int {
    var reach = Reach.script
    var index = start
    // Those of `<!--` count: `<!-->` is a comment that ends as it begins.
    var dashes = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "-") {
        dashes += 1
      } else {
        if byte == UInt8(ascii: ">"), dashes >= 2 { reach = .script }
        dashes = 0
      }
      guard byte == UInt8(ascii: "<") else {
        index += 1
        continue
      }
      switch reach {
      case _ where reach != .doubleEscaped && isTag("</script", at: index): return index
      case .script where bytes[index...].starts(with: "<!--".utf8):
        (reach, dashes) = (.escaped, 2)
        index += 4
      case .escaped where isTag("<script", at: index):
        reach = .doubleEscaped
        index += 8
      case .doubleEscaped where isTag("</script", at: index):
        reach = .escaped
        index += 9
      default: index += 1
      }
    }
    return bytes.count
  }

  /// Whether a tag's beginning, in small letters, stands at an index with what ends a name behind it.
  private func isTag(_ tag: String, at index: Int) -> Bool {
    let behind = index + tag.utf8.count
    guard behind < bytes.count, [0x20, 0x09, 0x0A, 0x0C, 0x0D, 0x2F, 0x3E].contains(bytes[behind]) else { return false }
    return zip(bytes[index..<behind], tag.utf8).allSatisfy { byte, wanted in
      byte == wanted || wanted >= 0x61 && wanted <= 0x7A && byte | 0x20 == wanted
    }
  }
}
