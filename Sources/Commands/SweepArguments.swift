import ArgumentParser
import CanonicalJSON
import PipelineExecution
import StageKit

/// `--sweep`: the pipeline once per value.
struct SweepArguments: ParsableArguments {
  @Option(
    name: .customLong("sweep"), parsing: .singleValue,
    help: ArgumentHelp(
      "Take the pipeline once per value of a param; several cross. Results stand under PIPELINE@NAME=VALUE.",
      valueName: "NAME=V1,V2,…"))
  var sweeps: [String] = []

  func validate() throws { _ = try axes() }

  /// A pipeline of the sweep.
  struct Variant {
    /// Arguments of `--set` beside those of the command line.
    var settings: [String] = []
    /// What stands behind the pipeline's name, such as `@lambda=0.1`; nil without a sweep.
    var suffix: String?
  }

  /// The pipelines, the last axis fastest; one without suffix where nothing is swept.
  ///
  /// - Throws: `CommandFailure` where a name is swept and set.
  func variants(besides settings: [String]) throws -> [Variant] {
    let axes = try axes()
    for axis in axes where settings.contains(where: { $0.hasPrefix(axis.name + "=") }) {
      throw CommandFailure(.invalid, "\(axis.name) is swept and set: leave --set \(axis.name)=… out")
    }
    guard !axes.isEmpty else { return [Variant()] }
    var variants = [Variant()]
    for axis in axes {
      variants = variants.flatMap { variant in
        axis.values.map { value in Variant(settings: variant.settings + ["\(axis.name)=\(value)"]) }
      }
    }
    return variants.map { Variant(settings: $0.settings, suffix: "@" + $0.settings.joined(separator: ",")) }
  }

  private func axes() throws -> [(name: String, values: [String])] {
    var axes: [(name: String, values: [String])] = []
    for sweep in sweeps {
      guard let equals = sweep.firstIndex(of: "="), equals != sweep.startIndex else {
        throw ValidationError("--sweep \(sweep): expected NAME=V1,V2,….")
      }
      let name = String(sweep[..<equals])
      let values = Self.parts(sweep[sweep.index(after: equals)...])
      guard !axes.contains(where: { $0.name == name }) else { throw ValidationError("--sweep \(name) is given twice.") }
      guard !values.contains(""), Set(values).count == values.count else {
        throw ValidationError("--sweep \(sweep): expected values that differ, with a comma between them.")
      }
      axes.append((name, values))
    }
    return axes
  }

  /// The values between commas that stand in no brackets and no quotes.
  private static func parts(_ text: Substring) -> [String] {
    var parts = [""]
    var depth = 0
    var quote: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      if let open = quote {
        if scalar == open { quote = nil }
      } else {
        switch scalar {
        case "\"", "'": quote = scalar
        case "[", "{": depth += 1
        case "]", "}": depth -= 1
        case "," where depth == 0:
          parts.append("")
          continue
        default: break
        }
      }
      parts[parts.count - 1].unicodeScalars.append(scalar)
    }
    return parts
  }
}

extension PipelineOptions {
  /// The options of one pipeline of a sweep.
  func adding(_ variant: SweepArguments.Variant) -> PipelineOptions {
    var options = self
    options.settings += variant.settings
    return options
  }
}

extension ActionAccount {
  /// The answer of `run` and `status` for several pipelines: an action of several stands once, with a list of them.
  static func merged(_ pipelines: [(name: String, accounts: [ActionAccount])]) -> [(
    names: [String], account: ActionAccount
  )] {
    var merged: [(names: [String], account: ActionAccount)] = []
    var places: [String: Int] = [:]
    for (name, accounts) in pipelines {
      for account in accounts {
        // Without a key it is known which pipeline's it is, and not whether it is another's, too.
        let identity = account.key.map { "\(account.id) \($0)" } ?? "\(name) \(account.id)"
        if let place = places[identity] {
          merged[place].names.append(name)
        } else {
          places[identity] = merged.count
          merged.append(([name], account))
        }
      }
    }
    return merged
  }
}
