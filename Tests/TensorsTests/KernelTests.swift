import CKernels
import Glibc
import Tensors
import Testing

private func random(_ count: Int, _ stream: UInt64, scale: Float = 1) -> [Float] {
  var numbers = Philox(seed: 2, purpose: "kernel", stream: stream)
  return (0..<count).map { _ in Float(numbers.nextNormals().0) * scale }
}

@Suite("Kernels")
struct KernelTests {
  @Test("The exponential is within 2 units in the last place over its whole range")
  func exponential() {
    var worst = 0.0
    var x: Float = -87.2
    var batch: [Float] = []
    while x < 88.7 {
      batch.append(x)
      x += 0.000_83
    }
    var got = [Float](repeating: 0, count: batch.count)
    kernel_exp(batch, &got, Int64(batch.count))
    for (x, y) in zip(batch, got) {
      let exact = exp(Double(x))
      worst = max(worst, abs(Double(y) - exact) / Double(Float(exact).ulp))
    }
    #expect(worst < 2, "\(worst) ulp")
  }

  @Test("The exponential's borders: 0, 1, infinity and NaN")
  func borders() {
    let x: [Float] = [0, -0.0, .nan, .infinity, -.infinity, 100, -100, 1e30, -1e30]
    var y = [Float](repeating: 0, count: x.count)
    kernel_exp(x, &y, Int64(x.count))
    #expect(y[0] == 1 && y[1] == 1 && y[2].isNaN && y[3] == .infinity && y[4] == 0)
    #expect(y[5] == .infinity && y[6] == 0 && y[7] == .infinity && y[8] == 0)
  }

  @Test("Row statistics are those of double precision, and non-finite logits are not hidden")
  func rowStatistics() {
    for columns in [1, 5, 16, 31, 4099] {
      for shift: Float in [0, 40, -300] {
        let logits = random(columns, UInt64(columns), scale: 3).map { $0 + shift }
        var (value, entropy, mean): (Float, Float, Float) = (0, 0, 0)
        kernel_row_statistics(logits, Int64(columns), 1, Int64(columns), &value, &entropy, &mean)
        let top = Double(logits.max() ?? 0)
        let total = logits.reduce(0) { $0 + exp(Double($1) - top) }
        let exact = top + log(total)
        let exactEntropy = logits.reduce(0) { $0 - exp(Double($1) - exact) * (Double($1) - exact) }
        let exactMean = logits.reduce(0) { $0 + Double($1) } / Double(columns)
        #expect(abs(Double(value) - exact) < 4e-7 * max(abs(exact), 4))
        #expect(abs(Double(entropy) - exactEntropy) < 1e-5)
        #expect(abs(Double(mean) - exactMean) < 1e-6 * max(abs(exactMean), 10))
      }
    }
    for poison in [Float.nan, .infinity] {
      for place in [0, 20, 36] {
        var logits = random(37, 5)
        logits[place] = poison
        var value: Float = 0
        kernel_row_statistics(logits, 37, 1, 37, &value, nil, nil)
        #expect(!value.isFinite)
      }
    }
  }

  @Test(
    "Attention to several spans is attention to all their positions", arguments: [(1, 1), (3, 4), (40, 1), (17, 100)])
  func spans(shared: Int, own: Int) {
    let device = Device(threads: 2)
    let layout = AttentionLayout(heads: 4, keyValueHeads: 2, headWidth: 20)
    let (width, rows, count) = (layout.headWidth, 3, shared + own)
    let projections = Tensor([rows, layout.width], random(rows * layout.width, 1), in: device.buffers)
    let (keys, values) = (random(count * 2 * width, 2), random(count * 2 * width, 3))
    let caches = [shared, own].map { count in
      let cache = AttentionCacheLayout(layout, positions: count)
      return (tensor: device.zeros([cache.count]), layout: cache)
    }
    let spans = zip(caches, [shared, own]).map {
      AttentionSpan(base: $0.tensor.pointer, layout: $0.layout, count: $1)
    }
    for position in 0..<count {
      let place = 2 * width * position..<2 * width * (position + 1)
      spans[position < shared ? 0 : 1].store(
        Array(keys[place]), Array(values[place]), at: position < shared ? position : position - shared)
    }
    let result = device.empty([rows, layout.queryWidth])
    device.decodeAttention(MatrixView(projections), layout: layout, into: MatrixView(result)) { _ in spans }
    withExtendedLifetime(caches) {}
    for row in 0..<rows {
      for head in 0..<layout.heads {
        let query = (0..<width).map { Double(projections.buffer[row * layout.width + head * width + $0]) }
        let from = head / layout.group * width
        let weights = (0..<count).map { position in
          exp(
            Double(layout.scale)
              * (0..<width).reduce(0) { $0 + query[$1] * Double(keys[2 * width * position + from + $1]) })
        }
        let total = weights.reduce(0, +)
        for index in 0..<width {
          let want = (0..<count).reduce(0) { $0 + weights[$1] / total * Double(values[2 * width * $1 + from + index]) }
          #expect(abs(Double(result.buffer[row * layout.queryWidth + head * width + index]) - want) < 1e-5)
        }
      }
    }
  }

  @Test("AdamW is torch's formula in double to rounding")
  func adamW() {
    let device = Device(threads: 2)
    let count = 1000
    let start = random(count, 1)
    let tensors = [start, random(count, 2), .init(repeating: 0, count: count), .init(repeating: 0, count: count)].map {
      Tensor([count], $0, in: device.buffers)
    }
    var (p, m, v) = (start.map(Double.init), [Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
    for step in 1...5 {
      let gradient = random(count, UInt64(10 + step), scale: 0.1)
      tensors[1].assign(Tensor([count], gradient, in: device.buffers))
      device.adamW(
        tensors[0], gradients: tensors[1], firstMoment: tensors[2], secondMoment: tensors[3],
        AdamWStep(
          learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1, step: step, gradientScale: 0.5)
      )
      for index in 0..<count {
        let g = Double(gradient[index]) * 0.5
        m[index] = 0.9 * m[index] + 0.1 * g
        v[index] = 0.999 * v[index] + 0.001 * g * g
        let first = m[index] / (1 - pow(0.9, Double(step)))
        let second = v[index] / (1 - pow(0.999, Double(step)))
        p[index] = p[index] * (1 - 1e-2 * 0.1) - 1e-2 * first / (second.squareRoot() + 1e-8)
      }
    }
    #expect(zip(tensors[0].elements, p).allSatisfy { abs(Double($0) - $1) < 2e-6 * max(1, abs($1)) })
  }

  @Test("Sums of squares, sums and products in place are those of double precision", arguments: [1, 15, 1000, 200_001])
  func elementwise(count: Int) {
    let device = Device(threads: 3)
    let (x, y) = (random(count, 1), random(count, 2))
    let (a, b) = (Tensor([count], x, in: device.buffers), Tensor([count], y, in: device.buffers))
    let exact = x.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(abs(device.sumOfSquares(a) - exact) < 1e-12 * exact)
    let sum = device.empty([count])
    device.add(a, b, into: sum)
    #expect(sum.elements == zip(x, y).map(+))
    device.accumulate(a, times: 2, into: b)
    #expect(zip(b.elements, zip(x, y)).allSatisfy { abs($0 - (2 * $1.0 + $1.1)) < 1e-5 })
    device.scale(a, by: 3)
    #expect(a.elements == x.map { 3 * $0 })
  }

  @Test("An element that is infinite or no number is found wherever it stands; the greatest numbers are finite")
  func firstNotFinite() {
    for count in [0, 1, 15, 16, 1023, 1024, 1025, 5000] {
      var values = random(count, 5)
      if count > 0 { values[0] = .greatestFiniteMagnitude }
      #expect(kernel_first_not_finite(values, Int64(count)) == -1)
      for place in Set([0, 1, 14, 1023, 1024, 4999, count - 1]) where place >= 0 && place < count {
        for poison in [Float.nan, -.nan, .infinity, -.infinity, .signalingNaN] {
          var poisoned = values
          poisoned[place] = poison
          if count > place + 1 { poisoned[count - 1] = .nan }
          #expect(kernel_first_not_finite(poisoned, Int64(count)) == Int64(place))
        }
      }
    }
  }
}
