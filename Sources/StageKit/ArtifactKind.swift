/// The kind of an artifact: what files its folder holds.
public enum ArtifactKind: String, Sendable, Hashable, CaseIterable {
  /// Anything that `ingest` reads: a file or a folder of the user's.
  case source
  /// `<split>.jsonl` with prompts, completions and references.
  case dataset
  /// `tokenizer.json` and `tokenizer_config.json`.
  case tokenizer
  /// `<split>.safetensors` with token rows, and `ids.jsonl`.
  case tokens
  /// A Hugging Face model directory.
  case model
  /// `samples.jsonl`, and `settings.json` where `generate` wrote it.
  case samples
  /// `rewards.jsonl`.
  case rewards
  /// `curves.jsonl` and a TensorBoard event file.
  case curves
  /// `scores.json` and `examples.jsonl`.
  case scores
  /// `index.html` and `data/*.csv`.
  case report

  /// The one file that a kind needs, where it needs one only: a path to that file may stand for the folder.
  public var essentialFile: String? {
    switch self {
    case .samples: "samples.jsonl"
    case .rewards: "rewards.jsonl"
    case .curves: "curves.jsonl"
    case .scores: "scores.json"
    case .tokenizer: "tokenizer.json"
    case .report: "index.html"
    case .source, .dataset, .tokens, .model: nil
    }
  }
}
