import Glibc

// One measurement of ours a run, as JSON lines on stdout; Tests/benchmarks/run calls it in turn with the peer's.
//
//     benchmarks train --objective mle|iq [--lengths FILE] [--steps N] [--threads N]
//     benchmarks iq-over-mle [--threads N]
//     benchmarks generate --batch N --samples N --mode greedy|sample [--threads N]
//     benchmarks text DATA_FOLDER

let arguments = Arguments(CommandLine.arguments.dropFirst())
switch arguments.verb {
case "train": TrainingBenchmark(arguments).measure()
case "iq-over-mle": TrainingBenchmark(arguments).compareObjectives()
case "generate": GenerationBenchmark(arguments).measure()
case "text": try TextBenchmark(arguments).measure()
default:
  print("usage: benchmarks train|iq-over-mle|generate|text …, see Tests/benchmarks/Sources/main.swift")
  exit(64)
}
