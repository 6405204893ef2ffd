import CanonicalJSON
import Records
import StageCatalog
import StageKit
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct ReportTests {
  private final class Summary: Sendable {
    let text = Mutex("")
  }

  @Test("report writes a page and tables, and its summary is the table with the sentence")
  func writes() throws {
    let scratch = ScratchFolder()
    var inputs: [StageInput] = []
    for (name, temperature, right) in [("score-mle", 0.5, 8), ("score-mle", 1, 4), ("score-iq", 1, 6)] {
      let artifact = scratch.folder("\(name)-\(temperature)")
      let settings: JSONObject = ["samples": ["decoding": "sample", "temperature": .number(temperature)]]
      let metrics = [
        (name: "exact_match", value: MetricValue(value: Double(right) / 10, count: 40)),
        (name: "self_bleu@10", value: MetricValue(value: Double(10 * right), count: 4)),
      ]
      try ScoreFile(metrics: metrics, settings: settings).write(to: artifact)
      let rows = (0..<40).map { row in
        "{\"id\":\"test-\(row / 10)\",\"sample\":\(row % 10),\"exact_match\":\(row % 10 < right ? 1 : 0),"
          + "\"self_bleu@10\":\(right * 10)}\n"
      }
      try FileContent.write(rows.joined().utf8, to: artifact.appending("examples.jsonl"))
      inputs.append(StageInput(label: name, axes: ["temperature": .number(temperature)], path: artifact))
    }
    let output = scratch.folder("report")
    let stage = try #require(BuiltinStages.registry.stage(named: "report"))
    let parameters = try ParameterValues(["names": ["iq": "Inverse"]], for: stage.declaration)
    let summary = Summary()
    try stage.init(parameters).run(
      StageContext(
        inputs: ["scores": inputs], outputs: ["report": output], work: scratch.path, threads: 1,
        emit: { if case .summary(let text) = $0 { summary.text.withLock { $0 = text } } }, interrupted: { false }))
    #expect(
      summary.text.withLock { $0 }.hasSuffix(
        "Against MLE at equal T, Inverse is 20.0 Self-BLEU points less diverse and 20.0 points more correct;\n"
          + "at equal quality it is undecided in diversity (0.0 ± 0.0 Self-BLEU points)."))
    #expect(String(decoding: try FileContent.read(output.appending("index.html")), as: UTF8.self).contains("Inverse"))
    #expect(
      FileContent.names(in: output.appending("data"))
        == [
          "correlations.csv", "curves.csv", "front.csv", "matched.csv", "table.csv", "training.csv", "warnings.csv",
        ])
  }

  @Test(
    "a blank name, and too few resamples for an interval, are found before anything runs",
    arguments: [
      ("report", ["names": ["iq": " "]], "a blank name for iq"), ("report", ["resamples": 1], "0, or at least 40"),
      ("score", ["resamples": 39], "0, or at least 40"),
    ] as [(String, JSONObject, String)])
  func refused(stage: String, parameters: JSONObject, expected: String) throws {
    let type = try #require(BuiltinStages.registry.stage(named: stage))
    let error = #expect(throws: ParameterError.self) {
      _ = try type.init(ParameterValues(parameters, for: type.declaration))
    }
    #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
  }

  @Test("whatever score writes of samples its report takes as quality, unless it is a measure of diversity")
  func everyQuality() throws {
    let bench = StageBench()
    let rows = (0..<6).flatMap { prompt in
      (0..<3).map { sample in
        SampleRow(
          id: "test-\(prompt)", sample: sample, prompt: "p",
          text: "the small house \(sample) stands on hill \(prompt) here\n#### \(sample)",
          tokens: [Int32](0...Int32(prompt + sample)),
          logProbabilities: [Float](repeating: -1, count: prompt + sample + 1),
          references: ["the small house 1 stands on a hill \(prompt) here\n#### 1", "a house\n#### 1"])
      }
    }
    let samples = bench.scratch.folder("samples")
    try SampleFiles.write(rows, settings: ["decoding": "sample", "temperature": 1], to: samples)
    let scores = try #require(try bench.run("score", [("samples", samples)], ["resamples": 0])["scores"])
    var taken: [String] = []
    for (name, _) in try ScoreFile(scores).metrics {
      guard let refusal = bench.refusal("report", [("scores", scores)], ["quality": .string(name), "resamples": 0])
      else {
        taken.append(name)
        continue
      }
      #expect(refusal.text.contains("\(name) says how much samples differ, not how good they are"), "\(refusal)")
    }
    #expect(Set(["bleu", "ter", "chrf", "rougeL", "exact_match", "accuracy", "sentence_ter"]).isSubset(of: taken))
    #expect(!taken.contains { $0.hasPrefix("self_bleu") || $0.hasPrefix("distinct") })
  }

  @Test("samples that come through a pipe, which gives them once, are counted and shown")
  func pipe() throws {
    let bench = StageBench()
    let scores = bench.scratch.folder("scores")
    try ScoreFile(
      metrics: [(name: "exact_match", value: MetricValue(value: 0.5, count: 2))],
      settings: ["samples": ["decoding": "sample", "temperature": 1]]
    ).write(to: scores)
    let rows = (0..<2).map { #"{"id":"test-\#($0)","sample":0,"exact_match":\#($0)}"# + "\n" }
    try FileContent.write(rows.joined().utf8, to: scores.appending("examples.jsonl"))
    let (reading, writing) = try FileDescriptor.pipe()
    defer { try? reading.close() }
    try writing.writeAll(rows.map { $0.replacing("\"sample\"", with: "\"text\":\"said\",\"sample\"") }.joined().utf8)
    try writing.close()
    let outputs = try bench.run(
      "report", [("scores", scores), ("samples", FilePath("/dev/fd/\(reading.rawValue)"))])
    let page = try FileContent.read(try #require(outputs["report"]).appending("index.html"))
    #expect(String(decoding: page, as: UTF8.self).contains(">said<"))
    #expect(bench.warnings.isEmpty, "\(bench.warnings)")
  }
}
