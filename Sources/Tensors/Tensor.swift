/// A row-major block of 32-bit floats, or a view into one.
///
/// Copies share their elements. Whoever writes to a tensor must be the only one to use it at that time; nothing
/// checks this.
public struct Tensor: @unchecked Sendable {
  /// The extents, slowest first.
  public let shape: Shape
  package let storage: Storage
  package let offset: Int

  package init(shape: Shape, storage: Storage, offset: Int) {
    self.shape = shape
    self.storage = storage
    self.offset = offset
  }

  /// A tensor whose elements are undefined.
  public init(_ shape: Shape, in pool: BufferPool) {
    self.init(shape: shape, storage: Storage(count: shape.count, pool: pool), offset: 0)
  }

  /// A tensor that holds `elements`, as many as its shape counts.
  public init(_ shape: Shape, _ elements: some Collection<Float>, in pool: BufferPool) {
    self.init(shape, in: pool)
    precondition(elements.count == shape.count, "\(elements.count) elements for a tensor of shape \(shape)")
    _ = UnsafeMutableBufferPointer(start: pointer, count: count).update(fromContentsOf: elements)
  }

  /// A tensor of zeros.
  public init(zeros shape: Shape, in pool: BufferPool) {
    self.init(shape, in: pool)
    fill(0)
  }

  /// How many elements there are.
  public var count: Int { shape.count }

  /// The first element.
  ///
  /// Valid as long as a tensor that shares the elements is.
  public var pointer: UnsafeMutablePointer<Float> { storage.pointer + offset }

  /// The elements.
  ///
  /// Valid as long as a tensor that shares them is.
  public var buffer: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: pointer, count: count) }

  /// A copy of the elements.
  public var elements: [Float] { Array(buffer) }

  /// Sets every element.
  public func fill(_ value: Float) { pointer.update(repeating: value, count: count) }

  /// Copies the elements of a tensor of equal count.
  public func assign(_ other: Tensor) {
    precondition(count == other.count, "a tensor of shape \(other.shape) does not fit \(shape)")
    pointer.update(from: other.pointer, count: count)
  }

  /// The same elements under another shape of equal count.
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(shape.count == count, "shape \(shape) for the \(count) elements of \(self.shape)")
    return Tensor(shape: shape, storage: storage, offset: offset)
  }

  /// The part that starts at element `first`, as `shape`.
  public func view(from first: Int, shape: Shape) -> Tensor {
    precondition(first >= 0 && first + shape.count <= count, "a view beyond the end of \(self.shape)")
    return Tensor(shape: shape, storage: storage, offset: offset + first)
  }

  /// Rows `range` of a matrix.
  public func rows(_ range: Range<Int>) -> Tensor {
    view(from: range.lowerBound * shape.columns, shape: [range.count, shape.columns])
  }
}
