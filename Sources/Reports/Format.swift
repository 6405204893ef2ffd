import Glibc

/// Numbers as the page and the terminal print them.
enum Format {
  /// A number with a fixed count of decimals; a minus sign is U+2212, and zero has none.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return "—" }
    let text = plain(value, decimals)
    return text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }

  /// A number with a fixed count of decimals in ASCII, as files hold it.
  static func plain(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return "" }
    let scale = pow(10, Double(decimals))
    let scaled = (abs(value) * scale).rounded(.toNearestOrEven)
    guard scaled < 1e15 else { return "\(value)" }
    let digits = String(Int(scaled))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let whole = padded.dropLast(decimals)
    let text = decimals > 0 ? "\(whole).\(padded.suffix(decimals))" : String(whole)
    return value < 0 && scaled > 0 ? "-" + text : text
  }

  /// A difference with its sign: `+0.3`, `−1.2`; zero has none.
  static func signed(_ value: Double, _ decimals: Int) -> String {
    let text = fixed(value, decimals)
    return value > 0 && text.utf8.contains(where: { $0 >= 0x31 && $0 <= 0x39 }) ? "+" + text : text
  }

  /// The shortest form with at least so many decimals: `0.7` → `0.70`, `0.125` → `0.125`.
  static func number(_ value: Double, least decimals: Int) -> String {
    for count in decimals..<6 where abs(value - (Double(plain(value, count)) ?? .nan)) < 1e-9 {
      return fixed(value, count)
    }
    return fixed(value, 4)
  }

  /// A correlation as in print: `.40`, `−.05`.
  static func correlation(_ value: Double) -> String {
    let text = fixed(value, 2)
    if text.hasPrefix("0.") { return String(text.dropFirst()) }
    if text.hasPrefix("−0.") { return "−" + text.dropFirst(2) }
    return text
  }

  /// A count with thin groups: `4,000`.
  static func count(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "−" : ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// A count with its noun: `1 seed`, `3 seeds`.
  static func count(_ value: Int, _ noun: String) -> String { "\(count(value)) \(noun)\(value == 1 ? "" : "s")" }

  /// A list in prose: `a, b and c`.
  static func list(_ items: [String]) -> String {
    guard let last = items.last, items.count > 1 else { return items.first ?? "" }
    return items.dropLast().joined(separator: ", ") + " and " + last
  }
}
