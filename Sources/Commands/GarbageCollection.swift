import ArgumentParser
import ArtifactStore
import CanonicalJSON
import ContentAddressing
import PipelineExecution
import StageKit
import SystemPackage

/// `gc`: frees what nothing needs any more.
struct GarbageCollection: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Remove what no reference, lease or recent run needs.",
    discussion: """
      Kept are what references name (imported bundles among them), what running actions read, the last runs of each \
      pipeline and all runs of some days, and whatever is younger than --grace. With --max-size the oldest of the rest go \
      until the store is no larger; without it all of the rest.
      """)

  @Option(help: ArgumentHelp("Keep the results of so many runs of each pipeline.", valueName: "N"))
  var keepRuns = 10
  @Option(help: ArgumentHelp("Keep the results of all runs that are younger.", valueName: "AGE"))
  var maxAge = Age(seconds: 30 * 86_400)
  @Option(help: ArgumentHelp("Keep everything that is younger.", valueName: "AGE"))
  var grace = Age(seconds: 86_400)
  @Option(help: ArgumentHelp("Stop removing when the store is no larger, such as 20GB.", valueName: "SIZE"))
  var maxSize: ByteSize?
  @Flag(help: "Say what would be removed and what keeps the rest, and remove nothing.")
  var dryRun = false
  @Option(help: ArgumentHelp("The store. Default: APPRENTICE_STORE, else .apprentice near here.", valueName: "DIR"))
  var store: String?
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func validate() throws {
    if keepRuns < 0 { throw ValidationError("--keep-runs must not be negative.") }
  }

  func run() throws {
    let location = StoreLocation(
      option: store.map { FilePath($0) }, environment: Environment.variable("APPRENTICE_STORE"),
      start: PipelineOptions.workingDirectory)
    let opened = try explained { try Store.open(location.store, creating: false) }
    var policy = CollectionPolicy()
    policy.runsPerPipeline = keepRuns
    policy.runAge = maxAge.seconds
    policy.grace = grace.seconds
    policy.mostBytes = maxSize?.bytes
    let settled = policy
    let plan = try explained { try opened.planCollection(settled) }
    if !dryRun { try explained { try opened.collect(plan) } }
    if json {
      return printDocument([
        "removed": .array(plan.blobs.map { .string($0.description) }), "bytes": JSONValue(plan.freedBytes),
        "kept": .array(
          plan.kept.map { ["digest": .string($0.digest.description), "by": .string($0.by)] }),
        "exit": 0,
      ])
    }
    for root in plan.roots where root.added > 0 {
      Answer.print("  kept  \(Wording.bytes(root.added))  by \(root.name)")
    }
    if plan.youngBytes > 0 { Answer.print("  kept  \(Wording.bytes(plan.youngBytes))  younger than \(grace)") }
    let verb = dryRun ? "would be removed" : "removed"
    Answer.print("\(Wording.count(plan.blobs.count)) blobs, \(Wording.bytes(plan.freedBytes)) \(verb)")
    if let most = maxSize?.bytes, plan.keptBytes > most {
      Diagnostics.say(
        "warning: what is kept takes \(Wording.bytes(plan.keptBytes)); fewer --keep-runs, a shorter --max-age or --grace "
          + "keep less")
    }
  }
}

/// A span of time on the command line: `30d`, `12h`, `90m`, `45s`.
struct Age: ExpressibleByArgument, CustomStringConvertible {
  var seconds: Int

  init(seconds: Int) { self.seconds = seconds }

  init?(argument: String) {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    guard let last = argument.last, let unit = units[last], let count = Int(argument.dropLast()), count >= 0 else {
      return nil
    }
    let (product, isTooLarge) = count.multipliedReportingOverflow(by: unit)
    // A longer span than a century is none that anybody means.
    guard !isTooLarge, product <= 100 * 365 * 86_400 else { return nil }
    seconds = product
  }

  var description: String {
    for (name, unit) in [("d", 86_400), ("h", 3600), ("m", 60)] where seconds % unit == 0 && seconds > 0 {
      return "\(seconds / unit)\(name)"
    }
    return "\(seconds)s"
  }

  var defaultValueDescription: String { description }
}

/// A number of bytes on the command line: `500MB`, `20GB`, `1000`.
struct ByteSize: ExpressibleByArgument {
  var bytes: Int

  init?(argument: String) {
    let units = [("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1)]
    let unit = units.first { argument.lowercased().hasSuffix($0.0.lowercased()) }
    let digits = unit.map { argument.dropLast($0.0.count) } ?? argument[...]
    guard let count = Int(digits), count >= 0 else { return nil }
    let (product, isTooLarge) = count.multipliedReportingOverflow(by: unit?.1 ?? 1)
    guard !isTooLarge else { return nil }
    bytes = product
  }
}
