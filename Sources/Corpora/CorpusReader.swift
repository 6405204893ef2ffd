import Records
public import SystemPackage

/// Reads the rows of files of one form.
public struct CorpusReader: Sendable {
  /// How rows are written.
  public var format: CorpusFormat
  /// Whether the format is what a file's name tells, so that JSON lines are read in a `.json` and an array in a `.jsonl`.
  public var isFormatGuessed: Bool
  /// What a row of XML is, where it is of no form that is known.
  public var record: XMLRecordForm?
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
    format: CorpusFormat, isFormatGuessed: Bool = false, record: XMLRecordForm? = nil,
    encoding: TextEncoding = .asFileSays, layout: TextLayout = TextLayout(), delimiter: UInt8 = UInt8(ascii: ","),
    threads: Int = 1
  ) {
    self.format = format
    self.isFormatGuessed = isFormatGuessed
    self.record = record
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
      let bytes = try DecodedBytes.utf8(source, encoding, file: file, declaring: .xml)
      try withoutActuallyEscaping(body) { body in
        let handler: any XMLHandler =
          if let record, format == .xml {
            XMLRecordReader(file: file, record, body)
          } else if format == .xml {
            WMTReader(file: file, body)
          } else {
            TMXReader(file: file, body)
          }
        try XMLParser.parse(bytes, file: file, handler)
        try handler.finish()
      }
    case .html:
      try HTMLReader.read(DecodedBytes.utf8(source, encoding, file: file, declaring: .html), file: file, body)
    case .jsonl, .json, .csv, .tsv, .columns, .text:
      let text = try DecodedBytes.utf8(source, encoding, file: file)
      let hasLines = format != .csv && format != .tsv
      let input = TextInput(file: file, source: hasLines ? try LineEnds.unified(text) : text)
      switch isFormatGuessed ? try JSONForm.look(at: input, named: format) : format {
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
