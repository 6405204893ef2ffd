import StageKit

/// The parameters of ingest, in the order of its documentation.
enum IngestParameters {
  enum Format: String, ChoiceParameter { case auto, jsonl, json, csv, tsv, columns, text, xml, tmx, html }
  enum Unit: String, ChoiceParameter { case line, paragraph, file }
  enum Missing: String, ChoiceParameter { case fail, drop }
  enum Deduplication: String, ChoiceParameter { case off, rows, prompts }
  enum Overlap: String, ChoiceParameter { case warn, fail, off }

  static let files = Parameter(
    "files", default: NamedValues<String>(),
    doc:
      "Split (train, validation, test) to a file name or glob below the source, a folder or an archive (.tar, .tar.gz, .tar.zst, .zip, …); default: one file is train, a folder or archive holds <split>.<ext>. Files may be compressed (.gz, .zst, .xz, .bz2)."
  )
  static let format = Parameter(
    "format", default: Format.auto,
    doc:
      "How rows are written; auto goes by the file's name. Under auto JSON lines are read in a .json, too, and an array in a .jsonl. json: an array of objects, or an object that holds one such array. columns: a header, then fields separated by any white space. text: the field text, see unit and pattern. xml: WMT's format, fields doc, seg, src, ref.A for translator A, hyp.S for system S; any other with record. tmx: the languages as fields, codes such as <ph> left out; en-US is EN_us. html: fields title and text, a row a file."
  )
  static let record = Parameter(
    "record", default: "",
    doc:
      "XML of any schema: path of the element that is a row, from the root, such as benchmark/entries/entry. Fields are then paths below it, such as modifiedtripleset/mtriple, lex[@comment=\"good\"]/text, @category or lex/@lid; white space around a text is left out. A field with several values is all of them, joined as join says, or all references where a template of references is that path alone."
  )
  static let join = Parameter(
    "join", default: ", ", doc: "What stands between the values of a field of XML that has several.")
  static let delimiter = Parameter(
    "delimiter", default: ",", doc: "The character between the fields of CSV, such as \";\".")
  static let encoding = Parameter(
    "encoding", default: "auto",
    doc:
      "How characters are written: a label as browsers read it (latin1 is windows-1252, gb2312 GBK, shift_jis Microsoft's), or another name that iconv knows, such as utf-16. auto: what a byte order mark, an XML declaration or an HTML meta element says, else UTF-8; never guessed."
  )
  static let parallel = Parameter(
    "parallel", default: NamedValues<String>(),
    doc:
      "Field to a file name or glob: line-aligned texts, whose n-th rows together are one row. {name} in it stands for what files has for the split: files { train: train }, parallel { en: \"{name}.en.gz\", de: \"{name}.de.gz\" }. Unequal numbers of rows are an error."
  )
  static let unit = Parameter(
    "unit", default: Unit.line,
    doc: "What a row of text is: a line (an empty one too), a paragraph between empty lines, or the whole file.")
  static let separator = Parameter(
    "separator", default: "",
    doc: "Glob of lines that separate rows of text and belong to none, such as ==*==; default: unit decides.")
  static let comment = Parameter(
    "comment", default: "",
    doc:
      "What begins a comment in text, such as \"#\": the rest of the line is left out, with the blanks before it; a line of comment only is no row."
  )
  static let pattern = Parameter(
    "pattern", default: [String](),
    doc:
      "Takes a row of text apart into fields: \"{word} {phones}\" gives word the text up to the first blank and phones the rest; {_} is left out. Of several the first that matches counts; a row that matches none is an error."
  )
  static let messages = Parameter(
    "messages", default: "",
    doc:
      "Field that holds chat messages, [{role, content}] or ShareGPT's [{from, value}]: the assistant's last message becomes the field completion, those before it the field prompt, each written as turn says; later ones are left out."
  )
  static let turn = Parameter(
    "turn", default: "{role}:\n{content}\n\n",
    doc:
      "Template of a chat message in the prompt; the prompt ends with what it has before {content} for the assistant.")
  static let prompt = Parameter(
    "prompt", default: TextOrMap.text("{prompt}"),
    doc: "Template of the prompt over the row's fields, or a map from split to template.")
  static let completion = Parameter(
    "completion", default: TextOrMap.text("{completion}"),
    doc: "Template of the completion over the row's fields, or a map from split to template.")
  static let references = Parameter(
    "references", default: [String](),
    doc:
      "Templates of the right answers; a template that is one field with a list gives them all. Default: the field references where there is one, a list or one text, else the completion, which also stands in for an empty list; those are counted."
  )
  static let missing = Parameter(
    "missing", default: Missing.fail,
    doc:
      "What becomes of a row that lacks a field of prompt or completion, or whose messages hold no text (a tool call, an image) or no answer of the assistant: fail, or drop it and say how many; with drop a template of references whose field is absent is left out."
  )
  static let minPrompt = Parameter(
    "min_prompt", in: 0...(1 << 53), unit: "characters",
    doc: "Rows with a shorter prompt are dropped and counted.")
  static let maxPrompt = Parameter(
    "max_prompt", in: 0...(1 << 53), unit: "characters", doc: "Rows with a longer prompt are dropped and counted.")
  static let minCompletion = Parameter(
    "min_completion", in: 0...(1 << 53), unit: "characters",
    doc: "Rows with a shorter completion are dropped and counted; 1 drops empty ones, which are an error otherwise.")
  static let maxCompletion = Parameter(
    "max_completion", in: 0...(1 << 53), unit: "characters",
    doc: "Rows with a longer completion are dropped and counted.")
  static let deduplicate = Parameter(
    "deduplicate", default: Deduplication.off,
    doc:
      "Keeps the first of equal rows within a split: rows are equal in prompt and completion, or prompts in the prompt alone."
  )
  static let gather = Parameter(
    "gather", default: [String](),
    doc: "Splits in which rows with equal prompt become one row with all their answers as references.")
  static let fractions = Parameter(
    "fractions", default: NamedValues<Double>(),
    doc: "Split to share: deals the prompts of the one file train out to splits by seed; the shares sum to 1.")
  static let seed = Parameter("seed", default: 0, in: 0...(1 << 53), doc: "Seed of fractions, subset and shuffle.")
  static let subset = Parameter(
    "subset", default: 1.0, in: 0...Double(1 << 53),
    doc:
      "How much of train is kept, drawn by seed: a share up to 1, or a number of rows above 1. Of two subsets under one seed the smaller is contained in the larger."
  )
  static let shuffle = Parameter(
    "shuffle", default: false, doc: "Whether rows of train are put in an order drawn by seed.")
  static let limit = Parameter(
    "limit", default: 0, in: 0...(1 << 53), unit: "rows", doc: "Takes the first rows of each split; 0 takes all.")
  static let overlap = Parameter(
    "overlap", default: Overlap.warn, doc: "What is done where a prompt stands in two splits: warn, fail, or off.")

  static let declarations = [
    files.declaration, format.declaration, record.declaration, join.declaration, delimiter.declaration,
    encoding.declaration, parallel.declaration,
    unit.declaration,
    separator.declaration, comment.declaration, pattern.declaration, messages.declaration, turn.declaration,
    prompt.declaration, completion.declaration, references.declaration, missing.declaration, minPrompt.declaration,
    maxPrompt.declaration, minCompletion.declaration, maxCompletion.declaration, deduplicate.declaration,
    gather.declaration, fractions.declaration, seed.declaration, subset.declaration, shuffle.declaration,
    limit.declaration, overlap.declaration,
  ]

  static let aliases = [
    "input": "prompt", "output": "completion", "target": "completion", "max_samples": "limit",
    "sep": "delimiter", "dedup": "deduplicate", "chat": "messages",
  ]
}
