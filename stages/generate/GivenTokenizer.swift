import Records
import StageKit
import SystemPackage
import Tokenization

/// The tokenizer that prompts and completions go through: the port's, else the model's own, else none.
struct GivenTokenizer {
  let tokenizer: Tokenizer?

  /// Reads it.
  ///
  /// - Throws: `StageFailure` with status 2 where the port gives another tokenizer than the model was trained with: a
  ///   model reads ids, and would take them for other words.
  init(_ context: StageContext) throws {
    let model = context.input("model").path
    let own = FileContent.exists(model.appending("tokenizer.json")) ? try Tokenizer(contentsOf: model) : nil
    guard let port = context.optionalInput("tokenizer")?.path else {
      tokenizer = own
      return
    }
    let given = try Tokenizer(contentsOf: port)
    tokenizer = given
    guard let own else { return }
    func refusal(_ difference: String) -> StageFailure {
      StageFailure(
        "the tokenizer of the port, \(port), is not that of the model, \(model): \(difference)",
        remedy: "leave the port tokenizer out, which takes the model's own", status: .invalid)
    }
    guard given.encodesTexts(like: own) else { throw refusal("their tokenizer.json differ") }
    guard given.promptConvention != own.promptConvention else { return }
    // The usual convention is written nowhere, so a model that names another one knows what it was trained with.
    guard own.promptConvention == .usual else { throw refusal("they put other tokens around a prompt") }
    context.report(
      .warning("\(port) puts other tokens around prompts than the model's own tokenizer does; the port's are taken"))
  }
}
