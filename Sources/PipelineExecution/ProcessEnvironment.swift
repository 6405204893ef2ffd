import Glibc

/// The environment of processes: built from an allow-list, so that nothing hidden decides a result.
enum ProcessEnvironment {
  private static let allowed = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]
  /// What only our own executable needs: to be found with its libraries, and the class of its kernels.
  private static let own = ["LD_LIBRARY_PATH", "SWIFT_BACKTRACE", "APPRENTICE_KERNELS"]
  /// What chooses the device that a user's program computes on.
  private static let devices = ["CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"]
  /// What portable numerics set: kernels that every x86-64-v3 machine has.
  ///
  /// The size of a cache decides how some versions of OpenBLAS cut products.
  private static let portable = [("OPENBLAS_CORETYPE", "Haswell"), ("OPENBLAS_L2_SIZE", "256")]
  private static let portableKernels = ("APPRENTICE_KERNELS", "avx2")

  /// The variables of the allow-list that are set, with what the numerics policy sets instead.
  ///
  /// - Parameters:
  ///   - isPortable: Whether numerics are portable.
  ///   - forOwnProgram: Whether the process is ours, or a user's program.
  ///   - asked: What the manifest of a user's stage asks for besides.
  /// - Returns: Names and values.
  static func variables(
    isPortable: Bool, forOwnProgram: Bool, passing asked: [String] = []
  ) -> [(name: String, value: String)] {
    var fixed: [(name: String, value: String)] = isPortable ? portable : []
    if isPortable, forOwnProgram { fixed.append(portableKernels) }
    var variables: [(name: String, value: String)] = []
    var names = allowed + (forOwnProgram ? own : devices)
    names += asked.filter { !names.contains($0) }
    for name in names where !fixed.contains(where: { $0.name == name }) {
      if let value = getenv(name) { variables.append((name, String(cString: value))) }
    }
    variables += fixed
    // Our kernels share out tiles themselves; OpenBLAS need not start threads that would only sleep.
    if forOwnProgram { variables.append(("OPENBLAS_NUM_THREADS", "1")) }
    return variables
  }
}
