/// A temperature curve read at a quality.
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
    func value(of grid: some RandomAccessCollection<Double>) -> Double {
      let from = grid[grid.index(grid.startIndex, offsetBy: segment)]
      guard fraction > 0, segment + 1 < grid.count else { return from }
      return from + fraction * (grid[grid.index(grid.startIndex, offsetBy: segment + 1)] - from)
    }
  }

  /// Where a curve has a quality; where it has it more than once, at the place nearest to a temperature.
  ///
  /// - Parameters:
  ///   - target: The quality to reach.
  ///   - qualities: The curve's quality at every temperature; a curve of one point has its own quality only.
  ///   - temperatures: The grid, ascending.
  ///   - preferred: The temperature that the place should be near.
  /// - Returns: Nil where the curve does not reach the quality between its ends.
  static func place(
    of target: Double, in qualities: [Double], at temperatures: [Double], near preferred: Double
  ) -> Place? {
    guard qualities.count > 1 else { return qualities.first == target ? Place(segment: 0, fraction: 0) : nil }
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
  /// The differences at equal temperature.
  var equalTemperature: EqualSampling
  /// The first difference at equal quality.
  var equalQuality: Outcome

  /// Which of the two fronts is read between its temperatures.
  enum Way: Sendable, Equatable {
    /// The baseline's, at the quality that the arm has as it was sampled.
    case baseline
    /// The arm's, at the quality that the baseline has as it was sampled.
    case arm
    /// Both, in the middle of the qualities that both have.
    case both
  }

  /// One front: its temperatures and its qualities, from the least to the greatest.
  struct Range: Sendable, Equatable {
    var temperatures: ClosedRange<Double>
    var qualities: ClosedRange<Double>
  }

  /// What became of the match.
  enum Outcome: Sendable, Equatable {
    /// The difference; above 0 the arm is more diverse.
    case difference(Estimate, Way)
    /// No temperature tried gives the two a common quality.
    case outOfReach(arm: Range, baseline: Range)
    /// Neither was sampled at two temperatures, so that there is no front to read.
    case noGrid(temperatures: [Double])
    /// Both have the same scores to the last digit, so that there are no two things to compare.
    case identical
    /// A cell of one front is a copy of one of the other.
    case copies(CellCopy)
    /// One of the two has the same scores at several temperatures, so that its front is none.
    case repeated(isBaseline: Bool, temperatures: [Double])
    /// Diversity or quality was not measured sample by sample.
    case notMeasured
    /// The seeds of the two can't be paired.
    case unpaired(arm: [Int], baseline: [Int])
  }
}
