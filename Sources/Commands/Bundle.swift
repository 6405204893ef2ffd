import ArgumentParser

/// `bundle`: results as one file.
struct Bundle: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle",
    abstract: "Hand results on as one file, or take them in.",
    subcommands: [
      BundleExport.self, BundleImport.self, BundleInspect.self, BundleVerify.self, BundleTrust.self,
    ])

  /// What it can do.
  static let verbs = [
    BundleExport.configuration, BundleImport.configuration, BundleInspect.configuration, BundleVerify.configuration,
    BundleTrust.configuration,
  ].compactMap(\.commandName)
}
