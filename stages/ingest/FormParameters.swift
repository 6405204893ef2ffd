import Corpora
import Records
import StageKit

// What the parameters say of the files' form.

extension Split {
  /// The split that a parameter names.
  init(named name: String, of parameter: String) throws(ParameterError) {
    guard let split = Split(rawValue: name) else {
      throw ParameterError(parameter: parameter, found: "split \(name)", expected: "train, validation or test")
    }
    self = split
  }
}

extension FileRequest {
  /// What `files` and `parallel` ask for, splits in the order train, validation, test.
  static func all(_ parameters: ParameterValues) throws(ParameterError) -> [FileRequest] {
    var files: [FileRequest] = []
    for entry in parameters[IngestParameters.files].entries {
      files.append(FileRequest(split: try Split(named: entry.name, of: "files"), name: entry.value))
    }
    files = Split.allCases.flatMap { split in files.filter { $0.split == split } }
    let fields = parameters[IngestParameters.parallel].entries
    guard !fields.isEmpty else { return files }
    guard [.auto, .text].contains(parameters[IngestParameters.format]) else {
      throw ParameterError(
        parameter: "parallel", found: "format \(parameters[IngestParameters.format].rawValue)",
        expected: "texts; leave format out")
    }
    if files.isEmpty { files = [FileRequest(split: .train, name: "")] }
    var requests: [FileRequest] = []
    for file in files {
      for (field, name) in fields {
        let parts = Self.parts(of: name)
        guard parts.count > 1 || files.count == 1 else {
          throw ParameterError(
            parameter: "parallel", found: "\(name) for \(files.count) splits",
            expected: "{name} in it, which stands for what files has for the split")
        }
        guard parts.count == 1 || !file.name.isEmpty else {
          throw ParameterError(parameter: "parallel", found: "{name}, but no files", expected: "files beside it")
        }
        requests.append(FileRequest(split: file.split, field: field, name: parts.joined(separator: file.name)))
      }
    }
    return requests
  }

  /// What stands around `{name}`, which is found by its bytes whatever follows it.
  private static func parts(of name: String) -> [String] {
    let mark = Array("{name}".utf8)
    var rest = Array(name.utf8)[...]
    var parts: [[UInt8]] = [[]]
    while let byte = rest.first {
      if rest.starts(with: mark) {
        parts.append([])
        rest = rest.dropFirst(mark.count)
      } else {
        parts[parts.count - 1].append(byte)
        rest.removeFirst()
      }
    }
    return parts.map { String(decoding: $0, as: UTF8.self) }
  }
}

extension TextEncoding {
  /// The declared encoding.
  init(_ parameters: ParameterValues) throws(ParameterError) {
    let name = parameters[IngestParameters.encoding]
    if name == "auto" {
      self = .asFileSays
      return
    }
    do throws(TextEncoding.Unknown) {
      try self.init(named: name)
    } catch {
      throw ParameterError(
        parameter: "encoding", found: name, expected: "auto, utf-8, utf-16, latin-1, windows-1252 or as iconv -l lists")
    }
  }
}

extension CorpusReader {
  /// What stands between the fields of CSV.
  static func delimiter(_ parameters: ParameterValues) throws(ParameterError) -> UInt8 {
    let text = parameters[IngestParameters.delimiter]
    guard text.utf8.count == 1, let byte = text.utf8.first, byte < 0x80, !"\"\r\n".utf8.contains(byte) else {
      throw ParameterError(
        parameter: "delimiter", found: text, expected: "one character, such as \";\"; for tabs format tsv")
    }
    let format = parameters[IngestParameters.format]
    guard text == "," || [.auto, .csv].contains(format) else {
      throw ParameterError(
        parameter: "delimiter", found: "format \(format.rawValue)", expected: "format csv; delimiter belongs to it")
    }
    return byte
  }
}

extension TextLayout {
  /// What a row of text is.
  init(_ parameters: ParameterValues) throws(ParameterError) {
    let separator = parameters[IngestParameters.separator]
    guard separator.isEmpty || parameters[IngestParameters.unit] == .line else {
      throw ParameterError(
        parameter: "separator", found: "unit \(parameters[IngestParameters.unit].rawValue)", expected: "one of the two")
    }
    let unit: Unit =
      switch parameters[IngestParameters.unit] {
      case _ where !separator.isEmpty: .separated(by: separator)
      case .line: .line
      case .paragraph: .paragraph
      case .file: .file
      }
    let comment = parameters[IngestParameters.comment]
    var patterns: [LinePattern] = []
    for text in parameters[IngestParameters.pattern] {
      do throws(Template.Malformed) {
        patterns.append(try LinePattern(text))
      } catch {
        throw ParameterError(
          parameter: "pattern", found: error.description, expected: "a pattern such as {word} {phones}")
      }
    }
    self.init(unit: unit, comment: comment.isEmpty ? nil : comment, patterns: patterns)
  }
}

extension XMLRecordForm {
  /// What a row of XML of any schema is, or nil where `record` names none.
  init?(_ parameters: ParameterValues, fields: [String]) throws(ParameterError) {
    let record = parameters[IngestParameters.record]
    guard !record.isEmpty else {
      guard parameters[IngestParameters.join] == ", " else {
        throw ParameterError(parameter: "join", found: "no record", expected: "record beside it")
      }
      return nil
    }
    for (name, isSet) in [
      (
        "format \(parameters[IngestParameters.format].rawValue)",
        ![.auto, .xml].contains(parameters[IngestParameters.format])
      ),
      ("messages", !parameters[IngestParameters.messages].isEmpty),
      ("parallel", !parameters[IngestParameters.parallel].isEmpty),
    ] where isSet {
      throw ParameterError(parameter: "record", found: name, expected: "XML; record belongs to it alone")
    }
    do throws(Template.Malformed) {
      try self.init(record: record, fields: fields, join: parameters[IngestParameters.join])
    } catch {
      throw ParameterError(
        parameter: "record", found: error.description,
        expected: "paths of XML, here and in templates, such as benchmark/entries/entry and lex[@comment=\"good\"]/text"
      )
    }
  }
}
