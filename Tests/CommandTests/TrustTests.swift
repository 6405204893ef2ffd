import CanonicalJSON
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Results that a bundle brought: when they count, and that they are named.
@Suite struct TrustTests {
  private static let pipeline = """
    apprentice: 1
    name: rows
    params: { limit: 3 }
    stages:
      rows: { uses: ingest, in: { source: ./d }, with: { limit: "${limit}" } }

    """

  /// Calls `body` with a bundle, and with a folder whose pipeline reads the same and stands in other bytes.
  private func withBundle(_ body: (_ bundle: String, _ folder: FilePath) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      for name in ["sender", "mine"] {
        try TemporaryFolder.write(
          #"{"prompt":"p","completion":"c"}"# + "\n", to: folder.appending(name).pushing("d/train.jsonl"))
      }
      let (sender, mine) = (folder.appending("sender"), folder.appending("mine"))
      try TemporaryFolder.write(Self.pipeline, to: sender.appending("rows.yaml"))
      try TemporaryFolder.write(Self.pipeline + "# my own\n", to: mine.appending("rows.yaml"))
      for arguments in [["run", "rows.yaml"], ["bundle", "export", "rows.yaml", "-o", "b.tar.zst"]] {
        let outcome = try Tool.run(arguments, in: sender)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      let bundle = sender.appending("b.tar.zst").string
      let imported = try Tool.run("bundle", "import", bundle, in: mine)
      #expect(imported.status == 0, "\(imported.errors)")
      try body(bundle, mine)
    }
  }

  private func state(_ arguments: String..., in folder: FilePath) throws -> JSONValue {
    let outcome = try Tool.run(["status", "rows.yaml", "--json"] + arguments, in: folder)
    return try #require(try JSONValue(parsing: outcome.output)["actions"]?.array?.first)
  }

  @Test(
    "what a bundle brought for a key of one's own does not count by itself, and why names the bundle and the remedy")
  func strange() throws {
    try withBundle { _, folder in
      let action = try state(in: folder)
      #expect(action["state"] == "stale")
      #expect(action["reason"]?.string?.contains("b.tar.zst") == true)
      #expect(action["reason"]?.string?.contains("--trust imported") == true)
      #expect(try Tool.run("why", "rows.yaml", "rows", in: folder).output.contains("b.tar.zst"))
      let outcome = try Tool.run("run", "rows.yaml", "--json", in: folder)
      #expect(try JSONValue(parsing: outcome.output)["actions"]?.array?.first?["state"] == "ran")
      let own = try state("--trust", "own", in: folder)
      #expect(own["state"] == "fresh" && own["origin"] == .null, "it was made here now")
    }
  }

  @Test("it counts under --trust imported, never under --trust own, and says where it came from")
  func asked() throws {
    try withBundle { _, folder in
      let action = try state("--trust", "imported", in: folder)
      #expect(action["state"] == "fresh")
      #expect(action["origin"]?["kind"] == "bundle")
      #expect(action["origin"]?["name"]?.string?.hasSuffix("b.tar.zst") == true)
      #expect(action["origin"]?["digest"]?.string?.hasPrefix("sha256:") == true)
      #expect(try state("--trust", "own", in: folder)["state"] == "stale")
      let run = try Tool.run("run", "rows.yaml", "--trust", "imported", in: folder)
      #expect(run.status == 0 && run.errors.contains("came with the bundle"), "\(run.errors)")
      // Also where something else is left to run.
      let more = Self.pipeline + "  more: { uses: ingest, in: { source: ./d }, with: { limit: 9 } }\n"
      try TemporaryFolder.write(more, to: folder.appending("rows.yaml"))
      for arguments in [["--dry-run"], []] {
        let partly = try Tool.run(["run", "rows.yaml", "--trust", "imported"] + arguments, in: folder)
        #expect(partly.errors.contains("1 fresh, 1 to run"), "\(partly.errors)")
        #expect(partly.errors.contains("1 result came with the bundle"), "\(partly.errors)")
      }
    }
  }

  @Test("runs and diff say where results came from that were not made here, and of what a run made itself nothing")
  func told() throws {
    try withBundle { bundle, folder in
      try TemporaryFolder.write(
        Self.pipeline + "  more: { uses: ingest, in: { source: ./d }, with: { limit: 1 } }\n",
        to: folder.appending("rows.yaml"))
      let run = try Tool.run("run", "rows.yaml", "--trust", "imported", in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let runs = try Tool.run("runs", in: folder)
      #expect(runs.output.contains("1 result came with the bundle"), "\(runs.output)")
      #expect(runs.output.contains("b.tar.zst"), "\(runs.output)")
      let document = try JSONValue(parsing: try Tool.run("runs", "--json", in: folder).output)
      let origins = try #require(document.array?.first?["origins"]?.array)
      #expect(origins.count == 1)
      #expect(origins.first?["kind"] == "bundle" && origins.first?["results"] == 1)
      #expect(origins.first?["name"]?.string?.hasSuffix("b.tar.zst") == true)
      let diff = try Tool.run("diff", "last", bundle, in: folder)
      #expect(diff.output.contains("last: 1 result came with the bundle"), "\(diff.output)")
      let differences = try JSONValue(parsing: try Tool.run("diff", "last", bundle, "--json", in: folder).output)
      #expect(differences["origins"]?["old"]?.array?.count == 1)
      let own = try Tool.run("run", "rows.yaml", "--trust", "own", in: folder)
      #expect(own.status == 0, "\(own.errors)")
      let later = try JSONValue(parsing: try Tool.run("runs", "--json", in: folder).output)
      #expect(later.array?.first?["origins"] == [])
    }
  }

  @Test("for a pipeline file whose bytes are the bundle's it counts, whatever is set")
  func sameFile() throws {
    try withBundle { _, folder in
      try TemporaryFolder.write(Self.pipeline, to: folder.appending("rows.yaml"))
      #expect(try state(in: folder)["state"] == "fresh")
      #expect(try state("--set", "limit=3", in: folder)["state"] == "fresh")
      #expect(try state("--trust", "own", in: folder)["state"] == "stale")
    }
  }

  @Test("a bundle that is trusted counts for every pipeline file, but not under --trust own")
  func trusted() throws {
    try withBundle { bundle, folder in
      #expect(try state(in: folder)["state"] == "stale")
      let outcome = try Tool.run("bundle", "trust", bundle, "--json", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try JSONValue(parsing: outcome.output)["results"] == 1)
      let action = try state(in: folder)
      #expect(action["state"] == "fresh" && action["origin"]?["kind"] == "bundle")
      #expect(try state("--trust", "own", in: folder)["state"] == "stale")
    }
  }
}
