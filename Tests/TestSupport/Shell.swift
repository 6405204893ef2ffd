import Foundation
public import SystemPackage
import Testing

/// The system's shell and Debian's own tools, whose files tests read.
public enum Shell {
  /// Runs a line in a folder; a failure is one of the test.
  ///
  /// - Parameters:
  ///   - line: What `sh -e` runs.
  ///   - folder: The working directory.
  /// - Throws: What starting the shell throws.
  public static func run(_ line: String, in folder: FilePath) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-ec", line]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.string)
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(line)")
  }
}
