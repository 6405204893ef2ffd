import CanonicalJSON
import Records
import SystemPackage

/// Rows of a translation memory (TMX 1.4), a row per unit.
///
/// Fields are the languages as the file writes them (`en`, `pt-BR`), and `tuid` where the unit has one; a second text of
/// the same language is `en.2`. Codes are compared without their case, as TMX has it, and `_` is `-`. Of inline elements only `hi` is part of the text: `ph`, `bpt`, `ept`, `it` and `ut` hold
/// codes of the original format and are left out, with what stands in them.
final class TMXReader: XMLHandler {
  private static let codes: Set<String> = ["ph", "bpt", "ept", "it", "ut"]

  private let file: FilePath
  private let body: (CorpusRow) throws -> Void

  private var hasRoot = false
  private var unitLine = 0
  private var fields: [(name: String, value: JSONValue)] = []
  /// The names of the unit's fields as they are compared.
  private var taken: Set<[UInt8]> = []
  /// The last number that a language's text has, by its code.
  private var numbers: [[UInt8]: Int] = [:]
  /// Bytes of the unit's texts.
  private var size = 0
  private var language: String?
  private var isInSegment = false
  private var codeDepth = 0
  private var content = TextGathering()

  init(file: FilePath, _ body: @escaping (CorpusRow) throws -> Void) {
    self.file = file
    self.body = body
  }

  func start(_ name: String, _ attributes: XMLAttributes, line: Int) throws {
    if !hasRoot {
      hasRoot = true
      guard name == "tmx" else {
        throw RecordError(
          file: file, line: line, reason: "expected a translation memory, <tmx>; found <\(name.shown())>")
      }
    }
    if isInSegment {
      if codeDepth > 0 || Self.codes.contains(name) { codeDepth += 1 }
      return
    }
    switch name {
    case "tu":
      unitLine = line
      fields = []
      taken = []
      numbers = [:]
      size = 0
      if let id = attributes["tuid"] {
        fields.append(("tuid", .string(id)))
        taken.insert(CorpusRow.language("tuid"))
      }
    case "tuv":
      guard let language = attributes["xml:lang"] ?? attributes["lang"] else {
        throw RecordError(file: file, line: line, reason: "a <tuv> does not say its language (xml:lang)")
      }
      self.language = language
    case "seg":
      isInSegment = true
      content.clear()
    default: break
    }
  }

  /// The next name that a text of a language can have, such as `en` and then `en.2`.
  private func fieldName(ofTextIn language: String) -> String {
    let code = CorpusRow.language(language)
    var number = numbers[code] ?? 0
    var field: String
    repeat {
      number += 1
      field = number == 1 ? language : "\(language).\(number)"
    } while !taken.insert(CorpusRow.language(field)).inserted
    numbers[code] = number
    return field
  }

  func text(_ bytes: UnsafeRawBufferPointer) { if isInSegment, codeDepth == 0 { content.append(bytes) } }

  func end(_ name: String) throws {
    if codeDepth > 0 {
      codeDepth -= 1
      return
    }
    switch name {
    case "seg":
      isInSegment = false
      guard let language else { return }
      let text = try content.take(file: file, line: unitLine)
      size += text.utf8.count
      guard size <= CorpusLimits.rowBytes else {
        throw RecordError(
          file: file, line: unitLine, reason: "a unit holds more than \(CorpusLimits.rowBytes >> 20) MiB of text")
      }
      fields.append((fieldName(ofTextIn: language), .string(text)))
    case "tuv": language = nil
    case "tu":
      var row = CorpusRow(file: file, line: unitLine, fields: JSONObject(fields))
      row.namesAreLanguages = true
      try body(row)
    default: break
    }
  }
}
