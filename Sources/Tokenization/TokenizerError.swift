public import CanonicalJSON
public import SystemPackage

/// Why a tokenizer could not be read, trained or written.
public enum TokenizerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A folder holds no tokenizer.
  case notFound(FilePath)
  /// A file could not be read or written.
  case file(FilePath, reason: String)
  /// A file is not JSON.
  case notJSON(file: String, JSONError)
  /// A member of a file has another form than it must have.
  case malformed(file: String, member: String, expected: String)
  /// A component that is not built here; results without it would be wrong.
  case unsupported(file: String, component: String)
  /// A merge joins pieces that the vocabulary lacks, or joins them to one that it lacks.
  case mergeOutOfVocabulary(file: String, merge: Int, piece: String)
  /// A file names a token that the vocabulary lacks.
  case unknownToken(file: String, member: String, token: String)
  /// A byte-level vocabulary holds the special token and all bytes at least.
  case vocabularyTooSmall(size: Int, least: Int)

  /// One sentence with the place and, where there is one, the remedy.
  public var description: String {
    switch self {
    case .notFound(let folder):
      "\(folder) holds no tokenizer: expected tokenizer.json, or vocab.json with merges.txt"
    case .file(let path, let reason): "\(path): \(reason)"
    case .notJSON(let file, let error): "\(file), \(error)"
    case .malformed(let file, let member, let expected): "\(file): \(member) must be \(expected)"
    case .unsupported(let file, let component):
      "\(file): \(component) is not supported; without it token ids would differ from those of the reference"
    case .mergeOutOfVocabulary(let file, let merge, let piece):
      "\(file): merge \(merge) needs the piece \"\(piece)\", which the vocabulary lacks"
    case .unknownToken(let file, let member, let token):
      "\(file): \(member) names \"\(token)\", which is not in the vocabulary; name one that is, or add it"
    case .vocabularyTooSmall(let size, let least):
      "a byte-level vocabulary needs \(least) tokens at least (the special ones and 256 bytes), not \(size)"
    }
  }
}
