/// Quantities as people read them.
package enum Wording {
  /// `0.2 s`, `46.1 s`, `2 min 30 s`, `1 h 05 min`.
  package static func duration(_ seconds: Double) -> String {
    if seconds < 99.95 { return "\(fixed(max(0, seconds), 1)) s" }
    guard seconds < longest else { return "ages" }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return "\(whole / 60) min \(padded(whole % 60)) s" }
    return "\(whole / 3600) h \(padded(whole % 3600 / 60)) min"
  }

  /// A duration that is an estimate: `5 s`, `40 s`, `2 min 30 s`, `1 h 05 min`.
  package static func about(_ seconds: Double) -> String {
    if seconds < 1 { return "1 s" }
    if seconds < 10 { return "\(Int(seconds.rounded())) s" }
    guard seconds < longest else { return "ages" }
    let coarse = (seconds / 10).rounded() * 10
    return coarse < 99.5 ? "\(Int(coarse)) s" : duration(coarse)
  }

  /// `870 kB`, `310 MB`, `1.4 GB`.
  package static func bytes(_ count: Int) -> String {
    switch count {
    case ..<1000: "\(count) B"
    case ..<1_000_000: "\(count / 1000) kB"
    case ..<1_000_000_000: "\(count / 1_000_000) MB"
    default: "\(fixed(Double(count) / 1e9, 1)) GB"
    }
  }

  /// `9,810`.
  package static func count(_ number: Int) -> String {
    var digits = Array(String(number.magnitude))
    var place = digits.count - 3
    while place > 0 {
      digits.insert(",", at: place)
      place -= 3
    }
    return (number < 0 ? "-" : "") + String(digits)
  }

  /// A rate: `9,810`, `12.3`, `0.61`.
  package static func rate(_ value: Double) -> String {
    // A user's program may tell anything.
    guard abs(value) < 1e15 else { return "?" }
    return value >= 100 ? count(Int(value.rounded())) : fixed(value, value >= 10 ? 1 : 2)
  }

  /// A longer time is none that anybody waits for.
  private static let longest = 1e10

  /// Decimal digits after the point, rounded.
  private static func fixed(_ value: Double, _ digits: Int) -> String {
    let scale = digits == 1 ? 10 : 100
    let scaled = Int((abs(value) * Double(scale)).rounded())
    let fraction = String(scaled % scale)
    return (value < 0 && scaled > 0 ? "-" : "") + "\(scaled / scale)."
      + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
