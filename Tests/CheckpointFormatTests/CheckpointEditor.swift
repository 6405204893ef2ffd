import CanonicalJSON
import CheckpointFormat
import Records
import SystemPackage
import Tensors
import TestSupport
import Transformers

/// Raw safetensors files, for tensors that no writer of ours would write.
enum RawTensors {
  struct Entry {
    var name: String
    var type = "F32"
    var shape: [Int]
    var bytes: [UInt8]

    static func floats(_ name: String, _ shape: [Int], _ values: [Float]) -> Entry {
      Entry(name: name, shape: shape, bytes: values.withUnsafeBytes(Array.init))
    }
  }

  static func write(_ entries: [Entry], to file: FilePath) throws {
    var header = JSONObject()
    var end = 0
    for entry in entries {
      header[entry.name] = [
        "dtype": .string(entry.type), "shape": .array(entry.shape.map { JSONValue($0) }),
        "data_offsets": [JSONValue(end), JSONValue(end + entry.bytes.count)],
      ]
      end += entry.bytes.count
    }
    let json = Array(JSONValue.object(header).text.utf8)
    let length = withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init)
    try FileContent.write(length + json + entries.flatMap(\.bytes), to: file)
  }
}

/// A small model's directory that a test damages.
struct CheckpointEditor {
  static let configuration = LlamaConfiguration(
    vocabularySize: 11, width: 8, layers: 1, heads: 2, feedForward: 12, contextLength: 32, beginToken: 1,
    endTokens: [2])

  let scratch = ScratchFolder()
  let model: LlamaModel
  var folder: FilePath { scratch.path }

  init(_ configuration: LlamaConfiguration = Self.configuration, seed: UInt64 = 1) throws {
    model = LlamaModel(configuration, seed: seed, on: Device(threads: 1), trained: false)
    try ModelFolder.write(model, to: scratch.path)
  }

  /// The model's tensors as raw entries.
  var entries: [RawTensors.Entry] {
    model.parameters.entries.map {
      .floats($0.name, $0.shape.extents, model.parameters.value($0).elements)
    }
  }

  func rewrite(_ change: (inout [RawTensors.Entry]) -> Void) throws {
    var entries = entries
    change(&entries)
    try RawTensors.write(entries, to: folder.appending("model.safetensors"))
  }

  /// Changes `config.json`; a value of nil removes the member.
  func configure(_ members: [(String, JSONValue?)], file: String = "config.json") throws {
    var object = try FileContent.json(folder.appending(file)).object ?? [:]
    for (name, value) in members { object[name] = value }
    try FileContent.write(JSONValue.object(object).text.utf8, to: folder.appending(file))
  }

  func load() throws -> LlamaModel { try ModelFolder.load(folder, on: Device(threads: 1), trained: false) }

  /// What loading says, or nothing where it succeeds.
  func complaint() -> String {
    do {
      _ = try load()
      return ""
    } catch {
      return "\(error)"
    }
  }
}

/// The logits after every token of a row, `[tokens · vocabulary]`.
func logits(of model: LlamaModel, _ tokens: [Int32]) -> [Float] {
  var batch = RaggedBatch()
  batch.append(tokens, promptLength: 1, isTerminal: false)
  return model.logits(of: batch).elements
}

/// The greatest difference, relative to 1 and more.
func worst(_ left: [Float], _ right: [Float]) -> Float {
  guard left.count == right.count else { return .infinity }
  return zip(left, right).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
}
