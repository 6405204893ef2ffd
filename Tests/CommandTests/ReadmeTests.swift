import Foundation
import SystemPackage
import TestSupport
import Testing

/// The README's commands, run as they stand.
@Suite struct ReadmeTests {
  /// The lines of the blocks marked `sh`.
  private static func commands() throws -> [String] {
    var commands: [String] = []
    var inside = false
    for line in try Fixture.lines(Fixture.root.appending("README.md")) {
      if line.hasPrefix("```") {
        inside = line == "```sh"
      } else if inside {
        commands.append(line)
      }
    }
    return commands
  }

  /// The words of a command line; single quotes keep blanks together.
  private static func words(of command: String) -> [String] {
    var words: [String] = [""]
    var isQuoted = false
    for character in command {
      switch character {
      case "'": isQuoted.toggle()
      case " " where !isQuoted: words.append("")
      default: words[words.count - 1].append(character)
      }
    }
    return words
  }

  @Test("the first command installs, builds and runs the quickstart; the second installs and tests, as CI does")
  func twoCommands() throws {
    let commands = try Self.commands()
    #expect(
      commands[0]
        == "apt-get update -qq && xargs -a .ci/packages apt-get install -y -qq && "
        + "swift build -c release --product apprentice && .build/release/apprentice run pipelines/quickstart.yaml")
    let packages = "cat .ci/packages .ci/test-packages | xargs apt-get install -y -qq"
    #expect(commands[1].hasPrefix("apt-get update -qq && \(packages) && swift test "))
    #expect(try Fixture.lines(Fixture.root.pushing(".ci/run")).last == commands[1])
  }

  @Test("every other command runs on what the quickstart left, and ends well")
  func everyCommand() throws {
    try TemporaryFolder.with { folder in
      for name in ["pipelines", "fixtures"] {
        try FileManager.default.createDirectory(
          atPath: folder.appending(name).string, withIntermediateDirectories: true)
      }
      // The folder stands for a clone: the store and the results lie beside `.git`.
      try TemporaryFolder.write("", to: folder.pushing(".git/HEAD"))
      for name in ["pipelines/quickstart.yaml", "fixtures/quickstart", "fixtures/corpora", "fixtures/stages"] {
        try FileManager.default.copyItem(
          atPath: Fixture.root.pushing(FilePath(name)).string, toPath: folder.pushing(FilePath(name)).string)
      }
      let quickstart = try Tool.run("run", "pipelines/quickstart.yaml", in: folder)
      #expect(quickstart.status == 0, "\(quickstart.errors)")
      for expected in ["MLE, matched", "at equal quality", "results/quickstart/report/report/index.html"] {
        #expect(quickstart.errors.contains(expected), "\(quickstart.errors)")
      }
      #expect(Fixture.exists(folder.pushing("results/quickstart/report/report/index.html")))
      let commands = try Self.commands().dropFirst(2)
      #expect(commands.count >= 9)
      let registry = FakeRegistry(digest: SmallBundle.digest)
      for command in commands {
        // The README's stage of one's own is a Python program.
        if command.contains(" run fixtures/stages/"), !OwnStageTests.hasPython { continue }
        var words = Self.words(of: command).map {
          $0.replacingOccurrences(of: "127.0.0.1:5000", with: "127.0.0.1:\(registry.server.port)")
        }
        #expect(words.removeFirst() == "apprentice", "\(command)")
        let outcome = try Tool.run(words, in: folder)
        #expect(outcome.status == 0, "\(command): \(outcome.errors)")
      }
    }
  }
}
