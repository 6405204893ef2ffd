import ArtifactStore
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
}
