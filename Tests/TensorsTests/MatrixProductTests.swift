import Tensors
import Testing

private func random(_ shape: Shape, _ stream: UInt64, _ device: Device) -> Tensor {
  let tensor = device.empty(shape)
  var numbers = Philox(seed: 1, purpose: "matrix", stream: stream)
  numbers.fill(tensor, standardDeviation: 1)
  return tensor
}

/// left · right in double, either side read transposed.
private func plain(_ left: Tensor, _ right: Tensor, _ transposed: MatrixProduct.Transposition) -> [Double] {
  let (a, b) = (left.elements.map(Double.init), right.elements.map(Double.init))
  let rows = transposed == .left ? left.shape.columns : left.shape.rows
  let columns = transposed == .right ? right.shape.rows : right.shape.columns
  let inner = transposed == .left ? left.shape.rows : left.shape.columns
  var result = [Double](repeating: 0, count: rows * columns)
  for i in 0..<rows {
    for k in 0..<inner {
      let x = transposed == .left ? a[k * rows + i] : a[i * inner + k]
      for j in 0..<columns {
        result[i * columns + j] += x * (transposed == .right ? b[j * inner + k] : b[k * columns + j])
      }
    }
  }
  return result
}

@Suite("Matrix products")
struct MatrixProductTests {
  private static let shapes = [
    (1, 1, 1), (1, 300, 40), (3, 5, 7), (17, 64, 33), (64, 16, 130), (33, 700, 31), (200, 150, 65), (401, 97, 12),
  ]

  @Test("Every transposition is the product in double to rounding, set or added", arguments: shapes)
  func values(rows: Int, columns: Int, inner: Int) {
    let device = Device(threads: 2)
    for transposed in [MatrixProduct.Transposition.none, .left, .right] {
      let left = random(transposed == .left ? [inner, rows] : [rows, inner], 1, device)
      let right = random(transposed == .right ? [columns, inner] : [inner, columns], 2, device)
      let result = random([rows, columns], 3, device)
      let before = result.elements
      let want = plain(left, right, transposed)
      // |error| ≤ inner · ε · Σ |x y|, and the sum grows like inner · 2 / π.
      let tolerance = 1e-6 * Float(inner)
      device.multiply(
        MatrixProduct(
          MatrixView(left), MatrixView(right), transposed: transposed, into: MatrixView(result), accumulate: true))
      for index in want.indices {
        #expect(abs(result.buffer[index] - before[index] - Float(want[index])) < tolerance + 1e-6)
      }
      device.multiply(
        MatrixProduct(MatrixView(left), MatrixView(right), transposed: transposed, into: MatrixView(result)))
      for index in want.indices { #expect(abs(result.buffer[index] - Float(want[index])) < tolerance) }
    }
  }

  @Test("Bits are the same for any number of threads")
  func threads() {
    var reference: [[UInt32]] = []
    for threads in [1, 2, 3, 5] {
      let device = Device(threads: threads)
      var results: [[UInt32]] = []
      for (rows, columns, inner) in [(509, 770, 131), (31, 4099, 64), (1, 2048, 256), (1300, 70, 17)] {
        for transposed in [MatrixProduct.Transposition.none, .left, .right] {
          let left = random(transposed == .left ? [inner, rows] : [rows, inner], 1, device)
          let right = random(transposed == .right ? [columns, inner] : [inner, columns], 2, device)
          let result = device.empty([rows, columns])
          device.multiply(
            MatrixProduct(MatrixView(left), MatrixView(right), transposed: transposed, into: MatrixView(result)))
          results.append(result.elements.map(\.bitPattern))
        }
      }
      if threads == 1 { reference = results } else { #expect(results == reference, "\(threads) threads") }
    }
  }

  @Test("Several products share one job; an empty inner extent gives zeros, an empty result nothing")
  func several() {
    let device = Device(threads: 3)
    let x = random([40, 30], 1, device)
    let w = random([20, 30], 2, device)
    let y = device.empty([40, 20])
    let gram = device.empty([30, 30])
    let nothing = random([4, 5], 3, device)
    let empty = device.empty([4, 0])
    device.multiply(
      MatrixProduct(MatrixView(x), MatrixView(w), transposed: .right, into: MatrixView(y)),
      MatrixProduct(MatrixView(x), MatrixView(x), transposed: .left, into: MatrixView(gram)),
      MatrixProduct(MatrixView(empty), MatrixView(device.empty([0, 5])), into: MatrixView(nothing)))
    let (product, square) = (plain(x, w, .right), plain(x, x, .left))
    #expect(zip(y.elements, product).allSatisfy { abs(Double($0) - $1) < 1e-4 })
    #expect(zip(gram.elements, square).allSatisfy { abs(Double($0) - $1) < 1e-4 })
    #expect(nothing.elements.allSatisfy { $0 == 0 })
  }

  @Test("A projection of few rows is the product in double to rounding, set or added", arguments: 1...14)
  func projection(rows: Int) {
    let device = Device(threads: 2)
    for (columns, inner) in [(1, 1), (9, 5), (70, 33), (300, 64)] {
      let (x, w) = (random([rows, inner], 1, device), random([columns, inner], 2, device))
      let result = random([rows, columns], 3, device)
      let before = result.elements
      let want = plain(x, w, .right)
      device.project(MatrixView(x), w, into: MatrixView(result), accumulate: true)
      for index in want.indices { #expect(abs(Double(result.buffer[index] - before[index]) - want[index]) < 1e-4) }
      device.project(MatrixView(x), w, into: MatrixView(result))
      for index in want.indices { #expect(abs(Double(result.buffer[index]) - want[index]) < 1e-4) }
    }
  }
}
