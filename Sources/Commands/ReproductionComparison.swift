import ArtifactStore
import Bundling
import CanonicalJSON
import ContentAddressing
import Glibc
import PipelineExecution
import PipelineLanguage
import StageKit
import SystemPackage

/// What running an action again came to.
struct ReproductionFinding {
  /// How a rerun compares with the record.
  enum Outcome {
    /// Every digest is the same.
    case same
    /// Digests differ, the environment too, and the numbers are near; by how much at most.
    case near(Double)
    /// These ports differ, and why that is more than rounding in another environment.
    case different(ports: [String], reason: String)
    /// It has no result now.
    case missing
  }

  var label: String
  var outcome: Outcome
  /// Whether it was made in another environment.
  var isElsewhere: Bool

  var isReproduced: Bool {
    switch outcome {
    case .same, .near: true
    case .different, .missing: false
    }
  }

  var sentence: String {
    switch outcome {
    case .same: "\(label): same digests"
    case .near(let distance):
      "\(label): other digests in another environment, numbers within \(distance.briefly)"
    case .different(let ports, let reason): "\(label): \(ports.joined(separator: ", ")) differs: \(reason)"
    case .missing: "\(label): did not come to a result"
    }
  }

  var json: JSONValue {
    var object: JSONObject = [
      "action": .string(label), "reproduced": .bool(isReproduced), "other_environment": .bool(isElsewhere),
      "detail": .string(sentence),
    ]
    if case .near(let distance) = outcome { object["distance"] = JSONValue(distance) }
    return .object(object)
  }
}

/// Compares a rerun with what the bundle holds.
struct ReproductionComparison {
  let recorded: RecordedRun
  let planner: Planner
  let tolerance: Double

  /// What became of every bundled action, in plan order.
  func findings(of session: PipelineSession) throws -> [ReproductionFinding] {
    let indices = Dictionary(
      session.pipeline.actions.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    var findings: [ReproductionFinding] = []
    for (position, action) in recorded.description.actions.enumerated() {
      guard let result = indices[action.label].flatMap({ planner.result($0) }) else {
        findings.append(.init(label: action.label, outcome: .missing, isElsewhere: false))
        continue
      }
      let environment = try session.store.environment(of: result.digest)
      let isElsewhere = environment != recorded.environments[position]
      let differing = recorded.outputs[position].filter { result.output($0.port)?.digest != $0.digest }
      var outcome = ReproductionFinding.Outcome.same
      if !differing.isEmpty {
        let ports = differing.map(\.port)
        let isAfterDifference = result.key != action.key
        if isElsewhere || isAfterDifference && findings.contains(where: \.isElsewhere) {
          // Recorded files are unpacked only when numbers must be compared.
          outcome = try compare(differing, result, recorded.files(), session.store)
        } else if isAfterDifference {
          outcome = .different(ports: ports, reason: "it was made from other inputs")
        } else {
          outcome = .different(ports: ports, reason: "the same inputs in the same environment gave other bytes")
        }
      }
      findings.append(.init(label: action.label, outcome: outcome, isElsewhere: isElsewhere))
    }
    return findings
  }

  private func compare(
    _ differing: [(port: String, digest: Digest)], _ result: ActionResult, _ before: Store, _ now: Store
  ) throws -> ReproductionFinding.Outcome {
    var largest = 0.0
    for (port, digest) in differing {
      guard let present = result.output(port), let recorded = try? before.manifest(digest, neededBy: port) else {
        return .different(ports: [port], reason: "the bundle does not hold it, so that its numbers can't be compared")
      }
      for file in recorded.layers {
        guard let title = file.title, let other = present.manifest.file(title) else {
          return .different(ports: [port], reason: "\(file.title ?? "a file") is missing")
        }
        if other.digest == file.digest { continue }
        let distance = NumericDistance.between(
          before.blobPath(file.digest), now.blobPath(other.digest), title: title)
        guard let distance else { return .different(ports: [port], reason: "\(title) differs in more than rounding") }
        guard distance <= tolerance else {
          return .different(
            ports: [port],
            reason: "\(title) is off by \(distance.briefly) in another environment, more than "
              + JSONValue(tolerance).text)
        }
        largest = max(largest, distance)
      }
    }
    return .near(largest)
  }
}

extension Double {
  /// Two significant digits, rounded up: what is said to be within a bound is.
  fileprivate var briefly: String {
    guard self > 0, isFinite else { return "\(self)" }
    let exponent = Int(log10(self).rounded(.down)) - 1
    let digits = (self / pow(10, Double(exponent))).rounded(.up)
    return "\(Double("\(digits)e\(exponent)") ?? self)"
  }
}
