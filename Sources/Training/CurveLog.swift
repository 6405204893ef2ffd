import Records
import SystemPackage

/// Writes the rows of a learning curve as they come: `curves.jsonl`, and beside it a TensorBoard event file.
final class CurveLog {
  private let folder: FilePath
  private let lines: FileDescriptor
  private let events: FileDescriptor

  /// Starts the files of a folder with the rows that a checkpoint holds.
  init(in folder: FilePath, resuming rows: [CurveRow]) throws {
    self.folder = folder
    lines = try FileContent.create(folder.appending("curves.jsonl"))
    events = try FileContent.create(folder.appending(EventFile.name))
    _ = try events.writeAll(EventFile.header)
    for row in rows { try append(row) }
  }

  deinit {
    try? lines.close()
    try? events.close()
  }

  /// All rows so far, as they stand in the file.
  func content() throws -> [UInt8] { try FileContent.read(folder.appending("curves.jsonl")) }

  func append(_ row: CurveRow) throws {
    _ = try lines.writeAll(row.line + [0x0A])
    _ = try events.writeAll(EventFile.record(step: row.step, scalars: row.scalars))
  }
}

extension CurveRow {
  /// The measures with TensorBoard tags.
  fileprivate var scalars: [(tag: String, value: Double)] {
    var values = [("loss", loss), ("mle", mle), ("td", td), ("entropy", entropy)]
    if let gradientNorm { values.append(("gradient_norm", gradientNorm)) }
    if let learningRate { values.append(("learning_rate", learningRate)) }
    values.append(("tokens", Double(tokens)))
    return (values + extra).map { ("\(split.rawValue)/\($0)", $1) }
  }
}
