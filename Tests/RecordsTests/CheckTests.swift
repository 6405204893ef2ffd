import CanonicalJSON
import Records
import SystemPackage
import TestSupport
import Testing

@Suite struct CheckTests {
  /// What checking a folder with one file says; empty where it is sound.
  private func complaint(_ name: String, _ text: String, _ check: (FilePath) throws -> Void) throws -> String {
    try TemporaryFolder.with { folder in
      if name != "scores.json" {
        try TemporaryFolder.write(#"{"metrics":{},"settings":{}}"#, to: folder.appending("scores.json"))
      }
      try TemporaryFolder.write(text, to: folder.appending(name))
      do {
        try check(folder)
        return ""
      } catch {
        return "\(error)"
      }
    }
  }

  @Test(
    "samples of one id that have other tokens of the prompt, or other references, are refused with both rows",
    arguments: [
      (#""prompt_tokens":[1]"#, #""prompt_tokens":[2]"#, "has other prompt_tokens in row 3 than in row 1"),
      (#""references":["a","b"]"#, #""references":["b","a"]"#, "has other references in row 3 than in row 1"),
      (#""prompt":"\u00e9""#, #""prompt":"e\u0301""#, "has other prompt in row 3 than in row 1"),
      (#""prompt":"p""#, #""prompt":"p""#, ""),
    ])
  func conflicts(first: String, second: String, expected: String) throws {
    let text = """
      {"id":"x","sample":0,"text":"t",\(first)}
      {"id":"x","sample":1,"text":"t"}
      {"id":"x","sample":2,"text":"t",\(second)}
      """
    let said = try complaint("samples.jsonl", text) { try SampleFiles.check($0) }
    #expect(expected.isEmpty ? said.isEmpty : said.contains(expected), "\(said)")
  }

  @Test("a metric's count is a number from 0 on, and an example's sample is an integer")
  func scores() throws {
    for (metric, expected) in [
      (#"{"value":1,"n":-1}"#, "\"n\" is no count"), (#"{"value":1,"n":1.5}"#, "\"n\" is no count"),
      (#"{"value":1,"n":0}"#, ""), ("[]", "is an array, expected an object"),
    ] {
      let text = #"{"metrics":{"bleu":METRIC},"settings":{}}"#.replacing("METRIC", with: metric)
      let said = try complaint("scores.json", text) { try ScoreFile.check($0) }
      #expect(expected.isEmpty ? said.isEmpty : said.contains(expected), "\(said)")
    }
    let said = try complaint("examples.jsonl", #"{"id":"x","sample":"y"}"#) { try ScoreFile.check($0) }
    #expect(said.contains("examples.jsonl:1: ") && said.contains("sample"), "\(said)")
  }

  @Test("rewards are told apart by the bytes of their ids, and by their samples")
  func rewards() throws {
    func row(_ id: String, _ sample: Int) -> String {
      #"{"id":"ID","sample":NUMBER,"tokens":[1],"logprobs":[0],"values":[0],"rewards":[1],"return":1}"#
        .replacing("ID", with: id).replacing("NUMBER", with: "\(sample)") + "\n"
    }
    let sound = row("\u{E9}", 0) + row("e\u{301}", 0) + row("\u{E9}", 1)
    #expect(try complaint("rewards.jsonl", sound) { try RewardFiles.check($0) } == "")
    let twice = try complaint("rewards.jsonl", sound + row("e\u{301}", 0)) { try RewardFiles.check($0) }
    #expect(twice.contains("rewards.jsonl:4: ") && twice.contains("the first time in row 2"), "\(twice)")
  }

  @Test("contents are told apart by where their texts end, and a number from none")
  func contentHash() {
    func hash(_ texts: [String]) -> ContentHash {
      var hash = ContentHash()
      for text in texts { hash.add(text: text) }
      return hash
    }
    #expect(hash(["ab", "c"]) != hash(["a", "bc"]) && hash(["", "a"]) != hash(["a", ""]) && hash([""]) != hash([]))
    #expect(hash(["ab", "c"]) == hash(["ab", "c"]))
    var (none, zero) = (ContentHash(), ContentHash())
    none.add(nil)
    zero.add(0 as Double?)
    #expect(none != zero)
  }
}
