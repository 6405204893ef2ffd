import CanonicalJSON
import Records
import SystemPackage
import TestSupport
import Testing

@Suite struct ExecTests {
  private func dataset(in folder: FilePath) throws -> FilePath {
    try TemporaryFolder.write(
      "prompt,completion\nq1,a1\nq1,a2\nq2,\"b, 1\"\n", to: folder.appending("rows.csv"))
  }

  @Test("outputs land in DIR/PORT and the JSON names them")
  func outputs() throws {
    try TemporaryFolder.with { folder in
      let source = try dataset(in: folder)
      let outcome = try Tool.run(
        "exec", "ingest", "--in", "source=\(source)", "--with", "gather=[\"train\"]", "--out", "out", "--json",
        in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try JSONValue(parsing: outcome.output)["outputs"]?["dataset"]?.string == "out/dataset")
      let rows = try DatasetFiles.read(.train, in: folder.appending("out").appending("dataset"))
      #expect(rows.map(\.id) == ["train-0", "train-1"])
      #expect(rows.map(\.references) == [["a1", "a2"], ["b, 1"]])
      #expect(FileContent.names(in: folder.appending("out")) == ["dataset"])
    }
  }

  @Test("an output that is there is refused and left alone, unless --force is given")
  func existing() throws {
    try TemporaryFolder.with { folder in
      let source = try dataset(in: folder)
      let kept = try TemporaryFolder.write("x", to: folder.appending("out").appending("dataset").appending("kept"))
      let refused = try Tool.run("exec", "ingest", "--in", "source=\(source)", "--out", "out", in: folder)
      #expect(refused.status == 2)
      #expect(refused.errors.contains("out/dataset is there already"))
      #expect(FileContent.exists(kept))
      let forced = try Tool.run("exec", "ingest", "--in", "source=\(source)", "--out", "out", "--force", in: folder)
      #expect(forced.status == 0)
      #expect(FileContent.names(in: folder.appending("out").appending("dataset")) == ["train.jsonl"])
    }
  }

  @Test(
    "what is wrong before the stage runs ends with status 2 and one line that names the remedy",
    arguments: [
      (["ingset"], "no stage is called ingset (did you mean ingest?)"),
      (["ingest"], "port source of stage ingest is not connected; add --in source=PATH (a source)"),
      (["ingest", "--in", "sorce=rows.csv"], "has no port sorce (did you mean source?)"),
      (["ingest", "--in", "source=nowhere"], "--in source: there is no nowhere"),
      (["ingest", "--in", "source=rows.csv", "--with", "promt=x"], "no parameter promt (did you mean prompt?)"),
      (
        ["ingest", "--in", "source=rows.csv", "--with", "max_samples=3"],
        "no parameter max_samples; it is called limit here"
      ),
      (["ingest", "--in", "source=rows.csv", "--with", "limit=-1"], "parameter limit: expected an integer from 0"),
      (["ingest", "--in", "source=rows.csv", "--with", "limit=x"], "parameter limit: expected an integer from 0"),
      (
        ["ingest", "--in", "source=rows.csv", "--with", "format=xlsx"],
        "expected one of auto, jsonl, json, csv, tsv, columns, text, xml, tmx, html, found xlsx"
      ),
      (["ingest", "--in", "source=rows.csv", "--with", "prompt={a"], "'{' is not closed"),
    ])
  func refusals(arguments: [String], expected: String) throws {
    try TemporaryFolder.with { folder in
      _ = try dataset(in: folder)
      let outcome = try Tool.run(["exec"] + arguments + ["--out", "out"], in: folder)
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains(expected), "\(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1)
      #expect(!FileContent.exists(folder.appending("out").appending("dataset")))
    }
  }

  @Test("bad data ends with status 1, names file and line, and leaves nothing behind")
  func badData() throws {
    try TemporaryFolder.with { folder in
      let source = try TemporaryFolder.write("prompt,completion\nq,a\nq,\n", to: folder.appending("rows.csv"))
      let outcome = try Tool.run("exec", "ingest", "--in", "source=\(source)", "--out", "out", in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("rows.csv:3: row train-1 has an empty completion"))
      #expect(FileContent.names(in: folder.appending("out")).isEmpty)
    }
  }

  @Test("wrong argument syntax ends with status 64")
  func syntax() throws {
    #expect(try Tool.run("exec", "--nonsense").status == 64)
    #expect(try Tool.run("exec", "ingest", "--in", "source", "--out", "x").status == 64)
    #expect(try Tool.run("--help").status == 0)
  }

  @Test("what was left by a killed process goes, and nothing of it is taken for an output, whatever its number was")
  func leftover() throws {
    try TemporaryFolder.with { folder in
      let source = try dataset(in: folder)
      for number in 1...200 {
        try TemporaryFolder.write(
          "stale", to: folder.pushing(FilePath("out/.exec-\(number)/out/dataset/validation.jsonl")))
      }
      let outcome = try Tool.run("exec", "ingest", "--in", "source=\(source)", "--out", "out", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(FileContent.names(in: folder.pushing("out/dataset")) == ["train.jsonl"])
      #expect(FileContent.names(in: folder.appending("out")) == ["dataset"])
    }
  }

  @Test(
    "a signal ends it with its own status and leaves nothing; under nohup a hang-up does nothing",
    arguments: [("TERM", "", 143), ("HUP", "", 143), ("INT", "", 130), ("HUP", "nohup", 0)])
  func signals(name: String, before: String, status: Int32) throws {
    try TemporaryFolder.with { folder in
      // A row every 10 ms, for five seconds: long enough for the signal, however busy the machine is.
      try TemporaryFolder.write("", to: folder.appending("rows.jsonl"))
      let rows = String(repeating: #"{"prompt":"p","completion":"c"}"# + "\n", count: 400_000)
      try TemporaryFolder.write(rows, to: folder.appending("rows.jsonl"))
      // The shell's own trap is reset for what it starts in the background, so that SIGINT arrives.
      let script = """
        import os, signal, subprocess, sys, time
        command = sys.argv[3:]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not any(name.startswith(".exec-") for name in (os.listdir("out") if os.path.isdir("out") else [])):
            time.sleep(0.005)
        process.send_signal(getattr(signal, "SIG" + sys.argv[1]))
        sys.exit(process.wait())
        """
      try TemporaryFolder.write(script, to: folder.appending("send.py"))
      let tool = "'\(Tool.executable)' exec ingest --in source=rows.jsonl --out out"
      try Shell.run(
        "set +e; python3 send.py \(name) - \(before) \(tool); test $? = \(status)", in: folder)
      #expect(FileContent.names(in: folder.appending("out")) == (status == 0 ? ["dataset"] : []))
    }
  }

  @Test("a folder that is a link takes the outputs, and stays a link")
  func linkedFolder() throws {
    try TemporaryFolder.with { folder in
      let source = try dataset(in: folder)
      try Shell.run("mkdir real; ln -s real out", in: folder)
      let outcome = try Tool.run("exec", "ingest", "--in", "source=\(source)", "--out", "out", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(FileContent.names(in: folder.appending("real")) == ["dataset"])
      try Shell.run("test -L out", in: folder)
    }
  }

  /// Waits in Python until an `exec` has made its work folder, stops it there, and does something.
  private static let stopped = """
    import os, signal, subprocess, sys, time
    command = "exec ingest --in source=rows.jsonl --out out --force".split()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    def run():
        return subprocess.Popen([sys.argv[1]] + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    def names():
        return [name for name in (os.listdir("out") if os.path.isdir("out") else []) if name.startswith(".exec-")]
    first = run()
    while not names():
        time.sleep(0.005)
    time.sleep(0.1)
    first.send_signal(signal.SIGSTOP)

    """

  private func withRows(_ script: String, _ body: (FilePath) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      let rows = String(repeating: #"{"prompt":"p","completion":"c"}"# + "\n", count: 400_000)
      try TemporaryFolder.write(rows, to: folder.appending("rows.jsonl"))
      try TemporaryFolder.write(Self.stopped + script, to: folder.appending("stopped.py"))
      try Shell.run("python3 stopped.py '\(Tool.executable)'", in: folder)
      try body(folder)
    }
  }

  @Test("what another process that lives is writing is left alone, and both end well")
  func two() throws {
    let script = """
      mine = names()
      assert run().wait() == 0
      assert names() == mine, names()
      first.send_signal(signal.SIGCONT)
      assert first.wait() == 0
      """
    try withRows(script) { folder in #expect(FileContent.names(in: folder.appending("out")) == ["dataset"]) }
  }

  @Test("a second signal ends it at once, with the status of the first, and leaves nothing")
  func secondSignal() throws {
    let script = """
      first.send_signal(signal.SIGHUP)
      first.send_signal(signal.SIGTERM)
      first.send_signal(signal.SIGCONT)
      assert first.wait() == 143, first.returncode
      """
    try withRows(script) { folder in #expect(FileContent.names(in: folder.appending("out")) == []) }
  }
}
