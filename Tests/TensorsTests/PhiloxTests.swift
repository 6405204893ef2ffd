import Tensors
import Testing

@Suite("Random numbers")
struct PhiloxTests {
  @Test(
    "Blocks are the published test vectors of Philox4x32-10",
    arguments: [
      (SIMD4<UInt32>(repeating: 0), SIMD2<UInt32>(repeating: 0), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
      (
        SIMD4<UInt32>(repeating: .max), SIMD2<UInt32>(repeating: .max),
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        SIMD4<UInt32>(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), SIMD2<UInt32>(0xa409_3822, 0x299f_31d0),
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ] as [(SIMD4<UInt32>, SIMD2<UInt32>, [UInt32])])
  func vectors(counter: SIMD4<UInt32>, key: SIMD2<UInt32>, expected: [UInt32]) {
    let block = Philox.block(counter: counter, key: key)
    #expect((0..<4).map { block[$0] } == expected)
  }

  @Test("Seed, purpose and stream each change the sequence; the same three repeat it")
  func keys() {
    let first = { (numbers: Philox) -> [UInt64] in
      var numbers = numbers
      return (0..<8).map { _ in numbers.next() }
    }
    let reference = first(Philox(seed: 1, purpose: "shuffle", stream: 2))
    #expect(first(Philox(seed: 1, purpose: "shuffle", stream: 2)) == reference)
    #expect(first(Philox(seed: 2, purpose: "shuffle", stream: 2)) != reference)
    #expect(first(Philox(seed: 1, purpose: "sample", stream: 2)) != reference)
    #expect(first(Philox(seed: 1, purpose: "shuffle", stream: 3)) != reference)
  }

  @Test("Uniform and normal numbers have their moments")
  func moments() {
    var numbers = Philox(seed: 9, purpose: "moments")
    let count = 100_000
    let uniform = (0..<count).map { _ in numbers.nextUniform() }
    #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(uniform.reduce(0, +) / Double(count) - 0.5) < 0.005)
    let normal = (0..<count / 2).flatMap { _ in [numbers.nextNormals()].flatMap { [$0.0, $0.1] } }
    #expect(abs(normal.reduce(0, +) / Double(count)) < 0.015)
    #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / Double(count) - 1) < 0.02)
    #expect(abs(normal.reduce(0) { $0 + $1 * $1 * $1 * $1 } / Double(count) - 3) < 0.2)
  }

  @Test("Dropout keeps the right share, scales what it keeps, and draws the same mask again")
  func dropout() {
    let device = Device(threads: 2)
    let count = 50_003
    let ones = Tensor([count], [Float](repeating: 1, count: count), in: device.buffers)
    let mask = DropoutMask(probability: 0.3, seed: 5, step: 7, site: 2)
    let once = device.empty([count])
    device.dropout(ones, mask, into: once)
    #expect(once.elements.allSatisfy { $0 == 0 || abs($0 - 1 / 0.7) < 1e-6 })
    let kept = once.elements.filter { $0 != 0 }.count
    #expect(abs(Double(kept) / Double(count) - 0.7) < 0.01)
    let again = Tensor([count], once.elements, in: device.buffers)
    device.dropout(ones, mask, into: again, accumulate: true)
    #expect(again.elements == once.elements.map { 2 * $0 })
    let other = device.empty([count])
    device.dropout(ones, DropoutMask(probability: 0.3, seed: 5, step: 8, site: 2), into: other)
    #expect(other.elements != once.elements)
  }
}
