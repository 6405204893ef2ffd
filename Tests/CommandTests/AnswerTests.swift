import CanonicalJSON
import Foundation
import SystemPackage
import TestSupport
import Testing

/// What the command says, and what becomes of it when nobody can hear it.
@Suite struct AnswerTests {
  /// A pipeline of one stage that runs in a moment.
  private func withRun(_ body: (FilePath) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(
        #"{"prompt":"p\u001b]0;title\u0007","completion":"c"}"# + "\n", to: folder.pushing("d/train.jsonl"))
      try TemporaryFolder.write(
        "apprentice: 1\nname: one\nparams: { note: x }\nstages:\n  rows: { uses: ingest, in: { source: ./d } }\n",
        to: folder.appending("one.yaml"))
      let outcome = try Tool.run("run", "one.yaml", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      try body(folder)
    }
  }

  /// Runs a shell command line with the tool as `$A`.
  private func shell(_ line: String, in folder: FilePath) throws -> Tool.Outcome {
    try TemporaryFolder.with { temporary in
      let errors = temporary.appending("stderr").string
      _ = FileManager.default.createFile(atPath: errors, contents: nil)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      process.arguments = ["-c", line]
      process.currentDirectoryURL = URL(fileURLWithPath: folder.string)
      process.environment = ProcessInfo.processInfo.environment.merging(["A": Tool.executable.string]) { $1 }
      process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      return Tool.Outcome(
        status: process.terminationStatus, output: "",
        errors: String(decoding: try Fixture.bytes(FilePath(errors)), as: UTF8.self))
    }
  }

  @Test(
    "an answer that a full device does not take ends with 7 and a message, also where the verb itself went well",
    arguments: [
      "status one.yaml", "status one.yaml --json", "run one.yaml --json", "show one:rows", "stages", "schema pipeline",
      "check one.yaml", "--help", "metrics one.yaml --json",
    ])
  func fullDevice(verb: String) throws {
    try withRun { folder in
      let outcome = try shell("\"$A\" \(verb) > /dev/full", in: folder)
      #expect(outcome.status == 7, "\(outcome.errors)")
      #expect(outcome.errors.contains("can't be written"), "\(outcome.errors)")
    }
  }

  @Test("a closed pipe ends silently with 141")
  func closedPipe() throws {
    try withRun { folder in
      let outcome = try shell("\"$A\" stages train-iq | true; exit ${PIPESTATUS[0]}", in: folder)
      #expect([0, 141].contains(outcome.status), "the pipe may have taken it all")
      #expect(outcome.errors.isEmpty)
    }
  }

  @Test("control characters of foreign data don't reach the terminal: rows, logs, messages")
  func controlCharacters() throws {
    try withRun { folder in
      for verb in [["show", "one:rows.dataset", "--row", "0"], ["show", "one:rows"], ["log", "one.yaml", "rows"]] {
        let outcome = try Tool.run(verb, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let text = outcome.output + outcome.errors
        #expect(!text.unicodeScalars.contains { $0.value == 0x1B || $0.value == 7 }, "\(verb)")
      }
      let set = try Tool.run("run", "one.yaml", "--set", "note=a\u{1B}[2Jb", "--store", "new", in: folder)
      #expect(set.status == 0, "\(set.errors)")
      let runs = try Tool.run("runs", "--store", "new", in: folder)
      #expect(runs.output.contains("note=a\\u{1b}[2Jb"), "no terminal obeys what is set: \(runs.output)")
      let row = try Tool.run("show", "one:rows.dataset", "--row", "0", in: folder)
      #expect(row.output.contains("]0;title"))
    }
  }

  @Test("an unknown verb or option gets the nearest name, status 64")
  func unknownNames() throws {
    let verb = try Tool.run("statsu")
    #expect(verb.status == 64)
    #expect(verb.errors.contains("did you mean status"), "\(verb.errors)")
    #expect(!verb.errors.contains("run-action"), "what is for the tool's own use is no verb: \(verb.errors)")
    let option = try Tool.run("run", "--thread", "2")
    #expect(option.status == 64)
    #expect(option.errors.contains("--threads"), "\(option.errors)")
  }

  @Test("a damaged result is told with status 4, and is never nothing to show")
  func damagedResult() throws {
    try withRun { folder in
      let shown = try JSONValue(parsing: try Tool.run("show", "one:rows", "--json", in: folder).output)
      let digest = try #require(shown["files"]?.array?.first?["digest"]?.string)
      let blob = folder.pushing(".apprentice/blobs/sha256").appending(String(digest.dropFirst(7)))
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: blob.string)
      var bytes = try Fixture.bytes(blob)
      bytes[bytes.count / 2] ^= 1
      try Data(bytes).write(to: URL(fileURLWithPath: blob.string))
      #expect(try Tool.run("show", "one:rows.dataset", "--row", "0", in: folder).status == 4)
      #expect(try Tool.run("show", "one:rows.dataset", in: folder).status == 4, "its file lies in quarantine now")
    }
  }

  @Test("an entry that is lost is damage, with status 4; what gc has removed is gone, with status 2 and no other name")
  func lostEntry() throws {
    try withRun { folder in
      let actions = folder.pushing(".apprentice/actions")
      let name = try #require(try FileManager.default.contentsOfDirectory(atPath: actions.string).first)
      try FileManager.default.removeItem(atPath: actions.appending(name).string)
      let check = try Tool.run("fsck", in: folder)
      #expect(check.status == 4, "\(check.output)")
      #expect(check.output.contains("the entry of rows of one is gone"), "\(check.output)")
      for reference in ["one:rows", "rows", "one:rows.dataset"] {
        let shown = try Tool.run("show", reference, in: folder)
        #expect(shown.status == 4, "\(shown.errors)")
        #expect(shown.errors.contains("the entry of rows is gone"), "\(shown.errors)")
      }
      #expect(try Tool.run("run", "one.yaml", in: folder).status == 0)
      #expect(try Tool.run("fsck", in: folder).status == 0)
      #expect(try Tool.run("show", "one:rows", in: folder).status == 0)
      try FileManager.default.removeItem(atPath: folder.pushing(".apprentice/refs/one").string)
      let collected = try Tool.run("gc", "--keep-runs", "0", "--max-age", "0s", "--grace", "0s", in: folder)
      #expect(collected.status == 0, "\(collected.errors)")
      #expect(try Tool.run("fsck", in: folder).status == 0)
      let shown = try Tool.run("show", "one:rows", in: folder)
      #expect(shown.status == 2, "\(shown.errors)")
      #expect(shown.errors.contains("is gone") && !shown.errors.contains("did you mean"), "\(shown.errors)")
    }
  }

  @Test("what stands in the place of a store or of outputs and is no folder is named, with status 2")
  func noFolder() throws {
    try withRun { folder in
      #expect(mkfifo(folder.appending("pipe").string, 0o644) == 0)
      for verb in [
        "doctor --store pipe", "doctor --json --store pipe/below", "run one.yaml --store pipe",
        "run one.yaml --store one.yaml/below", "status one.yaml --store pipe", "show one:rows --store pipe",
        "exec ingest --in source=d --out pipe", "exec ingest --in source=d --out pipe/below",
      ] {
        let outcome = try shell("timeout 20 \"$A\" \(verb)", in: folder)
        #expect(outcome.status == 2, "\(verb): \(outcome.errors)")
        if !verb.contains("--json") { #expect(outcome.errors.contains("is no folder"), "\(verb): \(outcome.errors)") }
      }
      let doctor = try Tool.run("doctor", "--store", "pipe", in: folder)
      #expect(doctor.output.contains("(is no folder)"), "\(doctor.output)")
      #expect(!doctor.output.contains("not made yet"), "\(doctor.output)")
    }
  }

  @Test("a reference that leads nowhere is told with what helps, and a run that has nothing to do sets it anew")
  func damagedReference() throws {
    try withRun { folder in
      let reference = folder.pushing(".apprentice/refs/one")
      #expect(Fixture.exists(reference))
      let elsewhere = "sha256:" + String(repeating: "0", count: 64) + "\n"
      for (text, isFolder) in [("x\n", false), (elsewhere, false), ("x\n", true)] {
        try FileManager.default.removeItem(atPath: reference.string)
        try TemporaryFolder.write(text, to: isFolder ? reference.appending("x") : reference)
        let check = try Tool.run("fsck", in: folder)
        #expect(check.status == 4)
        #expect(check.output.contains("the next run of that pipeline"), "\(check.output)")
        let run = try Tool.run("run", "one.yaml", in: folder)
        #expect(run.status == 0 && run.errors.contains("nothing to do"), "\(run.errors)")
        let after = try Tool.run("fsck", in: folder)
        #expect(after.status == 0, "\(after.output)")
      }
    }
  }

  @Test("nothing that is no file is waited for: a pipe as pipeline file, as source, as store")
  func pipes() throws {
    try withRun { folder in
      #expect(mkfifo(folder.appending("pipe").string, 0o644) == 0)
      try TemporaryFolder.write(
        "apprentice: 1\nname: two\nstages:\n  rows: { uses: ingest, in: { source: ./pipe } }\n",
        to: folder.appending("two.yaml"))
      for verb in ["run ./pipe", "check ./pipe", "run two.yaml", "check two.yaml", "run one.yaml --store pipe"] {
        let outcome = try shell("timeout 20 \"$A\" \(verb)", in: folder)
        #expect(outcome.status != 124 && outcome.status != 0, "\(verb): \(outcome.errors)")
      }
      let action = try shell("APPRENTICE_ACTION=pipe timeout 20 \"$A\" run-action", in: folder)
      #expect(action.status == 1)
      #expect(action.errors.contains("pipe is no regular file"), "\(action.errors)")
      let pipeline = try Tool.run("run", "./pipe", in: folder)
      #expect(pipeline.status == 2)
      #expect(pipeline.errors.contains("pipe, which is a named pipe"), "\(pipeline.errors)")
      #expect(!pipeline.errors.contains("did you mean"), "\(pipeline.errors)")
      let source = try Tool.run("run", "two.yaml", in: folder)
      #expect(source.status == 2 && source.errors.contains("write it to a file first"), "\(source.errors)")
    }
  }

  @Test("what a killed exec has left goes with the next one there, and --force replaces by rename or not at all")
  func execLeftovers() throws {
    try withRun { folder in
      try TemporaryFolder.write("x", to: folder.pushing("out/.exec-4194300/out/dataset/train.jsonl"))
      let arguments = ["exec", "ingest", "--in", "source=d", "--out", "out"]
      #expect(try Tool.run(arguments, in: folder).status == 0)
      let out = folder.appending("out").string
      #expect(try FileManager.default.contentsOfDirectory(atPath: out) == ["dataset"])
      #expect(try Tool.run(arguments, in: folder).status == 2)
      try TemporaryFolder.write("mine", to: folder.pushing("out/dataset/notes"))
      #expect(try Tool.run(arguments + ["--with", "format=columns"], in: folder).status != 0)
      #expect(Fixture.exists(folder.pushing("out/dataset/notes")))
      #expect(try Tool.run(arguments + ["--force"], in: folder).status == 0)
      #expect(try FileManager.default.contentsOfDirectory(atPath: out + "/dataset") == ["train.jsonl"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: out) == ["dataset"])
    }
  }

  @Test("few descriptors, a file size limit and little room for threads are told, with what helps")
  func limits() throws {
    try withRun { folder in
      let descriptors = try shell("ulimit -n 10; \"$A\" run one.yaml --force rows", in: folder)
      #expect(descriptors.status == 1)
      #expect(
        descriptors.errors.contains("open files") || descriptors.errors.contains("ulimit -n"), "\(descriptors.errors)")
      let few = try shell("ulimit -n 32; \"$A\" run one.yaml --force rows", in: folder)
      #expect(few.status == 0, "\(few.errors)")
      let line = "(ulimit -f 0; \"$A\" bundle export one.yaml -o x.tar.zst) 2>&1 | cat >&2; exit ${PIPESTATUS[0]}"
      let size = try shell(line, in: folder)
      #expect(size.status == 7 || size.status == 1, "\(size.errors)")
      #expect(size.errors.contains("x.tar.zst"), "\(size.errors)")
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.string)
      #expect(!left.contains { $0.contains("x.tar.zst") }, "\(left)")
      // Those who run tests block the signal, and so it would not come to the tool.
      let reset =
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGXFSZ]); "
        + "signal.signal(signal.SIGXFSZ, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
      let store = try shell(
        "(ulimit -f 0; python3 -c '\(reset)' \"$A\" run one.yaml --store new) 2>&1 | cat >&2; exit ${PIPESTATUS[0]}",
        in: folder)
      #expect(store.status == 7)
      #expect(store.errors.contains("ulimit -f"), "\(store.errors)")
    }
  }

  @Test("a stage that reaches the limit on the size of a file ends with 7, and the limit is named, not the disk")
  func fileSizeLimit() throws {
    try withRun { folder in
      let rows = (0..<400).map { "{\"prompt\":\"what is \($0)?\",\"completion\":\"the number \($0)\"}\n" }
      try TemporaryFolder.write(rows.joined(), to: folder.pushing("d/train.jsonl"))
      for verb in ["exec ingest --in source=d --out out", "run one.yaml"] {
        let outcome = try shell(
          "(ulimit -f 8; \"$A\" \(verb)) 2>&1 | cat >&2; exit ${PIPESTATUS[0]}", in: folder)
        #expect(outcome.status == 7, "\(verb): \(outcome.errors)")
        #expect(outcome.errors.contains("ulimit -f"), "\(verb): \(outcome.errors)")
        #expect(!outcome.errors.contains("is full"), "\(verb): \(outcome.errors)")
      }
    }
  }

  @Test("results and files are not written into the store")
  func intoTheStore() throws {
    try withRun { folder in
      for place in [".apprentice/blobs/sha256", ".apprentice"] {
        let run = try Tool.run("run", "one.yaml", "--results", place, in: folder)
        #expect(run.status == 2)
        #expect(run.errors.contains("lies in the store"), "\(run.errors)")
      }
      let checkout = try Tool.run("checkout", "one:rows", ".apprentice/work/x", in: folder)
      #expect(checkout.status == 2)
      #expect(try Tool.run("fsck", in: folder).status == 0)
    }
  }

  @Test(
    "what is written slightly wrong gets the nearest name",
    arguments: [
      (["--verison"], "--version"), (["bundle", "exprot"], "export"), (["help", "runn"], "run"),
      (["show", "one:rwos"], "rows"), (["show", "one:rows.datset"], "rows.dataset"), (["rnu"], "run"),
    ])
  func nearest(arguments: [String], name: String) throws {
    try withRun { folder in
      let outcome = try Tool.run(arguments, in: folder)
      #expect(outcome.status != 0)
      #expect(outcome.errors.lowercased().contains("did you mean \(name)"), "\(outcome.errors)")
    }
  }

  @Test("also where SIGPIPE is ignored, as in programs that started the tool, a closed pipe ends silently with 141")
  func ignoredSignal() throws {
    try withRun { folder in
      let outcome = try shell(
        "trap '' PIPE; { sleep 0.2; \"$A\" stages; echo $? > status; } | true; exit $(cat status)", in: folder)
      #expect(outcome.status == 141)
      #expect(outcome.errors.isEmpty, "\(outcome.errors)")
    }
  }

  @Test("an answer of which a part is written is not written, and one that is not leaves the status of a failure")
  func unwritten() throws {
    try withRun { folder in
      try TemporaryFolder.write(
        "apprentice: 1\nname: bad\nstages:\n  rows: { uses: nothing }\n", to: folder.appending("bad.yaml"))
      for (line, status) in [
        ("(ulimit -f 1; \"$A\" schema pipeline > part.json) 2>&1 | cat >&2; exit ${PIPESTATUS[0]}", Int32(1)),
        ("\"$A\" stages 1< /dev/null", 1), ("\"$A\" check bad.yaml --json 1< /dev/null", 2),
      ] {
        let outcome = try shell(line, in: folder)
        #expect(outcome.status == status, "\(line): \(outcome.errors)")
        #expect(outcome.errors.contains("can't be written to stdout"), "\(line): \(outcome.errors)")
      }
    }
  }

  @Test("in JSON, too, stands nothing that a terminal obeys, though JSON itself lets it pass")
  func controlCharactersOfJSON() throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(
        "{\"prompt\":\"p\u{9B}2J\u{202E}\u{7F}\",\"completion\":\"c\"}\n", to: folder.pushing("d/train.jsonl"))
      try TemporaryFolder.write(
        "apprentice: 1\nname: one\nstages:\n  rows: { uses: ingest, in: { source: ./d } }\n",
        to: folder.appending("one.yaml"))
      #expect(try Tool.run("run", "one.yaml", in: folder).status == 0)
      let row = try Tool.run("show", "one:rows.dataset", "--row", "0", "--json", in: folder)
      #expect(!row.output.unicodeScalars.contains { [0x9B, 0x202E, 0x7F].contains($0.value) }, "\(row.output)")
      let prompt = try JSONValue(parsing: row.output)["prompt"]?.string
      #expect(prompt == "p\u{9B}2J\u{202E}\u{7F}", "what it says is the same")
    }
  }

  @Test("files are not written onto a link that leads nowhere")
  func checkoutOntoLink() throws {
    try withRun { folder in
      try FileManager.default.createSymbolicLink(
        atPath: folder.appending("out").string, withDestinationPath: folder.appending("nowhere").string)
      let outcome = try Tool.run("checkout", "one:rows", "out", in: folder)
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("out exists"), "\(outcome.errors)")
    }
  }

  @Test("where no pipeline has run that is all that is said of those that have")
  func emptyStore() throws {
    try withRun { folder in
      try FileManager.default.removeItem(atPath: folder.pushing(".apprentice/runs/latest").string)
      let outcome = try Tool.run("show", "one:rows", in: folder)
      #expect(outcome.errors.contains("no pipeline one has run in this store"), "\(outcome.errors)")
      #expect(!outcome.errors.contains("there are"), "\(outcome.errors)")
    }
  }

  @Test("where the limit on open files allows no process for an action, what helps is said")
  func fewFiles() throws {
    try withRun { folder in
      let outcomes = try (8...28).map { try shell("ulimit -n \($0); \"$A\" run one.yaml --force rows", in: folder) }
      let told = outcomes.filter { $0.errors.contains("its process can't be started") }
      #expect(!told.isEmpty, "\(outcomes.map(\.errors))")
      for outcome in told { #expect(outcome.errors.contains("ulimit -n"), "\(outcome.errors)") }
    }
  }

  @Test("a damaged oci-layout is mended by fsck, which says so once")
  func mendedLayout() throws {
    try withRun { folder in
      try TemporaryFolder.write("{", to: folder.pushing(".apprentice/oci-layout"))
      #expect(try Tool.run("run", "one.yaml", in: folder).status == 4)
      let mended = try Tool.run("fsck", in: folder)
      #expect(mended.status == 0)
      #expect(mended.errors.contains("oci-layout was damaged, and is made anew"), "\(mended.errors)")
      let again = try Tool.run("fsck", in: folder)
      #expect(again.status == 0 && again.errors.isEmpty, "\(again.errors)")
      #expect(try Tool.run("status", "one.yaml", "--check", in: folder).status == 0)
    }
  }

  @Test("a project within its store runs without results")
  func projectInStore() throws {
    try TemporaryFolder.with { folder in
      try withRun { made in
        try FileManager.default.copyItem(
          atPath: made.appending(".apprentice").string, toPath: folder.appending("s").string)
        try FileManager.default.createDirectory(
          atPath: folder.pushing("s/project").string, withIntermediateDirectories: false)
        for name in ["one.yaml", "d"] {
          try FileManager.default.copyItem(
            atPath: made.appending(name).string, toPath: folder.pushing("s/project").appending(name).string)
        }
      }
      let results = try Tool.run("run", "s/project/one.yaml", "--store", "s", in: folder)
      #expect(results.status == 2, "\(results.errors)")
      #expect(results.errors.contains("lies in the store"), "\(results.errors)")
      let outcome = try Tool.run("run", "s/project/one.yaml", "--store", "s", "--no-results", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
  }

  @Test("a source whose times no clock of today tells is read like any other", arguments: [1 << 36, -(1 << 36)])
  func farTimes(seconds: Int) throws {
    try withRun { folder in
      let times = [timespec(tv_sec: seconds, tv_nsec: 5), timespec(tv_sec: seconds, tv_nsec: 5)]
      #expect(utimensat(AT_FDCWD, folder.pushing("d/train.jsonl").string, times, 0) == 0)
      let outcome = try Tool.run("run", "one.yaml", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("all fresh"), "\(outcome.errors)")
    }
  }
}
