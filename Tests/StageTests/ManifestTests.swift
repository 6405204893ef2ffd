import CanonicalJSON
import Foundation
import StageCatalog
import StageKit
import SystemPackage
import TestSupport
import Testing

@Suite struct ManifestTests {
  @Test("stage.yaml is what the declaration generates", arguments: BuiltinStages.registry.declarations.map(\.name))
  func generated(name: String) throws {
    let declaration = try #require(BuiltinStages.registry.stage(named: name)).declaration
    let file = Fixture.root.appending("stages").appending(name).appending("stage.yaml")
    let written = Fixture.exists(file) ? String(decoding: try Fixture.bytes(file), as: UTF8.self) : ""
    if written != declaration.manifest, ProcessInfo.processInfo.environment["RECORD_GOLDEN"] != nil {
      try declaration.manifest.write(toFile: file.string, atomically: true, encoding: .utf8)
    }
    #expect(written == declaration.manifest, "stages/\(name)/stage.yaml differs; RECORD_GOLDEN=1 writes it anew")
  }

  @Test(
    "every parameter and port is documented in one line", arguments: BuiltinStages.registry.declarations.map(\.name))
  func documented(name: String) throws {
    let declaration = try #require(BuiltinStages.registry.stage(named: name)).declaration
    for (owner, doc) in declaration.parameters.map({ ($0.name, $0.doc) })
      + (declaration.inputs + declaration.outputs).map({ ($0.name, $0.doc) })
    {
      #expect(doc.hasSuffix(".") && !doc.contains("\n") && doc.count > 10, "\(owner): \(doc)")
    }
    for alias in declaration.aliases.values { #expect(declaration.parameter(alias) != nil) }
  }

  @Test("defaults are of their type")
  func defaults() throws {
    for declaration in BuiltinStages.registry.declarations {
      for parameter in declaration.parameters {
        #expect(parameter.type.accepts(parameter.defaultValue), "\(declaration.name).\(parameter.name)")
      }
    }
  }
}
