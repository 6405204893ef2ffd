import Glibc

extension Double {
  /// e^x.
  static func exponential(_ x: Double) -> Double { exp(x) }
}
