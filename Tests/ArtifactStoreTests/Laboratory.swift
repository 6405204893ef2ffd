import ArtifactStore
import CanonicalJSON
import ContentAddressing
import Foundation
import SystemPackage

/// A folder with a store in it, and what tests do to both; removed when the test ends.
final class Laboratory: Sendable {
  let folder: FilePath
  let store: Store

  static let kind = KindName("dataset")!

  init(options: Store.Options = Laboratory.options) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apprentice-store-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    self.folder = FilePath(folder.path)
    store = try Store.open(self.folder.appending(".apprentice"), creating: true, options: options)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder.string) }

  /// Without syncs, which only slow tests down.
  static var options: Store.Options {
    var options = Store.Options()
    options.durability = .none
    options.threads = 2
    return options
  }

  /// Another process's view of the same store.
  func reopened() throws -> Store { try Store.open(store.path, creating: false, options: Laboratory.options) }

  /// A key document that differs by its number.
  static func document(_ number: Int, inputs: [String: KeyDocument.Input] = [:]) -> KeyDocument {
    KeyDocument(
      stage: "test", revision: 1, parameters: ["number": JSONValue(number)], inputs: inputs, numerics: "native")
  }

  static let environment: JSONValue = ["cpu": "test"]

  /// Runs an action: writes the files to a work folder and publishes them as the output `data`.
  @discardableResult
  static func publish(
    _ document: KeyDocument, _ files: [String: String], in store: Store, environment: JSONValue = environment
  ) throws -> Recording {
    let work = try store.makeWorkFolder(for: document.key)
    let output = work.output("data")
    for (title, text) in files.sorted(by: { $0.key < $1.key }) {
      try write(text, to: output.pushing(FilePath(title)))
    }
    let publication = try store.beginPublication(in: work)
    let artifact = try publication.add(folder: output, kind: kind)
    let recording = try publication.record(document, environment: environment, outputs: ["data": artifact])
    try work.remove()
    return recording
  }

  @discardableResult
  func publish(
    _ number: Int, _ files: [String: String] = ["train.jsonl": "{}\n"], environment: JSONValue = environment
  ) throws -> Recording {
    try Laboratory.publish(Laboratory.document(number), files, in: store, environment: environment)
  }

  // MARK: Files

  static func write(_ text: String, to path: FilePath) throws {
    try FileManager.default.createDirectory(
      atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path.string))
  }

  static func read(_ path: FilePath) -> String? {
    FileManager.default.contents(atPath: path.string).map { String(decoding: $0, as: UTF8.self) }
  }

  static func names(_ path: FilePath) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? []).sorted()
  }

  static func mode(_ path: FilePath) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
    return (attributes[.posixPermissions] as? Int) ?? 0
  }

  static func inode(_ path: FilePath) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
    return (attributes[.systemFileNumber] as? Int) ?? 0
  }

  static func exists(_ path: FilePath) -> Bool { FileManager.default.fileExists(atPath: path.string) }

  /// Sets a file's times, in seconds before now.
  static func age(_ path: FilePath, seconds: Double) throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date().addingTimeInterval(-seconds)], ofItemAtPath: path.string)
  }

  /// Flips one bit of a file and leaves length and modification time as they were.
  static func flipBit(_ path: FilePath) throws {
    let manager = FileManager.default
    let date = try manager.attributesOfItem(atPath: path.string)[.modificationDate] ?? Date()
    var bytes = [UInt8](manager.contents(atPath: path.string) ?? Data())
    bytes[bytes.count / 2] ^= 1
    try manager.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path.string)
    let handle = try FileDescriptor.open(path, .writeOnly)
    _ = try handle.closeAfter { try handle.writeAll(bytes) }
    try manager.setAttributes([.posixPermissions: 0o444, .modificationDate: date], ofItemAtPath: path.string)
  }
}
