import Foundation
import PackagePlugin

/// Writes the commit that is built into a source file, anew at each build: `apprentice --version` tells it.
@main struct CommitPlugin: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    let folder = context.pluginWorkDirectoryURL.appendingPathComponent("commit")
    // An unchanged file keeps its time, so that nothing is compiled again.
    let script = """
      root=$1; file=$2/BuiltCommit.swift; mkdir -p "$2"
      commit=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null) || commit=
      if [ -n "$commit" ] && [ -n "$(git -C "$root" status --porcelain --untracked-files=no 2>/dev/null)" ]; then
        commit="$commit+changes"
      fi
      text="/// The commit that this program was built from.
      enum BuiltCommit {
        /// Its name, shortened; empty where there was no repository.
        static let name = \\"$commit\\"
      }"
      [ -f "$file" ] && [ "$(cat "$file")" = "$text" ] || printf '%s\\n' "$text" > "$file"
      """
    return [
      .prebuildCommand(
        displayName: "Commit", executable: URL(fileURLWithPath: "/bin/sh"),
        arguments: ["-c", script, "commit", context.package.directoryURL.path, folder.path],
        outputFilesDirectory: folder)
    ]
  }
}
