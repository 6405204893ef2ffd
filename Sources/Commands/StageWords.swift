import ArgumentParser

/// The words of a verb that asks about stages: FILE, which may be left out, then at least one stage or cell.
struct StageWords: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The pipeline file (default: ./apprentice.yaml, else the only file in pipelines/), then a stage or cell.",
      valueName: "file-or-stage"))
  private var words: [String]

  /// The pipeline file, if it is named, and the stages.
  /// - Throws: `ValidationError` where no stage is named.
  func split() throws -> (file: String?, stages: [String]) {
    let words = PipelineWords(words)
    guard !words.targets.isEmpty else { throw ValidationError("Missing expected argument '<stage>'") }
    return (words.file, words.targets)
  }
}
