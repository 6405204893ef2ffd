internal import CanonicalJSON
public import SystemPackage

/// What a model must know of its tokenizer, of any type, without encoding anything.
public struct TokenizerOutline: Sendable {
  /// One more than the largest token id: the number of rows that an embedding needs.
  public let vocabularySize: Int
  /// The token that begins a text, if there is one.
  public let beginToken: TokenID?
  /// The token that ends a text, if there is one.
  public let endToken: TokenID?
  /// Sentences about what the files state differently, and what was made of it.
  public let notes: [String]

  /// The outline of a tokenizer that was read.
  public init(_ tokenizer: Tokenizer) {
    vocabularySize = tokenizer.vocabularySize
    beginToken = tokenizer.beginToken
    endToken = tokenizer.endToken
    notes = tokenizer.notes
  }

  /// Reads the files of a tokenizer.
  ///
  /// - Parameter path: A folder, or a `tokenizer.json` with its neighbours.
  /// - Throws: `TokenizerError`.
  public init(contentsOf path: FilePath) throws(TokenizerError) {
    let files = try TokenizerFiles(contentsOf: path)
    let json = try TokenizerFiles.parse(files.tokenizer, TokenizerFiles.tokenizerName)
    var vocabulary = ByteStringTable()
    switch json["model"]?["vocab"] {
    case .object(let entries)?:
      for (piece, value) in entries.members {
        guard let number = value.integer.flatMap(Int32.init(exactly:)), number >= 0 else {
          throw TokenizerReading.malformed("model.vocab, \"\(ForeignText.line(piece))\",", "a number from 0")
        }
        vocabulary.set(Array(piece.utf8), to: number)
      }
    case .array(let pieces)?:
      // Unigram: pieces with their scores, in order of ids.
      for (index, piece) in pieces.enumerated() {
        guard let text = piece.array?.first?.string, let number = Int32(exactly: index) else {
          throw TokenizerReading.malformed("model.vocab[\(index)]", "a piece with its score")
        }
        vocabulary.set(Array(text.utf8), to: number)
      }
    default: throw TokenizerReading.malformed("model.vocab", "an object of pieces and their numbers")
    }
    // A processor that is not built here says nothing of begin and end that the configuration does not.
    let template = (try? SpecialTokenTemplate(reading: json["post_processor"])) ?? SpecialTokenTemplate()
    let special = try SpecialTokens(files, json: json, vocabulary: vocabulary, template: template)
    beginToken = special.begin
    endToken = special.end
    notes = special.notes
    vocabularySize = try TokenizerReading.vocabularySize(vocabulary, special.added)
  }
}
