public import SystemPackage

extension PipelineChecker {
  /// The file to use where the command line names none.
  ///
  /// That is `./apprentice.yaml`, else the only `.yaml` or `.yml` file in `pipelines/`.
  ///
  /// - Returns: A path relative to the working directory.
  /// - Throws: A problem that lists the files to choose from.
  public func discover() throws(PipelineProblems) -> FilePath {
    if FileAccess.exists(workingDirectory.appending("apprentice.yaml")) { return "apprentice.yaml" }
    let names = (FileAccess.names(in: workingDirectory.appending("pipelines")) ?? []).filter {
      $0.hasSuffix(".yaml") || $0.hasSuffix(".yml")
    }
    if names.count == 1 { return FilePath("pipelines").appending(names[0]) }
    let place = ValueOrigin.file(SourceLocation(file: "apprentice.yaml", line: 1, column: 1))
    let files = names.map { "pipelines/\($0)" }.joined(separator: ", ")
    throw PipelineProblems([
      Problem(
        place,
        found: names.isEmpty ? "no such file, and none in pipelines/" : "no such file, and several in pipelines/",
        expected: names.isEmpty ? "the name of a pipeline file" : "one of \(files)")
    ])
  }
}
