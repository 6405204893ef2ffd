public import SystemPackage

/// How rows are written in a file.
public enum CorpusFormat: String, Sendable, CaseIterable {
  /// A JSON object a line.
  case jsonl
  /// An array of JSON objects, or an object that holds one such array.
  case json
  /// Comma-separated values with a header, RFC 4180.
  case csv
  /// Tab-separated values with a header, without quotes.
  case tsv
  /// Values separated by any white space, with a header.
  case columns
  /// Plain text.
  case text
  /// WMT's XML.
  case xml
  /// A translation memory.
  case tmx
  /// A web page.
  case html

  /// The format that a file's name tells, or nil; an ending such as `.gz` is passed over.
  public init?(file: FilePath) {
    switch Self.uncompressed(file).extension?.lowercased() {
    case "jsonl", "ndjson": self = .jsonl
    case "json": self = .json
    case "csv": self = .csv
    case "tsv": self = .tsv
    case "txt", "text": self = .text
    case "xml": self = .xml
    case "tmx": self = .tmx
    case "html", "htm", "xhtml": self = .html
    default: return nil
    }
  }

  /// A file's name without the ending of a compression.
  public static func uncompressed(_ file: FilePath) -> FilePath {
    guard let ending = file.extension?.lowercased(), ["gz", "zst", "xz", "bz2"].contains(ending) else { return file }
    var file = file
    file.extension = nil
    return file
  }
}
