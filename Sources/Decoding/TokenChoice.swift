import Glibc
import Tensors

extension Sampling {
  /// Draws a token.
  ///
  /// Temperature first, then top k, then top p, as `transformers` orders them.
  ///
  /// - Parameters:
  ///   - logits: [vocabulary]
  ///   - uniform: A number in [0, 1).
  ///   - scratch: Room for the vocabulary, rounded up to 16.
  /// - Returns: The token.
  func draw(_ logits: UnsafeBufferPointer<Float>, uniform: Double, scratch: UnsafeMutablePointer<Float>) -> Int {
    if topK == nil && topP == 1 { return logits.draw(temperature: temperature, uniform: uniform, scratch: scratch) }
    var kept = CandidateHeap(logits)
    var candidates: [Int] = []
    var weights: [Double] = []
    let greatest = Double(logits[logits.indexOfGreatest])
    func weight(_ token: Int) -> Double { exp((Double(logits[token]) - greatest) / Double(temperature)) }
    if let topK {
      while let token = kept.popGreatest() {
        // Tokens that tie with the k-th stay, so that ids decide nothing.
        if candidates.count >= topK, logits[token] < logits[candidates[topK - 1]] { break }
        candidates.append(token)
        weights.append(weight(token))
      }
    }
    if topP < 1 {
      let total =
        topK == nil ? logits.indices.reduce(0) { $0 + weight($1) } : weights.reduce(0, +)
      var sum = 0.0
      var count = 0
      while sum < topP * total {
        if count == candidates.count {
          guard topK == nil, let token = kept.popGreatest() else { break }
          candidates.append(token)
          weights.append(weight(token))
        }
        sum += weights[count]
        count += 1
      }
      candidates.removeSubrange(max(count, 1)...)
      weights.removeSubrange(max(count, 1)...)
    }
    let target = uniform * weights.reduce(0, +)
    var reached = 0.0
    for (token, weight) in zip(candidates, weights) {
      reached += weight
      if reached > target { return token }
    }
    return candidates[candidates.count - 1]
  }
}

/// Tokens by falling logit, of equals the lower id first, found as they are asked for.
private struct CandidateHeap {
  private let logits: UnsafeBufferPointer<Float>
  private var heap: [Int32]

  init(_ logits: UnsafeBufferPointer<Float>) {
    self.logits = logits
    heap = (0..<Int32(logits.count)).filter { logits[Int($0)] > -.infinity }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(index) }
  }

  private func precedes(_ left: Int32, _ right: Int32) -> Bool {
    let (a, b) = (logits[Int(left)], logits[Int(right)])
    return a > b || (a == b && left < right)
  }

  private mutating func sink(_ start: Int) {
    var index = start
    while true {
      var child = 2 * index + 1
      guard child < heap.count else { return }
      if child + 1 < heap.count, precedes(heap[child + 1], heap[child]) { child += 1 }
      guard precedes(heap[child], heap[index]) else { return }
      heap.swapAt(child, index)
      index = child
    }
  }

  mutating func popGreatest() -> Int? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      sink(0)
    }
    return Int(first)
  }
}
