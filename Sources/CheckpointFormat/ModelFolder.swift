import CanonicalJSON
import Records
import SafetensorsFormat
public import SystemPackage
public import Tensors
public import Transformers

/// A Hugging Face model directory, as transformers 4 and 5 write it and read it.
public enum ModelFolder {
  /// The configuration of a model, without its weights.
  ///
  /// - Parameter folder: The directory.
  /// - Returns: The configuration, the level that `level_offset` gives included.
  /// - Throws: `CheckpointError` naming the field of `config.json` that is missing, wrong or not supported.
  public static func configuration(of folder: FilePath) throws -> LlamaConfiguration {
    guard let config = try fields("config.json", in: folder) else {
      throw CheckpointError(
        folder.appending("config.json"), .missingFile("a model is a Hugging Face directory with config.json"))
    }
    return try LlamaConfigurationFile.read(config, generation: fields("generation_config.json", in: folder))
  }

  /// Loads a model; every tensor must be there in its shape, finite, and no other.
  ///
  /// - Parameters:
  ///   - folder: The directory; F32, F16 and BF16 are read, whole or in shards.
  ///   - configuration: What `configuration(of:)` gave, with other end tokens perhaps; default: as the files say.
  ///   - device: Where the model is to live.
  ///   - trained: Whether there is to be room for gradients.
  /// - Returns: The model in single precision.
  /// - Throws: `CheckpointError` naming field or tensor, `SafetensorsError` for a damaged file, or `MemoryShortage`; no
  ///   memory is taken for a size that a configuration states and the files don't have.
  public static func load(
    _ folder: FilePath, _ configuration: LlamaConfiguration? = nil, on device: Device, trained: Bool
  ) throws -> LlamaModel {
    let configuration = try configuration ?? Self.configuration(of: folder)
    let weights = try WeightFiles(folder)
    try check(weights, against: configuration, in: folder)
    let bytes = weights.singlePrecisionBytes * (trained ? 2 : 1)
    try Device.requireMemory(Int(exactly: bytes) ?? .max, for: "the model in \(folder)")
    let model = LlamaModel(configuration, on: device, trained: trained)
    let parameters = model.parameters
    try weights.read(
      into: parameters.entries.map { ($0.name, parameters.value($0)) },
      tied: model.configuration.isTied ? parameters["model.embed_tokens.weight"] : nil)
    return model
  }

  /// Checks that configuration and weights go together, by the headers of the files alone.
  ///
  /// Of a model that is sound and that nothing here can load, such as one of another architecture, only the headers are
  /// looked at.
  ///
  /// - Parameter folder: The directory.
  /// - Throws: `CheckpointError` naming field or tensor, or `SafetensorsError` for a damaged file.
  public static func check(_ folder: FilePath) throws {
    let weights = try WeightFiles(folder)
    let configuration: LlamaConfiguration
    do {
      configuration = try Self.configuration(of: folder)
    } catch let error as CheckpointError {
      if case .unsupported = error.reason { return }
      throw error
    }
    try check(weights, against: configuration, in: folder)
    try weights.refuseOthers(than: LlamaModel.layout(of: configuration).map(\.name), isTied: configuration.isTied)
  }

  private static func check(
    _ weights: WeightFiles, against configuration: LlamaConfiguration, in folder: FilePath
  ) throws {
    guard configuration.layers <= weights.count else {
      throw CheckpointError(
        folder.appending("config.json"),
        .field("num_hidden_layers", "is \(configuration.layers), the files hold \(weights.count) tensors in all"))
    }
    try weights.check(LlamaModel.layout(of: configuration))
  }

  /// Writes a model: `config.json`, `generation_config.json` with the end tokens, and `model.safetensors` in F32, whose
  /// metadata say `format` and nothing else.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - folder: An existing folder.
  /// - Throws: `Errno`, such as `noSpace`.
  public static func write(_ model: LlamaModel, to folder: FilePath) throws {
    let configuration = model.configuration
    let config = LlamaConfigurationFile.write(configuration)
    try FileContent.write(JSONValue.object(config).prettyText.utf8, to: folder.appending("config.json"))
    var generation = JSONObject()
    if let begin = configuration.beginToken { generation["bos_token_id"] = JSONValue(Int(begin)) }
    generation["eos_token_id"] = LlamaConfigurationFile.tokens(configuration.endTokens)
    try FileContent.write(
      JSONValue.object(generation).prettyText.utf8, to: folder.appending("generation_config.json"))
    var writer = SafetensorsWriter(metadata: ["format": "pt"])
    for entry in model.parameters.entries {
      writer.add(
        entry.name, shape: entry.shape.extents, memory: UnsafeBufferPointer(model.parameters.value(entry).buffer))
    }
    try writer.write(to: folder.appending("model.safetensors"))
  }

  /// The members of a JSON file of the directory, or nil where there is no such file.
  static func fields(_ name: String, in folder: FilePath) throws -> ConfigurationFields? {
    let file = folder.appending(name)
    guard FileContent.exists(file) else { return nil }
    guard let object = try FileContent.json(file).object else {
      throw CheckpointError(file, .field(name, "holds no JSON object"))
    }
    return ConfigurationFields(file: file, object: object)
  }
}
