import ArgumentParser
import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Glibc
import PipelineExecution
import PipelineLanguage
import Records
import StageKit
import SystemPackage

/// A checked pipeline with its store: what `run`, `status` and their kin begin with.
struct PipelineSession {
  let pipeline: CheckedPipeline
  let location: StoreLocation
  let store: Store
  let memory: PipelineMemory
  let sources: PlannedSources
  /// What the command line says of it.
  let options: PipelineOptions

  /// Checks a pipeline file and opens its store.
  ///
  /// - Parameters:
  ///   - file: FILE of the command line.
  ///   - options: `--set` and `--store`.
  ///   - rehash: Whether all sources are hashed anew.
  ///   - folders: Folders that may stand for the pipeline's own when a source is looked for.
  ///   - suffix: What is put behind the pipeline's name, where it is one of several.
  ///   - makesStore: Whether the store is made where there is none; else there is nothing in it.
  /// - Throws: `PipelineProblems`, or `CommandFailure` where the store can't be used.
  init(
    file: String?, options: PipelineOptions, rehash: Bool = false, searching folders: [FilePath] = [],
    suffix: String? = nil, makesStore: Bool = false
  ) throws {
    self.options = options
    var pipeline: CheckedPipeline
    do throws(PipelineProblems) {
      pipeline = try options.checked(file)
    } catch {
      if options.json {
        let problems = JSONValue.array(error.problems.map(\.json))
        printDocument(["actions": [], "problems": problems, "exit": JSONValue(Int(ExitStatus.invalid.rawValue))])
      }
      throw error
    }
    let name = pipeline.name
    if let suffix { pipeline.name += suffix }
    self.pipeline = pipeline
    location = StoreLocation.of(options, file: pipeline.file)
    var settings = Store.Options()
    settings.threads = Processors.available
    let path = location.store
    store = try explained {
      makesStore
        ? try Store.open(path, creating: true, options: settings) : try Store.openToLook(path, options: settings)
    }
    memory = PipelineMemory(of: pipeline.name, in: store)
    let (opened, given, file) = (store, options.settings, pipeline.file)
    let absent = try explained {
      try AbsentSources(
        in: opened, file: PipelineOptions.absolute(file), pipeline: name, settings: given,
        searching: folders)
    }
    sources = PlannedSources(store.sourceDigests(rehashing: rehash), absent: absent)
  }

  /// Judges the pipeline's actions; under `APPRENTICE_DEVELOPMENT=1` the executable is part of every key.
  func planner(forced: [String] = [], trust: ResultTrust.Policy? = nil) throws -> Planner {
    var indices: Set<Int> = []
    for word in forced { indices.formUnion(try actions(named: word)) }
    var development: Digest?
    if Environment.variable("APPRENTICE_DEVELOPMENT") == "1" {
      let origin = ValueOrigin.environment("APPRENTICE_DEVELOPMENT")
      development = try explained { try sources.digest(ofFile: Environment.executable, origin: origin) }
    }
    let file = PipelineOptions.absolute(pipeline.file)
    let trust = try explained {
      try ResultTrust(
        in: store, pipelineFile: (try? FileContent.read(file)).map { Digest(hashing: $0) }, policy: trust)
    }
    return Planner(
      pipeline: pipeline, store: store, sources: sources, memory: memory, trust: trust, forced: indices,
      development: development)
  }

  /// The actions that a word of the command line names.
  func actions(named word: String) throws(CommandFailure) -> [Int] {
    do { return try pipeline.resolve(word).actions } catch { throw CommandFailure(.invalid, "\(error)") }
  }

  /// The named actions and all that they need; all of them where none is named.
  func selection(_ words: [String]) throws(CommandFailure) -> [Int] {
    var wanted: Set<Int> = []
    for word in words { wanted.formUnion(try actions(named: word)) }
    return words.isEmpty ? Array(pipeline.actions.indices) : pipeline.withNeeds(of: wanted)
  }
}

extension StoreLocation {
  /// Where the store of a pipeline file is, or the one of the working directory.
  static func of(_ options: PipelineOptions, file: FilePath?) -> StoreLocation {
    let folder = PipelineOptions.workingDirectory
    return StoreLocation(
      option: options.store.map { FilePath($0) }, environment: Environment.variable("APPRENTICE_STORE"),
      start: file.map { folder.pushing($0).removingLastComponent() } ?? folder)
  }
}

/// What surrounds this process.
enum Environment {
  /// The value of a variable, or nil.
  static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// The file of this program.
  static var executable: FilePath {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    return count > 0 ? FilePath(platformString: buffer) : "/proc/self/exe"
  }
}

/// Words of the command line of which the first may be a pipeline file.
struct PipelineWords {
  /// FILE, or nil where it is to be found.
  var file: String?
  /// The rest.
  var targets: [String]

  /// A word is a file if it ends like one, holds a `/`, or is one.
  init(_ words: [String]) {
    let isFile = words.first.map { word in
      word.hasSuffix(".yaml") || word.hasSuffix(".yml") || word.contains("/") || access(word, F_OK) == 0
    }
    file = isFile == true ? words.first : nil
    targets = isFile == true ? Array(words.dropFirst()) : words
  }
}

/// Gives errors of the plumbing their sentence and exit status.
func explained<Value>(_ body: () throws -> Value) throws(CommandFailure) -> Value {
  do { return try body() } catch { throw CommandFailure(explaining: error) }
}

extension CommandFailure {
  /// An error of the plumbing with its sentence and exit status.
  init(explaining error: any Error) {
    let failure = FailureStatus.failure(error)
    self.init(failure.status, failure.description)
  }
}
