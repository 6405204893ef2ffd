public import StageKit
import Tensors

/// The kernels that the stages compute with on this machine, as they are recorded with every result.
public enum KernelEnvironment {
  /// Names and values: the class of our own kernels, the core that OpenBLAS takes this machine for, and its version.
  public static var values: [(name: String, value: String)] {
    [
      ("kernels", Device.ownKernels), ("kernel_class", Device.kernelClass), ("kernel_library", Device.kernelLibrary),
    ]
  }

  /// Checks that this machine has the kernels that are asked for.
  ///
  /// - Throws: `StageFailure` with status 2 where `APPRENTICE_KERNELS`, which `numerics: portable` sets to `avx2`, asks
  ///   for others.
  public static func check() throws(StageFailure) {
    guard let wanted = Device.refusedKernels else { return }
    throw StageFailure(
      "this machine has no kernels of the class \(wanted), only \(Device.ownKernels)",
      remedy: wanted == "avx2"
        ? "portable numerics need an x86-64 processor with AVX2 and FMA; say numerics: native"
        : "set APPRENTICE_KERNELS to sse2, avx2 or avx512 as the processor has them, or not at all", status: .invalid)
  }
}
