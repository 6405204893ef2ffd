/// The rows of logits of one completion: T rows that predict its tokens, and where it was cut off one row more, whose
/// value stands for what would have followed.
public struct CompletionStates<Rows: RandomAccessCollection<StateStatistics>> where Rows.Index == Int {
  /// Row t predicts token t; a row without action last where the completion is cut off.
  public var rows: Rows
  /// Whether the completion ends with an end token, after which v = 0.
  public var isTerminal: Bool

  /// The rows of a completion.
  public init(_ rows: Rows, isTerminal: Bool) {
    precondition(isTerminal || !rows.isEmpty, "a completion that is cut off has one row more than tokens")
    self.rows = rows
    self.isTerminal = isTerminal
  }

  /// T, the number of tokens.
  public var tokenCount: Int { isTerminal ? rows.count : rows.count - 1 }

  private func row(_ t: Int) -> StateStatistics { rows[rows.startIndex + t] }

  /// v_t; after the end token 0, after a cut the value of the row behind it.
  public func value(_ t: Int) -> Double { t == rows.count ? 0 : row(t).value - row(t).level }

  /// The log-probability log π(a_t | s_t) = q_t[a_t] − v_t, of logits as they are: no level changes a bit of it.
  public func logProbability(_ t: Int) -> Double { row(t).actionLogit - row(t).value }

  /// The reward r_t = q_t[a_t] − γ v_{t+1}.
  public func reward(_ t: Int, gamma: Double) -> Double {
    row(t).actionLogit - row(t).level - gamma * value(t + 1)
  }

  /// The entropy at t.
  public func entropy(_ t: Int) -> Double { row(t).entropy }

  /// Mean log-probability over the vocabulary at t, from the mean logit.
  func meanLogProbability(_ t: Int) -> Double { row(t).meanLogit - row(t).value }
}
