import CanonicalJSON
import Records
import StageKit
import SystemPackage
import TestSupport
import Testing

/// Every text dataset that is shared beside the project, read where it lies, gives as many rows as its description says.
@Suite(.disabled(if: Fixture.shared("data") == nil, "there is no ../shared/data beside the project"))
struct SharedDatasetTests {
  struct Case: CustomStringConvertible, Sendable {
    var source: String
    var parameters: JSONObject
    var counts: [String: Int]
    var description: String { source }
  }

  static let gsm8k: JSONObject = ["prompt": "{question}", "completion": "{answer}"]
  static let e2e: JSONObject = [
    "files": ["train": "*/trainset.csv", "validation": "*/devset.csv", "test": "*/testset_w_refs.csv"],
    "prompt": "{mr}", "completion": "{ref}", "gather": ["test"], "overlap": "off",
  ]

  static let cases: [Case] = [
    Case(
      source: "gsm8k",
      parameters: gsm8k.with(["files": ["train": "train.jsonl", "test": "test.jsonl"]]),
      counts: ["train": 7473, "test": 1319]),
    Case(
      source: "gsm8k/example_model_solutions.jsonl",
      parameters: [
        "prompt": "{question}", "completion": "{ground_truth}", "references": ["{ground_truth}"],
      ], counts: ["train": 1319]),
    Case(source: "archives/gsm8k.tar.gz", parameters: gsm8k, counts: ["train": 7473, "test": 1319]),
    Case(source: "archives/gsm8k.tar.zst", parameters: gsm8k, counts: ["train": 7473, "test": 1319]),
    Case(source: "archives/gsm8k.zip", parameters: gsm8k, counts: ["train": 7473, "test": 1319]),
    Case(source: "archives/gsm8k-train.jsonl.gz", parameters: gsm8k, counts: ["train": 7473]),
    Case(
      source: "archives",
      parameters: gsm8k.with(["files": ["train": "gsm8k-train.jsonl.gz", "test": "gsm8k-test.*"]]),
      counts: ["train": 7473, "test": 1319]),
    Case(
      source: "e2e-nlg",
      parameters: e2e.with([
        "files": ["train": "trainset.csv", "validation": "devset.csv", "test": "testset_w_refs.csv"], "gather": [],
      ]), counts: ["train": 42061, "validation": 4672, "test": 4693]),
    Case(
      source: "e2e-nlg/testset.csv", parameters: ["prompt": "{MR}", "completion": "{MR}"], counts: ["train": 630]),
    Case(
      source: "archives/e2e-dataset.zip", parameters: e2e, counts: ["train": 42061, "validation": 4672, "test": 630]),
    Case(
      source: "wmt22-news/en-de",
      parameters: [
        "parallel": [
          "source": "generaltest2022.en-de.src.en", "A": "*.ref.A.de", "B": "*.ref.B.de",
          "system": "*.hyp.Online-W.de",
        ], "prompt": "{source}", "completion": "{A}", "references": ["{A}", "{B}"],
      ], counts: ["train": 2037]),
    Case(
      source: "wmt22-news/xml/wmttest2022.de-fr.all.xml",
      parameters: ["prompt": "{src}", "completion": "{ref.A}", "references": ["{hyp.Online-Y}"]],
      counts: ["train": 1984]),
    Case(
      source: "wmt22-news/xml/wmttest2022.liv-en.all.xml", parameters: ["prompt": "{src}", "completion": "{ref}"],
      counts: ["train": 420]),
    Case(
      source: "wmt-format-sample/sample-src.xml", parameters: ["prompt": "{doc} {seg}", "completion": "{src}"],
      counts: ["train": 1005]),
    Case(
      source: "wmt-format-sample/sample-src-ref.xml",
      parameters: ["prompt": "{src}", "completion": "{ref.A}", "missing": "drop"], counts: ["train": 1000]),
    Case(
      source: "wmt-format-sample/sample-hyp.xml", parameters: ["prompt": "{src}", "completion": "{hyp.MT}"],
      counts: ["train": 1005]),
    Case(
      source: "wmt-format-sample/sample-hyp.ha",
      parameters: ["format": "text", "prompt": "", "completion": "{text}"], counts: ["train": 1005]),
    Case(
      source: "multi30k",
      parameters: [
        "files": ["train": "train", "validation": "val", "test": "test_2016_flickr"],
        "parallel": ["en": "{name}.en.gz", "de": "{name}.de.gz"], "prompt": "{en}", "completion": "{de}",
      ], counts: ["train": 29000, "validation": 1014, "test": 1000]),
    Case(
      source: "multi30k",
      parameters: [
        "files": ["validation": "test_2017_flickr", "test": "test_2017_mscoco"],
        "parallel": ["en": "{name}.en.gz", "de": "{name}.de.gz"], "prompt": "{en}", "completion": "{de}",
      ], counts: ["validation": 1000, "test": 461]),
    Case(
      source: "tmx/tmxeditor_fr.ditamap.tmx", parameters: ["prompt": "{en}", "completion": "{fr}"],
      counts: ["train": 489]),
    Case(
      source: "tmx/tmxeditor_java_es.tmx", parameters: ["prompt": "{en}", "completion": "{es}"], counts: ["train": 44]),
    Case(
      source: "dialogsum",
      parameters: [
        "files": ["test": "dialogsum.test.jsonl"], "prompt": "{dialogue}", "completion": "{summary1}",
        "references": ["{summary1}", "{summary2}", "{summary3}"],
      ], counts: ["test": 500]),
    Case(
      source: "dialogsum/dialogsum.dev.jsonl", parameters: ["prompt": "{dialogue}", "completion": "{summary}"],
      counts: ["train": 500]),
    Case(
      source: "xsum-human-eval/xsum-human-evaluation-data.tar.gz",
      parameters: [
        "files": ["test": "*.txt"], "separator": "==*==",
        "pattern": [
          "{_}Document-Full\n{article}\n\nLEAD\n{lead}\n\nExt-Oracle\n{_}\n\nReference\n{summary}\n\nQuestions-Answers\n{questions}"
        ],
        "prompt": "{article}", "completion": "{summary}",
      ], counts: ["test": 50]),
    Case(
      source: "xsum-human-eval/xsum-model-predictions.tar.gz",
      parameters: [
        "files": ["test": "xsum-model-predictions"],
        "parallel": [
          "gold": "{name}/gold-test-sentences.txt", "lead": "{name}/lead-test-output.txt",
          "oracle": "{name}/ext-oracle-test-output.txt", "pointer": "{name}/ptgen-test-output.txt",
          "convolutional": "{name}/convs2s-test-output.txt", "topic": "{name}/topic-convs2s-test-output.txt",
        ], "prompt": "{lead}", "completion": "{gold}",
      ], counts: ["test": 11334]),
    Case(
      source: "cmudict/cmudict.dict",
      parameters: [
        "format": "text", "comment": " #", "pattern": ["{word}({variant}) {phones}", "{word} {phones}"],
        "prompt": "{word}", "completion": "{phones}",
      ], counts: ["train": 135166]),
    Case(source: "names/names.txt", parameters: ["prompt": "", "completion": "{text}"], counts: ["train": 32033]),
    Case(
      source: "wmt-mqm/mqm_ted_ende.tsv", parameters: ["prompt": "{source}", "completion": "{target}"],
      counts: ["train": 8435]),
    Case(
      source: "wmt-mqm/mqm_ted_ende.avg_seg_scores.tsv",
      parameters: ["format": "columns", "prompt": "{system} {seg_id}", "completion": "{mqm_avg_score}"],
      counts: ["train": 8484]),
    Case(
      source: "wmt-mqm/mqm_newstest2020_ende.avg_seg_scores.tsv",
      parameters: ["format": "columns", "prompt": "{system} {seg_id}", "completion": "{mqm_avg_score}"],
      counts: ["train": 14180]),
    Case(
      source: "wmt-mqm/mqm_newstest2021_ende.avg_seg_scores.tsv",
      parameters: ["format": "columns", "prompt": "{system} {seg_id}", "completion": "{mqm_avg_score}"],
      counts: ["train": 17034]),
    Case(
      source: "wmt-mqm/sxs_mqm_generalMT2023_ende.3ratingsPerSegment.tsv.tar.gz",
      parameters: ["files": ["train": "*.tsv"], "prompt": "{source}", "completion": "{target}"],
      counts: ["train": 10970]),
  ]

  @Test("a dataset gives as many rows as its description says", arguments: cases)
  func count(_ example: Case) throws {
    let bench = StageBench()
    let source = try #require(Fixture.shared("data/" + example.source))
    let folder = try #require(try bench.run("ingest", [("source", source)], example.parameters)["dataset"])
    var counts: [String: Int] = [:]
    for split in DatasetFiles.splits(in: folder) {
      counts[split.rawValue] = try DatasetFiles.read(split, in: folder).count
    }
    #expect(counts == example.counts)
  }

  @Test("40000 lines of Shakespeare are rows; the empty ones are dropped and counted where a completion is asked for")
  func shakespeare() throws {
    let bench = StageBench()
    let source = try #require(Fixture.shared("data/tiny-shakespeare/input.txt"))
    try bench.run(
      "ingest", [("source", source)],
      ["format": "text", "prompt": "", "completion": "{text}", "min_completion": 1, "overlap": "off"])
    let summary = bench.events.compactMap { if case .summary(let text) = $0 { text } else { nil } }.last
    #expect(summary == "32777 train · 7223 dropped (7223 too short)")
  }

  private func rows(_ source: String, _ parameters: JSONObject, _ split: Split = .train) throws -> [DatasetRow] {
    let bench = StageBench()
    let path = try #require(Fixture.shared("data/" + source))
    let folder = try #require(try bench.run("ingest", [("source", path)], parameters)["dataset"])
    return try DatasetFiles.read(split, in: folder)
  }

  private func parameters(_ source: String) throws -> JSONObject {
    try #require(Self.cases.first { $0.source == source }).parameters
  }

  @Test("every archive and the plain files give the same dataset")
  func sameFromArchives() throws {
    let plain = try rows("gsm8k", try parameters("gsm8k"))
    for archive in ["archives/gsm8k.tar.gz", "archives/gsm8k.tar.zst", "archives/gsm8k.zip"] {
      #expect(try rows(archive, Self.gsm8k) == plain, "\(archive)")
    }
  }

  @Test("three summaries of a dialogue are three references")
  func references() throws {
    let rows = try rows("dialogsum", try parameters("dialogsum"), .test)
    #expect(rows.allSatisfy { $0.references.count == 3 && $0.references[0] == $0.completion })
  }

  @Test("a pronouncing dictionary loses its comments, and variants gather under their word")
  func dictionary() throws {
    let given = try parameters("cmudict/cmudict.dict").with(["gather": ["train"]])
    let rows = try rows("cmudict/cmudict.dict", given)
    let aalborg = try #require(rows.first { $0.prompt == "aalborg" })
    #expect(aalborg.references == ["AO1 L B AO0 R G", "AA1 L B AO0 R G"])
    #expect(!rows.contains { $0.prompt.contains("(") || $0.completion.contains("#") })
  }

  @Test("codes of the original format are no part of a translation memory's text")
  func inlineCodes() throws {
    let rows = try rows("tmx/tmxeditor_fr.ditamap.tmx", ["prompt": "{en}", "completion": "{fr}"])
    #expect(rows.contains { $0.prompt.hasPrefix("In main menu, select  File Open  option ([Ctrl+O] on Windows/Linux") })
    #expect(!rows.contains { $0.prompt.contains("<menucascade") })
  }

  @Test("parallel lines stay aligned")
  func alignment() throws {
    let rows = try rows("multi30k", try parameters("multi30k"), .validation)
    #expect(rows.first?.prompt == "A group of men are loading cotton onto a truck")
    #expect(rows.first?.completion == "Eine Gruppe von Männern lädt Baumwolle auf einen Lastwagen")
  }
}

extension JSONObject {
  /// The object with members set.
  func with(_ members: JSONObject) -> JSONObject {
    var object = self
    for (name, value) in members.members { object[name] = value }
    return object
  }
}
