import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Glibc
import PipelineExecution
import PipelineLanguage
import StageCatalog
import StageKit
import SystemPackage

/// The options of every verb that takes a pipeline file.
struct PipelineOptions: ParsableArguments {
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Override one of the file's params, which keeps its type.", valueName: "NAME=VALUE"))
  var settings: [String] = []
  @Option(help: ArgumentHelp("The store. Default: APPRENTICE_STORE, else .apprentice near FILE.", valueName: "DIR"))
  var store: String?
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  /// The pipeline of a file, or of the one that is found where none is named.
  ///
  /// - Parameter file: FILE of the command line.
  /// - Returns: The pipeline.
  /// - Throws: `PipelineProblems`; with `--json` these are printed as the one document, and what is thrown is the
  ///   exit status alone.
  func pipeline(_ file: String?) throws -> CheckedPipeline {
    do throws(PipelineProblems) {
      return try checked(file)
    } catch {
      guard json else { throw error }
      printDocument(error.json)
      throw ExitCode(ExitStatus.invalid.rawValue)
    }
  }

  /// The pipeline as `pipeline` gives it, problems always thrown.
  ///
  /// - Parameters:
  ///   - file: FILE of the command line.
  ///   - isAbsent: Is told of paths where there is nothing, which then are no problem; nil where they are one.
  /// - Returns: The pipeline.
  /// - Throws: All problems at once.
  func checked(
    _ file: String?, absent isAbsent: (@Sendable (_ label: String, FilePath) -> Void)? = nil
  ) throws(PipelineProblems) -> CheckedPipeline {
    var checker = Self.checker
    let found = if let file { FilePath(file) } else { try checker.discover() }
    let (path, settings) = (StoreLocation.of(self, file: found).store, settings)
    // Asked only for what is absent, so that no store is opened for a pipeline whose sources are there.
    checker.isKnown = { label, kind, source in
      if let isAbsent {
        isAbsent(label, source)
        return true
      }
      guard let store = try? Store.open(path, creating: false) else { return false }
      let absent = try? AbsentSources(in: store, file: Self.absolute(found), pipeline: nil, settings: settings)
      return absent?.isKnown(source, kind: kind, label: label) ?? false
    }
    let pipeline = try checker.check(found, settings: settings)
    for name in pipeline.unreadSettings {
      Diagnostics.say("warning: --set \(name) changes nothing: nothing in \(found) reads ${\(name)}")
    }
    return pipeline
  }

  /// A checker with the built-in stages, this process's working directory and its environment.
  static var checker: PipelineChecker {
    PipelineChecker(
      registry: BuiltinStages.registry, workingDirectory: workingDirectory,
      missing: { kind, path in ArtifactCheck.missing(kind, at: path) },
      environment: { name in getenv(name).map { String(cString: $0) } })
  }

  /// A path of the command line, absolute.
  static func absolute(_ path: FilePath) -> FilePath { workingDirectory.pushing(path) }

  /// The folder of a pipeline file, absolute.
  static func folder(of file: FilePath) -> FilePath { absolute(file).removingLastComponent() }

  /// The working directory.
  static var workingDirectory: FilePath {
    guard let path = getcwd(nil, 0) else { return "/" }
    defer { free(path) }
    return FilePath(platformString: path)
  }
}
