import Glibc
import Synchronization

/// Memory for tensors, handed out again when a tensor has gone, so that a steady training step allocates nothing.
///
/// Sizes are rounded up to four steps per power of two, so that batches whose lengths vary share buffers.
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

  /// Bytes of the size class that holds `count` floats.
  static func capacity(of count: Int) -> Int {
    let bytes = max(count, 16) * MemoryLayout<Float>.stride
    let step = max(64, (1 << (Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount)) / 4)
    return (bytes + step - 1) / step * step
  }

  func take(_ capacity: Int) -> UnsafeMutableRawPointer {
    let reused = state.withLock { state -> Block? in
      state.live += capacity
      state.peak = max(state.peak, state.live)
      if let block = state.free[capacity]?.popLast() { return block }
      state.allocated += capacity
      return nil
    }
    return reused?.pointer ?? BufferPool.allocate(capacity)
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
    else { fatalError("out of memory: \(capacity) bytes for a tensor") }
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
    capacity = BufferPool.capacity(of: count)
    self.pool = pool
    pointer = pool.take(capacity).bindMemory(to: Float.self, capacity: capacity / MemoryLayout<Float>.stride)
  }

  deinit { pool.give(pointer, capacity: capacity) }
}
