import CanonicalJSON
import Foundation
import SystemPackage
import TestSupport
import Testing

/// A folder with a pipeline of small shell programs, driven by the built command.
///
/// `make` writes lines, `copy` adds a word to every line, `hold` waits for a file to appear, `break` ends badly.
/// Each program notes in `journal` that it ran.
struct ToyPipeline {
  let folder: FilePath

  /// Calls `body` with a pipeline in a new folder.
  static func with<Result>(_ stages: String, _ body: (ToyPipeline) throws -> Result) throws -> Result {
    try TemporaryFolder.with { folder in
      let toy = ToyPipeline(folder: folder)
      try toy.write(stages)
      for (name, ports, parameters, program) in Self.programs {
        let manifest = """
          name: \(name)
          revision: 1
          summary: A toy.
          \(ports)
          parameters: \(parameters)
          run: { command: [sh, \(name).sh], code: [\(name).sh] }
          """
        try TemporaryFolder.write(manifest, to: folder.appending(name).appending("stage.yaml"))
        let text = Self.prelude.replacingOccurrences(of: "JOURNAL", with: folder.appending("journal").string)
        try TemporaryFolder.write(text + program, to: folder.appending(name).appending("\(name).sh"))
      }
      return try body(toy)
    }
  }

  /// Writes the pipeline file anew.
  func write(_ stages: String) throws {
    try TemporaryFolder.write("apprentice: 1\nname: toy\n" + stages, to: folder.appending("toy.yaml"))
  }

  /// Runs a verb on the pipeline with `--json`.
  func json(_ verb: String, _ arguments: String..., expecting status: Int32 = 0) throws -> JSONValue {
    let outcome = try Tool.run([verb, "toy.yaml"] + arguments + ["--json"], in: folder)
    #expect(outcome.status == status, "\(verb) \(arguments): \(outcome.errors)")
    return try JSONValue(parsing: outcome.output)
  }

  /// Runs the command.
  func tool(_ arguments: String..., environment: [String: String] = [:]) throws -> Tool.Outcome {
    try Tool.run(arguments, in: folder, environment: environment)
  }

  /// The names of the programs that ran, in order.
  var journal: [String] {
    ((try? Fixture.lines(folder.appending("journal"))) ?? []).map { String($0.split(separator: " ")[0]) }
  }

  /// The process numbers in the journal.
  var processes: [Int32] {
    ((try? Fixture.lines(folder.appending("journal"))) ?? []).flatMap { line in
      line.split(separator: " ").dropFirst().compactMap { Int32($0) }
    }
  }

  /// Makes an empty file, which a program may wait for.
  func touch(_ name: String) throws { try TemporaryFolder.write("", to: folder.appending(name)) }

  private static let prelude = """
    text() { sed -n "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/p" "$APPRENTICE_ACTION"; }
    number() { sed -n "s/.*\\"$1\\":\\([-0-9.e]*\\).*/\\1/p" "$APPRENTICE_ACTION"; }
    in=$(sed -n 's/.*"in":{"dataset":\\[{[^]]*"path":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
    out=$(sed -n 's/.*"out":{"dataset":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
    work=$(text work)
    journal=JOURNAL
    row() { printf '{"id":"train-%s","prompt":"p","completion":"%s","references":["r"]}\\n' "$1" "$2"; }

    """

  private static let source = "in: {}\nout: { dataset: { kind: dataset } }"
  private static let filter = "in: { dataset: { kind: dataset } }\nout: { dataset: { kind: dataset } }"
  private static let programs: [(name: String, ports: String, parameters: String, program: String)] = [
    (
      "make", source, "{ word: { type: string, default: a, doc: w } }",
      """
      echo "make" >> "$journal"
      for i in 0 1 2; do row $i "$(text word | tr -d ' ')"; done > "$out/train.jsonl"
      """
    ),
    (
      "copy", filter, "{ weight: { type: number, default: 0.1, doc: w } }",
      """
      echo "copy $$" >> "$journal"
      sed "s/\\"completion\\":\\"/&$(number weight)/" "$in/train.jsonl" > "$out/train.jsonl"
      echo '{"event":"summary","text":"3 rows"}' >&$APPRENTICE_EVENTS
      """
    ),
    (
      // Counts in its work folder, so that a second attempt goes on where the first was killed.
      "hold", filter, "{ gate: { type: string, default: gate, doc: w } }",
      """
      sleep 1000 &
      trap 'echo "hold-stopped" >> "$journal"; kill $!; exit 1' TERM
      mkdir -p "$work"
      echo x >> "$work/attempts"
      echo "hold $$ $!" >> "$journal"
      while [ ! -e "$(dirname "$journal")/$(text gate)" ]; do sleep 0.05; done
      kill $!
      cat "$in/train.jsonl" > "$out/train.jsonl"
      echo "hold-done $(wc -l < "$work/attempts")" >> "$journal"
      """
    ),
    (
      "break", filter, "{ status: { type: integer, default: 1, doc: w } }",
      """
      echo "break" >> "$journal"
      echo half > "$out/train.jsonl"
      echo "something is rotten" >&2
      exit $(number status)
      """
    ),
  ]
}

/// Waits until something holds; a machine under load may take long, so the limit is generous.
func eventually(_ condition: () throws -> Bool) throws -> Bool {
  for _ in 0..<2400 {
    if try condition() { return true }
    usleep(50_000)
  }
  return false
}

/// Whether a process is there and no zombie.
func isAlive(_ process: Int32) -> Bool {
  guard let text = try? Fixture.bytes(FilePath("/proc/\(process)/stat")),
    let end = text.lastIndex(of: UInt8(ascii: ")"))
  else { return false }
  return text[(end + 2)...].first != UInt8(ascii: "Z")
}

extension JSONValue {
  /// The state of every action, by stage or stage and cell.
  var states: [String: String] {
    var states: [String: String] = [:]
    for action in self["actions"]?.array ?? [] {
      let cell = action["cell"]?.string.map { "@" + $0 } ?? ""
      states[(action["stage"]?.string ?? "") + cell] = action["state"]?.string
    }
    return states
  }

  /// The action of a stage.
  func action(_ stage: String) -> JSONValue? {
    self["actions"]?.array?.first { $0["stage"]?.string == stage }
  }

  /// The digests of all outputs, by stage or stage and cell.
  var digests: [String: String] {
    var digests: [String: String] = [:]
    for action in self["actions"]?.array ?? [] {
      let cell = action["cell"]?.string.map { "@" + $0 } ?? ""
      digests[(action["stage"]?.string ?? "") + cell] = action["outputs"]?.text
    }
    return digests
  }
}
