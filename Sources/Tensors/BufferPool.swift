import Glibc
import Synchronization

/// Memory for tensors, handed out again when a tensor has gone, so that a steady training step allocates nothing.
///
/// Sizes are rounded up to four steps per power of two, and a buffer up to twice too large will do, so that batches
/// whose lengths vary share buffers.
public final class BufferPool: Sendable {
  /// A buffer that nobody uses.
  private struct Block: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
  }

  private struct State {
    var free: [Int: [Block]] = [:]
    var allocated = 0
    var live = 0
    var peak = 0
  }

  private let state = Mutex(State())

  /// An empty pool.
  public init() {}

  deinit {
    state.withLock { state in
      for blocks in state.free.values { for block in blocks { Glibc.free(block.pointer) } }
    }
  }

  /// Bytes obtained from the system so far.
  public var allocatedBytes: Int { state.withLock { $0.allocated } }

  /// Bytes that tensors hold now.
  public var liveBytes: Int { state.withLock { $0.live } }

  /// The most bytes that tensors held at once.
  public var peakBytes: Int { state.withLock { $0.peak } }

  /// The least size class of at least `bytes`.
  private static func sizeClass(_ bytes: Int) -> Int {
    let step = max(64, (1 << (Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount)) / 4)
    return (bytes + step - 1) / step * step
  }

  /// A buffer of at least `count` floats: of the right size class, else up to twice as large, else a new one.
  func take(_ count: Int) -> (pointer: UnsafeMutableRawPointer, capacity: Int) {
    let wanted = BufferPool.sizeClass(max(count * MemoryLayout<Float>.stride, 64))
    let (block, capacity) = state.withLock { state -> (Block?, Int) in
      var capacity = wanted
      var block = state.free[capacity]?.popLast()
      while block == nil, capacity < 2 * wanted {
        capacity = BufferPool.sizeClass(capacity + 1)
        block = state.free[capacity]?.popLast()
      }
      if block == nil {
        capacity = wanted
        state.allocated += wanted
      }
      state.live += capacity
      state.peak = max(state.peak, state.live)
      return (block, capacity)
    }
    return (block?.pointer ?? BufferPool.allocate(wanted), capacity)
  }

  func give(_ buffer: UnsafeMutableRawPointer, capacity: Int) {
    let block = Block(pointer: buffer)
    state.withLock { state in
      state.live -= capacity
      state.free[capacity, default: []].append(block)
    }
  }

  private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
    let hugePage = 1 << 21
    let large = capacity >= hugePage
    guard
      let buffer = aligned_alloc(large ? hugePage : 64, large ? (capacity + hugePage - 1) & ~(hugePage - 1) : capacity)
    else { endForWantOfMemory(capacity, "a tensor") }
    if large { madvise(buffer, capacity, MADV_HUGEPAGE) }
    return buffer
  }
}

/// A pooled buffer, alive as long as a tensor views it.
package final class Storage: @unchecked Sendable {
  package let pointer: UnsafeMutablePointer<Float>
  private let capacity: Int
  private let pool: BufferPool

  package init(count: Int, pool: BufferPool) {
    let buffer = pool.take(count)
    capacity = buffer.capacity
    self.pool = pool
    pointer = buffer.pointer.bindMemory(to: Float.self, capacity: buffer.capacity / MemoryLayout<Float>.stride)
  }

  deinit { pool.give(pointer, capacity: capacity) }
}
