import CanonicalJSON
import PipelineLanguage
import StageKit
import SystemPackage
import Testing

@Suite struct ValueTests {
  /// The value of one parameter of a stage.
  private func value(
    _ stage: String, _ name: String, _ text: String, params: String = "{}", env: String = "[]", settings: [String] = [],
    environment: [String: String] = [:]
  ) throws -> JSONValue? {
    let scratch = try Scratch()
    try scratch.write("a.csv", "")
    let inputs = ["ingest": "in: { source: a.csv }, ", "train-mle": "in: { tokens: ./, model: ./ }, "][stage] ?? ""
    let file = "params: \(params)\nenv: \(env)\nstages:\n  s: { uses: \(stage), \(inputs)with: { \(name): \(text) } }\n"
    return try scratch.check(file, settings: settings, environment: environment).actions[0].parameters.object[name]
  }

  @Test("a scalar is read by the declared type of its parameter")
  func types() throws {
    #expect(try value("train-mle", "learning_rate", "1e-3") == 0.001)
    #expect(try value("train-mle", "learning_rate", ".5") == 0.5)
    #expect(try value("train-mle", "steps", "1e3") == 1000)
    #expect(try value("train-mle", "steps", "0x10") == 16)
    #expect(try value("train-mle", "steps", "null") == .null)
    #expect(try value("train-mle", "seed", "-3") == -3)
    #expect(try value("ingest", "prompt", "no") == "no")
    #expect(try value("ingest", "prompt", "1e-3") == "1e-3")
    #expect(try value("ingest", "prompt", "null") == "null")
    #expect(try value("ingest", "prompt", "'{mr}'") == "{mr}")
    #expect(try value("ingest", "gather", "[on, 1, \"x y\"]") == ["on", "1", "x y"])
    #expect(try value("init-model", "tied", "false") == false)
  }

  @Test(
    "a value of another type is refused",
    arguments: [
      ("train-mle", "steps", "\"3\""), ("train-mle", "steps", "3.5"), ("train-mle", "steps", "three"),
      ("train-mle", "steps", "1_000"), ("train-mle", "learning_rate", ".inf"), ("train-mle", "learning_rate", "true"),
      ("train-mle", "learning_rate", "1;5"), ("init-model", "tied", "\"true\""), ("init-model", "tied", "on"),
      ("ingest", "prompt", "[a]"), ("ingest", "gather", "{ a: b }"), ("ingest", "files", "[a]"),
      ("train-mle", "seed", "9007199254740993"), ("train-mle", "steps", "0"), ("init-model", "architecture", "Llama"),
    ])
  func mismatches(stage: String, name: String, text: String) {
    let error = #expect(throws: PipelineProblems.self) { _ = try value(stage, name, text) }
    #expect(error?.problems.count == 1)
    #expect(error?.problems.first?.expected.hasSuffix("for \(name) of \(stage)") ?? false)
  }

  @Test("exactly ${x} keeps x's type, inside text it is printed, $${ escapes")
  func templates() throws {
    let params = "{ n: 3, r: 0.10, w: no, q: \"4\", l: [a, b], deep: \"${n}\" }"
    #expect(try value("train-mle", "steps", "\"${n}\"", params: params) == 3)
    #expect(try value("train-mle", "steps", "'${deep}'", params: params) == 3)
    #expect(throws: PipelineProblems.self) { _ = try value("train-mle", "steps", "\"${q}\"", params: params) }
    #expect(throws: PipelineProblems.self) { _ = try value("train-mle", "steps", "\"${n}0\"", params: params) }
    #expect(
      try value("ingest", "prompt", "\"${n}: ${r} ${w} {mr} ${l}\"", params: params) == "3: 0.1 no {mr} [\"a\",\"b\"]")
    #expect(try value("ingest", "prompt", "\"$${n} costs $5\"", params: params) == "${n} costs $5")
    #expect(try value("ingest", "gather", "\"${l}\"", params: params) == ["a", "b"])
    #expect(try value("ingest", "gather", "[x, \"${w}\"]", params: params) == ["x", "no"])
  }

  @Test("${env.NAME} is read where the file lists it")
  func environment() throws {
    #expect(
      try value("train-mle", "steps", "\"${env.STEPS}\"", env: "[STEPS]", environment: ["STEPS": "12"]) == 12)
    let unlisted = #expect(throws: PipelineProblems.self) {
      _ = try value("train-mle", "steps", "\"${env.STEPS}\"", environment: ["STEPS": "12"])
    }
    #expect(unlisted?.problems.first?.expected == "env: [STEPS] in the file")
  }

  @Test("--set takes the type of the default")
  func settings() throws {
    let params = "{ n: 3, s: text, b: true, l: [1, 2], names: [a], none: null }"
    func set(_ name: String, _ text: String, for parameter: (String, String)) throws -> JSONValue? {
      try value(parameter.0, parameter.1, "\"${\(name)}\"", params: params, settings: ["\(name)=\(text)"])
    }
    #expect(try set("n", "0.5", for: ("train-mle", "learning_rate")) == 0.5)
    #expect(try set("s", "1e-3", for: ("ingest", "prompt")) == "1e-3")
    #expect(try set("s", "a: [b", for: ("ingest", "prompt")) == "a: [b")
    #expect(try set("s", "", for: ("ingest", "prompt")) == "")
    #expect(try set("b", "false", for: ("init-model", "tied")) == false)
    #expect(try set("names", "[1, no]", for: ("ingest", "gather")) == ["1", "no"])
    #expect(try set("none", "5", for: ("train-mle", "steps")) == 5)
    for setting in ["n=many", "b=1", "l=3", "l=[x]", "nn=3", "n", "l={a: 1}", "l=[1"] {
      let error = #expect(throws: PipelineProblems.self) {
        _ = try value("ingest", "prompt", "x", params: params, settings: [setting])
      }
      #expect(error?.problems.count == 1, "\(setting)")
      #expect(error?.problems.first?.origin == .commandLine("--set \(setting)"))
    }
  }

  @Test("the last of two settings holds, and a param's own default is then not asked for")
  func overriding() throws {
    #expect(
      try value("train-mle", "steps", "\"${n}\"", params: "{ n: 1 }", settings: ["n=2", "n=3"]) == 3)
    #expect(
      try value(
        "ingest", "prompt", "\"${n}\"", params: "{ n: \"${env.GONE}\" }", env: "[GONE]", settings: ["n=here"]) == "here"
    )
  }

  @Test("params may read each other in any order, and a path keeps its origin through them")
  func chains() throws {
    #expect(try value("ingest", "prompt", "\"${a}\"", params: "{ a: \"<${b}>\", b: \"${c}\", c: 1 }") == "<1>")
  }

  @Test("a command-line text is read by type: strings verbatim, everything else as YAML")
  func arguments() {
    #expect(ParameterText.value(of: "no", as: .string) == "no")
    #expect(ParameterText.value(of: "1e-3", as: .number(nil)) == 0.001)
    #expect(ParameterText.value(of: "[a, b]", as: .list(.string)) == ["a", "b"])
    #expect(ParameterText.value(of: #"{"train":"a.csv"}"#, as: .map(.string)) == ["train": "a.csv"])
    #expect(ParameterText.value(of: "null", as: .optional(.integer(nil))) == .null)
    #expect(ParameterText.value(of: "[a", as: .list(.string)) == nil as JSONValue?)
    #expect(ParameterText.value(of: "3", as: .integer(4...5)) == nil as JSONValue?)
  }

  @Test("--set gives a param that is a long integer another number, and no word")
  func longSetting() throws {
    func set(_ text: String) throws -> JSONValue? {
      try value("ingest", "prompt", "\"${n}\"", params: "{ n: 9007199254740993 }", settings: ["n=\(text)"])
    }
    #expect(try set("18446744073709551617") == "18446744073709551617")
    #expect(throws: (any Error).self) { try set("three") }
  }

  @Test("settings that change nothing are those of params that nothing reads, the scale aside")
  func unread() throws {
    let scratch = try Scratch()
    let text = """
      params: { n: 3, note: x, scale: small }
      scales: { small: { n: 1 } }
      stages:
        s: { uses: init-model, with: { vocab_size: "${n}" } }
      """
    let pipeline = try scratch.check(text, settings: ["n=4", "note=y", "scale=small"])
    #expect(pipeline.unreadSettings == ["note"])
  }
}
