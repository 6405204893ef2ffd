import Tensors

/// The kernels that the stages compute with on this machine, as they are recorded with every result.
public enum KernelEnvironment {
  /// Names and values: which OpenBLAS, and the processor that its kernels are for.
  public static var values: [(name: String, value: String)] {
    [("kernel_class", Device.kernelClass), ("kernel_library", Device.kernelLibrary)]
  }
}
