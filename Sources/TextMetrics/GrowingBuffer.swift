/// A growing array of plain values at a fixed owner.
///
/// Hot loops take `start` once and run over raw memory: no bounds, reference-count or exclusivity checks there.
struct GrowingBuffer<Element: BitwiseCopyable>: ~Copyable {
  private(set) var start: UnsafeMutablePointer<Element>
  private(set) var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 64) {
    self.capacity = capacity
    start = .allocate(capacity: capacity)
  }

  deinit { start.deallocate() }

  var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: start, count: count) }

  subscript(index: Int) -> Element {
    @inline(__always) get { start[index] }
    @inline(__always) set { start[index] = newValue }
  }

  /// Makes room for `extra` more elements.
  @inline(__always)
  mutating func reserve(_ extra: Int) {
    if count + extra > capacity { grow(to: count + extra) }
  }

  @inline(never)
  private mutating func grow(to needed: Int) {
    let larger = max(needed, capacity * 2)
    let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    moved.update(from: start, count: count)
    start.deallocate()
    start = moved
    capacity = larger
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    reserve(1)
    start[count] = element
    count += 1
  }

  mutating func append(contentsOf elements: UnsafeBufferPointer<Element>) {
    reserve(elements.count)
    if let source = elements.baseAddress { (start + count).update(from: source, count: elements.count) }
    count += elements.count
  }

  /// Extends to `newCount` elements; new ones are `value`.
  mutating func extend(to newCount: Int, filling value: Element) {
    guard newCount > count else { return }
    reserve(newCount - count)
    (start + count).update(repeating: value, count: newCount - count)
    count = newCount
  }

  /// Declares that the first `newCount` elements, written through `start`, are the content.
  mutating func setCount(_ newCount: Int) { count = newCount }

  mutating func removeAll() { count = 0 }
}
