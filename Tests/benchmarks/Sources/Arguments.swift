import CanonicalJSON

/// Arguments of the form VERB [POSITIONAL] [--name value]….
struct Arguments {
  var verb = ""
  var positional: [String] = []
  private var options: [String: String] = [:]

  init(_ arguments: some Sequence<String>) {
    var name: String?
    for argument in arguments {
      if let option = name {
        options[option] = argument
        name = nil
      } else if argument.hasPrefix("--") {
        name = String(argument.dropFirst(2))
      } else if verb.isEmpty {
        verb = argument
      } else {
        positional.append(argument)
      }
    }
  }

  func text(_ name: String) -> String? { options[name] }
  func integer(_ name: String, default value: Int) -> Int { options[name].flatMap { Int($0) } ?? value }
}

/// Prints one JSON line.
func printLine(_ object: JSONObject) { print(JSONValue.object(object).text) }

/// Seconds that `body` takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let start = clock.now
  try body()
  return (clock.now - start) / .seconds(1)
}
