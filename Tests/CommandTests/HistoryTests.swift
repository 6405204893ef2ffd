import CanonicalJSON
import Foundation
import Records
import SystemPackage
import TestSupport
import Testing

/// What was run, what differs, what can go: `runs`, `diff`, `gc`; the pipeline once per value: `--sweep`, `scales`.
@Suite struct HistoryTests {
  private static let pipeline = """
    apprentice: 1
    name: rows
    params: { limit: 3, scale: small }
    scales: { small: {}, large: { limit: 5 } }
    stages:
      rows: { uses: ingest, in: { source: ./d }, with: { limit: "${limit}" } }
      whole: { uses: ingest, in: { source: ./d }, with: { limit: 6 } }

    """

  private func withPipeline(_ body: (FilePath) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      let rows = (0..<9).map { "{\"prompt\":\"p\($0)\",\"completion\":\"c\($0)\"}\n" }
      try TemporaryFolder.write(rows.joined(), to: folder.pushing("d/train.jsonl"))
      try TemporaryFolder.write(Self.pipeline, to: folder.appending("rows.yaml"))
      try body(folder)
    }
  }

  private func json(_ arguments: String..., in folder: FilePath, expecting status: Int32 = 0) throws -> JSONValue {
    let outcome = try Tool.run(arguments + ["--json"], in: folder)
    #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
    return try JSONValue(parsing: outcome.output)
  }

  @Test(
    "runs lists what was run, the newest first, with settings and counts; what had nothing to do or failed checks is none"
  )
  func runs() throws {
    try withPipeline { folder in
      _ = try json("run", "rows.yaml", in: folder)
      _ = try json("run", "rows.yaml", in: folder)
      _ = try json("run", "rows.yaml", "--set", "limit=4", in: folder)
      _ = try Tool.run("run", "rows.yaml", "--set", "limit=x", in: folder)
      let runs = try #require(try json("runs", "rows.yaml", in: folder).array)
      #expect(runs.count == 2)
      #expect(runs.first?["set"] == ["limit": 4])
      #expect(runs.first?["actions"] == ["fresh": 1, "ran": 1, "failed": 0])
      #expect(runs.last?["set"] == [:])
      #expect(runs.last?["actions"] == ["fresh": 0, "ran": 2, "failed": 0])
      #expect(runs.allSatisfy { $0["exit"] == 0 && $0["seconds"]?.number != nil && $0["file"] == "rows.yaml" })
      let text = try Tool.run("runs", in: folder)
      #expect(text.output.split(separator: "\n").count == 2)
      #expect(text.output.contains("--set limit=4"))
    }
  }

  @Test("what only looks makes no store: it is judged as if there were an empty one")
  func looking() throws {
    try withPipeline { folder in
      let status = try json("status", "rows.yaml", in: folder)
      #expect(status["actions"]?.array?.count == 2)
      #expect(try json("run", "rows.yaml", "--dry-run", in: folder) != .null)
      for verb in ["why", "log"] {
        let outcome = try Tool.run(verb, "rows.yaml", "rows", in: folder)
        #expect(outcome.status == 0, "\(verb): \(outcome.errors)")
      }
      for verb in ["runs", "metrics", "dag"] {
        let outcome = try Tool.run(verb, "rows.yaml", in: folder)
        #expect(outcome.status == 0, "\(verb): \(outcome.errors)")
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted()
      #expect(names == ["d", "rows.yaml"])
    }
  }

  @Test("diff names the parameter and the output that differ, with status 3; of equal ones nothing, with 0")
  func diff() throws {
    try withPipeline { folder in
      _ = try json("run", "rows.yaml", in: folder)
      _ = try json("run", "rows.yaml", "--set", "limit=4", in: folder)
      for (one, other) in [("last~1", "last")] {
        let changes = try #require(try json("diff", one, other, in: folder, expecting: 3)["changes"]?.array)
        #expect(changes.map { $0["field"]?.string } == ["limit", "outputs.dataset"])
        #expect(changes.first?["old"] == 3 && changes.first?["new"] == 4)
        #expect(changes.allSatisfy { $0["stage"] == "rows" })
      }
      let same = try json("diff", "last", "last", in: folder)
      #expect(same["changes"] == [] && same["metrics"] == [])
      #expect(try Tool.run("diff", "rows:rows", "rows:whole", in: folder).status == 3)
      #expect(try Tool.run("diff", "last~7", "last", in: folder).status == 2)
      let export = try Tool.run("bundle", "export", "rows.yaml", "--set", "limit=4", "-o", "b.tar.zst", in: folder)
      #expect(export.status == 0, "\(export.errors)")
      #expect(try Tool.run("diff", "b.tar.zst", "last", in: folder).status == 0)
      #expect(try Tool.run("diff", "last~1", "b.tar.zst", in: folder).status == 3)
    }
  }

  @Test("a default that a key leaves out is told with its value")
  func diffDefault() throws {
    try withPipeline { folder in
      let file = folder.appending("rows.yaml")
      _ = try json("run", "rows.yaml", "rows", in: folder)
      let text = String(decoding: try Fixture.bytes(file), as: UTF8.self)
      try TemporaryFolder.write(
        text.replacing("limit: \"${limit}\" }", with: "limit: \"${limit}\", shuffle: true }"), to: file)
      _ = try json("run", "rows.yaml", "rows", in: folder)
      let changes = try #require(try json("diff", "last~1", "last", in: folder, expecting: 3)["changes"]?.array)
      let shuffle = try #require(changes.first { $0["field"] == "shuffle" })
      #expect(shuffle["old"] == false && shuffle["new"] == true)
    }
  }

  @Test(
    "gc removes what no run needs and says what keeps the rest; a dry run removes nothing; what is kept stays fresh")
  func collection() throws {
    try withPipeline { folder in
      for limit in ["3", "4", "5"] { _ = try json("run", "rows.yaml", "--set", "limit=\(limit)", in: folder) }
      let all = ["gc", "--keep-runs", "1", "--max-age", "0s", "--grace", "0s"]
      let planned = try json("gc", "--keep-runs", "1", "--max-age", "0s", "--grace", "0s", "--dry-run", in: folder)
      #expect((planned["removed"]?.array?.count ?? 0) > 0)
      #expect(try Tool.run("status", "rows.yaml", "--check", "--set", "limit=3", in: folder).status == 0, "a dry run")
      #expect(try Tool.run(all, in: folder).status == 0)
      #expect(try Tool.run("status", "rows.yaml", "--check", "--set", "limit=5", in: folder).status == 0)
      #expect(try Tool.run("status", "rows.yaml", "--check", "--set", "limit=3", in: folder).status == 3)
      #expect(try Tool.run("fsck", in: folder).status == 0)
      let young = try json("gc", "--keep-runs", "0", "--max-age", "0s", in: folder)
      #expect(young["removed"] == [], "a day's grace keeps what is new")
      #expect(
        young["kept"]?.array?.allSatisfy { $0["by"]?.string?.isEmpty == false && $0["digest"]?.string != nil } == true)
    }
  }

  @Test("diff says of results that were collected that they can't be compared, and what the command lines set")
  func diffCollected() throws {
    try withPipeline { folder in
      _ = try json("run", "rows.yaml", in: folder)
      _ = try json("run", "rows.yaml", "--set", "limit=4", in: folder)
      let outcome = try Tool.run("gc", "--keep-runs", "1", "--max-age", "0s", "--grace", "0s", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let diff = try json("diff", "last~1", "last", in: folder, expecting: 3)
      #expect(diff["changes"] == [] && diff["metrics"] == [])
      #expect(diff["collected"] == [["stage": "rows", "cell": .null]])
      #expect(diff["settings"] == [["name": "limit", "old": .null, "new": 4]])
      let text = try Tool.run("diff", "last~1", "last", in: folder).output
      #expect(text.contains("collected: outputs and metrics of 1 action can't be compared"), "\(text)")
      #expect(text.contains("--set limit  not set → 4") && !text.contains("—"), "\(text)")
    }
  }

  @Test("a sweep takes the pipeline once per value, equal actions once, and shows each under a name of its own")
  func sweep() throws {
    try withPipeline { folder in
      let answer = try json("run", "rows.yaml", "--sweep", "limit=3,4", in: folder)
      let actions = try #require(answer["actions"]?.array)
      #expect(actions.count == 3)
      let whole = try #require(actions.first { $0["stage"] == "whole" })
      #expect(whole["pipeline"] == ["rows@limit=3", "rows@limit=4"])
      #expect(whole["state"] == "ran")
      #expect(actions.filter { $0["stage"] == "rows" }.map { $0["pipeline"] } == ["rows@limit=3", "rows@limit=4"])
      for (value, count) in [("3", 3), ("4", 4)] {
        let shown = folder.pushing(FilePath("results/rows@limit=\(value)/rows/dataset/train.jsonl"))
        #expect(try Fixture.lines(shown).count == count)
      }
      #expect(try Tool.run("status", "rows.yaml", "--sweep", "limit=3,4", "--check", in: folder).status == 0)
      #expect(try Tool.run("show", "rows@limit=4:rows", in: folder).status == 0)
      #expect(try Tool.run("run", "rows.yaml", "--sweep", "limit=3,4", "--set", "limit=3", in: folder).status == 2)
      #expect(try Tool.run("run", "rows.yaml", "--sweep", "limit=", in: folder).status == 64)
      let plain = try json("run", "rows.yaml", in: folder)
      #expect(plain["actions"]?.array?.allSatisfy { $0["pipeline"] == "rows" && $0["state"] == "fresh" } == true)
    }
  }

  @Test("a scale's values stand in for those of params, --set goes over both, and keys see values alone")
  func scales() throws {
    try withPipeline { folder in
      _ = try json("run", "rows.yaml", "--set", "limit=5", in: folder)
      let large = try json("run", "rows.yaml", "--set", "scale=large", in: folder)
      #expect(large["actions"]?.array?.allSatisfy { $0["state"] == "fresh" } == true, "limit 5 is limit 5")
      let both = try json("status", "rows.yaml", "--set", "scale=large", "--set", "limit=8", in: folder)
      #expect(both["actions"]?.array?.first { $0["stage"] == "rows" }?["state"] == "stale")
      let unknown = try Tool.run("check", "rows.yaml", "--set", "scale=lage", in: folder)
      #expect(unknown.status == 2 && unknown.output.contains("large"), "\(unknown.output)")
      let file = folder.appending("rows.yaml")
      let text = String(decoding: try Fixture.bytes(file), as: UTF8.self)
      try TemporaryFolder.write(
        text.replacing("large: { limit: 5 }", with: "large: { limit: five, lmit: 3 }"), to: file)
      let wrong = try Tool.run("check", "rows.yaml", in: folder)
      #expect(wrong.status == 2)
      #expect(wrong.output.contains("five") && wrong.output.contains("lmit"), "every scale is checked: \(wrong.output)")
    }
  }

  @Test("check without sources names what is absent, a line each, and is no error")
  func withoutSources() throws {
    try withPipeline { folder in
      try FileManager.default.removeItem(atPath: folder.appending("d").string)
      #expect(try Tool.run("check", "rows.yaml", in: folder).status == 2)
      let outcome = try Tool.run("check", "rows.yaml", "--no-sources", in: folder)
      #expect(outcome.status == 0, "\(outcome.output)")
      #expect(outcome.output.contains("absent: ") && outcome.output.contains("no problems"))
    }
  }

  @Test("--version says release and commit, doctor what the machine offers")
  func machine() throws {
    let version = try Tool.run("--version")
    #expect(version.status == 0 && version.output.hasPrefix("apprentice "))
    let doctor = try json("doctor", in: FilePath("/tmp"))
    for name in ["version", "processor", "kernels", "kernel_library", "threads", "memory_bytes", "store"] {
      #expect(doctor[name] != nil && doctor[name] != .null, "\(name)")
    }
  }

  @Test(
    "a record of a run that can't be read is told with its place and status 4, never left out",
    arguments: [
      "run.json", "summary.json", "actions.jsonl",
    ])
  func damagedRecord(name: String) throws {
    try withPipeline { folder in
      _ = try json("run", "rows.yaml", in: folder)
      let runs = folder.pushing(".apprentice/runs")
      let run = try #require(
        try FileManager.default.contentsOfDirectory(atPath: runs.string).first { $0.hasPrefix("2") })
      try TemporaryFolder.write("", to: runs.appending(run).appending(name))
      let verbs = name == "run.json" ? [["runs"], ["log", "rows.yaml", "rows"], ["gc"]] : [["gc"]]
      for verb in verbs {
        let outcome = try Tool.run(verb, in: folder)
        #expect(outcome.status == 4, "\(verb): \(outcome.output)\(outcome.errors)")
        #expect(outcome.errors.contains("\(run)/\(name) is damaged"), "\(outcome.errors)")
      }
    }
  }

  @Test("what a sweep can't set is said before anything runs")
  func sweepIsChecked() throws {
    try withPipeline { folder in
      let outcome = try Tool.run("run", "rows.yaml", "--sweep", "limit=1,2,x", in: folder)
      #expect(outcome.status == 2)
      let runs = try? FileManager.default.contentsOfDirectory(atPath: folder.pushing(".apprentice/runs").string)
      #expect(runs?.contains { $0.hasPrefix("2") } != true)
    }
  }

  @Test("a setting that nothing in the file reads is told")
  func unread() throws {
    try withPipeline { folder in
      try TemporaryFolder.write(
        Self.pipeline.replacingOccurrences(of: "params: { ", with: "params: { note: x, "),
        to: folder.appending("rows.yaml"))
      let outcome = try Tool.run("check", "rows.yaml", "--set", "note=y", "--set", "limit=4", in: folder)
      #expect(outcome.status == 0)
      #expect(outcome.errors.contains("warning: --set note changes nothing"), "\(outcome.errors)")
      #expect(!outcome.errors.contains("limit"), "\(outcome.errors)")
    }
  }

  @Test("diff tells metrics that differ, with their intervals")
  func diffMetrics() throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(
        "apprentice: 1\nname: marks\nstages:\n  marks: { uses: score, in: { samples: ./s }, with: { resamples: 50 } }\n",
        to: folder.appending("marks.yaml"))
      for text in ["a b c d", "a b x d"] {
        let rows = (0..<12).map { row in
          SampleRow(id: "p\(row)", sample: 0, text: row % 3 == 0 ? "a" : text, references: ["a b c d"])
        }
        try TemporaryFolder.write("", to: folder.appending("s").appending(".keep"))
        try SampleFiles.write(rows, settings: nil, to: folder.appending("s"))
        _ = try json("run", "marks.yaml", in: folder)
      }
      let metrics = try #require(try json("diff", "last~1", "last", in: folder, expecting: 3)["metrics"]?.array)
      let exact = try #require(metrics.first { $0["metric"] == "exact_match" })
      #expect((exact["old"]?.number ?? 0) > (exact["new"]?.number ?? 1))
      #expect(metrics.allSatisfy { $0["stage"] == "marks" })
      for side in ["old", "new"] {
        let interval = try #require(metrics.first { $0["metric"] == "bleu" }?["\(side)_interval"]?.array)
        #expect(interval.count == 2 && (interval[0].number ?? 1) <= (interval[1].number ?? 0))
      }
      #expect(try Tool.run("diff", "last~1", "last", in: folder).output.contains("exact_match"))
    }
  }

  @Test("a key holds the parameters that differ from their default, and one that is set to it changes nothing")
  func keyParameters() throws {
    try withPipeline { folder in
      let answer = try json("run", "rows.yaml", in: folder)
      let key = try #require(answer["actions"]?.array?.first { $0["stage"] == "rows" }?["key"]?.string)
      let document = folder.pushing(FilePath(".apprentice/blobs/sha256")).appending(String(key.dropFirst(7)))
      #expect(try JSONValue(parsing: Fixture.bytes(document))["parameters"] == ["limit": 3])
      let file = folder.appending("rows.yaml")
      let text = String(decoding: try Fixture.bytes(file), as: UTF8.self)
      try TemporaryFolder.write(
        text.replacing("limit: \"${limit}\" }", with: "limit: \"${limit}\", shuffle: false }"), to: file)
      #expect(try Tool.run("status", "rows.yaml", "--check", in: folder).status == 0)
    }
  }

  @Test("commas within brackets and quotes part no values of a sweep")
  func sweepOfLists() throws {
    try withPipeline { folder in
      let file = folder.appending("rows.yaml")
      let text = String(decoding: try Fixture.bytes(file), as: UTF8.self)
      try TemporaryFolder.write(text.replacing("limit: 3,", with: "limit: 3, names: [x], word: x,"), to: file)
      for (sweep, count) in [("names=[a,b],[c]", 2), ("word='a,b',c,d", 3), ("names=[a,b]", 1)] {
        let answer = try json("status", "rows.yaml", "--sweep", sweep, in: folder)
        let names = answer["actions"]?.array?.first { $0["stage"] == "whole" }?["pipeline"]
        #expect((names?.array?.count ?? 1) == count, "\(sweep): \(String(describing: names))")
      }
    }
  }

  @Test("a megabyte of --max-size is a million bytes")
  func megabyte() throws {
    try withPipeline { folder in
      // What a row answers stands in the dataset twice, as completion and reference.
      for count in [505_000, 1] {
        let row = "{\"prompt\":\"p\",\"completion\":\"\(String(repeating: "x", count: count))\"}\n"
        try TemporaryFolder.write(row, to: folder.pushing("d/train.jsonl"))
        _ = try json("run", "rows.yaml", "rows", in: folder)
      }
      let most = ["gc", "--keep-runs", "0", "--max-age", "0s", "--grace", "0s", "--dry-run", "--json", "--max-size"]
      func removed(_ size: String) throws -> Int {
        let outcome = try Tool.run(most + [size], in: folder)
        return try #require(try JSONValue(parsing: outcome.output)["removed"]?.array).count
      }
      #expect(try removed("1MB") > 0)
      #expect(try removed("1040kB") == 0)
      #expect(try Tool.run(most + ["1MiB"], in: folder).status == 64)
    }
  }

  @Test("a scale that would choose the scale is a problem")
  func scaleOfScales() throws {
    try withPipeline { folder in
      let file = folder.appending("rows.yaml")
      let text = String(decoding: try Fixture.bytes(file), as: UTF8.self)
      try TemporaryFolder.write(text.replacing("{ limit: 5 }", with: "{ limit: 5, scale: small }"), to: file)
      let outcome = try Tool.run("check", "rows.yaml", in: folder)
      #expect(outcome.status == 2)
      #expect(outcome.output.contains("scale in the scale large"), "\(outcome.output)")
    }
  }

  /// The file of a blob.
  private func blob(_ digest: String?, in folder: FilePath) throws -> FilePath {
    folder.pushing(".apprentice/blobs/sha256").appending(String(try #require(digest).dropFirst(7)))
  }

  /// Flips a bit of a blob.
  private func damage(_ path: FilePath) throws {
    var bytes = try Fixture.bytes(path)
    bytes[bytes.count / 2] ^= 1
    chmod(path.string, 0o644)
    try Data(bytes).write(to: URL(fileURLWithPath: path.string))
  }

  @Test("diff says nothing of parameters that were collected, and that what is damaged is damaged")
  func diffOfLost() throws {
    try withPipeline { folder in
      _ = try json("run", "rows.yaml", in: folder)
      let answer = try json("run", "rows.yaml", "--set", "limit=4", in: folder)
      let key = try blob(
        answer["actions"]?.array?.first { $0["stage"] == "rows" }?["key"]?.string, in: folder)
      try damage(key)
      let damaged = try Tool.run("diff", "last~1", "last", in: folder)
      #expect(damaged.status == 4, "\(damaged.output)")
      try? FileManager.default.removeItem(atPath: key.string)
      let collected = try json("diff", "last~1", "last", in: folder, expecting: 3)
      let fields = collected["changes"]?.array?.map { $0["field"]?.string }
      #expect(fields?.contains("outputs.dataset") == true, "\(collected)")
    }
  }

  @Test("runs tells metrics; of what was collected none, and of what is damaged or lost that it is")
  func metricsOfLost() throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(
        "apprentice: 1\nname: marks\nstages:\n  marks: { uses: score, in: { samples: ./s }, with: { resamples: 50 } }\n",
        to: folder.appending("marks.yaml"))
      let rows = (0..<12).map { SampleRow(id: "p\($0)", sample: 0, text: "a", references: ["a b c d"]) }
      try TemporaryFolder.write("", to: folder.appending("s").appending(".keep"))
      try SampleFiles.write(rows, settings: nil, to: folder.appending("s"))
      let answer = try json("run", "marks.yaml", in: folder)
      #expect(try Tool.run("runs", in: folder).output.contains("exact_match"))
      let key = try #require(answer["actions"]?.array?.first?["key"]?.string)
      let shown = try json("show", "marks:marks", in: folder)
      let scores = try blob(
        shown["files"]?.array?.first { $0["name"] == "scores.json" }?["digest"]?.string, in: folder)
      try damage(scores)
      #expect(try Tool.run("runs", in: folder).status == 4)
      try? FileManager.default.removeItem(atPath: scores.string)
      let lost = try Tool.run("runs", in: folder)
      #expect(lost.status == 4, "its entry still names it: \(lost.output)")
      try FileManager.default.removeItem(
        atPath: folder.pushing(".apprentice/actions").appending(String(key.dropFirst(7))).string)
      let collected = try Tool.run("runs", in: folder)
      #expect(collected.status == 0 && !collected.output.contains("exact_match"), "\(collected.errors)")
    }
  }

  @Test("metrics names what was lost before the scores, once, with status 4; it is no mere change")
  func metricsAfterLoss() throws {
    try TemporaryFolder.with { folder in
      try TemporaryFolder.write(
        """
        name: texts
        revision: 1
        summary: Writes samples.
        out: { samples: { kind: samples } }
        run: { command: [sh, texts.sh], code: [texts.sh] }
        """, to: folder.pushing("texts/stage.yaml"))
      try TemporaryFolder.write(
        """
        out=$(sed -n 's/.*"out":{"samples":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
        echo '{"id":"a","sample":0,"text":"x","prompt":"p","references":["x y"]}' > "$out/samples.jsonl"
        """, to: folder.pushing("texts/texts.sh"))
      try TemporaryFolder.write(
        """
        apprentice: 1
        name: marks
        stages:
          texts: { uses: ./texts }
          one: { uses: score, in: { samples: texts.samples }, with: { resamples: 50 } }
          two: { uses: score, in: { samples: texts.samples }, with: { resamples: 60 } }

        """, to: folder.appending("marks.yaml"))
      let run = try Tool.run("run", "marks.yaml", in: folder)
      #expect(run.status == 0, "\(run.errors)")
      #expect(try Tool.run("metrics", "marks.yaml", in: folder).status == 0)
      let shown = try json("show", "marks:texts", in: folder)
      try FileManager.default.removeItem(
        atPath: blob(shown["files"]?.array?.first?["digest"]?.string, in: folder).string)
      let outcome = try Tool.run("metrics", "marks.yaml", in: folder)
      #expect(outcome.status == 4, "\(outcome.errors)")
      #expect(outcome.errors.contains("damaged or gone: texts;"), "\(outcome.errors)")
    }
  }
}
