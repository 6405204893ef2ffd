import Autodiff
import Glibc
import Tensors
import Testing

@Suite("Operations against double precision and central differences")
struct OperationTests {
  @Test("Linear, with and without bias and residual", arguments: [(1, 1, 1), (3, 5, 2), (7, 4, 19), (40, 3, 3)])
  func linear(tokens: Int, inner: Int, outer: Int) {
    Trial(variables: [[tokens, inner]], parameters: [[outer, inner]]).run("linear") {
      Plain.linear($0[0], $0[1], inner: inner)
    } tape: {
      $0.linear($1[0], $2[0])
    }
    Trial(variables: [[tokens, inner], [tokens, outer]], parameters: [[outer, inner], [outer]]).run("with bias") {
      values in
      Plain.linear(values[0], values[2], inner: inner).enumerated().map {
        $1 + values[1][$0] + values[3][$0 % outer]
      }
    } tape: {
      $0.linear($1[0], $2[0], bias: $2[1], residual: $1[1])
    }
  }

  @Test("RMSNorm", arguments: [(1, 1), (3, 5), (2, 16), (70, 3), (4, 37)])
  func rmsNorm(tokens: Int, width: Int) {
    Trial(variables: [[tokens, width]], parameters: [[width]]).run("rms norm") { values in
      values[0].indices.map { index in
        let row = values[0][index / width * width..<(index / width + 1) * width]
        let mean = row.reduce(0) { $0 + $1 * $1 } / Double(width)
        return values[0][index] / (mean + 0.1).squareRoot() * values[1][index % width]
      }
    } tape: {
      $0.rmsNorm($1[0], $2[0], epsilon: 0.1)
    }
  }

  @Test("Gated MLP, with and without residual", arguments: [(1, 1, 1), (3, 4, 5), (2, 3, 17), (9, 2, 16)])
  func gatedMLP(tokens: Int, width: Int, inner: Int) {
    let block = { (values: [[Double]]) -> [Double] in
      let projections = Plain.linear(values[0], values[1], inner: width)
      let activation = (0..<tokens * inner).map { index -> Double in
        let gate = projections[index / inner * 2 * inner + index % inner]
        return gate / (1 + exp(-gate)) * projections[index / inner * 2 * inner + inner + index % inner]
      }
      return Plain.linear(activation, values[2], inner: inner)
    }
    Trial(variables: [[tokens, width]], parameters: [[2 * inner, width], [width, inner]]).run(
      "gated", plain: block,
      tape: { $0.gatedMLP($1[0], gateUp: $2[0], down: $2[1], residual: nil) })
    Trial(variables: [[tokens, width], [tokens, width]], parameters: [[2 * inner, width], [width, inner]]).run(
      "gated with residual",
      plain: { values in zip(block([values[0], values[2], values[3]]), values[1]).map(+) },
      tape: { $0.gatedMLP($1[0], gateUp: $2[0], down: $2[1], residual: $1[1]) })
  }

  @Test(
    "Causal attention over ragged sequences, grouped heads, with and without rotary",
    arguments: [
      (AttentionLayout(heads: 1, keyValueHeads: 1, headWidth: 2), [1]),
      (AttentionLayout(heads: 2, keyValueHeads: 1, headWidth: 4), [3, 1, 5]),
      (AttentionLayout(heads: 4, keyValueHeads: 2, headWidth: 6), [2, 6]),
      (AttentionLayout(heads: 1, keyValueHeads: 1, headWidth: 2), [67]),
    ], [false, true])
  func attention(of shape: (layout: AttentionLayout, lengths: [Int]), rotary: Bool) {
    let (layout, lengths) = shape
    let offsets = lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    let tokens = offsets.last ?? 0
    let device = Device(threads: 2)
    let half = layout.headWidth / 2
    let angles = (0..<tokens * half).map { Double($0 / half) * pow(0.3, Double($0 % half)) }
    let table = RotaryTable(
      cosine: Tensor([tokens, half], angles.map { cos($0) }, on: device),
      sine: Tensor([tokens, half], angles.map { sin($0) }, on: device))
    Trial(device: device, variables: [[tokens, layout.width]]).run("attention") { values in
      plainAttention(values[0], offsets: offsets, layout: layout, angles: rotary ? angles : nil)
    } tape: { tape, variables, _ in
      tape.causalAttention(variables[0], offsets: offsets, layout: layout, rotary: rotary ? table : nil)
    }
  }

  @Test("Embedding adds the gradients of a token's every place; selected rows leave the others 0")
  func rows() {
    let device = Device(threads: 2)
    let ids: [Int32] = [2, 0, 2, 3, 2]
    Trial(device: device, variables: [], parameters: [[5, 3]]).run("embedding") { values in
      ids.flatMap { values[0][Int($0) * 3..<Int($0) * 3 + 3] }
    } tape: {
      $0.embedding($2[0], ids)
    }
    let rows: [Int32] = [1, 3]
    Trial(device: device, variables: [[4, 2]]).run("selection") { values in
      rows.flatMap { values[0][Int($0) * 2..<Int($0) * 2 + 2] }
    } tape: { tape, variables, _ in
      tape.selectRows(variables[0], rows)
    }
    Trial(device: device, variables: [[4, 2]]).run("selection twice") { values in
      rows.flatMap { values[0][Int($0) * 2..<Int($0) * 2 + 2] }.enumerated().map { $1 + values[0][$0] }
    } tape: { tape, variables, _ in
      tape.sum(tape.selectRows(variables[0], rows), tape.selectRows(variables[0], [0, 1]))
    }
  }

  @Test("A sum, of a variable with itself too")
  func sum() {
    Trial(variables: [[3, 4], [3, 4]]).run("sum") {
      zip($0[0], $0[1]).map(+)
    } tape: { tape, variables, _ in
      tape.sum(variables[0], variables[1])
    }
    Trial(variables: [[3, 4]]).run("sum of one") {
      $0[0].map { 2 * $0 }
    } tape: { tape, variables, _ in
      tape.sum(variables[0], variables[0])
    }
  }

  @Test("Dropout's pullback goes through the mask of its forward pass")
  func dropout() {
    let device = Device(threads: 2)
    let mask = DropoutMask(probability: 0.4, seed: 1, step: 3, site: 5)
    let ones = Tensor([6, 7], [Double](repeating: 1, count: 42), on: device)
    let kept = device.empty([6, 7])
    device.dropout(ones, mask, into: kept)
    let factors = kept.elements.map(Double.init)
    Trial(device: device, variables: [[6, 7]]).run("dropout") {
      zip($0[0], factors).map(*)
    } tape: { tape, variables, _ in
      tape.dropout(variables[0], mask)
    }
  }
}

/// Attention, head by head and position by position.
private func plainAttention(
  _ projections: [Double], offsets: [Int], layout: AttentionLayout, angles: [Double]?
) -> [Double] {
  let (width, half) = (layout.headWidth, layout.headWidth / 2)
  func head(_ token: Int, _ first: Int, position: Int?) -> [Double] {
    let x = Array(projections[token * layout.width + first..<token * layout.width + first + width])
    guard let angles, let position else { return x }
    return x.indices.map { index in
      let angle = angles[position * half + index % half]
      return index < half
        ? x[index] * cos(angle) - x[index + half] * sin(angle) : x[index] * cos(angle) + x[index - half] * sin(angle)
    }
  }
  var result: [Double] = []
  for (start, end) in zip(offsets, offsets.dropFirst()) {
    for token in start..<end {
      for index in 0..<layout.heads {
        let group = index / layout.group * width
        let query = head(token, index * width, position: token - start)
        let weights = (start...token).map { other in
          let key = head(other, layout.queryWidth + group, position: other - start)
          return exp(zip(query, key).reduce(0) { $0 + $1.0 * $1.1 } / Double(width).squareRoot())
        }
        let total = weights.reduce(0, +)
        var read = [Double](repeating: 0, count: width)
        for (other, weight) in zip(start...token, weights) {
          let value = head(other, layout.queryWidth + layout.keyValueWidth + group, position: nil)
          for k in 0..<width { read[k] += weight / total * value[k] }
        }
        result += read
      }
    }
  }
  return result
}
