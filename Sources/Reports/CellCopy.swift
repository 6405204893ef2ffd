/// Two cells with identical scores that should be two results.
struct CellCopy: Sendable, Equatable {
  /// What one of them is called.
  struct Name: Sendable, Equatable {
    var seed: String?
    var sampling: Sampling
  }

  var own: Name
  var its: Name

  /// Both by name, with the temperature where it tells them apart: `seed 0 of IQLearn and seed 0 of MLE`.
  func text(_ ownName: String, _ itsName: String) -> String {
    let differ = own.sampling != its.sampling
    func text(_ cell: Name, _ arm: String) -> String {
      let rule =
        cell.sampling.temperature == nil ? " with \(cell.sampling.text) decoding" : " at T \(cell.sampling.text)"
      return (cell.seed.map { "seed \($0) of " } ?? "") + arm + (differ ? rule : "")
    }
    return "\(text(own, ownName)) and \(text(its, itsName))"
  }
}

extension SeedGroup {
  /// Cells that have a copy in the other group.
  func copies(in other: SeedGroup) -> [CellCopy] {
    cells.compactMap { cell in
      other.cells.first { cell.isCopy(of: $0) }.map { twin in
        CellCopy(
          own: CellCopy.Name(seed: cell.identity.seed, sampling: sampling),
          its: CellCopy.Name(seed: twin.identity.seed, sampling: other.sampling))
      }
    }
  }
}
