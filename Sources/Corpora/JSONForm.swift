import CanonicalJSON
import Records

/// Tells JSON lines from one JSON document by how a file begins, whatever its name says.
enum JSONForm {
  /// So many bytes are looked at for the first line.
  private static let most = 1 << 20

  /// The format of a file whose name says JSON or JSONL; any other is as it was.
  ///
  /// An array in a `.jsonl` is a document. A `.json` holds lines where its first line is a whole object and another
  /// object follows, which no document has. Nothing is consumed.
  static func look(at input: TextInput, named format: CorpusFormat) throws -> CorpusFormat {
    guard format == .json || format == .jsonl else { return format }
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
    /// The index of the first byte from one on that is not blank, or nil at the end or where it is too far.
    func first(from index: Int) throws -> Int? {
      var index = index
      while index < most {
        let window = input.window
        while index < window.count {
          if !isBlank(window[index]) { return index }
          index += 1
        }
        guard try input.more(line: 1) else { return nil }
      }
      return nil
    }
    guard let start = try first(from: 0) else { return format }
    let byte = input.window[start]
    if format == .jsonl { return byte == UInt8(ascii: "[") ? .json : .jsonl }
    guard byte == UInt8(ascii: "{") else { return .json }
    var scanned = start
    while true {
      let window = input.window
      if let end = window[scanned...].firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
        let line = UnsafeRawBufferPointer(rebasing: window[start..<end])
        guard (try? JSONValue(parsing: line, numbers: .asWritten)) != nil else { return .json }
        guard let next = try first(from: end) else { return .json }
        return input.window[next] == UInt8(ascii: "{") ? .jsonl : .json
      }
      scanned = window.count
      guard scanned < most, try input.more(line: 1) else { return .json }
    }
  }
}
