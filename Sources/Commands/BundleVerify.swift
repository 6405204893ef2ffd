import ArgumentParser
import Bundling
import CanonicalJSON
import PipelineExecution
import SystemPackage

/// `bundle verify`: hashes all that a bundle holds, and refuses what an import would.
struct BundleVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Hash everything in a bundle and hold it to all that an import asks; status 4 if something is wrong.")

  @Argument(
    help: ArgumentHelp("The bundle: an archive, or a folder that holds an image layout.", valueName: "X.tar.zst"))
  var bundle: String
  @Flag(help: "Print one JSON document on stdout.")
  var json = false

  func run() throws {
    let bar = TransferBar("reading")
    let (blobs, bytes) = try bundled {
      defer { bar.end() }
      return try verifyBundle(FilePath(bundle)) { bar.show($0, of: $1 ?? 0) }
    }
    if json { return printDocument(["blobs": JSONValue(blobs), "bytes": JSONValue(bytes), "exit": 0]) }
    Answer.print("\(bundle): \(Wording.count(blobs)) blobs, \(Wording.bytes(bytes)): nothing is damaged")
  }
}
