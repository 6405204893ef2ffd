import Archives
import ArtifactStore
import Bundling
import CanonicalJSON
import CheckpointFormat
import ContentAddressing
import Corpora
import Glibc
import PipelineLanguage
import Records
import Registries
import SafetensorsFormat
import StageCatalog
import StageKit
public import SystemPackage
import Tokenization

/// A parser of bytes that others wrote: it may refuse them, never crash, hang or lose what it accepted.
public struct FuzzTarget: Sendable {
  /// Its name, which is also that of its folder of seeds.
  public let name: String
  /// Gives bytes to the parser; the folder is for it alone, and empty but for what this very target leaves.
  private let parse: @Sendable ([UInt8], FilePath) throws -> Void

  private init(_ name: String, _ parse: @escaping @Sendable ([UInt8], FilePath) throws -> Void) {
    self.name = name
    self.parse = parse
  }

  /// Gives bytes to the parser; a refusal is as good as acceptance.
  public func run(_ bytes: [UInt8], in folder: FilePath) { try? parse(bytes, folder) }

  /// All of them.
  public static let all: [FuzzTarget] = [
    FuzzTarget("json") { bytes, _ in
      let value = try JSONValue(parsing: bytes)
      guard try JSONValue(parsing: value.text) == value else { fatalError("another value after writing and reading") }
      _ = value.prettyText
    },
    FuzzTarget("pipeline") { bytes, folder in
      let file = folder.appending("pipeline.yaml")
      try FileContent.write(bytes, to: file)
      do throws(PipelineProblems) {
        _ = try checker(folder).check(file, settings: ["s=1"])
      } catch {
        _ = "\(error)"
      }
    },
    FuzzTarget("stage") { bytes, folder in
      try FileContent.write(bytes, to: folder.appending("stage.yaml"))
      do throws(PipelineProblems) {
        _ = try checker(folder).userStage(folder.string).declaration.manifest
      } catch {
        _ = "\(error)"
      }
    },
    FuzzTarget("safetensors") { bytes, folder in
      let file = folder.appending("train.safetensors")
      try FileContent.write(bytes, to: file)
      if let rows = try? TokenRows(.train, in: folder) {
        for index in 0..<rows.count { _ = rows.prompt(index).count + rows.completion(index).count }
      }
      let opened = try SafetensorsFile(file)
      for entry in opened.entries { opened.withBytes(of: entry) { _ = $0.reduce(0) { $0 ^ $1 } } }
    },
    FuzzTarget("tokenizer") { bytes, folder in
      try FileContent.write(bytes, to: folder.appending("tokenizer.json"))
      let tokenizer = try Tokenizer(contentsOf: folder)
      let tokens = tokenizer.encode("hello  thé\n 1234 <|endoftext|>it's", addSpecialTokens: true)
      _ = tokenizer.decode(tokens, skipSpecialTokens: true)
    },
    FuzzTarget("checkpoint") { bytes, folder in
      try FileContent.write(bytes, to: folder.appending("config.json"))
      _ = try ModelFolder.configuration(of: folder)
    },
    FuzzTarget("dataset") { bytes, folder in
      try FileContent.write(bytes, to: folder.appending("train.jsonl"))
      _ = try DatasetFiles.read(.train, in: folder)
    },
    FuzzTarget("samples") { bytes, folder in
      try FileContent.write(bytes, to: folder.appending("samples.jsonl"))
      _ = try SampleFiles.read(folder)
    },
    FuzzTarget("rewards") { bytes, folder in
      try FileContent.write(bytes, to: folder.appending("rewards.jsonl"))
      _ = try RewardFiles.read(folder)
    },
    FuzzTarget("curves") { bytes, folder in
      try FileContent.write(bytes, to: folder.appending("curves.jsonl"))
      for row in try CurveFiles.read(folder) { _ = row.line }
    },
    FuzzTarget("scores") { bytes, folder in
      try FileContent.write(bytes, to: folder.appending("scores.json"))
      try ScoreFile(folder).write(to: folder)
    },
    FuzzTarget("corpus") { bytes, folder in
      let file = folder.appending("rows")
      try FileContent.write(bytes, to: file)
      let record = try XMLRecordForm(record: "*/*", fields: ["x", "*/@a", "y[@a=\"b\"]"], join: ", ")
      let readers =
        CorpusFormat.allCases.map { CorpusReader(format: $0, isFormatGuessed: $0 == .json || $0 == .jsonl) }
        + [CorpusReader(format: .json), CorpusReader(format: .xml, record: record)]
      for reader in readers {
        try? reader.read(FileBytes(file), file: file) { row in
          if let name = row.fields.members.first?.name { _ = try Template("{\(name)}: {x}").text(for: row) }
        }
      }
    },
    FuzzTarget("archive") { bytes, folder in
      let file = folder.appending("archive.tar")
      try FileContent.write(TarChecksums.mended(bytes), to: file)
      try CorpusFile(file).readMembers({ _ in true }, consumed: { _ in }) { _, _, source in try drain(source) }
    },
    FuzzTarget("packed") { bytes, folder in
      let file = folder.appending("packed.gz")
      try FileContent.write(bytes, to: file)
      try CorpusFile(file).read(consumed: { _ in }) { try drain($0) }
    },
    FuzzTarget("bundle") { bytes, folder in
      let file = folder.appending("bundle.tar.zst")
      try FileContent.write(TarChecksums.mended(bytes), to: file)
      let inspected = try? BundleInspection(path: file)
      let verified = try? verifyBundle(file)
      let store = try Store.open(folder.appending("store"), creating: true)
      let target = folder.appending("pipeline")
      try Store.removeTemporaryFolder(target)
      let imported = try? store.importBundle(file, writingTo: BundleFolder(target))
      guard (verified == nil) == (imported == nil) else { fatalError("verify and import have other rules") }
      guard imported == nil || inspected != nil else { fatalError("what can't be inspected was imported") }
    },
    FuzzTarget("template") { bytes, _ in
      let template = try Template(String(decoding: bytes, as: UTF8.self))
      let fields: JSONObject = ["mr": "m", "n": 1, "a": ["final": ["x", "y"]]]
      let row = CorpusRow(file: "x", line: 1, fields: fields)
      _ = try? template.texts(for: row)
      _ = try template.text(for: row)
    },
    FuzzTarget("manifest") { bytes, _ in
      let json = try JSONValue(parsing: bytes)
      if let manifest = try? Manifest(json: json) { _ = manifest.descriptor.digest }
      if let index = try? ImageIndex(json: json) { _ = index.json.text }
      if let document = try? KeyDocument(json: json) {
        guard try KeyDocument(json: document.json) == document else { fatalError("another key document") }
        _ = document.key
      }
    },
    FuzzTarget("reference") { bytes, _ in
      let reference = try OCIReference(String(decoding: bytes, as: UTF8.self))
      guard try OCIReference(reference.description) == reference else { fatalError("another reference") }
      _ = reference.host.isLoopback
    },
    FuzzTarget("challenge") { bytes, _ in
      _ = Challenge(bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) })
    },
    FuzzTarget("event") { bytes, _ in
      for line in bytes.split(separator: 0x0A) {
        guard let json = try? JSONValue(parsing: Array(line)) else { continue }
        if let event = StageEvent(json: json) { _ = event.json.text }
        if let request = ActionRequest(json: json) { _ = request.json.text }
      }
    },
  ]

  private static func checker(_ folder: FilePath) -> PipelineChecker {
    PipelineChecker(
      registry: BuiltinStages.registry, workingDirectory: folder,
      missing: { ArtifactCheck.missing($0, at: $1) }, environment: { $0 == "HOME" ? "/root" : nil })
  }
}

private func drain(_ source: any ByteSource) throws {
  try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
    while try source.read(into: buffer) > 0 {}
  }
}

/// A folder of this process for the files of one target.
public func scratchFolder(for target: FuzzTarget) -> FilePath {
  var template = Array("\(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp")/apprentice-fuzz-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { fatalError("no temporary folder: \(errno)") }
  return FilePath(platformString: template)
}
