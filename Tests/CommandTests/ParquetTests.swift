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
}
