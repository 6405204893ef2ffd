import CanonicalJSON
import Glibc
import StageCatalog

/// What the bits of a result depend on besides its key, as it is recorded with every result.
enum ActionEnvironment {
  /// The processor's model, the kernels, and the OpenBLAS settings that the environment makes.
  static func describe() -> JSONObject {
    var object: JSONObject = ["processor": .string(processor)]
    for (name, value) in KernelEnvironment.values { object[name] = .string(value) }
    for name in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"] {
      object[name.lowercased()] = Environment.variable(name).map { .string($0) }
    }
    return object
  }

  /// The first `model name` of `/proc/cpuinfo`.
  private static var processor: String {
    guard let file = fopen("/proc/cpuinfo", "re") else { return "unknown" }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 8192)
    while fgets(&buffer, Int32(buffer.count), file) != nil {
      let line = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard line.hasPrefix("model name"), let colon = line.firstIndex(of: ":") else { continue }
      return String(line[line.index(after: colon)...].drop { $0 == " " }.prefix { $0 != "\n" })
    }
    return "unknown"
  }
}
