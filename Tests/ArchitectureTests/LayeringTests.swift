import Foundation
import SystemPackage
import TestSupport
import Testing

/// Holds the `import` lines of the sources to the map in Package.swift.
@Suite struct LayeringTests {
  /// Modules below both towers.
  static let shared: Set<String> = ["CanonicalJSON", "Files", "Threads", "Archives"]
  /// Modules of the plumbing tower; they know no tensor.
  static let plumbing: Set<String> = [
    "ContentAddressing", "Registries", "ArtifactStore", "StageKit", "Bundling", "Sharing", "PipelineLanguage",
    "PipelineExecution",
  ]
  /// Modules of the learning tower; they know no store, no YAML, no pipeline.
  static let learning: Set<String> = [
    "SafetensorsFormat", "Tokenization", "Corpora", "Records", "Tensors", "TextMetrics", "Autodiff", "Transformers",
    "CheckpointFormat", "Reports", "Imitation", "Training", "Decoding",
  ]

  /// The modules of Package.swift in their order.
  static func modules() throws -> [String] {
    let manifest = try Fixture.lines(Fixture.root.appending("Package.swift")).joined(separator: "\n")
    let table = try #require(manifest.range(of: "let modules: [Module] = ["))
    let end = try #require(manifest.range(of: "\n]", range: table.upperBound..<manifest.endIndex))
    let names = manifest[table.upperBound..<end.lowerBound].matches(of: /Module\(\s*name: "(\w+)"/)
    return names.map { String($0.1) }
  }

  static func swiftFiles(below folder: FilePath) -> [FilePath] {
    let enumerator = FileManager.default.enumerator(atPath: folder.string)
    let names = (enumerator?.allObjects as? [String] ?? []).sorted()
    return names.filter { $0.hasSuffix(".swift") }.map { folder.pushing(FilePath($0)) }
  }

  static func imports(of file: FilePath) throws -> [String] {
    try Fixture.lines(file).compactMap { line in
      line.firstMatch(of: /^(?:@\w+ )?(?:public |package |internal )?import (?:\w+ )?(\w+)/).map { String($0.1) }
    }
  }

  @Test("a module imports only modules that stand above it in Package.swift")
  func order() throws {
    let modules = try Self.modules()
    #expect(Self.plumbing.union(Self.learning).union(Self.shared) == Set(modules))
    for (index, module) in modules.enumerated() {
      for file in Self.swiftFiles(below: Fixture.root.appending("Sources").appending(module)) {
        for name in try Self.imports(of: file) {
          guard let imported = modules.firstIndex(of: name) else { continue }
          #expect(imported < index, "\(file.lastComponent?.string ?? "") of \(module) imports \(name)")
        }
      }
    }
  }

  @Test("plumbing imports no learning and learning no plumbing")
  func towers() throws {
    for (tower, other) in [(Self.plumbing, Self.learning), (Self.learning, Self.plumbing)] {
      for module in tower {
        for file in Self.swiftFiles(below: Fixture.root.appending("Sources").appending(module)) {
          let strangers = other.intersection(try Self.imports(of: file))
          #expect(strangers.isEmpty, "\(file.lastComponent?.string ?? "") of \(module) imports \(strangers)")
        }
      }
    }
  }

  @Test("a stage sees no store, no pipeline and no other stage")
  func stages() throws {
    let forbidden: Set<String> = [
      "ContentAddressing", "ArtifactStore", "PipelineLanguage", "PipelineExecution", "Commands", "StageCatalog",
    ]
    for file in Self.swiftFiles(below: Fixture.root.appending("stages")) {
      let imports = try Self.imports(of: file)
      #expect(forbidden.isDisjoint(with: imports), "\(file) imports \(imports)")
      #expect(!imports.contains { $0.hasSuffix("Stage") }, "\(file) imports another stage: \(imports)")
    }
  }

  @Test("no module is called Common, Utils, Core or Helpers")
  func names() throws {
    for name in try Self.modules() {
      #expect(!["Common", "Utils", "Utilities", "Core", "Helpers"].contains { name.hasSuffix($0) })
    }
  }
}
