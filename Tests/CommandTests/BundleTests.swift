import CanonicalJSON
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Bundles by the built command: out of one store, into another, and run again.
@Suite struct BundleTests {
  private static let pipeline = """
    apprentice: 1
    name: small
    params: { rows: ./rows, limit: 20 }
    stages:
      corpus:
        uses: ingest
        in: { source: "${rows}" }
        with: { files: { train: train.jsonl }, limit: "${limit}" }
      loud: { uses: ./stages/upper, in: { dataset: corpus.dataset } }
      tokens: { uses: tokenize, in: { dataset: loud.dataset }, with: { vocab_size: 280 } }
      fresh:
        uses: init-model
        in: { tokenizer: tokens.tokenizer }
        with: { layers: 1, width: 16, heads: 2, context: 64 }

    """

  private static let stage = """
    name: upper
    revision: 1
    summary: Writes completions in capitals.
    in: { dataset: { kind: dataset } }
    out: { dataset: { kind: dataset } }
    parameters: {}
    run: { command: [./upper.sh], code: [upper.sh] }

    """

  /// The first input and output of the action, cut out of its JSON.
  private static let program = """
    #!/bin/sh
    folder=$(sed 's/.*"path":"\\([^"]*\\)".*/\\1/' "$APPRENTICE_ACTION")
    out=$(sed 's/.*"out":{"dataset":"\\([^"]*\\)".*/\\1/' "$APPRENTICE_ACTION")
    sed 's/count/COUNT/' "$folder/train.jsonl" > "$out/train.jsonl"

    """

  /// Makes `p/small.yaml` with its rows and its own stage, and runs it.
  private func withResults(_ body: (FilePath) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      let rows = (0..<30).map { "{\"prompt\":\"count to \($0)\",\"completion\":\"\($0 / 2) and \($0 - $0 / 2)\"}\n" }
      try TemporaryFolder.write(rows.joined(), to: folder.pushing("p/rows/train.jsonl"))
      try TemporaryFolder.write(Self.pipeline, to: folder.pushing("p/small.yaml"))
      try TemporaryFolder.write(Self.stage, to: folder.pushing("p/stages/upper/stage.yaml"))
      let program = try TemporaryFolder.write(Self.program, to: folder.pushing("p/stages/upper/upper.sh"))
      chmod(program.string, 0o755)
      try succeed("run", "p/small.yaml", "--store", "one", "--no-results", in: folder)
      try body(folder)
    }
  }

  @discardableResult
  private func succeed(_ arguments: String..., in folder: FilePath) throws -> String {
    try succeed(arguments, in: folder)
  }

  private func succeed(_ arguments: [String], in folder: FilePath) throws -> String {
    let outcome = try Tool.run(arguments, in: folder)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome.output
  }

  @Test("what was exported runs fresh elsewhere without its sources, and exports to the same bytes")
  func roundTrip() throws {
    try withResults { folder in
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst", in: folder)
      try succeed("bundle", "verify", "a.tar.zst", in: folder)
      try succeed("bundle", "import", "a.tar.zst", "--to", "there", "--store", "two", in: folder)
      #expect(!Fixture.exists(folder.pushing("there/rows")))
      try succeed("status", "there/small.yaml", "--store", "two", "--check", in: folder)
      try succeed(
        "bundle", "export", "there/small.yaml", "--store", "two", "--threads", "3", "-o", "b.tar.zst", in: folder)
      let (first, second) = try (
        Fixture.bytes(folder.appending("a.tar.zst")), Fixture.bytes(folder.appending("b.tar.zst"))
      )
      #expect(first == second)
      try succeed("show", "small:fresh.model", "--store", "two", in: folder)
      try succeed("fsck", "--store", "two", in: folder)
      // What has to read the sources says which file is needed.
      let outcome = try Tool.run(
        "run", "there/small.yaml", "--store", "two", "--set", "limit=10", "--no-results", in: folder)
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("train.jsonl (sha256:"), "\(outcome.errors)")
      // Only the remote could have helped.
      let alone = try Tool.run(
        "run", "there/small.yaml", "--store", "two", "--set", "limit=10", "--no-results", "--remote", "nowhere",
        in: folder)
      #expect(alone.status == 6)
      #expect(alone.errors.contains("run again when nowhere can be reached"), "\(alone.errors)")
      // A path that nobody ever recorded is missing as before.
      #expect(
        try Tool.run("status", "there/small.yaml", "--store", "two", "--set", "rows=./rowz", in: folder).status == 2)
    }
  }

  @Test("absent sources are those of the pipeline's last import, under the same setting and with the same files")
  func absentSources() throws {
    try withResults { folder in
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "-o", "first.tar.zst", in: folder)
      let row = "{\"prompt\":\"count\",\"completion\":\"1\"}\n"
      try TemporaryFolder.write(row, to: folder.pushing("p/rows/train.jsonl"))
      try succeed("run", "p/small.yaml", "--store", "one", "--no-results", in: folder)
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "-o", "second.tar.zst", in: folder)
      // Another pipeline with a source of the same name, and the same pipeline with another text.
      let others = [("other", "s/name: small/name: other/"), ("edited", "s/limit: 20/limit: 19/")]
      for (name, change) in others {
        try Shell.run(
          "cp -r p \(name); sed -i '\(change)' \(name)/small.yaml; sed -i s/count/\(name)/ \(name)/rows/train.jsonl",
          in: folder)
        try succeed("run", "\(name)/small.yaml", "--store", "one", "--no-results", in: folder)
        try succeed("bundle", "export", "\(name)/small.yaml", "--store", "one", "-o", "\(name).tar.zst", in: folder)
      }
      func corpus(_ verb: String...) throws -> JSONValue? {
        try JSONValue(parsing: succeed(verb + ["--json"], in: folder))["actions"]?.array?.first
      }
      for bundle in ["first", "second", "first"] {
        try succeed("bundle", "import", "\(bundle).tar.zst", "--to", "there", "--store", "two", in: folder)
        for (name, _) in others {
          try succeed("bundle", "import", "\(name).tar.zst", "--to", "\(name)-there", "--store", "two", in: folder)
        }
        let found = try corpus("status", "there/small.yaml", "--store", "two")
        #expect(found?["state"]?.string == "fresh", "\(bundle)")
        #expect(try found?["key"] == corpus("bundle", "inspect", "\(bundle).tar.zst")?["key"], "\(bundle)")
      }
      // Another file of the source was never read.
      try Shell.run("sed -i 's/train: train.jsonl/train: more.jsonl/' there/small.yaml", in: folder)
      let other = try Tool.run("status", "there/small.yaml", "--store", "two", in: folder)
      #expect(other.status == 2 && other.errors.contains("there is no "), "\(other.errors)")
      // What a setting named is known under that setting alone.
      let set = "rows=\(folder.pushing("p/rows"))"
      try succeed("run", "p/small.yaml", "--store", "one", "--no-results", "--set", set, in: folder)
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "--set", set, "-o", "set.tar.zst", in: folder)
      try Shell.run("mv p elsewhere", in: folder)
      try succeed("bundle", "import", "set.tar.zst", "--to", "alone", "--store", "three", in: folder)
      try succeed("status", "alone/small.yaml", "--store", "three", "--check", "--set", set, in: folder)
      #expect(try Tool.run("status", "alone/small.yaml", "--store", "three", in: folder).status == 2)
    }
  }

  @Test("a folder that can't take the pipeline is found before anything is taken in")
  func unfitFolder() throws {
    try withResults { folder in
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst", in: folder)
      let place = folder.pushing("there/small.yaml")
      try TemporaryFolder.write("name: mine\n", to: place)
      try TemporaryFolder.write("", to: folder.pushing("file"))
      try TemporaryFolder.write("", to: folder.pushing("full/small.yaml/x"))
      for (target, words) in [
        ("there", "error: there/small.yaml is there already, with other content; name another folder with --to"),
        ("file", "error: file is no folder; name another folder with --to"),
        ("full", "error: full/small.yaml is there already, and no regular file; name another folder with --to"),
        ("p", "error: p/rows is not of the bundle"),
      ] {
        let outcome = try Tool.run("bundle", "import", "a.tar.zst", "--to", target, "--store", "two", in: folder)
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(
          try !FileManager.default.contentsOfDirectory(atPath: folder.string).contains { $0.contains("-import-") })
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/two/blobs/sha256").count == 1)
      #expect(try Fixture.lines(place) == ["name: mine"])
      // A link is not replaced, and what it leads to is left alone.
      try Shell.run("mv there/small.yaml mine.yaml; ln -s ../mine.yaml there/small.yaml", in: folder)
      let linked = try Tool.run(
        "bundle", "import", "a.tar.zst", "--to", "there", "--store", "two", "--force", in: folder)
      #expect(linked.status == 2 && linked.errors.contains("and no regular file"), "\(linked.errors)")
      #expect(try Fixture.lines(folder.appending("mine.yaml")) == ["name: mine"])
      try Shell.run("rm there/small.yaml; mv mine.yaml there/small.yaml", in: folder)
      try succeed("bundle", "import", "a.tar.zst", "--to", "there", "--store", "two", "--force", in: folder)
      try succeed("status", "there/small.yaml", "--store", "two", "--check", in: folder)
    }
  }

  @Test("a bundle that is a named pipe is refused without waiting")
  func pipe() throws {
    try TemporaryFolder.with { folder in
      try Shell.run("mkfifo a.tar.zst", in: folder)
      for verb in ["import", "verify", "inspect"] {
        let outcome = try Tool.run("bundle", verb, "a.tar.zst", in: folder)
        #expect(outcome.status == 2 && outcome.errors.contains("a.tar.zst"), "\(outcome.errors)")
      }
    }
  }

  @Test(
    "what a bundle brought is fresh for its own pipeline file, for others when it is trusted, and says where it is from"
  )
  func trust() throws {
    try withResults { folder in
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst", in: folder)
      try succeed("bundle", "import", "a.tar.zst", "--to", "there", "--store", "two", in: folder)
      func states(_ file: String, _ more: String...) throws -> [String] {
        let outcome = try Tool.run(["status", file, "--store", "two", "--json"] + more, in: folder)
        let actions = try JSONValue(parsing: outcome.output)["actions"]?.array ?? []
        for action in actions where action["state"]?.string == "fresh" {
          #expect(action["origin"]?["kind"]?.string == "bundle" && action["origin"]?["name"]?.string == "a.tar.zst")
        }
        return actions.map { $0["state"]?.string ?? "" }
      }
      let fresh = ["fresh", "fresh", "fresh", "fresh"]
      #expect(try states("there/small.yaml") == fresh)
      #expect(try states("there/small.yaml", "--trust", "own") != fresh)
      // The same pipeline in other bytes.
      try Shell.run("cp -r p other; echo >> other/small.yaml", in: folder)
      #expect(try states("other/small.yaml").first == "stale")
      #expect(try states("other/small.yaml", "--trust", "imported") == fresh)
      let inspected = try JSONValue(parsing: succeed("bundle", "inspect", "a.tar.zst", "--json", in: folder))
      let digest = try #require(inspected["digest"]?.string)
      #expect(try succeed("bundle", "inspect", "a.tar.zst", in: folder).contains(digest))
      let trusted = try succeed("bundle", "trust", digest, "--store", "two", in: folder)
      #expect(trusted.contains("4 of its results"), "\(trusted)")
      #expect(try states("other/small.yaml") == fresh)
      // The file says the same digest; a store that is not there is not made.
      let again = try JSONValue(
        parsing: succeed("bundle", "trust", "a.tar.zst", "--store", "two", "--json", in: folder))
      #expect(again["digest"]?.string == digest && again["results"]?.integer == 4)
      #expect(try Tool.run("bundle", "trust", "a.tar.zst", "--store", "none", in: folder).status == 2)
      #expect(!Fixture.exists(folder.appending("none")))
      // What is sent on says whence it came only here.
      let onward = try Tool.run(
        "bundle", "export", "other/small.yaml", "--store", "two", "-o", "b.tar.zst", in: folder)
      #expect(onward.status == 0 && onward.errors.contains("4 of 4 results came with the bundle a.tar.zst"))
    }
  }

  @Test("the sender's programs are named, and run only where that is allowed")
  func programs() throws {
    try withResults { folder in
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "--with-sources", "-o", "a.tar.zst", in: folder)
      let refused = try Tool.run("reproduce", "a.tar.zst", "--work", folder.string, in: folder)
      #expect(refused.status == 2)
      #expect(refused.errors.contains("  stages/upper: ./upper.sh\n"), "\(refused.errors)")
      #expect(refused.errors.contains("--allow-programs") && !refused.errors.contains("loud"), "\(refused.errors)")
      let allowed = try Tool.run("reproduce", "a.tar.zst", "--allow-programs", "--work", folder.string, in: folder)
      #expect(allowed.status == 0 && allowed.errors.contains("runs the bundle's own stages/upper: ./upper.sh"))
    }
  }

  @Test("a bundle is written over an earlier one, and over nothing else")
  func target() throws {
    try withResults { folder in
      try Shell.run("ln -s a.tar.zst link; mkfifo pipe; zstd -q p/rows/train.jsonl -o p/rows/x.zst", in: folder)
      for name in [
        "p/small.yaml", "p/rows/train.jsonl", "p/rows/x.zst", "p/rows/new.tar.zst", "p/stages/upper/upper.sh",
        "p/stages/upper/new.tar.zst", "one/new.tar.zst", "link", "pipe",
      ] {
        let outcome = try Tool.run("bundle", "export", "p/small.yaml", "--store", "one", "-o", name, in: folder)
        #expect(outcome.status == 2 && outcome.errors.contains("name another file with -o"), "\(outcome.errors)")
      }
      #expect(try Fixture.lines(folder.pushing("p/small.yaml")).first == "apprentice: 1")
      // What an export that was killed has left goes with the next to the same file.
      try TemporaryFolder.write("x", to: folder.appending(".a.tar.zst.new-1"))
      for _ in 0..<2 {
        try succeed("bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst", in: folder)
      }
      #expect(!Fixture.exists(folder.appending(".a.tar.zst.new-1")))
    }
  }

  @Test("what an import would refuse is not exported")
  func untold() throws {
    try withResults { folder in
      try Shell.run(
        "sed -i 's#./stages/upper#./.stages/upper#' p/small.yaml; mv p/stages p/.stages; cp p/small.yaml p/.small.yaml",
        in: folder)
      try succeed("run", "p/small.yaml", "--store", "one", "--no-results", in: folder)
      let stage = try Tool.run("bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst", in: folder)
      #expect(stage.status == 2 && stage.errors.contains(".stages/upper/stage.yaml"), "\(stage.errors)")
      let file = try Tool.run(
        "bundle", "export", "p/.small.yaml", "--store", "one", "--ref", "corpus", "-o", "a.tar.zst", in: folder)
      #expect(file.status == 2 && file.errors.contains("a plain file name"), "\(file.errors)")
      #expect(!Fixture.exists(folder.appending("a.tar.zst")))
    }
  }

  @Test("with its sources a bundle can be run again anywhere, to the same digests")
  func reproduce() throws {
    try withResults { folder in
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "--with-sources", "-o", "a.tar.zst", in: folder)
      try FileManager.default.removeItem(atPath: folder.appending("p").string)
      let text = try succeed("reproduce", "a.tar.zst", "--allow-programs", "--work", folder.string, in: folder)
      #expect(text.contains("all 4 actions reproduced"))
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.string)
      #expect(!left.contains { $0.hasPrefix("apprentice-reproduce") })
      try succeed("bundle", "import", "a.tar.zst", "--to", "there", "--store", "two", in: folder)
      try succeed("run", "there/small.yaml", "--store", "three", "--no-results", in: folder)
      // A source that lies there already is somebody's own.
      let source = folder.pushing("other/rows/train.jsonl")
      try TemporaryFolder.write("mine\n", to: source)
      #expect(
        try Tool.run("bundle", "import", "a.tar.zst", "--to", "other", "--store", "two", in: folder).status == 2)
      #expect(try Fixture.lines(source) == ["mine"])
    }
  }

  @Test("a store whose blob is damaged is not exported, and leaves no file")
  func damagedStore() throws {
    try withResults { folder in
      try Shell.run(
        """
        cd one/blobs/sha256; file=$(ls -S | head -1); chmod u+w $file; touch -r $file stamp
        printf y | dd of=$file bs=1 seek=5000 conv=notrunc status=none; touch -r stamp $file; rm stamp
        """, in: folder)
      let outcome = try Tool.run("bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst", in: folder)
      #expect(outcome.status == 4, "\(outcome.errors)")
      #expect(outcome.errors.contains("its bytes have the digest"), "\(outcome.errors)")
      #expect(try !FileManager.default.contentsOfDirectory(atPath: folder.string).contains { $0.contains("a.tar.zst") })
    }
  }

  @Test("inspect reads as far as it needs: documents and scores stand before the weights; what it reads is hashed")
  func inspectedAlone() throws {
    try TemporaryFolder.with { folder in
      try succeed("bundle", "export", SmallBundle.pipeline, "--store", SmallBundle.store, "-o", "a.tar.zst", in: folder)
      try Shell.run("zstd -dcq a.tar.zst > a.tar; head -c $(($(stat -c %s a.tar) / 2)) a.tar > half.tar", in: folder)
      #expect(
        try succeed("bundle", "inspect", "half.tar", "--json", in: folder)
          == succeed("bundle", "inspect", "a.tar.zst", "--json", in: folder))
      #expect(try Tool.run("bundle", "verify", "half.tar", in: folder).status == 4)
      try Shell.run(
        """
        mkdir layout; zstd -dc a.tar.zst | tar -x -C layout; cd layout/blobs/sha256
        file=$(grep -l '"file":"small.yaml"' *); chmod u+w $file; sed -i 's/"apprentice":1/"apprentice":2/' $file
        """, in: folder)
      let altered = try Tool.run("bundle", "inspect", "layout", in: folder)
      #expect(altered.status == 4 && altered.errors.contains("its bytes have the digest"), "\(altered.errors)")
    }
  }

  @Test("another result than the bundle's is told with the first stage that differs")
  func difference() throws {
    try withResults { folder in
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst", in: folder)
      let rows = "{\"prompt\":\"count\",\"completion\":\"1\"}\n{\"prompt\":\"down\",\"completion\":\"2\"}\n"
      try TemporaryFolder.write(rows, to: folder.pushing("other/train.jsonl"))
      let outcome = try Tool.run(
        "reproduce", "a.tar.zst", "--allow-programs", "--set", "rows=other", "--work", folder.string, "--json",
        in: folder)
      #expect(outcome.status == 3, "\(outcome.errors)")
      #expect(try JSONValue(parsing: outcome.output)["first"]?.string == "corpus")
      let again = ["reproduce", "a.tar.zst", "--allow-programs", "--work", folder.string]
      let absent = try Tool.run(again, in: folder)
      #expect(absent.status == 2)
      let lacking = /error: corpus must run, and the bundle does not hold what it reads, rows: train.jsonl \(sha256:/
      #expect(absent.errors.contains(lacking), "\(absent.errors)")
      #expect(absent.errors.contains("exported --with-sources"))
      // Where the path leads from here they are taken, if they are the same.
      try TemporaryFolder.write(rows, to: folder.pushing("rows/train.jsonl"))
      #expect(try Tool.run(again, in: folder).status == 2)
      try Shell.run("rm -r rows; cp -r p/rows rows", in: folder)
      _ = try succeed(again, in: folder)
    }
  }

  @Test("what is stale is not exported unless it may be left out")
  func stale() throws {
    try withResults { folder in
      let arguments = ["bundle", "export", "p/small.yaml", "--store", "one", "--set", "limit=10", "-o", "a.tar.zst"]
      let outcome = try Tool.run(arguments, in: folder)
      #expect(outcome.status == 3)
      #expect(outcome.errors.contains("limit"), "\(outcome.errors)")
      #expect(!Fixture.exists(folder.appending("a.tar.zst")))
    }
  }

  @Test("what is fresh is exported where the rest may be left out")
  func withoutStale() throws {
    try withResults { folder in
      let settings = ["--store", "one", "--set", "limit=10"]
      let export = ["bundle", "export", "p/small.yaml", "--allow-stale", "-o", "a.tar.zst"] + settings
      let nothing = try Tool.run(export, in: folder)
      #expect(nothing.status == 3)
      #expect(nothing.errors.contains("no action has a result"), "\(nothing.errors)")
      #expect(try Tool.run(["run", "p/small.yaml", "loud", "--no-results"] + settings, in: folder).status == 0)
      #expect(try Tool.run(export, in: folder).status == 0)
      #expect(try stages(of: "a.tar.zst", in: folder) == ["corpus", "loud"])
    }
  }

  @Test("a bundle holds the stages that are named, and a name that nothing has is refused")
  func references() throws {
    try withResults { folder in
      let export = ["bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst"]
      #expect(try Tool.run(export + ["--ref", "tokens", "--ref", "corpus"], in: folder).status == 0)
      #expect(try stages(of: "a.tar.zst", in: folder) == ["corpus", "tokens"])
      try succeed("bundle", "import", "a.tar.zst", "--store", "two", in: folder)
      try succeed("show", "small:tokens.tokens", "--store", "two", in: folder)
      #expect(try Tool.run("show", "small:fresh.model", "--store", "two", in: folder).status == 2)
      let unknown = try Tool.run(export + ["--ref", "tokenz"], in: folder)
      #expect(unknown.status == 2)
      #expect(unknown.errors.contains("tokens"), "\(unknown.errors)")
    }
  }

  @Test("the level changes the size and nothing else; those that zstd does not have are refused")
  func levels() throws {
    try withResults { folder in
      var sizes: [Int] = []
      var inspections: [String] = []
      for level in [1, 19] {
        try succeed(
          "bundle", "export", "p/small.yaml", "--store", "one", "--level", "\(level)", "-o", "a.tar.zst", in: folder)
        try succeed("bundle", "verify", "a.tar.zst", in: folder)
        sizes.append(try Fixture.bytes(folder.appending("a.tar.zst")).count)
        inspections.append(try succeed("bundle", "inspect", "a.tar.zst", "--json", in: folder))
      }
      #expect(sizes[0] > sizes[1])
      let actions = try inspections.map { try JSONValue(parsing: $0)["actions"] }
      #expect(actions[0] == actions[1])
      let refused = try Tool.run(
        "bundle", "export", "p/small.yaml", "--store", "one", "--level", "20", "-o", "b.tar.zst", in: folder)
      #expect(refused.status == 64)
    }
  }

  @Test("a bundle of results only is complete where it has all files, and the rest runs again")
  func resultsOnly() throws {
    try withResults { folder in
      try succeed(
        "bundle", "export", "p/small.yaml", "--store", "one", "--results-only", "--with-sources", "-o", "a.tar.zst",
        in: folder)
      let imported = try JSONValue(
        parsing: succeed("bundle", "import", "a.tar.zst", "--to", "there", "--store", "two", "--json", in: folder))
      #expect(imported["actions"] == 4 && imported["complete"] == 0)
      let checked = try JSONValue(parsing: succeed("fsck", "--store", "two", "--json", in: folder))
      #expect(checked["incomplete"] == [], "what a bundle leaves out is no loss: \(checked)")
      try succeed("run", "there/small.yaml", "--store", "two", "--no-results", in: folder)
    }
  }

  @Test("the line that import prints finds everything fresh, settings and absent sources included")
  func settings() throws {
    try withResults { folder in
      let rows =
        "{\"prompt\":\"count\",\"completion\":\"count one\"}\n{\"prompt\":\"b\",\"completion\":\"count two\"}\n"
      try TemporaryFolder.write(rows, to: folder.pushing("my rows/train.jsonl"))
      let settings = ["--set", "rows=my rows", "--set", "limit=2", "--store", "one"]
      #expect(try Tool.run(["run", "p/small.yaml", "--no-results"] + settings, in: folder).status == 0)
      let path = folder.appending("a.tar.zst").string
      #expect(try Tool.run(["bundle", "export", "p/small.yaml", "-o", path] + settings, in: folder).status == 0)
      try TemporaryFolder.with { elsewhere in
        let outcome = try Tool.run("bundle", "import", path, "--to", "there", "--store", "two", in: elsewhere)
        let line = try #require(outcome.errors.split(separator: "\n").first { $0.hasPrefix("Run  apprentice ") })
        #expect(line.contains("limit=2"))
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
          "-c", "'\(Tool.executable)' \(line.dropFirst("Run  apprentice ".count)) --no-results --json",
        ]
        process.currentDirectoryURL = URL(fileURLWithPath: elsewhere.string)
        process.standardOutput = output
        try process.run()
        let text = try String(decoding: output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let states = try JSONValue(parsing: text)["actions"]?.array?.map { $0["state"]?.string }
        #expect(states == ["fresh", "fresh", "fresh", "fresh"])
      }
    }
  }

  @Test("an own stage outside the pipeline's folder can't travel, and export says where it would")
  func ownStageOutside() throws {
    try withResults { folder in
      let text = Self.pipeline.replacing("./stages/upper", with: "../upper")
      try TemporaryFolder.write(text, to: folder.pushing("p/small.yaml"))
      try FileManager.default.moveItem(
        atPath: folder.pushing("p/stages/upper").string, toPath: folder.appending("upper").string)
      try succeed("run", "p/small.yaml", "--store", "one", "--no-results", in: folder)
      let outcome = try Tool.run("bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst", in: folder)
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("small.yaml:9:"), "\(outcome.errors)")
      #expect(outcome.errors.contains("lies outside the pipeline's folder"), "\(outcome.errors)")
      #expect(outcome.errors.contains("move it below"), "\(outcome.errors)")
      #expect(!Fixture.exists(folder.appending("a.tar.zst")))
    }
  }

  private func stages(of bundle: String, in folder: FilePath) throws -> [String?]? {
    try JSONValue(parsing: succeed("bundle", "inspect", bundle, "--json", in: folder))["actions"]?.array?
      .map { $0["stage"]?.string }
  }

  @Test("inspect shows parameters, actions and sizes as JSON; results only leaves the model out")
  func inspect() throws {
    try withResults { folder in
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "--results-only", "-o", "a.tar.zst", in: folder)
      let document = try JSONValue(parsing: succeed("bundle", "inspect", "a.tar.zst", "--json", in: folder))
      #expect(document["parameters"] == ["rows": "./rows", "limit": 20])
      #expect(document["settings"] == [])
      // Of two settings of one name the later counts, and alone travels.
      let settings = ["--set", "limit=3", "--set", "limit=20"]
      _ = try succeed(
        ["bundle", "export", "p/small.yaml", "--store", "one", "-o", "b.tar.zst"] + settings, in: folder)
      let set = try JSONValue(parsing: succeed("bundle", "inspect", "b.tar.zst", "--json", in: folder))
      #expect(set["settings"] == ["limit=20"])
      #expect(document["actions"]?.array?.map { $0["stage"]?.string } == ["corpus", "loud", "tokens", "fresh"])
      let model = document["actions"]?.array?.last?["outputs"]?["model"]
      #expect(model?["digest"]?.string?.hasPrefix("sha256:") == true)
      #expect(model?["bytes"]?.isNull == true)
    }
  }

  @Test("checkout writes an artifact's files, once")
  func checkout() throws {
    try withResults { folder in
      try succeed("checkout", "small:fresh.model", "model", "--store", "one", in: folder)
      for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        #expect(Fixture.exists(folder.pushing("model").appending(name)))
      }
      #expect(try Tool.run("checkout", "small:fresh.model", "model", "--store", "one", in: folder).status == 2)
    }
  }

  @Test("the layout in a folder, or packed again by tar, counts as the archive does; what is wrong in it is named")
  func layoutFolders() throws {
    try withResults { folder in
      try succeed("bundle", "export", "p/small.yaml", "-o", "a.tar.zst", "--store", "one", in: folder)
      try Shell.run(
        """
        mkdir layout; zstd -dc a.tar.zst | tar -x -C layout; tar -C layout -cf again.tar .; tar -C layout -czf again.tgz .
        """, in: folder)
      for bundle in ["layout", "again.tar"] {
        #expect(
          try succeed("bundle", "verify", bundle, "--json", in: folder)
            == succeed("bundle", "verify", "a.tar.zst", "--json", in: folder))
        try succeed("bundle", "import", bundle, "--to", "\(bundle)-to", "--store", "\(bundle)-store", in: folder)
        try succeed(
          "status", "\(bundle)-to/small.yaml", "--check", "--store", "\(bundle)-store", "--set",
          "rows=\(folder.pushing("p/rows"))", in: folder)
      }
      let packed = try Tool.run("bundle", "verify", "again.tgz", in: folder)
      #expect(packed.status == 4)
      #expect(packed.errors.contains("only a plain tar may have that order: undo the compression first"))
      for (harm, words) in [
        ("ln -s /etc/passwd layout/blobs/sha256/link", "entry blobs/sha256/link: it is a symbolic link"),
        ("echo x > layout/blobs/sha256/stray", "entry blobs/sha256/stray: a bundle holds"),
        (
          "chmod u+w layout/blobs/sha256/*; cd layout/blobs/sha256; printf y >> $(ls -S | head -1)",
          "damaged: blob sha256:"
        ),
        ("rm layout/index.json", "layout: index.json: it is not in the folder"),
      ] {
        try Shell.run("\(harm)", in: folder)
        let outcome = try Tool.run("bundle", "import", "layout", "--store", "two", in: folder)
        #expect(outcome.status == 4)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        try Shell.run("rm -rf layout/blobs/sha256/link layout/blobs/sha256/stray", in: folder)
      }
    }
  }

  @Test("a terminal sees how far it is; elsewhere only what came of it is said")
  func progress() throws {
    try withResults { folder in
      for (arguments, verb) in [
        ("export p/small.yaml --store one -o a.tar.zst", "writing"), ("verify a.tar.zst", "reading"),
        ("import a.tar.zst --store two", "reading"),
      ] {
        try Shell.run("TERM=xterm script -qec '\(Tool.executable) bundle \(arguments)' screen < /dev/null", in: folder)
        let screen = String(decoding: try Fixture.bytes(folder.appending("screen")), as: UTF8.self)
        #expect(screen.contains("\r  \(verb) ████████████████████████ "), "\(screen)")
        // Nothing is left of it.
        #expect(screen.contains("\r\u{1B}[K"), "\(screen)")
      }
      let quiet = try Tool.run("bundle", "verify", "a.tar.zst", in: folder)
      #expect(quiet.status == 0 && quiet.errors.isEmpty)
    }
  }

  @Test("a damaged bundle ends with status 4 and leaves the store as it was")
  func damage() throws {
    try withResults { folder in
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst", in: folder)
      var bytes = try Fixture.bytes(folder.appending("a.tar.zst"))
      bytes[bytes.count * 2 / 3] ^= 4
      try Data(bytes).write(to: URL(fileURLWithPath: folder.appending("a.tar.zst").string))
      for verb in [["verify", "a.tar.zst"], ["import", "a.tar.zst", "--store", "two"]] {
        #expect(try Tool.run(["bundle"] + verb, in: folder).status == 4)
      }
      let blobs = try FileManager.default.contentsOfDirectory(atPath: folder.pushing("two/blobs/sha256").string)
      #expect(blobs.count == 1)
    }
  }

  @Test("bombs are refused in 600 MB of address space and leave nothing")
  func bombs() throws {
    try TemporaryFolder.with { folder in
      let script = Fixture.path("hostile/make_bundles.py").string
      let shell = { (line: String) throws -> (status: Int32, text: String) in
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", line + " 2> err"]
        process.currentDirectoryURL = URL(fileURLWithPath: folder.string)
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: try Fixture.bytes(folder.appending("err")), as: UTF8.self))
      }
      #expect(try shell("python3 '\(script)' large --large").status == 0)
      let expected = try JSONValue(parsing: Fixture.bytes(folder.pushing("large/expected.json"))).object?.members ?? []
      #expect(expected.count == 5)
      for bomb in expected {
        let (status, text) = try shell(
          "ulimit -v 600000; '\(Tool.executable)' bundle import large/\(bomb.name) --store store")
        #expect(status == 4, "\(bomb.name): \(text)")
        for word in bomb.value["words"]?.array?.compactMap(\.string) ?? [] { #expect(text.contains(word), "\(text)") }
      }
      let blobs = try FileManager.default.contentsOfDirectory(atPath: folder.pushing("store/blobs/sha256").string)
      #expect(blobs.count == 1)
    }
  }

  @Test("what another export to the same file writes is left alone, what a killed one has left goes")
  func leftovers() throws {
    try withResults { folder in
      let (left, held) = (folder.appending(".a.tar.zst.new-1"), folder.appending(".a.tar.zst.new-2"))
      for file in [left, held] { try TemporaryFolder.write("x", to: file) }
      let descriptor = open(held.string, O_RDONLY)
      defer { close(descriptor) }
      #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
      try succeed("bundle", "export", "p/small.yaml", "--store", "one", "-o", "a.tar.zst", in: folder)
      #expect(!Fixture.exists(left))
      #expect(Fixture.exists(held))
    }
  }

  @Test("an export that can't be made or renamed names its file, and leaves nothing")
  func refusedExport() throws {
    try withResults { folder in
      try TemporaryFolder.write("x", to: folder.pushing("taken/b.tar.zst/x"))
      for path in ["nowhere/b.tar.zst", "taken/b.tar.zst"] {
        let outcome = try Tool.run("bundle", "export", "p/small.yaml", "--store", "one", "-o", path, in: folder)
        #expect(outcome.status != 0)
        #expect(outcome.errors.contains(path), "\(outcome.errors)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.appending("taken").string) == ["b.tar.zst"])
    }
  }

  @Test("an export holds its file while it writes, so that another one does not take it for a leftover")
  func heldExport() throws {
    try TemporaryFolder.with { folder in
      // What does not compress keeps it at work for a while.
      try Shell.run(
        """
        mkdir d
        head -c 6000000 /dev/urandom | base64 -w 1000 | sed 's/.*/{"prompt":"p","completion":"&"}/' > d/train.jsonl
        """, in: folder)
      try TemporaryFolder.write(
        "apprentice: 1\nname: one\nstages:\n  rows: { uses: ingest, in: { source: ./d } }\n",
        to: folder.appending("one.yaml"))
      try succeed("run", "one.yaml", "--no-results", in: folder)
      let process = Tool.process(["bundle", "export", "one.yaml", "--level", "19", "-o", "a.tar.zst"], in: folder)
      process.standardError = FileHandle.nullDevice
      try process.run()
      func temporary() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.string).filter { $0.hasPrefix(".a.tar.zst.new-") }
      }
      while process.isRunning, try temporary().isEmpty { usleep(1000) }
      usleep(20_000)
      kill(process.processIdentifier, SIGSTOP)
      let names = try temporary()
      #expect(names.count == 1, "it was stopped too late")
      try succeed("bundle", "export", "one.yaml", "-o", "a.tar.zst", in: folder)
      #expect(try temporary() == names)
      kill(process.processIdentifier, SIGCONT)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      #expect(try temporary().isEmpty)
      try succeed("bundle", "verify", "a.tar.zst", in: folder)
    }
  }
}
