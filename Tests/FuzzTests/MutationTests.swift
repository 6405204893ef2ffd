import FuzzTargets
import Glibc
import SystemPackage
import TestSupport
import Testing

/// The parsers of foreign bytes under some hundred changed seeds each: a crash here is a crash of the command.
///
/// `Tests/fuzzing/run` does the same for as long as one likes, led by coverage.
@Suite struct MutationTests {
  private static let rounds = 400

  private static func seeds(_ target: FuzzTarget) throws -> [[UInt8]] {
    let own = try seeds(in: Fixture.root.pushing("Tests/fuzzing/seeds").appending(target.name))
    return target.name == "bundle" ? try own + seeds(in: Fixture.path("hostile/bundles")) : own
  }

  private static func seeds(in folder: FilePath) throws -> [[UInt8]] {
    guard let stream = opendir(folder.string) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return try names.sorted().map { try Fixture.bytes(folder.appending($0)) }
  }

  @Test("no changed seed crashes a parser", arguments: FuzzTarget.all.map(\.name))
  func mutated(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let seeds = try Self.seeds(target)
    try #require(!seeds.isEmpty, "Tests/fuzzing/seeds/\(name) is missing")
    let scratch = ScratchFolder()
    let work = scratch.folder("work")
    for seed in seeds { target.run(seed, in: work) }
    var mutator = Mutator(seed: 1)
    // Where the process dies, this file holds the input: it lies beside the folder that would be removed.
    let last = FilePath("/tmp/apprentice-fuzz-\(name)-\(getpid())")
    let file = try FileDescriptor.open(
      last, .readWrite, options: [.create, .truncate], permissions: [.ownerReadWrite])
    defer {
      try? file.close()
      unlink(last.string)
    }
    for _ in 0..<Self.rounds {
      let bytes = mutator.next(seeds)
      try file.resize(to: 0)
      try file.writeAll(toAbsoluteOffset: 0, bytes)
      target.run(bytes, in: work)
    }
  }

  @Test("every seed folder belongs to a parser")
  func folders() {
    let folder = Fixture.root.pushing("Tests/fuzzing/seeds")
    for target in FuzzTarget.all { #expect(Fixture.exists(folder.appending(target.name)), "\(target.name)") }
  }
}
