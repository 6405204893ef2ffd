import ArtifactStore
import ContentAddressing
import Foundation
import PipelineExecution
import SystemPackage
import TestSupport
import Testing

@Suite struct ResultTrustTests {
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
}
