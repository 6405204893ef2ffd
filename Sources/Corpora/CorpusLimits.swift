/// What a foreign file may cost.
///
/// Rows pass one at a time, so the size of a file is not limited; these are.
public enum CorpusLimits {
  /// The longest row, in bytes: 64 MiB.
  public static let rowBytes = 64 << 20
  /// How many times larger than the compressed file its content may be.
  public static let expansion = 250
  /// The expansion is looked at from so many unpacked bytes on: 8 MiB.
  public static let expansionFloor = 8 << 20
}
