import CanonicalJSON
import Glibc
import SystemPackage

/// Which process, on which machine, since when: enough to know later whether it still lives.
struct ProcessIdentity: Hashable, Sendable {
  var host: String
  /// The kernel's identifier of this boot.
  var boot: String
  /// The space that process numbers belong to: two containers of one host may share a name.
  var namespace: String
  var process: Int
  /// When the process started, in clock ticks since the boot.
  var started: Int

  /// The running process.
  static let current: ProcessIdentity = {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let host = name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    let boot = (try? FileSystem.read("/proc/sys/kernel/random/boot_id")).flatMap { $0 } ?? []
    return ProcessIdentity(
      host: host, boot: String(decoding: boot.prefix { $0 > 0x20 }, as: UTF8.self),
      namespace: FileSystem.linkTarget("/proc/self/ns/pid")?.string ?? "", process: Int(getpid()),
      started: startTime(of: Int(getpid())) ?? 0)
  }()

  /// When a process of this machine started; nil where there is none, or only its zombie.
  static func startTime(of process: Int) -> Int? {
    guard let bytes = (try? FileSystem.read(FilePath("/proc/\(process)/stat"))).flatMap({ $0 }) else { return nil }
    // The name in parentheses may hold blanks and parentheses itself.
    guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count > 19, fields[0].first != UInt8(ascii: "Z"), fields[0].first != UInt8(ascii: "X") else {
      return nil
    }
    return Int(String(decoding: fields[19], as: UTF8.self))
  }

  /// Whether process numbers of this identity can be looked up from here.
  var isOnThisHost: Bool {
    host == ProcessIdentity.current.host
      && (namespace == ProcessIdentity.current.namespace || boot != ProcessIdentity.current.boot)
  }

  /// Whether the process lives; nil where that cannot be known from here.
  var isAlive: Bool? {
    guard isOnThisHost else { return nil }
    return boot == ProcessIdentity.current.boot && ProcessIdentity.startTime(of: process) == started
  }

  var json: JSONObject {
    [
      "host": .string(host), "boot": .string(boot), "namespace": .string(namespace), "process": JSONValue(process),
      "started": JSONValue(started),
    ]
  }

  init(host: String, boot: String, namespace: String, process: Int, started: Int) {
    self.host = host
    self.boot = boot
    self.namespace = namespace
    self.process = process
    self.started = started
  }

  init?(json: JSONValue) {
    guard let host = json["host"]?.string, let boot = json["boot"]?.string,
      let namespace = json["namespace"]?.string, let process = json["process"]?.integer,
      let started = json["started"]?.integer
    else { return nil }
    self.init(host: host, boot: boot, namespace: namespace, process: process, started: started)
  }
}
