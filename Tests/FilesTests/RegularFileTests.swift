import Foundation
import Files
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct RegularFileTests {
  @Test("A file is read whole, through a link too")
  func content() throws {
    let folder = ScratchFolder()
    let (file, link) = (folder.path.appending("file"), folder.path.appending("link"))
    try "words".write(toFile: file.string, atomically: true, encoding: .utf8)
    symlink(file.string, link.string)
    #expect(try RegularFile.read(file) == Array("words".utf8))
    #expect(try RegularFile.read(link) == Array("words".utf8))
  }

  @Test("A named pipe, a device and a folder are refused at once, each by what it is")
  func otherKinds() throws {
    let folder = ScratchFolder()
    let pipe = folder.path.appending("pipe")
    mkfifo(pipe.string, 0o600)
    for (path, words) in [(pipe, "a named pipe"), (FilePath("/dev/zero"), "a device"), (folder.path, "a folder")] {
      let error = #expect(throws: RegularFileError.self) { try RegularFile.read(path) }
      #expect(error?.description.contains(words) == true && error?.path == path)
    }
  }

  @Test("A file that is not there is the system's own error")
  func absent() {
    let path = FilePath("/nowhere/at/all")
    #expect(throws: RegularFileError(path, .system(.noSuchFileOrDirectory))) { try RegularFile.read(path) }
  }
}
