import ArgumentParser
import PipelineExecution

/// Which results that came from elsewhere count.
struct TrustArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which results that bundles brought count as fresh: none (own) or all (imported). Default: those of bundles of this "
        + "very pipeline file, and of trusted bundles.",
      valueName: "own|imported"))
  var trust: ResultTrust.Policy?

  /// What the command line says; nil where it says nothing.
  var policy: ResultTrust.Policy? { trust }
}

extension ResultTrust.Policy: ExpressibleByArgument {}
