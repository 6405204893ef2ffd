/// How BLEU splits text into words: the tokenizers of sacrebleu 2.6.0.
public enum BLEUTokenization: String, Sendable, CaseIterable {
  /// `13a`: mteval-v13a, the default of WMT and sacrebleu.
  case v13a = "13a"
  /// `intl`: mteval-v14, punctuation and symbols of all scripts.
  case international = "intl"
  /// `char`: every character but white space is a word.
  case character = "char"
  /// `none`: split at white space only.
  case none
}
