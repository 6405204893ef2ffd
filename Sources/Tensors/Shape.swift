/// The extents of a row-major tensor, slowest first.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The extents.
  public let extents: [Int]

  /// A shape of these extents, none of them negative.
  public init(_ extents: [Int]) {
    precondition(extents.allSatisfy { $0 >= 0 }, "a shape has no negative extent")
    self.extents = extents
  }

  /// A shape written as a literal, `[tokens, width]`.
  public init(arrayLiteral extents: Int...) { self.init(extents) }

  /// How many extents there are.
  public var rank: Int { extents.count }

  /// How many elements there are.
  public var count: Int { extents.reduce(1, *) }

  /// How many rows a matrix of the last extent has.
  public var rows: Int { extents.dropLast().reduce(1, *) }

  /// The last extent; 1 for a scalar.
  public var columns: Int { extents.last ?? 1 }

  /// The extents in brackets.
  public var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }
}
