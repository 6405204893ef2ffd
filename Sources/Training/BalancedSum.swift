/// A sum of values that come one after another, in the balanced binary tree over their numbers.
///
/// Aligned blocks [k · 2ʲ, (k + 1) · 2ʲ) are added pairwise; what is left at the right end is folded from the last block to
/// the first. The tree depends on the count alone, so whoever holds some of the blocks can share the work and come to the
/// same bits. At most ⌈log₂ n⌉ + 1 values are held at a time.
package struct BalancedSum<Value> {
  private var blocks: [(size: Int, value: Value)] = []
  private let add: (_ left: Value, _ right: Value) -> Value

  /// An empty sum.
  ///
  /// - Parameter add: Adds two values, which are not used any more; the left one's terms came first.
  package init(adding add: @escaping (_ left: Value, _ right: Value) -> Value) { self.add = add }

  /// Takes the next value.
  package mutating func append(_ value: Value) {
    var block = (size: 1, value: value)
    while let last = blocks.last, last.size == block.size {
      blocks.removeLast()
      block = (2 * block.size, add(last.value, block.value))
    }
    blocks.append(block)
  }

  /// The sum of all values; nil of none.
  package func total() -> Value? {
    guard let last = blocks.last else { return nil }
    return blocks.dropLast().reversed().reduce(last.value) { add($1.value, $0) }
  }
}
