internal import CKernels
internal import COpenBLAS
import Glibc

/// Where tensors live and work is done: threads, pooled memory, and the kernels as methods.
///
/// The methods in this module are all that a model asks of a device, so that a second one can come behind the same
/// names. A device serves one caller at a time.
public final class Device: Sendable {
  /// The threads.
  public let workers: WorkerPool
  /// The memory.
  public let buffers: BufferPool

  /// A device of the processor with `threads` threads.
  public init(threads: Int) {
    workers = WorkerPool(threads: threads)
    buffers = BufferPool()
  }

  /// Which machine code our own kernels are in this process, for instance `avx2`.
  ///
  /// It is one of `sse2`, `avx2` and `avx512`, or `plain` elsewhere than on x86-64: the best that the processor
  /// has, unless `APPRENTICE_KERNELS` names another.
  public static var ownKernels: String { String(cString: kernel_class_name()) }

  /// The class that `APPRENTICE_KERNELS` names where this processor does not have it, or nil.
  public static var refusedKernels: String? {
    kernel_class_is_refused() == 0 ? nil : getenv("APPRENTICE_KERNELS").map { String(cString: $0) }
  }

  /// Which kernels the matrix library chose for this machine, for instance `Haswell`.
  public static var kernelClass: String { String(cString: openblas_core()) }

  /// The matrix library's version and options.
  public static var kernelLibrary: String { String(cString: openblas_configuration()) }

  /// A tensor whose elements are undefined.
  package func empty(_ shape: Shape) -> Tensor { Tensor(shape, in: buffers) }

  /// A tensor of zeros.
  package func zeros(_ shape: Shape) -> Tensor {
    let tensor = empty(shape)
    fill(tensor, 0)
    return tensor
  }

  /// Calls `body` with the rows of every tile of a matrix, at most `target` rows each.
  ///
  /// The number of tiles is even where there are several, so that they share out well.
  package func parallelRows(
    _ rows: Int, target: Int, least: Int? = nil, _ body: (_ rows: Range<Int>, _ worker: Int) -> Void
  ) {
    let tiles = Tiling.count(rows, target: target, least: least)
    workers.parallel(tiles) { tile, worker in body(Tiling.range(tile, of: tiles, extent: rows), worker) }
  }
}

/// How an extent is cut into tiles; a function of the extent alone.
package enum Tiling {
  /// How many tiles of at most `target` an extent gets: an even number unless it is one.
  ///
  /// An extent that would get fewer than four gets up to four, of at least `least` each.
  package static func count(_ extent: Int, target: Int, least: Int? = nil) -> Int {
    if extent == 0 { return 0 }
    let tiles = max((extent + target - 1) / target, min(4, extent / (least ?? target)))
    return tiles <= 1 ? 1 : min(extent, tiles + tiles % 2)
  }

  /// Tile `index` of `tiles`.
  package static func range(_ index: Int, of tiles: Int, extent: Int) -> Range<Int> {
    extent * index / tiles..<extent * (index + 1) / tiles
  }
}
