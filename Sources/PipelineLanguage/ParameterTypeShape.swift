package import CanonicalJSON
package import StageKit

extension ParameterType {
  /// The lowest and the highest number, where there is a range.
  package var range: JSONValue? {
    switch innermost {
    case .integer(let range?): [JSONValue(range.lowerBound), JSONValue(range.upperBound)]
    case .number(let range?): [.number(range.lowerBound), .number(range.upperBound)]
    default: nil
    }
  }

  /// The words of a choice.
  package var choices: [String]? { if case .choice(let words) = innermost { words } else { nil } }

  /// The type of the elements at the bottom of lists and maps.
  var innermost: ParameterType {
    switch self {
    case .list(let element), .map(let element), .optional(let element): element.innermost
    default: self
    }
  }

  /// The type with a range on its numbers, or nil where it has none.
  func with(range: ClosedRange<Double>) -> ParameterType? {
    switch self {
    case .integer: .integer(Int(range.lowerBound)...Int(range.upperBound))
    case .number: .number(range)
    case .list(let element): element.with(range: range).map { .list($0) }
    case .map(let element): element.with(range: range).map { .map($0) }
    case .optional(let element): element.with(range: range).map { .optional($0) }
    default: nil
    }
  }

  /// The type with the words of its choice, or nil where it has none.
  func with(choices words: [String]) -> ParameterType? {
    switch self {
    case .choice: .choice(words)
    case .list(let element): element.with(choices: words).map { .list($0) }
    case .map(let element): element.with(choices: words).map { .map($0) }
    case .optional(let element): element.with(choices: words).map { .optional($0) }
    default: nil
    }
  }
}
