import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Glibc
import PipelineExecution
import StageCatalog
import StageKit
import SystemPackage

/// `doctor`: what this machine offers.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine offers: processor, kernels, memory, and the store's disk.")

  @Option(help: ArgumentHelp("The store. Default: APPRENTICE_STORE, else .apprentice near here.", valueName: "DIR"))
  var store: String?
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func run() throws {
    let location = StoreLocation(
      option: store.map { FilePath($0) }, environment: Environment.variable("APPRENTICE_STORE"),
      start: PipelineOptions.workingDirectory)
    let obstacle = (try? Store.obstacle(at: location.store)) ?? nil
    let findings = Self.findings(location, obstacle: obstacle)
    if json {
      let exit = JSONValue(Int((obstacle == nil ? ExitStatus.done : .invalid).rawValue))
      printDocument(.object(JSONObject(findings.map { ($0.name, $0.value) } + [("exit", exit)])))
      if obstacle != nil { throw ExitCode(ExitStatus.invalid.rawValue) }
      return
    }
    let width = findings.map(\.title.count).max() ?? 0
    for finding in findings {
      let gap = String(repeating: " ", count: width - finding.title.count + 2)
      Answer.print("\(finding.title)\(gap)\(finding.text)")
    }
    do { try KernelEnvironment.check() } catch { Diagnostics.say("warning: \(error)") }
    if let obstacle { throw CommandFailure(explaining: StoreError.noFolder(obstacle)) }
  }

  /// Something about this machine.
  private struct Finding {
    var name: String
    var title: String
    var value: JSONValue
    var text: String
  }

  private static func findings(_ location: StoreLocation, obstacle: FilePath?) -> [Finding] {
    let environment = ActionEnvironment.describe()
    func recorded(_ name: String) -> String { environment[name]?.string ?? "unknown" }
    var findings = [
      Finding(
        name: "version", title: "apprentice", value: .string(Apprentice.versionText), text: Apprentice.versionText),
      Finding(
        name: "processor", title: "processor", value: environment["processor"] ?? .null, text: recorded("processor")),
      Finding(
        name: "instructions", title: "instructions", value: .array(instructions.map { .string($0) }),
        text: instructions.joined(separator: " ")),
      Finding(
        name: "kernels", title: "own kernels", value: environment["kernels"] ?? .null,
        text: recorded("kernels")
          + (Environment.variable("APPRENTICE_KERNELS").map { " (APPRENTICE_KERNELS=\($0))" } ?? "")),
      Finding(
        name: "kernel_library", title: "OpenBLAS", value: environment["kernel_library"] ?? .null,
        text: "\(recorded("kernel_library")), core \(recorded("kernel_class"))"
          + (Environment.variable("OPENBLAS_CORETYPE").map { " (OPENBLAS_CORETYPE=\($0))" } ?? "")),
      Finding(
        name: "threads", title: "threads", value: JSONValue(Processors.available), text: "\(Processors.available)"),
    ]
    let memory = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    findings.append(
      Finding(name: "memory_bytes", title: "memory", value: JSONValue(memory), text: Wording.bytes(memory)))
    let state: String
    do throws(StoreError) {
      _ = try Store.open(location.store, creating: false)
      state = ""
    } catch {
      switch error {
      case .notAStore: state = " (not made yet)"
      case .noFolder(let place) where place == location.store: state = " (is no folder)"
      case .noFolder(let place): state = " (\(place) is no folder)"
      default: state = " (\(error))"
      }
    }
    findings.append(
      Finding(
        name: "store", title: "store", value: .string(location.store.string),
        text: "\(location.store)\(state)"))
    var place = location.store
    while access(place.string, F_OK) != 0, place.removeLastComponent() {}
    if let free = FileSystem.freeBytes(at: place) {
      findings.append(
        Finding(name: "free_bytes", title: "free there", value: JSONValue(free), text: Wording.bytes(free)))
    }
    let isWritable = obstacle == nil && access(place.string, W_OK) == 0
    findings.append(
      Finding(
        name: "writable", title: "writable", value: .bool(isWritable),
        text: isWritable
          ? "yes" : obstacle == nil ? "no: results can be read and checked, not made" : "no: there can be no store"))
    return findings
  }

  /// What of the processor's instructions decides how fast it computes.
  private static var instructions: [String] {
    let known = ["avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"]
    guard let file = fopen("/proc/cpuinfo", "re") else { return [] }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 16384)
    while fgets(&buffer, Int32(buffer.count), file) != nil {
      let line = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard line.hasPrefix("flags"), let colon = line.firstIndex(of: ":") else { continue }
      let flags = Set(line[line.index(after: colon)...].split { $0 == " " || $0 == "\n" }.map(String.init))
      return known.filter(flags.contains)
    }
    return []
  }
}
