import Records
public import SystemPackage

/// Reads the rows of files of one form.
public struct CorpusReader: Sendable {
  /// How rows are written.
  public var format: CorpusFormat
  /// How characters are written.
  public var encoding: TextEncoding
  /// What a row of plain text is.
  public var layout: TextLayout
  /// What stands between the fields of CSV: a character of ASCII that is no quote and no line end.
  public var delimiter: UInt8
  /// How many threads parse JSONL; the rows are the same.
  public var threads: Int

  /// A reader.
  public init(
    format: CorpusFormat, encoding: TextEncoding = .asFileSays, layout: TextLayout = TextLayout(),
    delimiter: UInt8 = UInt8(ascii: ","), threads: Int = 1
  ) {
    self.format = format
    self.encoding = encoding
    self.layout = layout
    self.delimiter = delimiter
    self.threads = max(1, threads)
  }

  /// Reads a file row by row; some hundred KiB are in memory of it, or the longest row.
  ///
  /// - Parameters:
  ///   - source: The bytes of the file, unpacked.
  ///   - file: Its name for messages.
  ///   - body: Called with each row in order.
  /// - Throws: `RecordError` with file and line, and what `body` throws.
  public func read(_ source: any ByteSource, file: FilePath, _ body: (CorpusRow) throws -> Void) throws {
    switch format {
    case .xml, .tmx:
      // libxml2 itself knows byte order marks and XML declarations; only what the user declares overrides them.
      let isUTF8 = encoding != .asFileSays
      let bytes = isUTF8 ? try DecodedBytes.utf8(source, encoding, file: file) : source
      try withoutActuallyEscaping(body) { body in
        let handler: any XMLHandler = format == .xml ? WMTReader(file: file, body) : TMXReader(file: file, body)
        try XMLParser.parse(bytes, file: file, isUTF8: isUTF8, handler)
      }
    case .html: try HTMLReader.read(DecodedBytes.utf8(source, encoding, file: file, isHTML: true), file: file, body)
    case .jsonl, .json, .csv, .tsv, .columns, .text:
      let input = TextInput(file: file, source: try DecodedBytes.utf8(source, encoding, file: file))
      switch format {
      case .jsonl: try JSONLinesReader(input: input, threads: threads).read(body)
      case .json:
        var reader = JSONDocumentReader(input: input)
        try reader.read(body)
      case .csv: try DelimitedReader(input: input, dialect: .csv(delimiter: delimiter)).read(body)
      case .tsv: try DelimitedReader(input: input, dialect: .tsv).read(body)
      case .columns: try ColumnsReader(input: input).read(body)
      default: try TextReader(input: input, layout: layout).read(body)
      }
    }
  }
}
