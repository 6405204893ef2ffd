import Records
import SystemPackage

/// The curve of a run up to a checkpoint, as it stood in the file and as rows.
struct CurvePrefix {
  var bytes: [UInt8] = []
  var rows: [CurveRow] = []
}

/// Writes the rows of a learning curve as they come: `curves.jsonl`, and beside it a TensorBoard event file.
///
/// What a checkpoint needs of the curve is kept here: the file is open to others while the run goes on, so it is never
/// read back.
final class CurveLog {
  /// All rows so far, as they stand in the file.
  private(set) var content: [UInt8]
  private let lines: FileDescriptor
  private let events: FileDescriptor

  /// Starts the files of a folder with what a checkpoint holds.
  init(in folder: FilePath, resuming prefix: CurvePrefix) throws {
    content = prefix.bytes
    lines = try FileContent.create(folder.appending("curves.jsonl"))
    events = try FileContent.create(folder.appending(EventFile.name))
    _ = try lines.writeAll(prefix.bytes)
    _ = try events.writeAll(EventFile.header)
    for row in prefix.rows { try appendEvent(row) }
  }

  deinit {
    try? lines.close()
    try? events.close()
  }

  func append(_ row: CurveRow) throws {
    let line = row.line + [0x0A]
    content += line
    _ = try lines.writeAll(line)
    try appendEvent(row)
  }

  private func appendEvent(_ row: CurveRow) throws {
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
