import CanonicalJSON
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Stages of the user's own, driven by the built command.
@Suite struct OwnStageTests {
  static let hasPython = ["/usr/bin", "/usr/local/bin", "/bin"].contains {
    FileManager.default.isExecutableFile(atPath: "\($0)/python3")
  }

  /// Calls `body` with a clone's fixtures: the example's pipeline and its data.
  private func withExample(_ body: (FilePath) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      for name in ["stages", "quickstart"] {
        try FileManager.default.copyItem(
          atPath: Fixture.path(name).string, toPath: folder.appending(name).string)
      }
      try body(folder)
    }
  }

  /// Calls `body` with a pipeline of one stage, a shell program.
  private func withProgram(
    _ program: String, kind: String = "dataset", command: String = "[sh, own.sh]", with values: String = "{}",
    _ body: (FilePath) throws -> Void
  ) throws {
    try TemporaryFolder.with { folder in
      let manifest = """
        name: own
        revision: 1
        summary: A stage under test.
        out: { made: { kind: \(kind) } }
        parameters: { word: { type: string, default: "" } }
        run: { command: \(command), code: [own.sh] }
        """
      let prelude = """
        out=$(sed -n 's/.*"out":{"made":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
        row='{"id":"a","prompt":"p","completion":"c","references":[]}'
        sample='{"id":"a","sample":0,"text":"x","prompt":"p"}'

        """
      try TemporaryFolder.write(manifest, to: folder.pushing("own/stage.yaml"))
      try TemporaryFolder.write(prelude + program, to: folder.pushing("own/own.sh"))
      try TemporaryFolder.write(
        "apprentice: 1\nname: p\nenv: [WORD]\nstages:\n  own: { uses: ./own, with: \(values) }\n",
        to: folder.appending("p.yaml"))
      try body(folder)
    }
  }

  @Test("every result says on what machine and by which kernels it was made, also where the machine was described once")
  func environments() throws {
    try withProgram(
      "echo $row > \"$out/train.jsonl\"", with: "{ word: '${matrix.word}' }, matrix: { word: [a, b, c, d] }"
    ) {
      folder in
      let outcome = try Tool.run("run", "p.yaml", "--jobs", "1", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let store = folder.appending(".apprentice")
      func document(_ digest: String) throws -> JSONValue {
        let bytes = try Data(contentsOf: URL(filePath: store.pushing(FilePath("blobs/\(digest)")).string))
        return try JSONValue(parsing: Array(bytes))
      }
      var environments: [JSONValue] = []
      for name in try FileManager.default.contentsOfDirectory(atPath: store.appending("actions").string) {
        let entry = try String(contentsOfFile: store.appending("actions").appending(name).string, encoding: .utf8)
        let result = try document(entry.trimmingCharacters(in: .newlines).replacing(":", with: "/"))
        let layer = result["layers"]?.array?.first {
          $0["annotations"]?["org.opencontainers.image.title"] == "environment.json"
        }
        let digest = try #require(layer?["digest"]?.string)
        environments.append(try document(digest.replacing(":", with: "/")))
      }
      #expect(environments.count == 4)
      #expect(environments.dropFirst().allSatisfy { $0 == environments.first })
      for name in ["processor", "kernels", "kernel_class", "kernel_library"] {
        #expect(environments.first?[name]?.string?.isEmpty == false, "\(name)")
      }
    }
  }

  // MARK: The example

  @Test(
    "the example runs, is cached and shared, and its code is part of the key: why names the file that was edited",
    .enabled(if: Self.hasPython, "python3 is not installed"))
  func example() throws {
    try withExample { folder in
      let first = try Tool.run("run", "stages/short.yaml", "--store", "store", in: folder)
      #expect(first.status == 0, "\(first.errors)")
      #expect(first.errors.contains("✓ short   339 of 5000 rows have at most 5 words"), "\(first.errors)")
      let kept = try Fixture.lines(folder.pushing("stages/results/short/short/dataset/train.jsonl"))
      #expect(kept.count == 316)
      // Another folder, the same store: nothing is left to do.
      try withExample { other in
        let shared = try Tool.run(
          "run", "stages/short.yaml", "--store", folder.appending("store").string, "--json", in: other)
        let states = try JSONValue(parsing: shared.output)["actions"]?.array?.compactMap { $0["state"]?.string }
        #expect(states == ["fresh", "fresh", "fresh"], "\(shared.errors)")
      }
      let code = folder.pushing("stages/keep-short/lengths.py")
      let text = String(decoding: try Fixture.bytes(code), as: UTF8.self)
      try TemporaryFolder.write(text + "# edited\n", to: code)
      let why = try Tool.run("why", "stages/short.yaml", "short", "--store", "store", in: folder)
      #expect(why.output.contains("short runs because lengths.py changed"), "\(why.output)")
      #expect(try Tool.run("status", "stages/short.yaml", "--check", "--store", "store", in: folder).status == 3)
      // The rows stay the same, so that what follows is fresh.
      let again = try Tool.run("run", "stages/short.yaml", "--store", "store", "--json", in: folder)
      let states = try JSONValue(parsing: again.output)["actions"]?.array?.compactMap { $0["state"]?.string }
      #expect(states == ["fresh", "ran", "fresh"])
    }
  }

  @Test("parameters are checked against the manifest before anything runs, all problems at once with their places")
  func parameters() throws {
    try withExample { folder in
      let file = folder.pushing("stages/short.yaml")
      let text = String(decoding: try Fixture.bytes(file), as: UTF8.self)
      let wrong = "with: { most: 0, unit: lines, mots: 3 }"
      try TemporaryFolder.write(text.replacing("with: { most: \"${most}\" }", with: wrong), to: file)
      let outcome = try Tool.run("check", "stages/short.yaml", in: folder)
      #expect(outcome.status == 2)
      for expected in [
        "stages/short.yaml:15:19: found 0, expected an integer from 1 to 1000000",
        "stages/short.yaml:15:28: found lines, expected one of words, characters",
        "stages/short.yaml:15:35: found unknown parameter mots", "did you mean most?",
      ] {
        #expect(outcome.output.contains(expected), "\(outcome.output)")
      }
    }
  }

  // MARK: What a program tells

  @Test("a program's progress is shown on a terminal while it runs, whatever numbers and characters it tells")
  func progress() throws {
    let program = """
      tell() { printf '%s\\n' "$1" >&"$APPRENTICE_EVENTS"; }
      tell '{"event":"progress","done":1,"total":2,"unit":"rows","rate":1e300}'
      tell '{"event":"progress","done":1,"total":9007199254740991,"rate":1e-300}'
      tell '{"event":"progress","done":-1,"total":-9,"rate":-0.5}'
      tell '{"event":"measure","name":"speed","value":1e300}'
      tell 'no JSON at all'
      tell '{"event":"warning","text":"red \\u001b[31m text"}'
      tell '{"event":"progress","done":7,"total":9,"unit":"rows","rate":2,"note":"well\\u001b[2J\\non its way"}'
      sleep 1
      tell '{"event":"summary","text":"9 rows"}'
      echo "$row" > "$out/train.jsonl"
      """
    try withProgram(program) { folder in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
      process.arguments = ["-qec", "'\(Tool.executable)' run p.yaml", "screen"]
      process.currentDirectoryURL = URL(fileURLWithPath: folder.string)
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      let screen = String(decoding: try Fixture.bytes(folder.appending("screen")), as: UTF8.self)
      #expect(screen.contains("7 of 9 rows · well [2J on its way · 2.00 rows/s · 1 s left"), "\(screen)")
      #expect(screen.contains("red  [31m text"))
      #expect(screen.contains("9 rows"))
    }
  }

  @Test("a program's own words of failure stand before its status")
  func ownWords() throws {
    let program = """
      echo '{"event":"failure","message":"no rows left","remedy":"raise most"}' >&"$APPRENTICE_EVENTS"
      exit 3
      """
    try withProgram(program) { folder in
      let outcome = try Tool.run("run", "p.yaml", in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("failed: no rows left") && outcome.errors.contains("raise most"))
    }
  }

  // MARK: What a program leaves

  struct Bad: Sendable, CustomTestStringConvertible {
    var name: String
    var program: String
    var kind = "dataset"
    var command = "[sh, own.sh]"
    var expected: String
    var testDescription: String { name }
  }

  private static let bad: [Bad] = [
    Bad(
      name: "a row without completion",
      program: #"{ echo "$row"; echo '{"id":"b","prompt":"p"}'; } > "$out/train.jsonl""#,
      expected: "train.jsonl:2"),
    Bad(
      name: "a row that is no JSON", program: #"{ echo "$row"; echo "$row"; echo "{"; } > "$out/test.jsonl""#,
      expected: "test.jsonl:3"),
    Bad(
      name: "samples without id", program: #"echo '{"sample":0,"text":"x"}' > "$out/samples.jsonl""#, kind: "samples",
      expected: "samples.jsonl:1"),
    Bad(
      name: "a model that is cut off",
      program: #"echo '{}' > "$out/config.json"; printf '\1\0\0\0\0\0\0\0' > "$out/model.safetensors""#, kind: "model",
      expected: "model.safetensors"),
    Bad(
      name: "a model whose configuration asks for other tensors",
      program:
        #"printf '\2\0\0\0\0\0\0\0{}' > "$out/model.safetensors"; echo '{"model_type":"llama","hidden_size":4,"num_attention_heads":2,"vocab_size":3,"num_hidden_layers":1,"intermediate_size":4}' > "$out/config.json""#,
      kind: "model", expected: "num_hidden_layers is 1, the files hold 0 tensors"),
    Bad(
      name: "a model that does not say what it is",
      program: #"printf '\2\0\0\0\0\0\0\0{}' > "$out/model.safetensors"; echo '{}' > "$out/config.json""#,
      kind: "model", expected: "field model_type is missing"),
    Bad(
      name: "a tokenizer without vocabulary", program: #"echo '{}' > "$out/tokenizer.json""#, kind: "tokenizer",
      expected: "model.vocab must be"),
    Bad(name: "no sample", program: #": > "$out/samples.jsonl""#, kind: "samples", expected: "holds no sample"),
    Bad(
      name: "a sample that stands twice", program: #"{ echo "$sample"; echo "$sample"; } > "$out/samples.jsonl""#,
      kind: "samples", expected: "sample 0 of id a stands twice, in rows 1 and 2"),
    Bad(
      name: "one id with two prompts",
      program: #"{ echo "$sample"; echo '{"id":"a","sample":1,"text":"x","prompt":"q"}'; } > "$out/samples.jsonl""#,
      kind: "samples", expected: "has other prompt in row 2 than in row 1"),
    Bad(
      name: "settings that are cut off",
      program: #"echo "$sample" > "$out/samples.jsonl"; echo '{"seed":' > "$out/settings.json""#, kind: "samples",
      expected: "settings.json:2: not valid JSON"),
    Bad(
      name: "settings that are a list",
      program: #"echo "$sample" > "$out/samples.jsonl"; echo '[]' > "$out/settings.json""#, kind: "samples",
      expected: "settings.json: expected a JSON object"),
    Bad(
      name: "rewards that don't add up",
      program:
        #"echo '{"id":"a","tokens":[1],"logprobs":[0],"values":[0],"rewards":[1],"return":2}' > "$out/rewards.jsonl""#,
      kind: "rewards", expected: "rewards.jsonl:1: has the return 2.0, and its rewards add up to 1.0"),
    Bad(name: "no reward", program: #": > "$out/rewards.jsonl""#, kind: "rewards", expected: "holds no reward"),
    Bad(
      name: "a metric that is a text",
      program: #"echo '{"metrics":{"bleu":{"value":"x"}},"settings":{}}' > "$out/scores.json""#, kind: "scores",
      expected: #"metric bleu: "value" is a string, expected a number"#),
    Bad(
      name: "an example without id",
      program:
        #"echo '{"metrics":{},"settings":{}}' > "$out/scores.json"; echo '{"bleu":1}' > "$out/examples.jsonl""#,
      kind: "scores", expected: #"examples.jsonl:1: member "id" is missing"#),
    Bad(name: "no step", program: #": > "$out/curves.jsonl""#, kind: "curves", expected: "holds no step"),
    Bad(
      name: "a training that is no JSON",
      program:
        #"echo '{"step":0,"split":"train","loss":1,"mle":1,"td":0,"entropy":1,"tokens":1}' > "$out/curves.jsonl"; echo x > "$out/training.json""#,
      kind: "curves", expected: "training.json:1: not valid JSON"),
    Bad(
      name: "a model whose training is no JSON",
      program:
        #"printf '\2\0\0\0\0\0\0\0{}' > "$out/model.safetensors"; echo '{"model_type":"gpt_neox"}' > "$out/config.json"; echo x > "$out/training.json""#,
      kind: "model", expected: "training.json:1: not valid JSON"),
    Bad(name: "nothing", program: "true", expected: "the stage left no train.jsonl"),
    Bad(name: "no output folder", program: #"rmdir "$out""#, expected: "output made is no valid dataset"),
    Bad(
      name: "a symbolic link", program: #"echo "$row" > row; ln -s "$PWD/row" "$out/train.jsonl""#,
      expected: "a symbolic link"),
    Bad(
      name: "a pipe beside its rows", program: #"echo "$row" > "$out/train.jsonl"; mkfifo "$out/pipe""#,
      expected: "a device, socket or pipe"),
    Bad(
      name: "an end with status 3", program: #"echo "$row" > "$out/train.jsonl"; echo rotten >&2; exit 3"#,
      expected: "sh ended with status 3"),
    Bad(
      name: "an end by a signal", program: #"echo "$row" > "$out/train.jsonl"; kill -SEGV $$"#,
      expected: "sh was ended by signal 11"),
    Bad(
      name: "an interpreter that is missing", program: "true", command: "[no-such-interpreter, own.sh]",
      expected: "the program no-such-interpreter was not found"),
  ]

  @Test("what is not of its kind, or ends badly, is an error of status 1, and nothing is published", arguments: bad)
  func refused(_ bad: Bad) throws {
    try withProgram(bad.program, kind: bad.kind, command: bad.command) { folder in
      let outcome = try Tool.run("run", "p.yaml", in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains(bad.expected), "\(outcome.errors)")
      let status = try JSONValue(parsing: try Tool.run("status", "p.yaml", "--json", in: folder).output)
      #expect(status["actions"]?.array?.first?["state"] == "stale")
      #expect(!Fixture.exists(folder.pushing("results/p/own/made")))
      #expect(try Tool.run("fsck", in: folder).status == 0)
    }
  }

  /// What is of its kind, although nothing here could have made it.
  private static let sound = [
    Bad(
      name: "a model of another architecture",
      program:
        #"printf '\2\0\0\0\0\0\0\0{}' > "$out/model.safetensors"; echo '{"model_type":"gpt_neox"}' > "$out/config.json""#,
      kind: "model", expected: ""),
    Bad(
      name: "a tokenizer of another type",
      program:
        #"echo '{"a":0}' > "$out/vocab.json"; echo '#version: 0.2' > "$out/merges.txt"; echo '{"tokenizer_class":"CTRLTokenizer"}' > "$out/tokenizer_config.json""#,
      kind: "tokenizer", expected: ""),
    Bad(
      name: "a tokenizer of the older form",
      program: #"echo '{"a":0}' > "$out/vocab.json"; echo '#version: 0.2' > "$out/merges.txt""#, kind: "tokenizer",
      expected: ""),
    Bad(
      name: "scores without intervals, one metric not defined",
      program:
        #"echo '{"metrics":{"bleu":{"value":3,"n":2},"kendall":{"value":null}},"settings":{}}' > "$out/scores.json""#,
      kind: "scores", expected: ""),
    Bad(
      name: "rewards that are rounded",
      program:
        #"echo '{"id":"a","tokens":[1,2],"logprobs":[0,0],"values":[0,0],"rewards":[0.333,0.333],"return":0.6667}' > "$out/rewards.jsonl""#,
      kind: "rewards", expected: ""),
  ]

  @Test("what is of its kind is published, whoever made it", arguments: sound)
  func taken(_ sound: Bad) throws {
    try withProgram(sound.program, kind: sound.kind) { folder in
      let outcome = try Tool.run("run", "p.yaml", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
  }

  @Test("files beside those that the kind demands travel with it")
  func extraFiles() throws {
    let program = #"echo "$row" > "$out/train.jsonl"; mkdir "$out/notes"; echo why > "$out/notes/why.txt""#
    try withProgram(program) { folder in
      let outcome = try Tool.run("run", "p.yaml", in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let note = try Fixture.lines(folder.pushing("results/p/own/made/notes/why.txt"))
      #expect(note == ["why"])
    }
  }

  @Test("a program that hangs and ignores signals ends with the second Ctrl-C, and the run with 130")
  func hanging() throws {
    try withProgram("trap '' INT TERM; echo $$ > \"$TMPDIR/started\"; while :; do sleep 1; done") { folder in
      let process = Tool.process(["run", "p.yaml"], in: folder, environment: ["TMPDIR": folder.string])
      process.standardError = FileHandle.nullDevice
      try process.run()
      let started = folder.appending("started")
      while process.isRunning, (try? Fixture.lines(started))?.isEmpty != false { usleep(20_000) }
      let program = try #require(Int32(try Fixture.lines(started)[0]))
      for _ in 0..<2 {
        kill(process.processIdentifier, SIGINT)
        usleep(200_000)
      }
      process.waitUntilExit()
      #expect(process.terminationStatus == 130)
      // An orphan keeps its number until the system's first process has looked at it.
      for _ in 0..<500 where kill(program, 0) == 0 { usleep(20_000) }
      #expect(kill(program, 0) != 0, "the program is gone")
      #expect(try Tool.run("fsck", in: folder).status == 0)
    }
  }

  // MARK: Environment

  @Test("a variable reaches a program as a parameter, listed under env, and is part of the key")
  func environment() throws {
    let program = #"grep -o '"word":"[^"]*"' "$APPRENTICE_ACTION" >&2; env >&2; echo "$row" > "$out/train.jsonl""#
    try withProgram(program, with: #"{ word: "${env.WORD}" }"#) { folder in
      func run(_ word: String) throws -> String? {
        let outcome = try Tool.run(
          "run", "p.yaml", "--json", in: folder, environment: ["WORD": word, "SECRET": "hidden"])
        return try JSONValue(parsing: outcome.output)["actions"]?.array?.first?["state"]?.string
      }
      #expect(try run("one") == "ran")
      #expect(try run("one") == "fresh")
      let log = try Tool.run("log", "p.yaml", "own", in: folder, environment: ["WORD": "one"]).output
      #expect(log.contains(#""word":"one""#), "\(log)")
      #expect(!log.contains("hidden"))
      #expect(try run("two") == "ran")
      #expect(try Tool.run("check", "p.yaml", in: folder).status == 2, "WORD is not set")
    }
  }

  // MARK: What outlives the tool, and what is passed

  /// A program that starts a worker in a session of its own and says its number.
  private static let worker = """
    setsid sleep 300 &
    echo $! > "$HOME/worker"
    echo "$row" > "$out/train.jsonl"

    """

  private func worker(_ folder: FilePath) throws -> Int32? {
    let text = (try? Fixture.bytes(folder.appending("worker"))).map { String(decoding: $0, as: UTF8.self) }
    return text.flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  private func isAlive(_ process: Int32) -> Bool {
    guard let text = try? Fixture.bytes(FilePath("/proc/\(process)/stat")),
      let end = text.lastIndex(of: UInt8(ascii: ")"))
    else { return false }
    return text[(end + 2)...].first != UInt8(ascii: "Z")
  }

  private func ends(_ process: Int32) -> Bool {
    for _ in 0..<200 {
      if !isAlive(process) { return true }
      usleep(50_000)
    }
    kill(process, SIGKILL)
    return false
  }

  @Test("a worker with a session of its own ends with the action that started it")
  func workerEnds() throws {
    try withProgram(Self.worker) { folder in
      let outcome = try Tool.run(["run", "p.yaml"], in: folder, environment: ["HOME": folder.string])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(ends(try #require(try worker(folder))))
    }
  }

  @Test("a worker with a session of its own ends with the tool, by kill -9 and by a second Ctrl-C")
  func workerEndsWithTool() throws {
    for signals in [[SIGKILL], [SIGINT, SIGINT]] {
      try withProgram(Self.worker + "trap '' TERM INT\nsleep 300\n") { folder in
        let process = Tool.process(["run", "p.yaml"], in: folder, environment: ["HOME": folder.string])
        process.standardError = FileHandle.nullDevice
        try process.run()
        var found: Int32?
        for _ in 0..<400 where found == nil {
          usleep(50_000)
          found = try worker(folder)
        }
        let child = try #require(found)
        for signal in signals {
          kill(process.processIdentifier, signal)
          usleep(300_000)
        }
        process.waitUntilExit()
        #expect(ends(child), "\(signals)")
      }
    }
  }

  @Test("what chooses a device and what the manifest asks for are passed to the program, nothing else, outside the key")
  func passedVariables() throws {
    let program =
      "printf '{\"id\":\"a\",\"prompt\":\"p\",\"completion\":\"%s %s %s\",\"references\":[]}\\n' "
      + "\"$CUDA_VISIBLE_DEVICES\" \"$ASKED\" \"$OTHER\" > \"$out/train.jsonl\"\n"
    try withProgram(program) { folder in
      let manifest = folder.pushing("own/stage.yaml")
      let text = String(decoding: try Fixture.bytes(manifest), as: UTF8.self)
      try TemporaryFolder.write(
        text.replacing("code: [own.sh] }", with: "code: [own.sh], environment: [ASKED] }"), to: manifest)
      let outcome = try Tool.run(
        ["run", "p.yaml"], in: folder,
        environment: ["CUDA_VISIBLE_DEVICES": "3", "ASKED": "yes", "OTHER": "no"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let row = try Fixture.lines(folder.pushing("results/p/own/made/train.jsonl"))
      #expect(row.first?.contains("\"3 yes \"") == true, "\(row)")
      let again = try Tool.run(["status", "p.yaml", "--check"], in: folder, environment: ["CUDA_VISIBLE_DEVICES": "0"])
      #expect(again.status == 0, "another device makes no other key: \(again.output)")
      try TemporaryFolder.write(
        text.replacing("code: [own.sh] }", with: "code: [own.sh], environment: [\"1A\", APPRENTICE_STORE] }"),
        to: manifest)
      let refused = try Tool.run(["check", "p.yaml"], in: folder)
      #expect(refused.status == 2)
      #expect(refused.output.contains("the name of an environment variable"), "\(refused.output)")
      #expect(refused.output.contains("apprentice's own"), "\(refused.output)")
    }
  }

  @Test("an output that is a link, or holds a pipe, fails the stage: nothing is moved, and nobody waits")
  func strangeOutputs() throws {
    for (program, word) in [
      (
        "mkdir -p \"$HOME/far\" && echo \"$row\" > \"$HOME/far/train.jsonl\" && rmdir \"$out\" && ln -s \"$HOME/far\" \"$out\"\n",
        "symbolic link"
      ),
      ("mkfifo \"$out/train.jsonl\"\n", "pipe"),
    ] {
      try withProgram(program) { folder in
        let outcome = try Tool.run(["run", "p.yaml"], in: folder, environment: ["HOME": folder.string])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains(word), "\(outcome.errors)")
        if word != "pipe" { #expect(!(try Fixture.lines(folder.pushing("far/train.jsonl"))).isEmpty) }
      }
    }
  }

  @Test("sixty thousand measures are taken in their stride")
  func manyMeasures() throws {
    let program = """
      echo "$row" > "$out/train.jsonl"
      i=0; while [ $i -lt 60000 ]; do echo '{"event":"measure","name":"m'$i'","value":1}'; i=$((i+1)); done >&$APPRENTICE_EVENTS

      """
    try withProgram(program) { folder in
      let outcome = try Tool.run(["run", "p.yaml", "--json"], in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
  }

  @Test("code that changes while the run is under way is never run under the old key")
  func codeChangesMeanwhile() throws {
    try withProgram(#"echo "$row" > "$out/train.jsonl""#) { folder in
      // Another stage before it, of another name, edits the code.
      try TemporaryFolder.write(
        """
        name: editor
        revision: 1
        summary: Changes the other's code.
        out: { made: { kind: dataset } }
        run: { command: [sh, edit.sh], code: [edit.sh] }
        """, to: folder.pushing("editor/stage.yaml"))
      try TemporaryFolder.write(
        """
        out=$(sed -n 's/.*"out":{"made":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
        echo '{"id":"a","prompt":"p","completion":"c","references":[]}' > "$out/train.jsonl"
        printf '\\n# other\\n' >> '\(folder)/own/own.sh'
        """, to: folder.pushing("editor/edit.sh"))
      try TemporaryFolder.write(
        "apprentice: 1\nname: p\nstages:\n  editor: { uses: ./editor }\n  own: { uses: ./own }\n",
        to: folder.appending("p.yaml"))
      let outcome = try Tool.run("run", "p.yaml", "--jobs", "1", in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("was changed after the run had looked at it"), "\(outcome.errors)")
      let again = try Tool.run("run", "p.yaml", "--jobs", "1", in: folder)
      #expect(again.status == 0, "\(again.errors)")
    }
  }

  @Test("a report that could not be shown is not said to stand where it would have been")
  func hiddenReport() throws {
    try withProgram(#"echo '<p>' > "$out/index.html""#, kind: "report") { folder in
      let shown = try Tool.run("run", "p.yaml", in: folder)
      #expect(shown.errors.contains("results/p/own/made/index.html"), "\(shown.errors)")
      try FileManager.default.removeItem(atPath: folder.pushing("results/p/own").string)
      try TemporaryFolder.write("mine", to: folder.pushing("results/p/own/notes.md"))
      let hidden = try Tool.run("run", "p.yaml", "--force", "own", in: folder)
      #expect(hidden.status == 0, "\(hidden.errors)")
      #expect(hidden.errors.contains("results are not shown"), "\(hidden.errors)")
      #expect(!hidden.errors.contains("index.html"), "\(hidden.errors)")
    }
  }
}
