public import CanonicalJSON
public import ContentAddressing
import Glibc
import Synchronization
public import SystemPackage

/// The name of a run; names sort by time.
public struct RunID: Sendable, Hashable, Comparable, LosslessStringConvertible {
  /// The name, such as `20260131T235959.123456Z-1a2b3c4d`.
  public let description: String

  /// Reads a name; nil where it is none.
  public init?(_ description: String) {
    let bytes = Array(description.utf8)
    guard bytes.count == 32, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "."),
      bytes[22] == UInt8(ascii: "Z"), bytes[23] == UInt8(ascii: "-"),
      bytes[24...].allSatisfy({ Character(UnicodeScalar($0)).isHexDigit })
    else { return nil }
    self.description = description
  }

  init(now: Int64) {
    var seconds = time_t(now / 1_000_000_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func digits(_ value: Int, _ count: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let day = digits(Int(parts.tm_year) + 1900, 4) + digits(Int(parts.tm_mon) + 1, 2) + digits(Int(parts.tm_mday), 2)
    let time = digits(Int(parts.tm_hour), 2) + digits(Int(parts.tm_min), 2) + digits(Int(parts.tm_sec), 2)
    let fraction = digits(Int(now / 1000 % 1_000_000), 6)
    description = "\(day)T\(time).\(fraction)Z-\(nonce().prefix(8))"
  }

  /// Orders runs by time.
  public static func < (left: RunID, right: RunID) -> Bool {
    left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
  }
}

/// What a run did with one action.
public struct ActionRecord: Sendable, Hashable {
  /// Stage and cell, such as `iq@seed=2`.
  public var label: String
  /// The action.
  public var key: ActionKey
  /// Its result; nil where it has none.
  public var result: Digest?
  /// The run that recorded it.
  public var run: RunID?
  /// Whatever the engine notes: state, time, memory, speed.
  public var details: JSONObject

  /// A record; `run` is filled in when it is written.
  public init(label: String, key: ActionKey, result: Digest?, details: JSONObject = [:]) {
    self.label = label
    self.key = key
    self.result = result
    self.details = details
  }

  var json: JSONValue {
    var object: JSONObject = ["label": .string(label), "key": .string(key.description)]
    if let result { object["result"] = .string(result.description) }
    if let run { object["run"] = .string(run.description) }
    if !details.isEmpty { object["details"] = .object(details) }
    return .object(object)
  }

  init?(json: JSONValue) {
    guard let label = json["label"]?.string, let key = json["key"]?.string.flatMap(ActionKey.init(_:)) else {
      return nil
    }
    self.init(
      label: label, key: key, result: json["result"]?.string.flatMap(Digest.init(_:)),
      details: json["details"]?.object ?? [:])
    run = json["run"]?.string.flatMap(RunID.init(_:))
  }
}

/// The record of one run: `run.json`, `events.jsonl`, `actions.jsonl` and `logs/`.
public final class Run: Sendable {
  /// Its name.
  public let id: RunID
  /// Its folder.
  public let path: FilePath
  /// The pipeline's name.
  public let pipeline: String
  private let store: Store
  private let events: Mutex<CInt>

  init(store: Store, id: RunID, pipeline: String, path: FilePath, events: CInt) {
    self.store = store
    self.id = id
    self.pipeline = pipeline
    self.path = path
    self.events = Mutex(events)
  }

  deinit { events.withLock { _ = close($0) } }

  /// Appends an event to `events.jsonl`, as one line.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func append(_ event: JSONValue) throws(StoreError) {
    let line = Array((event.text + "\n").utf8)
    try events.withLock { descriptor throws(StoreError) in
      try FileSystem.writeAll(line, to: descriptor, path.appending("events.jsonl"))
    }
  }

  /// Where the log of an action is to be written.
  public func logPath(_ label: String) -> FilePath {
    path.appending("logs").appending(folderName(label) + ".log")
  }

  /// Makes the record outlast a power cut: a collection goes by it.
  func sync() throws(StoreError) {
    guard store.options.durability == .full else { return }
    for name in ["actions.jsonl", "summary.json"] {
      if try FileSystem.status(path.appending(name)) != nil { try FileSystem.sync(path.appending(name)) }
    }
    try FileSystem.sync(path)
  }

  /// Notes what became of some actions, here and as the pipeline's latest.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func record(_ actions: [ActionRecord]) throws(StoreError) {
    guard !actions.isEmpty else { return }
    let actions = actions.map { action in
      var action = action
      action.run = id
      return action
    }
    let lines: [UInt8] = actions.flatMap { (action: ActionRecord) -> [UInt8] in action.json.canonical + [0x0A] }
    // What fails is written again with the next records: a line too many of the latest does no harm.
    try store.update(latestOf: pipeline, with: actions)
    try FileSystem.append(lines, to: path.appending("actions.jsonl"))
  }
}

extension Store {
  /// Begins the record of a run.
  ///
  /// - Parameters:
  ///   - pipeline: The pipeline's name.
  ///   - details: What `run.json` says beside name, process and time.
  /// - Returns: The record.
  /// - Throws: `StoreError` where the system refuses.
  public func beginRun(pipeline: String, details: JSONObject = [:]) throws(StoreError) -> Run {
    let id = RunID(now: wallClock())
    let path = runsFolder.appending(id.description)
    // It appears with its record in it, so that a folder without one is damage.
    let fresh = runsFolder.appending(".new-" + nonce())
    try FileSystem.makeFolders(fresh.appending("logs"))
    var object: JSONObject = [
      "apprentice": 1, "id": .string(id.description), "pipeline": .string(pipeline),
      "process": .object(ProcessIdentity.current.json),
    ]
    for (name, value) in details.members { object[name] = value }
    let isDurable = options.durability == .full
    try FileSystem.create(fresh.appending("run.json"), JSONValue.object(object).canonical, synced: isDurable)
    try FileSystem.rename(fresh, to: path)
    let file = path.appending("events.jsonl")
    let events = try FileSystem.call("write", file) {
      Glibc.open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    }
    return Run(store: self, id: id, pipeline: pipeline, path: path, events: events)
  }

  /// The names of all runs, the last first.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func runs() throws(StoreError) -> [RunID] {
    try FileSystem.list(runsFolder).compactMap { RunID($0) }.sorted(by: >)
  }

  /// What `run.json` says of a run; nil where the run is gone.
  ///
  /// - Throws: `StoreError.damagedRecord`, or a failure of the system.
  public func description(of run: RunID) throws(StoreError) -> JSONObject? {
    guard try FileSystem.status(folder(of: run)) != nil else { return nil }
    let bytes = try FileSystem.read(folder(of: run).appending("run.json")) ?? []
    guard let object = (try? JSONValue(parsing: bytes))?.object else { throw damage(of: run, "run.json") }
    return object
  }

  /// Says that a record of a run is damaged.
  func damage(of run: RunID, _ file: String) -> StoreError {
    .damagedRecord(folder(of: run).appending(file))
  }

  /// What a run noted of its actions, in order; of a run that was killed the last line may be cut off.
  ///
  /// - Throws: `StoreError.damagedRecord`, or a failure of the system.
  public func actions(of run: RunID) throws(StoreError) -> [ActionRecord] {
    let file = folder(of: run).appending("actions.jsonl")
    guard let bytes = try FileSystem.read(file, limit: 1 << 30) else { return [] }
    if bytes.isEmpty {
      // One that was killed, or had no room, as it wrote the first line came to no summary either.
      if try FileSystem.status(folder(of: run).appending("summary.json")) == nil { return [] }
      throw damage(of: run, "actions.jsonl")
    }
    let lines = bytes.split(separator: 0x0A)
    var records: [ActionRecord] = []
    for (index, line) in lines.enumerated() {
      if let record = (try? JSONValue(parsing: Array(line))).flatMap(ActionRecord.init(json:)) {
        records.append(record)
      } else if index < lines.count - 1 || bytes.last == 0x0A {
        throw damage(of: run, "actions.jsonl")
      }
    }
    return records
  }

  /// The folder of a run.
  public func folder(of run: RunID) -> FilePath { runsFolder.appending(run.description) }

  /// Where a run's log of an action is.
  public func logPath(of run: RunID, label: String) -> FilePath {
    folder(of: run).appending("logs").appending(folderName(label) + ".log")
  }

  // MARK: The latest of every action

  var latestFolder: FilePath { runsFolder.appending("latest") }

  func latestFile(_ pipeline: String) -> FilePath {
    latestFolder.appending(folderName(pipeline) + ".jsonl")
  }

  /// The last record of every action of a pipeline, by stage and cell: what `why` compares with.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func latestActions(of pipeline: String) throws(StoreError) -> [String: ActionRecord] {
    try latestRecords(of: pipeline).records
  }

  /// The last record of every action, and how many lines the file has.
  private func latestRecords(
    of pipeline: String
  ) throws(StoreError) -> (records: [String: ActionRecord], lines: Int) {
    guard let bytes = try FileSystem.read(latestFile(pipeline), limit: 1 << 30) else { return ([:], 0) }
    // The first line names the pipeline; a later line counts more than an earlier one.
    let lines = bytes.split(separator: 0x0A).dropFirst()
    var records: [String: ActionRecord] = [:]
    records.reserveCapacity(lines.count)
    // A few are read sooner than threads start.
    let read = concurrentMap(lines.count, threads: lines.count < 64 ? 1 : options.threads) { index, _ in
      (try? JSONValue(parsing: Array(lines[lines.startIndex + index]))).flatMap(ActionRecord.init(json:))
    }
    for case let record? in read { records[record.label] = record }
    return (records, lines.count)
  }

  /// The names of the pipelines of which the store has records.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func pipelines() throws(StoreError) -> [String] {
    var names: [String] = []
    for name in try FileSystem.list(latestFolder) where name.hasSuffix(".jsonl") {
      let file = latestFolder.appending(name)
      guard let line = try FileSystem.firstLine(of: file, limit: 4096) else { continue }
      guard let pipeline = (try? JSONValue(parsing: line))?["pipeline"]?.string else { throw .damagedRecord(file) }
      names.append(pipeline)
    }
    return names
  }

  /// Appends to what is known of the latest: the cost is that of the new records, however many there are.
  func update(latestOf pipeline: String, with actions: [ActionRecord]) throws(StoreError) {
    let file = latestFile(pipeline)
    try withLatestLock { () throws(StoreError) in
      let last = try FileSystem.lastByte(of: file)
      let head = try FileSystem.firstLine(of: file, limit: 4096).map { $0 + [0x0A] }
      var bytes: [UInt8] = []
      if last == nil || head != Self.header(pipeline) {
        // It appears with its head in it, so that one without is damage; what such a one told is lost.
        try FileSystem.replace(file, Self.header(pipeline))
      } else if last != 0x0A {
        // A line that was cut off, by a full disk or a power cut, must not swallow the next.
        bytes = [0x0A]
      }
      for action in actions { bytes += action.json.canonical + [0x0A] }
      try FileSystem.append(bytes, to: file)
    }
  }

  /// Leaves one line for every action where most lines are no longer the latest.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func compactLatest(of pipeline: String) throws(StoreError) {
    let file = latestFile(pipeline)
    try withLatestLock { () throws(StoreError) in
      let (records, lines) = try latestRecords(of: pipeline)
      guard lines > 2 * records.count + 16 else { return }
      let sorted = records.values.sorted { $0.label.utf8.lexicographicallyPrecedes($1.label.utf8) }
      try FileSystem.replace(
        file,
        Self.header(pipeline) + sorted.flatMap { (record: ActionRecord) -> [UInt8] in record.json.canonical + [0x0A] })
    }
  }

  private static func header(_ pipeline: String) -> [UInt8] {
    JSONValue.object(["pipeline": .string(pipeline)]).canonical + [0x0A]
  }

  private func withLatestLock(_ body: () throws(StoreError) -> Void) throws(StoreError) {
    try FileSystem.makeFolders(latestFolder)
    try FileSystem.withLock(latestFolder.appending(".lock"), body)
  }
}

/// A name for a file or folder that people read: a label with what cannot stand in a name written as `%2F`.
///
/// A long one is cut, and told apart by the digest of the whole.
package func folderName(_ label: String) -> String {
  var name = ""
  for (index, byte) in label.utf8.enumerated() {
    let isHidden = index == 0 && byte == UInt8(ascii: ".")
    if byte <= 0x20 || byte == 0x7F || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "%") || isHidden {
      let digits = String(byte, radix: 16, uppercase: true)
      name += "%" + (digits.count < 2 ? "0" : "") + digits
    } else {
      name.unicodeScalars.append(UnicodeScalar(byte))
    }
  }
  if label.isEmpty { return "%" }
  let bytes = Array(label.utf8)
  guard name.unicodeScalars.allSatisfy(\.isASCII), name.utf8.count <= 200 else {
    let start = name.unicodeScalars.filter(\.isASCII).prefix(160)
    return String(String.UnicodeScalarView(start)) + "%" + Digest(hashing: bytes).hexadecimal.prefix(16)
  }
  return name
}
