import Foundation
import SystemPackage

/// What tests do to the file system.
enum Files {
  static func makeFolder(_ path: FilePath) throws {
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
  }

  static func remove(_ path: FilePath) { try? FileManager.default.removeItem(atPath: path.string) }

  static func exists(_ path: FilePath) -> Bool { FileManager.default.fileExists(atPath: path.string) }

  static func text(_ path: FilePath) throws -> String { try String(contentsOfFile: path.string, encoding: .utf8) }

  static func write(_ text: String, to path: FilePath) throws {
    try text.write(toFile: path.string, atomically: true, encoding: .utf8)
  }
}
