import Synchronization
import Tensors
import Testing

@Suite("Threads and memory")
struct DeviceTests {
  @Test("Every tile runs exactly once, in jobs large and small", arguments: [1, 2, 3, 5, 9])
  func tiles(threads: Int) {
    let workers = WorkerPool(threads: threads)
    for round in 0..<400 {
      let tiles = round % 37
      let counts = (0..<tiles).map { _ in Counter() }
      let strangers = Counter()
      workers.parallel(tiles) { tile, worker in
        counts[tile].value.add(1, ordering: .relaxed)
        if worker < 0 || worker >= threads { strangers.value.add(1, ordering: .relaxed) }
      }
      #expect(counts.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
      #expect(strangers.value.load(ordering: .relaxed) == 0)
    }
  }

  private final class Counter: Sendable {
    let value = Atomic(0)
  }

  @Test("Tiles cover an extent without gaps, an even number of them where there are several")
  func tiling() {
    for extent in [0, 1, 7, 64, 65, 130, 4064] {
      let tiles = Tiling.count(extent, target: 64)
      #expect(tiles == (extent == 0 ? 0 : 1) || tiles % 2 == 0)
      let ranges = (0..<tiles).map { Tiling.range($0, of: tiles, extent: extent) }
      #expect(ranges.flatMap(Array.init) == Array(0..<extent))
      #expect(ranges.allSatisfy { $0.count <= 64 })
    }
  }

  @Test("A buffer is used again when its tensor has gone, also for a size a little smaller")
  func pool() {
    let device = Device(threads: 1)
    let first: UnsafeMutablePointer<Float>
    do { first = device.empty([1000, 3]).pointer }
    let allocated = device.buffers.allocatedBytes
    #expect(device.buffers.liveBytes == 0)
    let again = device.empty([2990])
    #expect(again.pointer == first)
    let view = again.view(from: 10, shape: [2, 5])
    #expect(view.pointer == first + 10)
    #expect(device.buffers.allocatedBytes == allocated)
    #expect(device.buffers.liveBytes > 0)
    #expect(device.empty([2990]).pointer != first)
    #expect(device.buffers.peakBytes == device.buffers.allocatedBytes)
  }

  @Test("Every size class holds what is asked of it and wastes at most a quarter")
  func capacity() {
    for count in [1, 15, 16, 17, 100, 1000, 1023, 1024, 1025, 5000, 123_457, 1_048_577] {
      let device = Device(threads: 1)
      let tensor = device.empty([count])
      #expect(device.buffers.liveBytes >= count * 4)
      #expect(device.buffers.liveBytes <= max(64, count * 5 + 64))
      tensor.fill(1)
    }
  }
}
