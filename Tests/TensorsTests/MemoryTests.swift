import Tensors
import Testing

@Suite struct MemoryTests {
  @Test("Memory beyond the machine's is refused by what needs it, before it is taken; a little is not")
  func shortage() throws {
    try Device.requireMemory(1 << 20, for: "a test")
    let error = #expect(throws: MemoryShortage.self) { try Device.requireMemory(1 << 60, for: "the model in there") }
    #expect(error?.description.contains("the model in there needs 1073741824 GiB of memory, ") == true)
    #expect(throws: MemoryShortage.self) { try Device.requireMemory(.max, for: "a test") }
  }

  @Test("What a job needs must fit beside what it holds already, not alone")
  func beside() throws {
    let machine = try #require(Device.machineMemory)
    let part = machine / 5 * 3
    try Device.requireMemory(1 << 20, beside: part, for: "a test")
    let error = #expect(throws: MemoryShortage.self) {
      try Device.requireMemory(part, beside: part, for: "the optimiser's state")
    }
    #expect(error?.held == part && error?.description.contains(" that are taken already, this machine has ") == true)
    #expect(throws: MemoryShortage.self) { try Device.requireMemory(1, beside: .max, for: "a test") }
  }

  @Test("A device that is ready computes as any other does")
  func ready() throws {
    let device = try Device.ready(threads: 2)
    #expect(device.workers.threads == 2)
    #expect(try Device.ready(threads: 2).workers.threads == 2)
  }
}
