import SystemPackage

/// Gathers what is wrong, so that everything can be reported at once.
final class ProblemLog {
  private(set) var problems: [Problem] = []

  var isEmpty: Bool { problems.isEmpty }

  func report(_ origin: ValueOrigin, found: String, expected: String, nearest: String? = nil) {
    problems.append(Problem(origin, found: found, expected: expected, nearest: nearest))
  }

  /// Each problem once, settings first, then the lines of `main`, then those of other files.
  func sorted(main: String) -> [Problem] {
    func rank(_ problem: Problem) -> (Int, String, Int, Int) {
      switch problem.origin {
      case .commandLine: (0, "", 0, 0)
      case .environment: (1, "", 0, 0)
      case .file(let place):
        (place.file.string == main ? 2 : 3, place.file.string, place.line, place.column)
      }
    }
    var seen: Set<Problem> = []
    let distinct = problems.filter { seen.insert($0).inserted }
    return distinct.map { (rank: rank($0), problem: $0) }.sorted { $0.rank < $1.rank }.map(\.problem)
  }
}
