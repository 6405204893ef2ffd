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

  /// Fills tensors, all of which must be there, with the shapes that they demand, and no others.
  ///
  /// Two things are passed over: rotary tables that old checkpoints carry, and a `lm_head.weight` beside tied
  /// embeddings where it equals them.
  ///
  /// - Parameters:
  ///   - wanted: Name and place of every tensor.
  ///   - tied: The embedding table that a spare `lm_head.weight` must equal, or nil where the head is its own.
  /// - Throws: `CheckpointError` naming the tensor, or `SafetensorsError`.
  func read(into wanted: [(name: String, tensor: Tensor)], tied: Tensor?) throws {
    var places: [String: Int] = [:]
    for (index, tensor) in tensors.enumerated() {
      if places.updateValue(index, forKey: tensor.entry.name) != nil {
        throw CheckpointError(tensor.file.path, .unfitTensor(tensor.entry.name, "stands in two files"))
      }
    }
    let missing = wanted.map(\.name).filter { places[$0] == nil }
    guard missing.isEmpty else { throw CheckpointError(folder, .missingTensors(missing)) }
    for (name, tensor) in wanted {
      guard let place = places.removeValue(forKey: name) else { continue }
      try copy(tensors[place], to: tensor)
    }
    var extra: [String] = []
    for (file, entry) in tensors where places[entry.name] != nil {
      if entry.name.hasSuffix("rotary_emb.inv_freq") { continue }
      if let tied, entry.name == "lm_head.weight" {
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
  }
}
