import CanonicalJSON

/// What is known of a checkpoint's files before one of their bytes is used: whose they are, their sizes and digests.
///
/// It holds nothing else, so that a seal that was changed fits no file.
struct CheckpointSeal: Equatable {
  struct File: Equatable {
    var name: String
    var size: Int
    var digest: String
  }

  static let fileName = "seal.json"

  var action: String
  var files: [File]

  var json: JSONValue {
    [
      "action": .string(action),
      "files": .array(
        files.map { ["name": .string($0.name), "size": JSONValue($0.size), "sha256": .string($0.digest)] }),
    ]
  }

  init(action: String, files: [File]) {
    self.action = action
    self.files = files
  }

  /// A seal from its file; nil where a member is missing or of another type.
  init?(json: JSONValue) {
    guard let action = json["action"]?.string, let entries = json["files"]?.array else { return nil }
    self.action = action
    files = []
    for entry in entries {
      guard let name = entry["name"]?.string, let size = entry["size"]?.integer, let digest = entry["sha256"]?.string
      else { return nil }
      files.append(File(name: name, size: size, digest: digest))
    }
  }

  /// Whether these are the bytes of a file.
  func fits(
    _ bytes: UnsafeRawBufferPointer, _ name: String, _ digest: (UnsafeRawBufferPointer) -> String
  ) -> Bool {
    files.contains { $0.name.utf8.elementsEqual(name.utf8) && $0.size == bytes.count && $0.digest == digest(bytes) }
  }
}
