/// Why the ports that are connected and the parameters can't go together; found before anything runs.
public struct ConnectionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The port at fault, connected or missing.
  public var port: String
  /// What was found.
  public var found: String
  /// What was expected.
  public var expected: String

  /// An error about one port.
  public init(port: String, found: String, expected: String) {
    self.port = port
    self.found = found
    self.expected = expected
  }

  /// One sentence.
  public var description: String { "port \(port): expected \(expected), found \(found)" }
}

extension ConnectionError {
  /// Whether exactly one of two ports is connected.
  ///
  /// - Parameters:
  ///   - first: A port.
  ///   - second: The port in its place.
  ///   - connected: The ports that are connected.
  /// - Throws: `ConnectionError` where both are, or neither.
  public static func requireOne(
    of first: String, _ second: String, among connected: Set<String>
  ) throws(ConnectionError) {
    switch (connected.contains(first), connected.contains(second)) {
    case (true, false), (false, true): return
    case (false, false):
      throw ConnectionError(port: first, found: "neither \(first) nor \(second)", expected: "one of the two")
    case (true, true):
      throw ConnectionError(port: second, found: "\(first) and \(second) both", expected: "one of the two")
    }
  }
}
