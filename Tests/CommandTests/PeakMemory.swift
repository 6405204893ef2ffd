import Foundation
import SystemPackage
import TestSupport

/// The command line with the most memory that it or a child of it held.
enum PeakMemory {
  /// Runs the command line to its end.
  ///
  /// The kernel's own high-water mark of each process is read every few milliseconds, so that only what a process takes
  /// in its last moments is missed.
  static func run(_ arguments: [String], in folder: FilePath) throws -> (
    outcome: (status: Int32, errors: String), peak: Int
  ) {
    let errors = folder.appending("peak-stderr")
    _ = FileManager.default.createFile(atPath: errors.string, contents: nil)
    let process = Tool.process(arguments, in: folder)
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors.string))
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    var peak = 0
    while process.isRunning {
      peak = max(peak, highWater(process.processIdentifier))
      usleep(3000)
    }
    process.waitUntilExit()
    let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    let text = String(decoding: try Fixture.bytes(errors), as: UTF8.self)
    return ((status, text), peak)
  }

  /// The high-water mark of a process or of its children, whichever is most, in bytes.
  private static func highWater(_ process: Int32) -> Int {
    let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let own = line.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
    let children = (try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)) ?? ""
    return children.split(separator: " ").compactMap { Int32($0) }.reduce(own * 1024) { max($0, highWater($1)) }
  }
}
