import Glibc

/// The processors of this machine.
enum Processors {
  /// How many cores this process may use: the bits of `Cpus_allowed` in `/proc/self/status`.
  static var available: Int {
    guard let file = fopen("/proc/self/status", "re") else { return 1 }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 4096)
    while fgets(&buffer, Int32(buffer.count), file) != nil {
      let line = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if line.hasPrefix("Cpus_allowed:") {
        let mask = line.dropFirst("Cpus_allowed:".count)
        return max(1, mask.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) })
      }
    }
    return 1
  }
}
