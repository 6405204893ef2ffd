import CanonicalJSON
import Records
import StageKit
import SystemPackage
import TestSupport
import Testing

@Suite struct IngestTests {
  private let bench = StageBench()

  private func source(_ files: [(name: String, text: String)]) throws -> FilePath {
    let folder = bench.scratch.folder("source-\(files.count)-\(files.reduce(0) { $0 + $1.text.utf8.count })")
    for (name, text) in files { try TemporaryFolder.write(text, to: folder.appending(name)) }
    return folder
  }

  private func pairs(_ count: Int, from start: Int = 0) -> String {
    (start..<(start + count)).map { "{\"prompt\":\"p\($0)\",\"completion\":\"c\($0)\"}\n" }.joined()
  }

  private func rows(_ source: FilePath, _ parameters: JSONObject, _ split: Split = .train) throws -> [DatasetRow] {
    try DatasetFiles.read(split, in: #require(try bench.run("ingest", [("source", source)], parameters)["dataset"]))
  }

  private var summary: String? {
    bench.events.compactMap { if case .summary(let text) = $0 { text } else { nil } }.last
  }

  @Test("a smaller subset is contained in a larger one; rows keep their order; another seed draws others")
  func subsets() throws {
    let source = try source([("train.jsonl", pairs(200))])
    let prompts = try [0.1, 50, 0.5, 1].map { try rows(source, ["subset": .number($0), "seed": 4]).map(\.prompt) }
    #expect(prompts.map(\.count) == [20, 50, 100, 200])
    for (smaller, larger) in zip(prompts, prompts.dropFirst()) { #expect(Set(smaller).isSubset(of: larger)) }
    #expect(prompts[2] == prompts[3].filter(Set(prompts[2]).contains))
    #expect(try rows(source, ["subset": 50, "seed": 5]).map(\.prompt) != prompts[1])
    #expect(
      bench.refusal("ingest", [("source", source)], ["subset": 201])?.text
        == "subset asks for 201 rows, train has 200; lower subset")
    // What models are measured on stays whole.
    let both = try self.source([("train.jsonl", pairs(20)), ("test.jsonl", pairs(20, from: 50))])
    #expect(try rows(both, ["subset": 0.5, "shuffle": true]).count == 10)
    #expect(try rows(both, ["subset": 0.5, "shuffle": true], .test).map(\.prompt) == (50..<70).map { "p\($0)" })
  }

  @Test("duplicates go, the first stays: by prompt and completion, or by prompt")
  func duplicates() throws {
    let text = ["a,1", "a,2", "a,1", "b,1"].joined(separator: "\n")
    let source = try source([("train.csv", "prompt,completion\n\(text)\n")])
    #expect(try rows(source, ["deduplicate": "rows"]).map(\.completion) == ["1", "2", "1"])
    #expect(summary == "3 train · 1 dropped (1 duplicates)")
    #expect(try rows(source, ["deduplicate": "prompts"]).map(\.prompt) == ["a", "b"])
    #expect(try rows(source, [:]).count == 4)
    // Prompt and completion don't run into each other.
    let close = try self.source([("train.csv", "prompt,completion\nab,c\na,bc\n")])
    #expect(try rows(close, ["deduplicate": "rows"]).map(\.completion) == ["c", "bc"])
  }

  @Test("shares of one file become splits: by prompt, by seed, in order, each row once")
  func fractions() throws {
    let text = (0..<100).map { "{\"prompt\":\"p\($0 / 2)\",\"completion\":\"c\($0)\"}\n" }.joined()
    let source = try source([("train.jsonl", text)])
    func deal(seed: Int) throws -> [[String]] {
      let parameters: JSONObject = [
        "fractions": ["test": 0.1, "train": 0.7, "validation": 0.2], "seed": .number(Double(seed)),
      ]
      let dataset = try #require(try bench.run("ingest", [("source", source)], parameters)["dataset"])
      return try Split.allCases.map { split in try DatasetFiles.read(split, in: dataset).map(\.completion) }
    }
    let splits = try deal(seed: 1)
    #expect(splits.map(\.count) == [70, 20, 10])
    let number = { (completion: String) in Int(completion.dropFirst()) ?? -1 }
    #expect(splits.joined().map(number).sorted() == Array(0..<100))
    // Both rows of a prompt are in one split, and a split keeps the file's order.
    for split in splits {
      #expect(split.map(number) == split.map(number).sorted())
      #expect(Set(split.map { number($0) / 2 }).count * 2 == split.count)
    }
    #expect(try deal(seed: 1) == splits)
    #expect(try deal(seed: 2) != splits)
  }

  @Test("rows of equal prompt become one row with all their answers, in the order in which prompts first stand")
  func gathered() throws {
    let rows = ["b,1", "a,2", "b,3", "a,2"].joined(separator: "\n")
    let source = try source([
      ("train.csv", "prompt,completion\n\(rows)\n"), ("test.csv", "prompt,completion\n\(rows)\n"),
    ])
    let parameters: JSONObject = ["gather": ["test"], "overlap": "off"]
    let test = try self.rows(source, parameters, .test)
    #expect(test.map(\.prompt) == ["b", "a"])
    #expect(test.map(\.references) == [["1", "3"], ["2", "2"]])
    #expect(test.map(\.completion) == ["1", "2"] && test.map(\.id) == ["test-0", "test-1"])
    #expect(try self.rows(source, parameters).count == 4)
  }

  @Test("CSV may have another delimiter than the comma")
  func delimiter() throws {
    let source = try source([("train.csv", "prompt;completion\na, b;\"c;d\"\n")])
    let rows = try rows(source, ["delimiter": ";"])
    #expect(rows.map(\.prompt) == ["a, b"] && rows.map(\.completion) == ["c;d"])
    #expect(bench.refusal("ingest", [("source", source)])?.text.contains("train.csv:2: a quote inside a field") == true)
  }

  @Test("files of a glob are read in the order of their names; a folder has one file a split")
  func namedFiles() throws {
    let source = try source([("b.jsonl", pairs(1, from: 1)), ("a.jsonl", pairs(1)), ("c.txt", "x")])
    #expect(try rows(source, ["files": ["train": "*.jsonl"]]).map(\.prompt) == ["p0", "p1"])
    #expect(try rows(source, ["files": ["train": "*.jsonl"], "limit": 1]).map(\.prompt) == ["p0"])
    let two = try self.source([("train.jsonl", pairs(1)), ("train.csv", "prompt,completion\na,b\n")])
    let refusal = bench.refusal("ingest", [("source", two)])
    #expect(refusal?.status == .invalid && refusal?.text.contains("holds 2 files for train") == true)
    let empty = bench.refusal("ingest", [("source", try self.source([("train.csv", "prompt,completion\np,\n")]))])
    #expect(empty?.text.contains("train.csv:2: row train-0 has an empty completion") == true)
  }

  @Test("rows outside the bounds of length are dropped and counted; characters are counted, not bytes")
  func lengths() throws {
    let source = try source([("train.csv", "prompt,completion\né,1\néé,12\néééé,123\né,\n")])
    let kept = try rows(source, ["max_prompt": 2, "min_completion": 1, "max_completion": 2])
    #expect(kept.map(\.prompt) == ["é", "éé"])
    #expect(kept.map(\.id) == ["train-0", "train-1"])
    #expect(summary == "2 train · 2 dropped (1 too short, 1 too long)")
    #expect(
      bench.refusal("ingest", [("source", source)], ["min_prompt": 3, "max_prompt": 2])?.status == .invalid)
    // An accent of its own is a character of its own, as Python counts.
    let composed = try self.source([("train.csv", "prompt,completion\ne\u{301},1\né,2\n")])
    #expect(try rows(composed, ["max_prompt": 1]).map(\.completion) == ["2"])
  }

  @Test("a row that lacks a field fails, or is dropped and counted")
  func missing() throws {
    let source = try source([
      ("train.jsonl", #"{"prompt":"a","completion":"1","r":null}"# + "\n" + #"{"prompt":"b"}"# + "\n")
    ])
    #expect(try rows(source, ["missing": "drop", "references": ["{completion}", "{r}"]]).map(\.references) == [["1"]])
    #expect(summary == "1 train · 1 dropped (1 lack a field)")
    #expect(bench.warnings == ["1 of 1 rows lack a field of the reference {r}"])
    #expect(bench.refusal("ingest", [("source", source)])?.text.contains("train.jsonl:2: there is no field") == true)
  }

  @Test("a row whose messages hold no text fails with the remedy, or is dropped and counted")
  func unusableMessages() throws {
    let rows = [
      #"{"m":[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[{}]}]}"#,
      #"{"m":[{"role":"user","content":[{"type":"image_url"}]},{"role":"assistant","content":"x"}]}"#,
      #"{"m":[{"role":"user","content":"q"}]}"#, #"{"m":[]}"#, #"{"m":null}"#,
      #"{"m":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#,
    ]
    let source = try source([("train.jsonl", rows.joined(separator: "\n"))])
    #expect(try self.rows(source, ["messages": "m", "missing": "drop"]).map(\.completion) == ["a"])
    #expect(summary == "1 train · 5 dropped (1 lack a field, 4 without a conversation of texts)")
    for (index, row) in rows.enumerated().dropLast() {
      let bad = try self.source([("train.jsonl", row + String(repeating: "\n", count: index))])
      let text = bench.refusal("ingest", [("source", bad)], ["messages": "m"])?.text
      #expect(text?.hasSuffix("missing: drop leaves such rows out") == true, "\(text ?? row)")
    }
  }

  @Test("references of any form are kept or refused; an empty list is said")
  func referenceForms() throws {
    func references(_ value: String, _ parameters: JSONObject = [:]) throws -> [[String]] {
      let text = #"{"prompt":"p","completion":"c","references":\#(value)}"#
      return try rows(try source([("train.jsonl", text)]), parameters).map(\.references)
    }
    #expect(try references(#""one""#) == [["one"]])
    #expect(try references("1.50") == [["1.50"]])
    #expect(try references(#"["a",2]"#) == [["a", "2"]])
    #expect(try references("null") == [["c"]])
    #expect(bench.warnings.isEmpty)
    #expect(try references("[]") == [["c"]])
    #expect(try references("[]", ["references": ["{references}"]]) == [["c"]])
    #expect(
      bench.warnings
        == Array(repeating: "1 rows have an empty list of references; their completion stands in for it", count: 2))
    #expect(throws: RecordError.self) { try references("{}") }
    #expect(throws: RecordError.self) { try references(#"["a",null]"#) }
  }

  @Test("templates may differ between splits; a split without one is refused")
  func templatesPerSplit() throws {
    let source = try source([("train.jsonl", pairs(1)), ("test.jsonl", pairs(1, from: 1))])
    let given: JSONObject = ["prompt": ["train": "T {prompt}", "test": "{prompt}!"], "completion": "{completion}"]
    #expect(try rows(source, given).map(\.prompt) == ["T p0"])
    #expect(try rows(source, given, .test).map(\.prompt) == ["p1!"])
    let refusal = bench.refusal("ingest", [("source", source)], ["completion": ["train": "x"]])
    #expect(refusal?.status == .invalid && refusal?.text.contains("completion has no template for test") == true)
  }

  @Test("XML of any schema: rows are the elements that record names, several values references")
  func xmlRecords() throws {
    let entry = "<e><t>a</t><t>b</t><l k=\"y\">1</l><l k=\"n\">2</l><l k=\"y\">3</l></e>"
    let source = try source([("train.xml", "<r>\(entry)</r>")])
    let given: JSONObject = [
      "record": "r/e", "prompt": "{t}", "completion": "{l[@k=\"n\"]}", "references": ["{l[@k=\"y\"]}"], "join": " + ",
    ]
    let rows = try rows(source, given)
    #expect(rows.map(\.prompt) == ["a + b"] && rows.map(\.completion) == ["2"])
    #expect(rows.map(\.references) == [["1", "3"]])
  }

  @Test("what was asked and could not be had is said")
  func asked() throws {
    let test = try source([("test.jsonl", pairs(2))])
    _ = try rows(
      test, ["limit": 3, "gather": ["train", "test"], "shuffle": true, "delimiter": ";", "comment": "#"], .test)
    #expect(
      bench.warnings == [
        "gather names train, which the source does not have", "shuffle is about train, which the source does not have",
        "delimiter is about csv, but the files are read as jsonl",
        "comment is about text, but the files are read as jsonl",
        "limit is 3 rows, test has 2",
      ])
    #expect(
      bench.refusal("ingest", [("source", test)], ["files": ["test": "*.jsonl", "train": "*.csv"]])?.text.contains(
        "holds no *.csv for train") == true)
  }

  @Test("rows are the same whether they are written as they come or sorted out on disk")
  func spooled() throws {
    let source = try source([("train.jsonl", pairs(9000))])
    let plain = try rows(source, [:])
    #expect(plain.count == 9000 && plain[8999].id == "train-8999")
    // Nothing is gathered, dropped or left over here, but the way is the other one.
    for parameters in [["gather": ["train"]], ["deduplicate": "rows"], ["fractions": ["train": 1]]] as [JSONObject] {
      #expect(try rows(source, parameters) == plain, "\(parameters.names)")
    }
    #expect(try rows(source, ["limit": 5000]) == Array(plain.prefix(5000)))
    #expect(try rows(source, ["limit": 5000, "gather": ["train"]]) == Array(plain.prefix(5000)))
    let shuffled = try rows(source, ["shuffle": true])
    #expect(shuffled.map(\.prompt) != plain.map(\.prompt))
    #expect(shuffled.map(\.prompt).sorted() == plain.map(\.prompt).sorted())
    #expect(FileContent.names(in: bench.scratch.folder("run-work")).isEmpty)
  }

  @Test("what looks like a glob in the name of the source itself is none")
  func globInFolder() throws {
    let folder = bench.scratch.folder("a[1]*")
    try TemporaryFolder.write(pairs(2), to: folder.appending("x.jsonl"))
    #expect(try rows(folder, ["files": ["train": "*.jsonl"]]).count == 2)
  }

  @Test("{name} in parallel is found whatever follows it")
  func parallelMark() throws {
    let source = try source([("a\u{301}x", "1\n"), ("ay", "2\n")])
    let given: JSONObject = [
      "files": ["train": "a"], "parallel": ["l": "{name}\u{301}x", "r": "{name}y"], "prompt": "{l}",
      "completion": "{r}",
    ]
    #expect(try rows(source, given).map { $0.prompt + $0.completion } == ["12"])
  }

  @Test("a named pipe beside the data is refused, not waited for")
  func namedPipe() throws {
    let source = try source([("train.jsonl", pairs(1))])
    try Shell.run("mkfifo test.jsonl", in: source)
    let refusal = bench.refusal("ingest", [("source", source)])
    #expect(refusal?.status == .invalid && refusal?.text.contains("test.jsonl: is a named pipe") == true)
  }

  @Test("a prompt in two splits is a warning, a failure, or nobody's business")
  func overlap() throws {
    let source = try source([
      ("train.jsonl", pairs(3)), ("validation.jsonl", pairs(3, from: 2)), ("test.jsonl", pairs(1, from: 4)),
    ])
    _ = try rows(source, [:])
    #expect(
      bench.warnings == [
        "1 of 3 prompts of validation stand in train too, validation-0 first",
        "1 of 1 prompts of test stand in validation too, test-0 first",
      ])
    let refusal = bench.refusal("ingest", [("source", source)], ["overlap": "fail"])
    #expect(refusal?.status == .stageFailed && refusal?.text.contains("stand in train too") == true)
    _ = try rows(source, ["overlap": "off"])
    #expect(bench.warnings.count == 2)
    // Not only neighbours are compared.
    let apart = try self.source([
      ("train.jsonl", pairs(1)), ("validation.jsonl", pairs(1, from: 7)), ("test.jsonl", pairs(1)),
    ])
    _ = try rows(apart, [:])
    #expect(bench.warnings.last == "1 of 1 prompts of test stand in train too, test-0 first")
  }

  @Test("parallel texts that differ in length are refused with both counts")
  func parallel() throws {
    let source = try source([("a.en", "x\ny\n"), ("a.de", "1\n2\n"), ("b.de", "1\n")])
    let given: JSONObject = [
      "files": ["train": "a"], "parallel": ["en": "{name}.en", "de": "{name}.de"], "prompt": "{en}",
      "completion": "{de}",
    ]
    #expect(try rows(source, given).map { $0.prompt + $0.completion } == ["x1", "y2"])
    let refusal = bench.refusal(
      "ingest", [("source", source)], given.with(["parallel": ["en": "{name}.en", "de": "b.de"]]))
    // What a pattern takes out of a text is a field below that text's.
    let numbered = try self.source([("n.en", "1 x\n"), ("n.de", "2 y\n")])
    let fields: JSONObject = [
      "files": ["train": "n"], "pattern": ["{number} {word}"], "prompt": "{en.number}{en.word}",
      "completion": "{de.number}{de.word}",
    ]
    #expect(try rows(numbered, given.with(fields)).map { $0.prompt + $0.completion } == ["1x2y"])
    #expect(refusal?.text.contains("a.en has 2 rows (en), ") == true)
    #expect(refusal?.text.contains("b.de has 1 (de); parallel texts need equal numbers of rows") == true)
  }

  @Test("chat messages become prompt and completion")
  func chat() throws {
    let rows = try rows(Fixture.path("corpora/chat.jsonl.gz"), ["messages": "messages"])
    #expect(rows.map(\.completion) == ["5", "3", "42", "3"])
    #expect(rows[0].prompt == "user:\n2+3?\n\nassistant:\n")
  }

  @Test("an archive is read as a folder is; what it lacks is named")
  func archive() throws {
    let archive = Fixture.path("corpora/pairs.zip")
    #expect(try rows(archive, ["files": ["train": "made/*.csv"]]).map(\.completion) == ["rouge", "vert", "rouge"])
    let twice = try rows(
      archive, ["files": ["train": "made/*.csv", "test": "made/pairs.csv"], "overlap": "off"], .test)
    #expect(twice.count == 3)
    #expect(
      bench.refusal("ingest", [("source", archive)], ["files": ["train": "*.csv"]])?.text.contains(
        "pairs.zip holds no *.csv for train") == true)
  }

  @Test(
    "compressed members of an archive are unpacked on the way",
    arguments: ["tar -cf x.tar", "python3 -m zipfile -c x.zip"])
  func packedMembers(pack: String) throws {
    let folder = bench.scratch.folder("packed-members")
    try TemporaryFolder.write(pairs(3), to: folder.appending("a"))
    try Shell.run(
      """
      gzip < a > train.jsonl.gz; zstd -q < a > validation.jsonl.zst; xz < a > test.jsonl.xz
      \(pack) train.jsonl.gz validation.jsonl.zst test.jsonl.xz
      """, in: folder)
    let archive = folder.appending(pack.hasPrefix("tar") ? "x.tar" : "x.zip")
    for split in Split.allCases {
      #expect(try rows(archive, ["overlap": "off"], split).map(\.completion) == ["c0", "c1", "c2"])
    }
    // A text that begins as bzip2's name does is a text.
    let plain = try self.source([("BZ", "BZh9, he said\nlast\n")])
    let text: JSONObject = ["format": "text", "completion": "{text}", "prompt": ""]
    #expect(try rows(plain.appending("BZ"), text).map(\.completion) == ["BZh9, he said", "last"])
  }

  @Test(
    "parameters that exclude each other are found before anything runs",
    arguments: [
      ["encoding": "klingon"], ["pattern": ["{a}{b}"]], ["messages": "m", "turn": "{role}"], ["subset": 0],
      ["parallel": ["a": "{name}.a"]], ["parallel": ["a": "x"], "format": "csv"],
      ["parallel": ["a": "x"], "files": ["train": "a", "test": "b"]], ["fractions": ["train": 0.7, "test": 0.2]],
      ["fractions": ["train": 1.2, "test": -0.2]], ["fractions": ["train": 0.5, "dev": 0.5]],
      ["fractions": ["train": 0.5, "test": 0.5], "files": ["train": "train.jsonl", "test": "train.jsonl"]],
      ["delimiter": ""], ["delimiter": ";;"], ["delimiter": "\""], ["delimiter": "é"],
      ["prompt": ["dev": "x"]], ["subset": 1.5], ["turn": "{content}"], ["join": "; "],
      ["record": "a", "format": "tmx"],
      ["record": "a//b"], ["record": "a", "prompt": "{b[1]}"], ["separator": "=", "unit": "file"],
      ["delimiter": ";", "format": "tsv"], ["gather": ["dev"]], ["files": ["dev": "train.jsonl"]], ["prompt": "{a"],
    ] as [JSONObject])
  func invalid(parameters: JSONObject) throws {
    #expect(
      bench.refusal("ingest", [("source", try source([("train.jsonl", pairs(1))]))], parameters)?.status == .invalid)
  }

  @Test("templates per split can't be dealt into shares, and a template for a split that is not there is said")
  func splitTemplates() throws {
    let source = try source([("train.jsonl", pairs(10))])
    let prompts: JSONValue = ["train": "T {prompt}", "validation": "V {prompt}"]
    #expect(
      bench.refusal("ingest", [("source", source)], ["prompt": prompts, "fractions": ["train": 0.5, "test": 0.5]])?.text
        .contains("templates per split in prompt") == true)
    #expect(try rows(source, ["prompt": prompts]).map(\.prompt).first == "T p0")
    #expect(bench.warnings == ["prompt has a template for validation, which the source does not have"])
  }

  @Test("references that rows lack are counted, and one that no row has is refused")
  func lackingReferences() throws {
    let text = "{\"prompt\":\"p\",\"completion\":\"c\",\"a\":\"x\"}\n{\"prompt\":\"q\",\"completion\":\"d\"}\n"
    let source = try source([("train.jsonl", text)])
    #expect(
      bench.refusal("ingest", [("source", source)], ["missing": "drop", "references": ["{a}", "{nope}"]])?.text
        .contains("no row has the fields of the reference {nope}") == true)
    #expect(try rows(source, ["missing": "drop", "references": ["{a}"]]).map(\.references) == [["x"], ["d"]])
    #expect(
      bench.warnings == [
        "1 of 2 rows lack a field of the reference {a}", "1 rows have no reference; their completion stands in for it",
      ])
    // A field that is null in every row is one that the rows have, and a row with one of two references has one.
    let null = try self.source([("train.jsonl", #"{"prompt":"p","completion":"c","a":"x","b":null}"#)])
    #expect(try rows(null, ["missing": "drop", "references": ["{a}", "{b}"]]).map(\.references) == [["x"]])
    #expect(bench.warnings.dropFirst(2) == ["1 of 1 rows lack a field of the reference {b}"])
  }

  @Test("a file that another tool would take for the validation split is named")
  func overlooked() throws {
    let source = try source([("train.jsonl", pairs(4)), ("val.jsonl", pairs(2, from: 9)), ("notes.txt", "x")])
    #expect(try rows(source, [:]).count == 4)
    #expect(bench.warnings.count == 1 && bench.warnings.first?.hasPrefix("val.jsonl is not read: ") == true)
    // Packed it is no other.
    _ = try rows(try self.source([("train.jsonl", pairs(1)), ("valid.jsonl.gz", "x")]), [:])
    #expect(bench.warnings.count == 2 && bench.warnings.last?.hasPrefix("valid.jsonl.gz is not read: ") == true)
    // Beside a validation split it is another's business, and what has no ending is no split.
    let whole = try self.source([
      ("train.jsonl", pairs(1)), ("validation.jsonl", pairs(1, from: 9)), ("dev.jsonl", pairs(1)), ("notes.txt", "x"),
    ])
    _ = try rows(whole, [:])
    _ = try rows(try self.source([("train.jsonl", pairs(1)), ("dev/more.jsonl", pairs(1)), ("eval", "x")]), [:])
    #expect(bench.warnings.count == 2, "\(bench.warnings)")
  }

  @Test("a member of an archive that another tool would take for the validation split is named, too")
  func overlookedMember() throws {
    let folder = try source([
      ("d/train.jsonl", pairs(4)), ("d/valid.jsonl", pairs(2, from: 9)), ("d/notes.txt", "x"),
      ("e/train.jsonl", pairs(1)), ("e/validation.jsonl", pairs(1, from: 9)), ("e/dev.jsonl", pairs(1)),
    ])
    try Shell.run("tar -cf d.tar d; tar -cf e.tar e", in: folder)
    #expect(try rows(folder.appending("d.tar"), [:]).count == 4)
    #expect(
      bench.warnings == [
        "d/valid.jsonl is not read: an archive's splits are train, validation and test; name it with files, "
          + "{ train: …, validation: d/valid.jsonl }"
      ])
    let named: JSONObject = ["files": ["train": "d/train.jsonl", "validation": "d/valid.jsonl"]]
    #expect(try rows(folder.appending("d.tar"), named, .validation).count == 2)
    _ = try rows(folder.appending("e.tar"), [:])
    #expect(bench.warnings.count == 1, "\(bench.warnings)")
  }

  @Test("a seed where nothing is drawn is said to have no effect")
  func idleSeed() throws {
    let source = try source([("train.jsonl", pairs(4))])
    for drawn: JSONObject in [["subset": 2], ["shuffle": true], ["fractions": ["train": 0.5, "test": 0.5]], [:]] {
      var parameters = drawn
      parameters["seed"] = drawn.names.isEmpty ? 0 : 3
      _ = try rows(source, parameters)
    }
    #expect(bench.warnings.isEmpty)
    _ = try rows(source, ["seed": 3])
    #expect(bench.warnings == ["seed has no effect: without subset, shuffle and fractions nothing is drawn"])
  }

  @Test("parallel texts of several files each, and of long rows, are read side by side")
  func parallelFiles() throws {
    let long = String(repeating: "é\\\"\t", count: 100_000)
    let source = try source([
      ("a-1.en", "one\ntwo\n"), ("a-2.en", "three\n"), ("a-1.de", "eins\n"), ("a-2.de", "zwei\n\(long)\n"),
    ])
    let rows = try rows(
      source, ["parallel": ["en": "a-*.en", "de": "a-*.de"], "prompt": "{en}", "completion": "{de}"])
    #expect(rows.map(\.prompt) == ["one", "two", "three"])
    #expect(rows.map(\.completion) == ["eins", "zwei", long])
    let unequal = bench.refusal(
      "ingest", [("source", source)],
      ["parallel": ["en": "a-1.en", "de": "a-1.de"], "prompt": "{en}", "completion": "{de}"])
    #expect(
      unequal?.text.contains("a-1.en has 2 rows (en)") == true && unequal?.text.contains("a-1.de has 1 (de)") == true,
      "\(String(describing: unequal))")
  }

  @Test(
    "parallel texts of more than is kept in memory are read side by side, and a row stands where its first field does")
  func largeParallelFiles() throws {
    let long = String(repeating: "x", count: 3 << 20)
    let source = try source([
      ("a.en", "\(long)\none\ntwo\n"), ("a.de", "\(long)\neins\nzwei\n"), ("b.en", "one\ntwo\n"), ("b.de", "eins\n\n"),
    ])
    let rows = try rows(source, ["parallel": ["en": "a.en", "de": "a.de"], "prompt": "{en}", "completion": "{de}"])
    #expect(rows.map(\.prompt) == [long, "one", "two"])
    #expect(rows.map(\.completion) == [long, "eins", "zwei"])
    let empty = bench.refusal(
      "ingest", [("source", source)],
      ["parallel": ["en": "b.en", "de": "b.de"], "prompt": "{en}", "completion": "{de}"])
    #expect(empty?.text.contains("b.en:2: ") == true, "\(String(describing: empty))")
  }
}
