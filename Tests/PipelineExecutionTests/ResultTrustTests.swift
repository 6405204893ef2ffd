import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import PipelineExecution
import SystemPackage
import TestSupport
import Testing

/// Which results that came from elsewhere count.
@Suite struct ResultTrustTests {
  private let file = Digest(hashing: [1])
  private let one = Digest(hashing: [2])
  private let two = Digest(hashing: [3])

  @Test("what a bundle brings while a run is under way counts by the same rules as what was there before")
  func importedMeanwhile() throws {
    try TemporaryFolder.with { folder in
      let store = try Store.open(folder.appending("store"), creating: true)
      let trust = try ResultTrust(in: store, pipelineFile: nil, policy: nil)
      let key = ActionKey(Digest(hashing: [1]))
      #expect(!trust.mayBeImported(key))
      try store.note(ResultOrigin(kind: .bundle, name: "b", digest: Digest(hashing: [2])), of: key)
      try trust.lookAgain()
      #expect(trust.mayBeImported(key))
      #expect(try !trust.accepts(store.origins(of: key)))
      try store.trust(bundle: Digest(hashing: [2]))
      try trust.lookAgain()
      #expect(try trust.accepts(store.origins(of: key)))
    }
  }

  private func bundle(_ digest: Digest, of file: Digest? = nil) -> ResultOrigin {
    ResultOrigin(kind: .bundle, name: "x.tar.zst", digest: digest, pipelineFile: file)
  }

  /// Calls `body` with a store that has an imported result, so that trusted bundles are looked for.
  private func withStore(_ body: (Store) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      let store = try Store.open(folder.appending("store"), creating: true)
      try store.note(bundle(one), of: ActionKey(Digest(hashing: [9])))
      try body(store)
    }
  }

  @Test("a result with several origins counts where one of them is trusted")
  func several() throws {
    try withStore { store in
      try store.trust(bundle: two)
      let trust = try ResultTrust(in: store, pipelineFile: file, policy: nil)
      #expect(!trust.accepts([bundle(one)]))
      #expect(trust.accepts([bundle(two)]))
      #expect(trust.accepts([bundle(one), bundle(two)]) && trust.accepts([bundle(two), bundle(one)]))
      #expect(trust.accepts([bundle(one, of: file)]), "it is of this very pipeline file")
      #expect(trust.accepts([ResultOrigin(kind: .remote, name: "/lab")]), "the command line named it")
      #expect(trust.accepts([]), "it was made here")
    }
  }

  @Test("a bundle of which the pipeline file is not known is that of no pipeline file")
  func unknownFile() throws {
    try withStore { store in
      let trust = try ResultTrust(in: store, pipelineFile: nil, policy: nil)
      #expect(!trust.accepts([bundle(one)]))
      #expect(!trust.accepts([bundle(one, of: file)]))
    }
  }

  @Test("what the command line says goes over what the store trusts")
  func policies() throws {
    try withStore { store in
      try store.trust(bundle: one)
      let own = try ResultTrust(in: store, pipelineFile: file, policy: .own)
      #expect(!own.accepts([bundle(one, of: file)]) && !own.accepts([ResultOrigin(kind: .remote, name: "/lab")]))
      #expect(own.accepts([]))
      let imported = try ResultTrust(in: store, pipelineFile: file, policy: .imported)
      #expect(imported.accepts([bundle(two)]) && imported.accepts([]))
    }
  }

  @Test(
    "what a program of the run itself imports counts for none of the actions that come after it",
    arguments: [["data", "end"], ["data", "side"]])
  func importedByAStage(_ targets: [String]) throws {
    let stages = """
      stages:
        data: { uses: ./make }
        end: { uses: ./copy, in: { dataset: data.dataset } }
        side: { uses: ./make, with: { word: side } }

      """
    try ToyPipeline.with(stages) { toy in
      let program = toy.folder.appending("make/make.sh")
      let text = String(decoding: try Fixture.bytes(program), as: UTF8.self)
      let line =
        "if [ -e '\(toy.folder)/gate' ]; then '\(Tool.executable)' bundle import '\(toy.folder)/b.tar.zst' "
        + "--to '\(toy.folder)/there' --store '\(toy.folder)/two'; rm -f '\(toy.folder)/gate'; fi\n"
      try TemporaryFolder.write(text + "\n" + line, to: program)
      // Of another pipeline file, so that it is not trusted for its bytes.
      try TemporaryFolder.write("apprentice: 1\nname: toy\n# other\n" + stages, to: toy.folder.appending("other.yaml"))
      #expect(try toy.tool("run", "other.yaml", "--store", "one", "--no-results").status == 0)
      #expect(try toy.tool("bundle", "export", "other.yaml", "--store", "one", "-o", "b.tar.zst").status == 0)
      try toy.touch("gate")
      // One is judged after the import, the other had been judged before and is looked up as it starts.
      let outcome = try Tool.run(
        ["run", "toy.yaml"] + targets + ["--store", "two", "--no-results", "--jobs", "1", "--json"], in: toy.folder)
      let answer = try JSONValue(parsing: outcome.output)
      #expect(!Fixture.exists(toy.folder.appending("gate")), "the import went well")
      #expect(Fixture.exists(toy.folder.appending("there")))
      #expect(answer.states == Dictionary(uniqueKeysWithValues: targets.map { ($0, "ran") }))
      #expect(toy.journal.count == 5)
    }
  }
}
