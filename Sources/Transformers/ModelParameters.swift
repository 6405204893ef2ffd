package import Autodiff
public import Tensors

/// All trained tensors of a model, in one flat buffer, under their Hugging Face names.
///
/// Clipping, the optimiser and checkpoints are single passes over `values` and `gradients`.
public final class ModelParameters: Sendable {
  /// One named tensor.
  public struct Entry: Hashable, Sendable {
    /// The Hugging Face name, `model.layers.0.mlp.up_proj.weight`.
    public let name: String
    /// The extents, weights as [out, in].
    public let shape: Shape
    /// Where it begins in the flat buffer.
    public let offset: Int

    /// Its place in the flat buffer.
    public var range: Range<Int> { offset..<offset + shape.count }
  }

  /// The tensors in the order in which they lie in the flat buffer.
  public let entries: [Entry]
  /// All values [count].
  public let values: Tensor
  /// All gradients [count], or nil if the model is not trained.
  public let gradients: Tensor?
  private let positions: [String: Int]

  /// Room for these tensors, undefined as yet.
  ///
  /// - Parameters:
  ///   - layout: Names and shapes, in order.
  ///   - device: Where they live.
  ///   - trained: Whether there is room for gradients.
  public init(_ layout: [(name: String, shape: Shape)], on device: Device, trained: Bool) {
    var offset = 0
    entries = layout.map { name, shape in
      defer { offset += shape.count }
      return Entry(name: name, shape: shape, offset: offset)
    }
    positions = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
    values = device.empty([offset])
    gradients = trained ? device.zeros([offset]) : nil
  }

  /// How many numbers are trained.
  public var count: Int { values.count }

  /// The entry of this name, or nil.
  public func entry(_ name: String) -> Entry? { positions[name].map { entries[$0] } }

  /// The tensor of an entry.
  public func value(_ entry: Entry) -> Tensor { values.view(from: entry.offset, shape: entry.shape) }

  /// The gradient of an entry, or nil if the model is not trained.
  public func gradient(_ entry: Entry) -> Tensor? { gradients?.view(from: entry.offset, shape: entry.shape) }

  /// The tensor of this name, or nil.
  public subscript(name: String) -> Tensor? { entry(name).map(value) }

  /// The first tensor with an element that is infinite or no number.
  ///
  /// - Parameter buffer: Numbers that lie as `values` do: these, gradients or moments of the optimiser.
  /// - Returns: The tensor's name; nil where all are finite.
  public func firstNotFinite(in buffer: Tensor) -> String? {
    guard let index = buffer.firstNotFinite else { return nil }
    return entries.first { $0.range.contains(index) }?.name
  }

  /// Tensors that lie one after the other, as one matrix of all their rows.
  ///
  /// - Parameter names: Names of matrices of equal width, in order.
  /// - Returns: A view of them all.
  package func joined(_ names: String...) -> Parameter {
    let parts = names.map { name in
      guard let entry = entry(name) else { preconditionFailure("no parameter is called \(name)") }
      return entry
    }
    precondition(zip(parts, parts.dropFirst()).allSatisfy { $0.range.upperBound == $1.offset }, "parts lie apart")
    let rows = parts.reduce(0) { $0 + $1.shape.rows }
    let shape: Shape = parts[0].shape.rank == 1 ? parts[0].shape : [rows, parts[0].shape.columns]
    return Parameter(
      value: values.view(from: parts[0].offset, shape: shape),
      gradient: gradients?.view(from: parts[0].offset, shape: shape))
  }
}
