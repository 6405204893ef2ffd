/// A temperature curve read at the quality of another arm.
///
/// A comparison at equal temperature favours whatever flattens the distribution; at equal quality it does not.
/// Between neighbouring grid points quality and whatever else is asked for are linear in temperature; beyond the grid
/// nothing is said.
enum MatchedQuality {
  /// A place between two neighbouring points of the grid.
  struct Place: Equatable {
    /// The index of the lower point.
    var segment: Int
    /// How far from it to the next, 0 to 1.
    var fraction: Double

    /// A quantity at this place, linear between the points.
    func value(of grid: [Double]) -> Double {
      segment + 1 < grid.count ? grid[segment] + fraction * (grid[segment + 1] - grid[segment]) : grid[segment]
    }
  }

  /// Where a curve has a quality; where it has it more than once, at the place nearest to a temperature.
  ///
  /// - Parameters:
  ///   - target: The quality to reach.
  ///   - qualities: The curve's quality at every temperature.
  ///   - temperatures: The grid, ascending.
  ///   - preferred: The temperature of the arm that is matched.
  /// - Returns: Nil where the curve does not reach the quality between its ends.
  static func place(of target: Double, in qualities: [Double], at temperatures: [Double], near preferred: Double)
    -> Place?
  {
    guard qualities.count > 1 else { return nil }
    var best: (place: Place, distance: Double)?
    for segment in 0..<qualities.count - 1 {
      let (from, to) = (qualities[segment], qualities[segment + 1])
      guard min(from, to) <= target, target <= max(from, to) else { continue }
      // A flat stretch at the target: its middle.
      let place = Place(segment: segment, fraction: from == to ? 0.5 : (target - from) / (to - from))
      let distance = abs(place.value(of: temperatures) - preferred)
      if best.map({ distance < $0.distance }) ?? true { best = (place, distance) }
    }
    return best?.place
  }
}

/// What an arm is at equal temperature and at equal quality, against the baseline.
struct Contrast: Sendable {
  /// Baseline's Self-BLEU minus the arm's at equal temperature: above 0 the arm is more diverse.
  var equalTemperature: Estimate?
  /// The arm's quality minus the baseline's at equal temperature.
  var equalTemperatureQuality: Estimate?
  /// The same difference at equal quality.
  var equalQuality: Outcome

  /// What became of the match.
  enum Outcome: Sendable, Equatable {
    /// The difference; above 0 the arm is more diverse.
    case difference(Estimate)
    /// The baseline's grid does not reach the arm's quality.
    case notReached(quality: Double, least: Double, greatest: Double)
    /// There is no grid of at least two temperatures, or no diversity was measured.
    case noGrid
  }
}
