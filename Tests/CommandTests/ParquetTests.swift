import Foundation
import Records
import SystemPackage
import TestSupport
import Testing

/// What the `python3` on PATH has.
private enum PythonModules {
  static let hasPyarrow: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", "import pyarrow.parquet"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()
}

/// `pipelines/stages/parquet`, where the `python3` on PATH has pyarrow.
@Suite(.enabled(if: PythonModules.hasPyarrow, "pyarrow is not installed for the python3 on PATH"))
struct ParquetTests {
  @Test("rows of Parquet become rows of a dataset: shards in order, integers to their last digit, lists as references")
  func pipeline() throws {
    try TemporaryFolder.with { folder in
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      try Shell.run(
        """
        mkdir data
        cat > make.py <<'END'
        import pyarrow, pyarrow.parquet
        for name, n in ("train-00001-of-00002", 3), ("train-00000-of-00002", 2**62 + 1), ("test", 5):
          table = pyarrow.table({"n": [n], "text": ["é"], "answers": [["a", "b"]], "empty": pyarrow.array([None])})
          pyarrow.parquet.write_table(table, "data/%s.parquet" % name)
        END
        python3 make.py
        """, in: folder)
      let stage = Fixture.root.pushing("pipelines/stages/parquet").string
      try TemporaryFolder.write(
        """
        apprentice: 1
        name: p
        stages:
          corpus:
            uses: "\(stage)"
            in: { source: ./data }
            with: { prompt: "{n} {{", completion: "{text}", references: answers }
        """, to: folder.appending("p.yaml"))
      let outcome = try Tool.run("run", "p.yaml", in: folder, environment: ["PATH": path])
      try #require(outcome.status == 0, "\(outcome.errors)")
      let dataset = folder.pushing("results/p/corpus/dataset")
      let rows = try DatasetFiles.read(.train, in: dataset)
      #expect(rows.map(\.prompt) == ["4611686018427387905 {", "3 {"])
      #expect(rows.map(\.references) == [["a", "b"], ["a", "b"]] && rows.map(\.completion) == ["é", "é"])
      #expect(try DatasetFiles.read(.test, in: dataset).map(\.prompt) == ["5 {"])
    }
  }

  /// Files that a program in Python wrote, `write` at hand, as a dataset.
  private func ingest(
    _ program: String, _ parameters: String = "{}", source: String = "data",
    _ body: (_ outcome: Tool.Outcome, _ dataset: FilePath) throws -> Void
  ) throws {
    try TemporaryFolder.with { folder in
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      try TemporaryFolder.write(
        """
        import datetime, decimal, os, struct
        import pyarrow as pa
        import pyarrow.parquet as pq
        def write(name, prompt=("p",), kind=None, **columns):
          os.makedirs(os.path.dirname("data/" + name), exist_ok=True)
          prompt = prompt if isinstance(prompt, pa.Array) else pa.array(list(prompt), kind)
          columns = {"prompt": prompt, "completion": ["c"] * len(prompt), **columns}
          pq.write_table(pa.table(columns), "data/%s.parquet" % name)
        \(program)
        """, to: folder.appending("make.py"))
      try Shell.run("python3 make.py", in: folder)
      let stage = Fixture.root.pushing("pipelines/stages/parquet").string
      try TemporaryFolder.write(
        """
        apprentice: 1
        name: p
        stages:
          corpus:
            uses: "\(stage)"
            in: { source: "./\(source)" }
            with: \(parameters)
        """, to: folder.appending("p.yaml"))
      try body(
        Tool.run("run", "p.yaml", in: folder, environment: ["PATH": path]),
        folder.pushing("results/p/corpus/dataset"))
    }
  }

  @Test(
    "files that do not make one split are refused with what to do",
    arguments: [
      (
        "write('main/train-0'); write('socratic/train-0')",
        "holds train in the folders main, socratic; name those of one"
      ),
      ("write('train-00000-of-00002')", "holds 1 of the 2 files of train, not number 1; fetch all"),
      ("write('train-00001-of-00003'); write('train-00000-of-00003')", "2 of the 3 files of train, not number 2"),
      ("write('train-00000-of-00001'); write('train')", "holds train-00000-of-00001.parquet, train.parquet for train"),
      ("write('train-0-of-1-a'); write('train-0-of-1-b')", "holds shards of several versions of train"),
      ("write('train-0-of-1'); write('train-0-of-2'); write('train-1-of-2')", "shards of several versions of train"),
      ("write('train', [], 'string')", "split train has no rows"),
      ("write('.cache/train'); write('other')", "no train, validation or test"),
      (
        "os.makedirs('data'); pq.write_table(pa.Table.from_arrays([pa.array(['a'])] * 3, ['prompt', 'prompt', 'completion']), 'data/train.parquet')",
        "has 2 columns called prompt"
      ),
    ])
  func refusedFiles(program: String, expected: String) throws {
    try expectRefusal(of: program, saying: expected)
  }

  @Test("what tools keep in hidden folders is not read, and shards may be counted from 1")
  func hidden() throws {
    try ingest("write('.cache/train'); write('train-1-of-2', 'a'); write('train-2-of-2', 'b')") { outcome, dataset in
      try #require(outcome.status == 0, "\(outcome.errors)")
      #expect(try DatasetFiles.read(.train, in: dataset).map(\.prompt) == ["a", "b"])
    }
  }

  @Test(
    "what was asked for and is not there is said",
    arguments: [
      ("write('train', 'ab')", "{ limit: 50 }", "data", "limit is 50 rows, train has 2"),
      (
        "write('train', 'ab', r=pa.array([[], ['x']]))", "{ references: r }", "data",
        "1 rows of train have an empty list of references"
      ), ("write('train-0-of-2')", "{ files: { train: train-0* } }", "data", "train is 1 of 2 files"),
      ("write('train-0-of-2')", "{}", "data/train-0-of-2.parquet", "train is 1 of 2 files"),
      ("write('train'); write('dev', 'x')", "{}", "data", "dev.parquet is not read"),
      ("write('a/train'); write('b/test', 'x')", "{}", "data", "splits lie in several folders: train in a, test in b"),
    ])
  func remarks(program: String, parameters: String, source: String, expected: String) throws {
    try ingest(program, parameters, source: source) { outcome, _ in
      #expect(outcome.status == 0 && (outcome.output + outcome.errors).contains(expected), "\(outcome)")
    }
  }

  @Test("a number has the digits that its column's type needs, and no others")
  func numbers() throws {
    let program = """
      write("train", [0.1, 1/3, 16777216, 3.4028235e38, 1e-45, -2.5], "float32",
        d=pa.array([0.1, 1/3, 1e22, 1e300, 5e-324, -2.5], "float64"),
        l=pa.array([[0.1]] * 6, pa.list_(pa.float32())), z=pa.array([decimal.Decimal("0E-10")] * 6),
        h=pa.array([struct.unpack("e", struct.pack("e", x))[0] for x in (0.1, 1/3, 65504, 1, 2, 3)], "float64").cast("float16"))
      """
    try ingest(program, #"{ prompt: "{prompt} {d} {h}", completion: "{z}", references: l }"#) { outcome, dataset in
      try #require(outcome.status == 0, "\(outcome.errors)")
      let rows = try DatasetFiles.read(.train, in: dataset)
      #expect(
        rows.map(\.prompt) == [
          "0.1 0.1 0.1", "0.33333334 0.3333333333333333 0.3333", "16777216.0 1e+22 65504.0", "3.4028235e+38 1e+300 1.0",
          "1e-45 5e-324 2.0", "-2.5 -2.5 3.0",
        ])
      #expect(rows[0].references == ["0.1"] && rows[0].completion == "0.0000000000")
    }
  }

  @Test(
    "a value that is no text and no number is refused with its row and column",
    arguments: [
      ("write('train', [1, float('nan')])", "row train-1, column prompt: nan is no number"),
      ("write('train', [float('-inf')], 'float32')", "row train-0, column prompt: -inf is no number"),
      ("write('train', [0, 1], pa.timestamp('ns'))", "row train-1, column prompt cannot be read: "),
      (
        "write('train', pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(struct.pack('ii', 0, 2)), pa.py_buffer(b'a' + bytes([255]))]))",
        "row train-0, column prompt cannot be read: 'utf-8' codec can't decode"
      ),
    ])
  func refusedValues(program: String, expected: String) throws {
    try expectRefusal(of: program, saying: expected)
  }

  private func expectRefusal(of program: String, saying expected: String) throws {
    try ingest(program) { outcome, _ in
      #expect(outcome.status != 0 && outcome.errors.contains(expected), "\(outcome.errors)")
      #expect(!outcome.errors.contains("Traceback"))
    }
  }
}
