import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Glibc
import PipelineLanguage
import StageKit
import SystemPackage

/// An action that was submitted: what it holds and what it has told.
final class RunningAction {
  let action: PlannedAction
  let document: KeyDocument
  let threads: Int
  let work: WorkFolder
  let log: FilePath
  let began = Clock.seconds()
  private let lease: Lease

  private(set) var summary: String?
  private var measured: [String: Double] = [:]
  private(set) var environment: JSONObject = [:]
  private(set) var failure: (message: String, remedy: String?)?

  init(
    action: PlannedAction, document: KeyDocument, threads: Int, work: WorkFolder, log: FilePath, lease: Lease
  ) {
    self.action = action
    self.document = document
    self.threads = threads
    self.work = work
    self.log = log
    self.lease = lease
  }

  /// What it measured, by name.
  var measures: JSONObject {
    JSONObject(
      measured.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { ($0.key, .number($0.value)) })
  }

  /// Takes in what the process told.
  ///
  /// - Returns: The stage's events among it, to be shown.
  func take(_ reports: [ActionReport]) -> [StageEvent] {
    reports.compactMap { report in
      switch report {
      case .failure(let message, let remedy):
        // The first is a program's own words; that it ended badly is the supervisor's.
        failure = failure ?? (message, remedy)
        return nil
      case .environment(let environment):
        // The supervisor's own comes first; what a user's program adds stands apart.
        if self.environment.members.isEmpty {
          self.environment = environment
        } else {
          self.environment["program"] = .object(environment)
        }
        return nil
      case .stage(let event):
        switch event {
        case .summary(let text): summary = text
        case .measure(let name, let value): measured[name] = value
        case .progress, .warning: break
        }
        return event
      }
    }
  }

  /// Publishes what the process wrote and records it as the action's result.
  func publish(in store: Store) throws -> Recording {
    let publication = try store.beginPublication(in: work)
    var artifacts: [String: Artifact] = [:]
    for output in action.declaration.outputs {
      guard let kind = KindName(output.kind.rawValue) else { preconditionFailure("\(output.kind) is no name") }
      do {
        try OutputFolder.check(work.output(output.name))
        artifacts[output.name] = try publication.add(folder: work.output(output.name), kind: kind)
      } catch {
        guard case .emptyArtifact = error else { throw error }
        if !output.isOptional { throw StageFailure("the stage wrote nothing to its output \(output.name)") }
      }
    }
    return try publication.record(document, environment: .object(environment), outputs: artifacts)
  }

  /// Removes what is left of the attempt and lets others run the action; checkpoints stay.
  ///
  /// - Parameter store: Takes the folder of an action that was published, for another attempt.
  func leave(to store: Store? = nil) {
    do {
      if let store { try store.putBy(work) } else { try work.remove() }
    } catch {
      // What is left is swept when this process is gone.
    }
    lease.release()
  }

  /// The last lines of its log, empty ones left out.
  func logTail(_ count: Int) -> [String] {
    guard let bytes = try? SmallFile.tail(of: log, limit: 8 << 10) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(count).map {
      String($0.prefix(200))
    }
  }
}
