import Glibc

/// The environment of processes: built from an allow-list, so that nothing hidden decides a result.
enum ProcessEnvironment {
  private static let allowed = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]
  /// What only our own executable needs: to be found with its libraries, and the class of its kernels.
  private static let own = ["LD_LIBRARY_PATH", "SWIFT_BACKTRACE", "APPRENTICE_KERNELS"]
  /// What portable numerics set: kernels that every x86-64-v3 machine has.
  ///
  /// The size of a cache decides how some versions of OpenBLAS cut products.
  private static let portable = [("OPENBLAS_CORETYPE", "Haswell"), ("OPENBLAS_L2_SIZE", "256")]
  private static let portableKernels = ("APPRENTICE_KERNELS", "avx2")

  /// The variables of the allow-list that are set, with what the numerics policy sets instead.
  static func variables(isPortable: Bool, forOwnProgram: Bool) -> [(name: String, value: String)] {
    var fixed: [(name: String, value: String)] = isPortable ? portable : []
    if isPortable, forOwnProgram { fixed.append(portableKernels) }
    var variables: [(name: String, value: String)] = []
    for name in allowed + (forOwnProgram ? own : []) where !fixed.contains(where: { $0.name == name }) {
      if let value = getenv(name) { variables.append((name, String(cString: value))) }
    }
    variables += fixed
    // Our kernels share out tiles themselves; OpenBLAS need not start threads that would only sleep.
    if forOwnProgram { variables.append(("OPENBLAS_NUM_THREADS", "1")) }
    return variables
  }
}
