import CanonicalJSON
import Records
import SafetensorsFormat
import SystemPackage
import Tensors

/// The tensors of a model directory: one safetensors file, or several that an index lists.
struct WeightFiles {
  private let folder: FilePath
  private let tensors: [(file: SafetensorsFile, entry: SafetensorsEntry)]

  init(_ folder: FilePath) throws {
    self.folder = folder
    let single = folder.appending("model.safetensors")
    let index = folder.appending("model.safetensors.index.json")
    var files: [SafetensorsFile] = []
    if FileContent.exists(single) {
      files = [try SafetensorsFile(single)]
    } else if FileContent.exists(index) {
      for name in try Self.shards(index) { files.append(try SafetensorsFile(folder.appending(name))) }
    } else {
      let hasOld = FileContent.exists(folder.appending("pytorch_model.bin"))
      throw CheckpointError(
        single,
        .missingFile(
          hasOld
            ? "save pytorch_model.bin with save_pretrained(…, safe_serialization=True)" : "a model needs its weights"))
    }
    tensors = files.flatMap { file in file.entries.map { (file, $0) } }
  }

  /// The files that an index beside a `model.safetensors` names, where they are others: two sources of the same weights.
  ///
  /// - Parameter folder: The model.
  /// - Returns: Their names; nil where there is no such index, or none that can be read, which nobody needs.
  static func shadowedShards(in folder: FilePath) -> [String]? {
    let index = folder.appending("model.safetensors.index.json")
    guard FileContent.exists(folder.appending("model.safetensors")), FileContent.exists(index),
      let names = try? shards(index), names != ["model.safetensors"]
    else { return nil }
    return names
  }

  /// The names of the shards, sorted.
  private static func shards(_ index: FilePath) throws -> [String] {
    guard let map = try FileContent.json(index)["weight_map"]?.object else {
      throw CheckpointError(index, .field("weight_map", "is missing or no object"))
    }
    var names: Set<String> = []
    for member in map.members {
      guard let name = member.value.string, FilePath(name).components.count == 1, FilePath(name).isRelative,
        name != "..", name != "."
      else {
        throw CheckpointError(index, .field("weight_map", "gives \(member.name) a file that is no name in this folder"))
      }
      names.insert(name)
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// How many tensors the files hold.
  var count: Int { tensors.count }

  /// Bytes of all tensors as single precision; files may have holes and state more than any memory.
  var singlePrecisionBytes: Double {
    tensors.reduce(0) { $0 + 4 * Double($1.entry.range.count / $1.entry.type.byteCount) }
  }

  /// Holds names and shapes that a configuration demands against the files, before memory is asked for.
  ///
  /// - Parameter wanted: Name and shape of every tensor.
  /// - Throws: `CheckpointError` naming the tensor that is missing or of another shape or type.
  func check(_ wanted: [(name: String, shape: Shape)]) throws {
    let places = try places()
    let missing = wanted.map(\.name).filter { places[$0] == nil }
    guard missing.isEmpty else { throw CheckpointError(folder, .missingTensors(missing)) }
    for (name, shape) in wanted {
      guard let place = places[name] else { continue }
      let (file, entry) = tensors[place]
      guard entry.shape == shape.extents else {
        throw CheckpointError(
          file.path, .unfitTensor(name, "has shape \(entry.shape), config.json wants \(shape)"))
      }
      guard [.float32, .float16, .bfloat16].contains(entry.type) else {
        throw CheckpointError(
          file.path, .unfitTensor(name, "is \(entry.type.rawValue), expected F32, F16 or BF16"))
      }
    }
  }

  /// Refuses tensors that a configuration does not know, by their names.
  ///
  /// - Parameters:
  ///   - wanted: The names of all tensors that it knows.
  ///   - isTied: Whether a spare `lm_head.weight` may stand beside the embeddings.
  /// - Throws: `CheckpointError` naming them.
  func refuseOthers(than wanted: [String], isTied: Bool) throws {
    var others = try places()
    for name in wanted { others[name] = nil }
    let extra = tensors.map(\.entry.name).filter { name in
      others[name] != nil && !Self.isRotaryTable(name) && !(isTied && name == "lm_head.weight")
    }
    guard extra.isEmpty else { throw CheckpointError(folder, .extraTensors(extra)) }
  }

  /// Whether a tensor is one of the tables that old checkpoints carry and that follow from the configuration.
  private static func isRotaryTable(_ name: String) -> Bool { name.hasSuffix("rotary_emb.inv_freq") }

  private func places() throws -> [String: Int] {
    var places: [String: Int] = [:]
    for (index, tensor) in tensors.enumerated() {
      if places.updateValue(index, forKey: tensor.entry.name) != nil {
        throw CheckpointError(tensor.file.path, .unfitTensor(tensor.entry.name, "stands in two files"))
      }
    }
    return places
  }

  /// Fills tensors whose names and shapes `check` has seen; there may be no others in the files.
  ///
  /// Two things are passed over: rotary tables that old checkpoints carry, and a `lm_head.weight` beside tied
  /// embeddings where it equals them.
  ///
  /// - Parameters:
  ///   - wanted: Name and place of every tensor.
  ///   - tied: The embedding table that a spare `lm_head.weight` must equal, or nil where the head is its own.
  /// - Throws: `CheckpointError` naming the tensor, also where one holds an element that is infinite or no number, or
  ///   `SafetensorsError`.
  func read(into wanted: [(name: String, tensor: Tensor)], tied: Tensor?) throws {
    var places = try places()
    for (name, tensor) in wanted {
      guard let place = places.removeValue(forKey: name) else { throw CheckpointError(folder, .missingTensors([name])) }
      try copy(tensors[place], to: tensor)
    }
    var extra: [String] = []
    for (file, entry) in tensors where places[entry.name] != nil {
      if Self.isRotaryTable(entry.name) { continue }
      if let tied, entry.name == "lm_head.weight" {
        guard entry.shape == tied.shape.extents else {
          throw CheckpointError(
            file.path, .unfitTensor(entry.name, "has shape \(entry.shape), the embeddings have \(tied.shape)"))
        }
        let head = Tensor(tied.shape, in: BufferPool())
        try copy((file, entry), to: head)
        guard head.buffer.elementsEqual(tied.buffer, by: { $0.bitPattern == $1.bitPattern }) else {
          throw CheckpointError(
            file.path,
            .unfitTensor(entry.name, "differs from the embeddings, although tie_word_embeddings says that they are one")
          )
        }
        continue
      }
      extra.append(entry.name)
    }
    guard extra.isEmpty else { throw CheckpointError(folder, .extraTensors(extra)) }
  }

  private func copy(_ source: (file: SafetensorsFile, entry: SafetensorsEntry), to tensor: Tensor) throws {
    guard source.entry.shape == tensor.shape.extents else {
      throw CheckpointError(
        source.file.path,
        .unfitTensor(source.entry.name, "has shape \(source.entry.shape), config.json wants \(tensor.shape)"))
    }
    try source.file.copyFloats(of: source.entry, to: tensor.buffer)
    if let index = tensor.firstNotFinite {
      throw CheckpointError(
        source.file.path,
        .unfitTensor(
          source.entry.name,
          "holds \(tensor.buffer[index]) at element \(index) of \(tensor.count); a model with weights that are not "
            + "finite gives no probabilities, take a checkpoint from before they were"))
    }
  }
}
