public import Foundation
public import SystemPackage

/// The built command line, run as a user runs it.
public enum Tool {
  /// What a run left.
  public struct Outcome: Sendable {
    /// The exit status.
    public var status: Int32
    /// What stood on stdout.
    public var output: String
    /// What stood on stderr.
    public var errors: String

    /// What a program left.
    public init(status: Int32, output: String, errors: String) {
      self.status = status
      self.output = output
      self.errors = errors
    }
  }

  /// The executable, which lies beside the test program.
  public static let executable: FilePath = {
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return FilePath(program).removingLastComponent().appending("apprentice")
  }()

  /// A process that is not started yet.
  ///
  /// - Parameters:
  ///   - arguments: Arguments of the command line.
  ///   - folder: The working directory; default: the package's root.
  ///   - environment: Variables that are set beside the inherited ones.
  /// - Returns: The process.
  public static func process(_ arguments: [String], in folder: FilePath? = nil, environment: [String: String] = [:])
    -> Process
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable.string)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: (folder ?? Fixture.root).string)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Runs the command line to its end.
  ///
  /// - Parameters:
  ///   - arguments: Arguments of the command line.
  ///   - folder: The working directory; default: the package's root.
  ///   - environment: Variables that are set beside the inherited ones.
  /// - Returns: Status and output.
  /// - Throws: What starting the process throws.
  public static func run(_ arguments: String..., in folder: FilePath? = nil, environment: [String: String] = [:])
    throws -> Outcome
  {
    try run(arguments, in: folder, environment: environment)
  }

  /// Runs the command line to its end; both streams go to files, so that neither can block.
  ///
  /// - Parameters:
  ///   - arguments: Arguments of the command line.
  ///   - folder: The working directory; default: the package's root.
  ///   - environment: Variables that are set beside the inherited ones.
  /// - Returns: Status and output.
  /// - Throws: What starting the process throws.
  public static func run(_ arguments: [String], in folder: FilePath? = nil, environment: [String: String] = [:])
    throws -> Outcome
  {
    try TemporaryFolder.with { temporary in
      let streams = ["stdout", "stderr"].map { temporary.appending($0).string }
      for stream in streams { _ = FileManager.default.createFile(atPath: stream, contents: nil) }
      let process = process(arguments, in: folder, environment: environment)
      let handles = try streams.map { try FileHandle(forWritingTo: URL(fileURLWithPath: $0)) }
      process.standardOutput = handles[0]
      process.standardError = handles[1]
      try process.run()
      process.waitUntilExit()
      let texts = try streams.map { String(decoding: try Fixture.bytes(FilePath($0)), as: UTF8.self) }
      // A shell's convention for a process that a signal ended.
      let status =
        process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
      return Outcome(status: status, output: texts[0], errors: texts[1])
    }
  }
}

/// A folder that lives as long as a test.
public enum TemporaryFolder {
  /// Calls `body` with a new empty folder and removes it afterwards.
  ///
  /// - Parameter body: What uses the folder.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  public static func with<Result>(_ body: (FilePath) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apprentice-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(FilePath(folder.path))
  }

  /// Writes a text file and the folders above it.
  ///
  /// - Parameters:
  ///   - text: The content.
  ///   - path: Where.
  /// - Returns: The path.
  /// - Throws: What writing throws.
  @discardableResult
  public static func write(_ text: String, to path: FilePath) throws -> FilePath {
    try FileManager.default.createDirectory(
      atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path.string))
    return path
  }
}
