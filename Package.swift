// swift-tools-version: 6.2
import PackageDescription

// The map of the project. `modules` is in dependency order: a module imports only from above itself, and
// Tests/ArchitectureTests holds every `import` line to this table. Plumbing knows no tensor; learning knows no
// store, no YAML and no pipeline; the two meet in `stages`.

struct Module {
  var name: String
  var dependencies: [Target.Dependency] = []
  var tested = true
  /// What its tests need beside its own dependencies.
  var testDependencies: [Target.Dependency] = []
}

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

let modules: [Module] = [
  // Level 0, shared by both towers.
  Module(name: "CanonicalJSON"),
  Module(name: "Files", dependencies: [systemPackage]),
  Module(name: "Threads"),
  Module(
    name: "Archives", dependencies: ["CanonicalJSON", "CArchive", "CBzip2", "CZlib", "CZstd", systemPackage]),
  // Level 0, plumbing.
  Module(name: "ContentAddressing", dependencies: ["CanonicalJSON", "COpenSSL", systemPackage]),
  Module(
    name: "Registries",
    dependencies: ["CanonicalJSON", "ContentAddressing", "COpenSSL", "CProcess", "CTransfer", systemPackage]),
  // Level 0, learning.
  Module(name: "SafetensorsFormat", dependencies: ["CanonicalJSON", "Files", systemPackage]),
  Module(name: "Tokenization", dependencies: ["CanonicalJSON", "Files", systemPackage]),
  Module(
    name: "Records", dependencies: ["CanonicalJSON", "Files", "SafetensorsFormat", "Threads", systemPackage]),
  Module(name: "Corpora", dependencies: ["CanonicalJSON", "Archives", "Records", "CXML", systemPackage]),
  Module(name: "Tensors", dependencies: ["CKernels", "COpenBLAS"]),
  Module(name: "TextMetrics", dependencies: ["CRE2"]),
  // Level 1.
  Module(
    name: "ArtifactStore",
    dependencies: ["CanonicalJSON", "ContentAddressing", "CPlatform", "Threads", systemPackage]),
  Module(name: "Autodiff", dependencies: ["Tensors"]),
  // Level 2.
  Module(
    name: "Bundling",
    dependencies: ["CanonicalJSON", "Archives", "ContentAddressing", "ArtifactStore", systemPackage]),
  Module(
    name: "Sharing",
    dependencies: [
      "CanonicalJSON", "ContentAddressing", "ArtifactStore", "Bundling", "Registries", systemPackage,
    ]),
  Module(name: "StageKit", dependencies: ["CanonicalJSON", "ContentAddressing", systemPackage]),
  Module(name: "Transformers", dependencies: ["Tensors", "Autodiff"]),
  Module(
    name: "CheckpointFormat",
    dependencies: [
      "CanonicalJSON", "SafetensorsFormat", "Tokenization", "Records", "Tensors", "Transformers", systemPackage,
    ]),
  Module(name: "Reports", dependencies: ["CanonicalJSON", "Records", "TextMetrics"]),
  // Level 3.
  Module(
    name: "PipelineLanguage",
    dependencies: ["CanonicalJSON", "StageKit", "CYAML", systemPackage]),
  Module(name: "Imitation", dependencies: ["Records", "Tensors", "Autodiff", "Transformers"]),
  Module(
    name: "Training",
    dependencies: [
      "CanonicalJSON", "SafetensorsFormat", "Records", "Tensors", "Autodiff", "Transformers", "Imitation",
      systemPackage,
    ], testDependencies: ["CheckpointFormat"]),
  Module(name: "Decoding", dependencies: ["Tensors", "Autodiff", "Transformers"]),
  // Level 4.
  Module(
    name: "PipelineExecution",
    dependencies: [
      "CanonicalJSON", "ContentAddressing", "ArtifactStore", "StageKit", "PipelineLanguage", "CProcess", systemPackage,
    ]),
]

/// A stage is a folder `stages/<name>` and a target: thin glue from ports to libraries.
struct Stage {
  var folder: String
  var target: String
  var dependencies: [Target.Dependency]
}

let stages: [Stage] = [
  Stage(folder: "ingest", target: "IngestStage", dependencies: ["Corpora"]),
  Stage(folder: "tokenize", target: "TokenizeStage", dependencies: ["Tokenization"]),
  Stage(
    folder: "init-model", target: "InitModelStage",
    dependencies: ["Tokenization", "Tensors", "Transformers", "CheckpointFormat"]),
  Stage(
    folder: "train-mle", target: "TrainMLEStage", dependencies: ["Imitation", "TrainingStages"]),
  Stage(
    folder: "train-iq", target: "TrainIQStage", dependencies: ["Imitation", "TrainingStages"]),
  Stage(
    folder: "extract-reward", target: "ExtractRewardStage",
    dependencies: ["Tensors", "Transformers", "CheckpointFormat", "Imitation"]),
  Stage(
    folder: "generate", target: "GenerateStage",
    dependencies: ["Tokenization", "Tensors", "Transformers", "CheckpointFormat", "Decoding"]),
  Stage(folder: "score", target: "ScoreStage", dependencies: ["TextMetrics", "Tokenization"]),
  Stage(folder: "report", target: "ReportStage", dependencies: ["Reports", "Tokenization"]),
]

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let systemTargets: [Target] = [
  // YAML as events: anchors, tags and duplicate keys with their line and column, and no Foundation at start-up.
  .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
  // XML and HTML, as a stream.
  .systemLibrary(name: "CXML", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
  .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
  .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
  // libarchive skips the checksums of gzip; zlib checks them.
  .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  // libarchive refuses zstd's skippable frames, which pzstd writes, and its long windows.
  // libbz2: libarchive passes over what stands behind a stream, a stream that is cut off among it.
  .systemLibrary(name: "CBzip2", providers: [.apt(["libbz2-dev"])]),
  .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
  // Linux calls that Swift's Glibc module leaves out.
  .target(name: "CPlatform", cSettings: [.unsafeFlags(["-std=c17", "-Wall", "-Wextra", "-Werror"])]),
  // Kernels are compiled with full optimisation in every configuration, so that debug tests stay quick. No
  // -ffast-math: a non-finite loss must be seen.
  .target(
    name: "CKernels",
    cSettings: [
      .unsafeFlags(["-O3", "-std=c17", "-Wall", "-Wextra", "-Werror", "-ffp-contract=fast", "-fno-math-errno"])
    ]),
  // HTTP through libcurl, loaded on first use.
  .target(name: "CTransfer", cSettings: [.unsafeFlags(["-std=c17", "-Wall", "-Wextra", "-Werror"])]),
  // OpenBLAS, loaded on first use: its start takes longer than all that a run without work does.
  .target(name: "COpenBLAS", cSettings: [.unsafeFlags(["-std=c17", "-Wall", "-Wextra", "-Werror"])]),
  // RE2, whose interface is C++: answers are found in linear time, whatever expression a user writes.
  .target(
    name: "CRE2", cxxSettings: [.unsafeFlags(["-std=c++17", "-Wall", "-Wextra", "-Werror"])],
    linkerSettings: [.linkedLibrary("re2")]),
  // Starting and guarding child processes: what Swift can't call itself.
  .target(name: "CProcess", cSettings: [.unsafeFlags(["-std=c17", "-Wall", "-Wextra", "-Werror"])]),
]

let stageDependencies: [Target.Dependency] = ["CanonicalJSON", "Records", "StageKit", systemPackage]

let package = Package(
  name: "apprentice",
  products: [
    .executable(name: "apprentice", targets: ["apprentice"]),
    .executable(name: "benchmarks", targets: ["benchmarks"]),
  ],
  dependencies: [
    // The command line: flags, help and completion as every Swift tool has them.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // Typed file paths and system calls.
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: systemTargets
    + modules.map { .target(name: $0.name, dependencies: $0.dependencies, swiftSettings: swiftSettings) }
    + modules.filter(\.tested).map {
      .testTarget(
        name: $0.name + "Tests",
        dependencies: [.target(name: $0.name), "TestSupport"] + $0.dependencies + $0.testDependencies,
        swiftSettings: swiftSettings)
    }
    + stages.map {
      .target(
        name: $0.target, dependencies: stageDependencies + $0.dependencies, path: "stages/" + $0.folder,
        exclude: ["stage.yaml"], swiftSettings: swiftSettings)
    }
    + [
      // What the stages that train share: parameters, ports and the run.
      .target(
        name: "TrainingStages",
        dependencies: stageDependencies + ["Tensors", "Transformers", "CheckpointFormat", "Imitation", "Training"],
        path: "stages/training", swiftSettings: swiftSettings),
      .target(
        name: "StageCatalog",
        dependencies: [
          "CanonicalJSON", "StageKit", "Records", "SafetensorsFormat", "Tokenization", "CheckpointFormat", "Tensors",
          systemPackage,
        ] + stages.map { .target(name: $0.target) },
        swiftSettings: swiftSettings),
      .target(
        name: "Commands",
        dependencies: [
          "CanonicalJSON", "ContentAddressing", "ArtifactStore", "StageKit", "PipelineLanguage", "PipelineExecution",
          "StageCatalog", "Bundling", "Registries", "Sharing", "Archives", "SafetensorsFormat", "Records", "CProcess",
          argumentParser, systemPackage,
        ], swiftSettings: swiftSettings, plugins: ["CommitPlugin"]),
      .plugin(name: "CommitPlugin", capability: .buildTool(), path: "Sources/CommitPlugin"),
      // Swift's libraries within: the dynamic loader's work on them is a third of a short command's time. lld, which the
      // toolchain brings: the older default warns of a function in a library of Swift's own.
      .executableTarget(
        name: "apprentice", dependencies: ["Commands"], swiftSettings: swiftSettings,
        linkerSettings: [
          .unsafeFlags(["-static-stdlib", "-use-ld=lld"]), .linkedLibrary("_FoundationCShims"),
          .linkedLibrary("_FoundationCollections"),
        ]),
      .target(
        name: "TestSupport", dependencies: ["CanonicalJSON", systemPackage], path: "Tests/TestSupport",
        swiftSettings: swiftSettings),
      .executableTarget(
        name: "benchmarks",
        dependencies: [
          "CanonicalJSON", "Corpora", "Records", "Tokenization", "TextMetrics", "Tensors", "Autodiff", "Transformers",
          "Imitation", "Decoding", systemPackage,
        ], path: "Tests/benchmarks/Sources", swiftSettings: swiftSettings),
      // Parsers of foreign bytes, as Tests/FuzzTests and Tests/fuzzing/run feed them.
      .target(
        name: "FuzzTargets",
        dependencies: [
          "CanonicalJSON", "Archives", "ContentAddressing", "ArtifactStore", "Bundling", "Registries",
          "SafetensorsFormat", "Tokenization", "Corpora", "Records", "StageKit", "CheckpointFormat", "Transformers",
          "PipelineLanguage", "StageCatalog", systemPackage,
        ], path: "Tests/fuzzing/Targets", swiftSettings: swiftSettings),
      .testTarget(
        name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport", systemPackage], swiftSettings: swiftSettings),
      .testTarget(
        name: "ArchitectureTests", dependencies: ["TestSupport", systemPackage], swiftSettings: swiftSettings),
      .testTarget(
        name: "StageTests",
        dependencies: [
          "StageCatalog", "StageKit", "Records", "Tokenization", "ContentAddressing", "TestSupport", "CanonicalJSON",
          systemPackage,
        ],
        swiftSettings: swiftSettings),
      .testTarget(
        name: "CommandTests",
        dependencies: ["Commands", "Records", "ContentAddressing", "TestSupport", "CanonicalJSON", systemPackage],
        swiftSettings: swiftSettings),
    ]
)

// Has no main of its own: libFuzzer brings it.
if Context.environment["APPRENTICE_FUZZING"] != nil {
  package.products.append(.executable(name: "fuzz", targets: ["fuzz"]))
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzTargets", systemPackage], path: "Tests/fuzzing/Fuzzer",
      swiftSettings: swiftSettings))
}
