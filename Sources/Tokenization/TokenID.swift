/// The number of a token in a vocabulary.
///
/// It has the layout of `Int32`, so that a buffer of ids may be bound to either type.
@frozen
public struct TokenID: Hashable, Comparable, Sendable {
  /// The number, from 0.
  public var value: Int32

  /// The token of that number.
  @inlinable
  public init(_ value: Int32) { self.value = value }

  /// The token of that number, which must fit 32 bits.
  @inlinable
  public init(_ value: Int) { self.value = Int32(value) }

  /// Orders ids by number.
  @inlinable
  public static func < (left: TokenID, right: TokenID) -> Bool { left.value < right.value }

  /// Hashes the number.
  @inlinable
  public func hash(into hasher: inout Hasher) { hasher.combine(value) }
}

extension TokenID: ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// A token by its number, written as a literal.
  @inlinable
  public init(integerLiteral value: Int32) { self.value = value }

  /// The number.
  public var description: String { String(value) }
}
