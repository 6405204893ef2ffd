/// The cosines and sines by which rotary embedding turns a pair of elements at each position.
package struct RotaryTable: Sendable {
  /// cos(position · frequency), [positions, head width / 2].
  package let cosine: Tensor
  /// sin(position · frequency), [positions, head width / 2].
  package let sine: Tensor

  package init(cosine: Tensor, sine: Tensor) {
    self.cosine = cosine
    self.sine = sine
  }

  /// How many positions the table reaches.
  package var positions: Int { cosine.shape.rows }
}
