import CanonicalJSON
import ContentAddressing

/// How a document of the store looked.
struct DocumentStatus: Equatable, Sendable {
  var device: UInt64
  var inode: UInt64
  var size: Int
  /// Time of the last change of content, in nanoseconds since 1970.
  var modified: Int64
  /// Time of the last change of content, name, owner or mode, in nanoseconds since 1970.
  var changed: Int64

  /// What tells a regular file's states apart; nil for anything else.
  init?(_ status: FileStatus) {
    guard status.kind == .file else { return nil }
    (device, inode, size) = (status.device, status.inode, status.size)
    (modified, changed) = (status.modified, status.changed)
  }

  fileprivate init(device: UInt64, inode: UInt64, size: Int, modified: Int64, changed: Int64) {
    (self.device, self.inode, self.size) = (device, inode, size)
    (self.modified, self.changed) = (modified, changed)
  }
}

/// A result, and how the documents looked that told of it.
struct IndexedResult: Sendable {
  var result: ActionResult
  /// The action's entry.
  var entry: DocumentStatus
  /// The result's manifest, its list of outputs, and the manifests of the outputs in their order.
  var documents: [DocumentStatus]
}

/// Results as one file, sealed by its SHA-256.
///
/// ```
/// "apprentice result index 1\n", SHA-256 of all that follows
/// number of texts, each with its length: media types and names, which recur
/// records, each with its length: key, result, entry, documents, result's manifest, outputs
/// ```
///
/// Numbers are of seven bits a byte, least first, digests raw.
struct IndexedResults: Sendable {
  private static let title = Array("apprentice result index 1\n".utf8)

  static let empty = IndexedResults(bytes: [], texts: [], places: [:])

  private let bytes: [UInt8]
  private let texts: [String]
  /// Where the records lie.
  private let places: [ActionKey: Range<Int>]

  private init(bytes: [UInt8], texts: [String], places: [ActionKey: Range<Int>]) {
    (self.bytes, self.texts, self.places) = (bytes, texts, places)
  }

  /// Reads the file; nil where it is damaged or of another version.
  init?(_ bytes: [UInt8]) {
    let start = Self.title.count + Digest.byteCount
    guard bytes.count > start, bytes.starts(with: Self.title),
      bytes.withUnsafeBytes({ Digest(hashing: UnsafeRawBufferPointer(rebasing: $0[start...])) }).bytes
        .elementsEqual(bytes[Self.title.count..<start])
    else { return nil }
    var texts: [String] = []
    var places: [ActionKey: Range<Int>] = [:]
    let isWhole = bytes.withUnsafeBytes { bytes in
      var reader = IndexReader(bytes: bytes, position: start, texts: [])
      for _ in 0..<(reader.count() ?? 0) {
        guard let text = reader.string() else { return false }
        texts.append(text)
      }
      while reader.position < bytes.count {
        guard let length = reader.count(), length <= bytes.count - reader.position, let key = reader.digest(),
          length >= Digest.byteCount
        else { return false }
        let end = reader.position - Digest.byteCount + length
        places[ActionKey(key)] = reader.position..<end
        reader.position = end
      }
      return true
    }
    guard isWhole else { return nil }
    self.init(bytes: bytes, texts: texts, places: places)
  }

  /// The actions.
  var keys: Dictionary<ActionKey, Range<Int>>.Keys { places.keys }

  /// What is known of an action.
  func result(of key: ActionKey) -> IndexedResult? {
    guard let place = places[key] else { return nil }
    return bytes.withUnsafeBytes { bytes in
      var reader = IndexReader(
        bytes: UnsafeRawBufferPointer(rebasing: bytes[..<place.upperBound]), position: place.lowerBound, texts: texts)
      return reader.result(of: key)
    }
  }

  /// The file of some results, but those whose manifests say more than ours do; nil where none is left.
  static func bytes(of results: [IndexedResult]) -> [UInt8]? {
    var writer = IndexWriter()
    for result in results where result.isPlain { writer.append(result) }
    guard !writer.records.isEmpty else { return nil }
    var content: [UInt8] = []
    content.append(number: writer.texts.count)
    for text in writer.texts {
      content.append(number: text.utf8.count)
      content += text.utf8
    }
    content += writer.records
    return title + Digest(hashing: content).bytes + content
  }
}

extension IndexedResult {
  /// Whether the manifests are such as the store writes: no configuration, no remarks but names.
  fileprivate var isPlain: Bool {
    ([result.manifest] + result.outputs.map(\.artifact.manifest)).allSatisfy { manifest in
      manifest.config == .empty && manifest.annotations.isEmpty
        && manifest.layers.allSatisfy { $0.artifactType == nil && $0.annotations.count == 1 && $0.title != nil }
    }
  }
}

private struct IndexWriter {
  var texts: [String] = []
  private var numbers: [String: Int] = [:]
  var records: [UInt8] = []

  mutating func append(_ indexed: IndexedResult) {
    var record = indexed.result.key.digest.bytes + indexed.result.digest.bytes
    record.append(number: 1 + indexed.documents.count)
    for status in [indexed.entry] + indexed.documents {
      record.append(number: Int(truncatingIfNeeded: status.device))
      record.append(number: Int(truncatingIfNeeded: status.inode))
      record.append(number: status.size)
      record.append(number: Int(status.modified))
      record.append(number: Int(status.changed))
    }
    append(indexed.result.manifest, to: &record)
    for output in indexed.result.outputs {
      record.append(number: number(of: output.port))
      record += output.artifact.digest.bytes
      append(output.artifact.manifest, to: &record)
    }
    records.append(number: record.count)
    records += record
  }

  private mutating func append(_ manifest: Manifest, to record: inout [UInt8]) {
    record.append(number: number(of: manifest.artifactType))
    record.append(number: manifest.layers.count)
    for layer in manifest.layers {
      record.append(number: number(of: layer.mediaType))
      record.append(number: number(of: layer.title ?? ""))
      record.append(number: layer.size)
      record += layer.digest.bytes
    }
  }

  private mutating func number(of text: String) -> Int {
    if let number = numbers[text] { return number }
    numbers[text] = texts.count
    texts.append(text)
    return texts.count - 1
  }
}

private struct IndexReader {
  let bytes: UnsafeRawBufferPointer
  var position: Int
  let texts: [String]

  mutating func number() -> Int? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < bytes.count else { return nil }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return Int(truncatingIfNeeded: value) }
    }
    return nil
  }

  /// A number of things that follow, of which each takes a byte at least.
  mutating func count() -> Int? { number().flatMap { $0 >= 0 && $0 <= bytes.count - position ? $0 : nil } }

  mutating func digest() -> Digest? {
    guard bytes.count - position >= Digest.byteCount else { return nil }
    defer { position += Digest.byteCount }
    return Digest(bytes: UnsafeRawBufferPointer(rebasing: bytes[position..<(position + Digest.byteCount)]))
  }

  mutating func string() -> String? {
    guard let length = count() else { return nil }
    defer { position += length }
    return String(decoding: bytes[position..<(position + length)], as: UTF8.self)
  }

  mutating func text() -> String? { number().flatMap { texts.indices.contains($0) ? texts[$0] : nil } }

  mutating func result(of key: ActionKey) -> IndexedResult? {
    guard let digest = digest(), let count = count(), count >= 3 else { return nil }
    var statuses: [DocumentStatus] = []
    statuses.reserveCapacity(count)
    for _ in 0..<count {
      guard let device = number(), let inode = number(), let size = number(), let modified = number(),
        let changed = number()
      else { return nil }
      statuses.append(
        DocumentStatus(
          device: UInt64(bitPattern: Int64(device)), inode: UInt64(bitPattern: Int64(inode)), size: size,
          modified: Int64(modified), changed: Int64(changed)))
    }
    guard let manifest = manifest() else { return nil }
    var outputs: [ActionResult.Output] = []
    for _ in 3..<count {
      guard let port = text(), let digest = self.digest(), let manifest = self.manifest() else { return nil }
      outputs.append(.init(port: port, artifact: Artifact(digest: digest, manifest: manifest)))
    }
    return IndexedResult(
      result: ActionResult(key: key, digest: digest, manifest: manifest, outputs: outputs), entry: statuses[0],
      documents: Array(statuses[1...]))
  }

  private mutating func manifest() -> Manifest? {
    guard let type = text(), let count = count() else { return nil }
    var layers: [Descriptor] = []
    layers.reserveCapacity(count)
    for _ in 0..<count {
      guard let mediaType = text(), let title = text(), let size = number(), let digest = digest() else { return nil }
      layers.append(Descriptor(file: title, digest: digest, size: size, mediaType: mediaType))
    }
    return Manifest(artifactType: type, files: layers)
  }
}

extension [UInt8] {
  /// Appends a number, seven bits a byte, least first.
  fileprivate mutating func append(number: Int) {
    var rest = UInt64(bitPattern: Int64(number))
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}
