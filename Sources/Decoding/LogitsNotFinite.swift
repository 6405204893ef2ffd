/// Logits that are infinite or no numbers: the model gives no probabilities to choose a token by.
public struct LogitsNotFinite: Error, Sendable, Hashable, CustomStringConvertible {
  /// The prompt's id.
  public var id: String
  /// The sample's number.
  public var sample: Int
  /// How many tokens the completion had.
  public var position: Int
  /// logsumexp of the logits.
  public var value: Float

  /// One sentence.
  public var description: String {
    "the logits after \(position) tokens of sample \(sample) of prompt \(id) are not finite (their logsumexp is "
      + "\(value)), so there are no probabilities; take a checkpoint from before the training diverged"
  }
}
