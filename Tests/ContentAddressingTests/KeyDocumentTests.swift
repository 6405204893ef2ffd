import CanonicalJSON
import ContentAddressing
import Testing

@Suite("Key documents")
struct KeyDocumentTests {
  let one = Digest(hashing: [1])
  let two = Digest(hashing: [2])

  var document: KeyDocument {
    KeyDocument(
      stage: "train-iq", revision: 4,
      parameters: ["lambda": 0.1, "epochs": 2, "schedule": "cosine", "files": ["train": "a.csv", "test": "b.csv"]],
      inputs: [
        "model": .one(one),
        "scores": .many([
          .init(label: "iq@seed=1", axes: ["seed": 1], digest: one),
          .init(label: "iq@seed=2", axes: ["seed": 2], digest: two),
        ]),
      ], numerics: "native")
  }

  @Test("A document's canonical bytes are fixed for ever, since keys are made of them")
  func golden() {
    let expected =
      #"{"apprentice":1,"inputs":{"model":"\#(one)","scores":[{"axes":{"seed":1},"digest":"\#(one)","label":"iq@seed=1""#
      + #"},{"axes":{"seed":2},"digest":"\#(two)","label":"iq@seed=2"}]},"numerics":"native","parameters":{"epochs":2,"#
      + #""files":{"test":"b.csv","train":"a.csv"},"lambda":0.1,"schedule":"cosine"},"revision":4,"stage":"train-iq"}"#
    #expect(String(decoding: document.canonical, as: UTF8.self) == expected)
    #expect(document.key.digest == Digest(hashing: Array(expected.utf8)))
    #expect(
      document.key.description == "sha256:323e2797aac6457a444b928a27e43d6c2828d749f540cc631db947f86658af5b")
  }

  @Test("The order in which parameters and ports are given does not matter; all else does")
  func whatCounts() {
    var other = document
    other.parameters = [
      "schedule": "cosine", "files": ["test": "b.csv", "train": "a.csv"], "epochs": 2, "lambda": 0.1,
    ]
    #expect(other.key == document.key)
    var variants: [KeyDocument] = []
    func vary(_ change: (inout KeyDocument) -> Void) {
      var copy = document
      change(&copy)
      variants.append(copy)
    }
    vary { $0.stage = "train-mle" }
    vary { $0.revision = 5 }
    vary { $0.parameters["lambda"] = 0.2 }
    vary { $0.parameters["lambda"] = "0.1" }
    vary { $0.parameters["gamma"] = 1 }
    vary { $0.inputs["model"] = .one(two) }
    vary { $0.inputs["model"] = .many([.init(label: "", digest: one)]) }
    vary { $0.numerics = "portable" }
    vary { $0.development = one }
    vary { $0.program = .init(command: ["python3", "upper.py"], code: ["upper.py": one]) }
    vary {
      $0.inputs["scores"] = .many([
        .init(label: "iq@seed=2", axes: ["seed": 2], digest: two),
        .init(label: "iq@seed=1", axes: ["seed": 1], digest: one),
      ])
    }
    #expect(Set(variants.map(\.key) + [document.key]).count == variants.count + 1)
  }

  @Test("A document reads back as it was, with program and development digest")
  func roundTrip() throws {
    var document = document
    #expect(try KeyDocument(json: JSONValue(parsing: document.canonical)) == document)
    document.program = .init(command: ["python3", "upper.py"], code: ["upper.py": one])
    document.development = two
    #expect(try KeyDocument(json: JSONValue(parsing: document.canonical)) == document)
    #expect(document.inputDigests == [one, one, two])
  }

  @Test("A malformed document is refused with the member's name")
  func malformed() throws {
    var object = try #require(document.json.object)
    object["inputs"] = ["model": "sha256:12"]
    #expect(throws: ManifestError(member: "inputs.model", expected: "sha256: and 64 hexadecimal digits")) {
      try KeyDocument(json: .object(object))
    }
    object["apprentice"] = 2
    #expect(throws: ManifestError(member: "apprentice", expected: "1")) { try KeyDocument(json: .object(object)) }
  }

  @Test("A difference names the field with old and new value, and nothing that is equal")
  func changes() {
    var now = document
    now.parameters["lambda"] = 0.2
    now.parameters["gamma"] = 0.99
    now.parameters["files"] = ["train": "c.csv", "test": "b.csv"]
    now.revision = 5
    now.inputs["model"] = .one(two)
    #expect(
      now.changes(since: document).map(\.field)
        == ["revision", "parameters.files.train", "parameters.gamma", "parameters.lambda", "inputs.model"])
    #expect(
      now.changes(since: document).first { $0.field == "parameters.lambda" }
        == FieldChange(path: ["parameters", "lambda"], old: 0.1, new: 0.2))
    #expect(now.changes(since: document).first { $0.field == "parameters.gamma" }?.old == nil)
    #expect(document.changes(since: now).first { $0.field == "parameters.gamma" }?.new == nil)
    #expect(document.changes(since: document).isEmpty)
  }

  @Test("Lists of a many-port are compared label by label: a changed, a lost, a new cell, and another order")
  func listChanges() {
    func with(_ list: [KeyDocument.LabelledInput]) -> KeyDocument {
      var copy = document
      copy.inputs["scores"] = .many(list)
      return copy
    }
    let first = KeyDocument.LabelledInput(label: "iq@seed=1", axes: ["seed": 1], digest: one)
    let second = KeyDocument.LabelledInput(label: "iq@seed=2", axes: ["seed": 2], digest: two)
    let third = KeyDocument.LabelledInput(label: "iq@seed=3", axes: ["seed": 3], digest: two)
    var changed = first
    changed.digest = two
    #expect(
      with([changed, second]).changes(since: document) == [
        FieldChange(
          path: ["inputs", "scores", "iq@seed=1", "digest"], old: .string(one.description),
          new: .string(two.description))
      ])
    #expect(
      with([first, third]).changes(since: document) == [
        FieldChange(path: ["inputs", "scores", "iq@seed=3"], old: nil, new: .string(two.description)),
        FieldChange(path: ["inputs", "scores", "iq@seed=2"], old: .string(two.description), new: nil),
      ])
    #expect(
      with([second, first]).changes(since: document) == [
        FieldChange(
          path: ["inputs", "scores", "order"], old: ["iq@seed=1", "iq@seed=2"], new: ["iq@seed=2", "iq@seed=1"])
      ])
  }
}
