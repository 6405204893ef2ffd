import CProcess
import Glibc
internal import SystemPackage

/// What to start as a child process.
struct Launch {
  /// The program.
  var executable: FilePath
  /// The argument vector, the program's own name first.
  var arguments: [String]
  /// All that its environment holds.
  var environment: [(name: String, value: String)]
  /// Its working directory, or nil for ours.
  var directory: FilePath?
  /// Our descriptors with the numbers that it knows them by.
  var descriptors: [(ours: FileDescriptor, theirs: Int32)]
  /// Whether it leads a process group of its own.
  var leadsGroup: Bool
  /// The signal that it gets when the thread that started it ends.
  var deathSignal: Int32?

  /// Starts it.
  ///
  /// - Returns: Its process id.
  /// - Throws: The error number of what failed before or in `execve`.
  func start() throws(Errno) -> pid_t {
    let pairs = descriptors.map { process_descriptor(ours: $0.ours.rawValue, theirs: $0.theirs) }
    var child: pid_t = 0
    let error = CStrings.with(arguments) { arguments in
      CStrings.with(environment.map { "\($0.name)=\($0.value)" }) { environment in
        executable.withPlatformString { executable in
          pairs.withUnsafeBufferPointer { pairs in
            var request = process_request(
              executable: executable, arguments: arguments, environment: environment, directory: nil,
              descriptors: pairs.baseAddress, descriptor_count: Int32(pairs.count),
              new_group: leadsGroup ? 1 : 0, death_signal: deathSignal ?? 0)
            guard let directory else { return process_start(&request, &child) }
            return directory.withPlatformString { path in
              request.directory = path
              return process_start(&request, &child)
            }
          }
        }
      }
    }
    guard error == 0 else { throw Errno(rawValue: error) }
    return child
  }
}

/// Texts as a null-terminated vector of C strings.
private enum CStrings {
  static func with<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("the vector holds its end at least") }
      return body(base)
    }
  }
}

extension JobEnd {
  /// Waits for a process.
  ///
  /// - Parameter process: A child of ours that was not waited for yet.
  /// - Returns: How it ended.
  static func wait(for process: pid_t) -> JobEnd {
    var status: Int32 = 0
    var usage = rusage()
    while wait4(process, &status, 0, &usage) < 0 && errno == EINTR {}
    process_was_waited_for(process)
    let signal = status & 0x7F
    let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return JobEnd(
      status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, signal: signal == 0 ? nil : signal,
      peakBytes: usage.ru_maxrss * 1024, processorSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime))
  }

  /// Whether a child has ended and waits to be waited for.
  ///
  /// - Parameter process: A child of ours.
  /// - Returns: False while it runs.
  static func hasEnded(_ process: pid_t) -> Bool {
    var info = siginfo_t()
    let found = waitid(P_PID, id_t(process), &info, WEXITED | WNOHANG | WNOWAIT)
    return found != 0 || info.si_signo == SIGCHLD
  }
}
