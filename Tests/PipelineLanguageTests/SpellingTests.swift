import CanonicalJSON
import PipelineLanguage
import StageKit
import Testing

@Suite struct SpellingTests {
  @Test("the nearest name is near")
  func nearest() {
    let names = ["learning_rate", "epochs", "steps", "seed"]
    #expect(Spelling.nearest(to: "learning-rate", among: names) == "learning_rate")
    #expect(Spelling.nearest(to: "Learning_Rate", among: names) == "learning_rate")
    #expect(Spelling.nearest(to: "epoch", among: names) == "epochs")
    #expect(Spelling.nearest(to: "sede", among: names) == "seed")
    #expect(Spelling.nearest(to: "stpes", among: names) == "steps")
    #expect(Spelling.nearest(to: "colour", among: names) == nil)
    // A third of the letters may differ, and no more.
    #expect(Spelling.nearest(to: "lernng_rte", among: names) == "learning_rate")
    #expect(Spelling.nearest(to: "lernng_r", among: names) == nil)
    #expect(Spelling.nearest(to: "", among: names) == nil)
  }

  @Test(
    "names from TRL and Axolotl are answered with ours",
    arguments: [
      ("num_train_epochs", "epochs"), ("lr", "learning_rate"), ("learning-rate", "learning_rate"),
      ("per_device_train_batch_size", "batch_rows"), ("micro_batch_size", "batch_rows"),
      ("gradient_accumulation_steps", "accumulate"), ("max_steps", "steps"), ("max_seq_length", "max_length"),
      ("sequence_len", "max_length"), ("LR", "learning_rate"),
    ])
  func foreign(name: String, ours: String) throws {
    let stages = toys.declarations
    let training = try #require(stages.first { $0.name == "train-mle" })
    #expect(ParameterNames(training, others: stages).answer(to: name).nearest == ours)
  }

  @Test("a stage's own aliases come first")
  func aliases() {
    let stage = StageDeclaration(
      name: "s", revision: 1, summary: "", inputs: [], outputs: [],
      parameters: [
        ParameterDeclaration(name: "rate", type: .number(nil), defaultValue: 1, doc: ""),
        ParameterDeclaration(name: "learning_rate", type: .number(nil), defaultValue: 1, doc: ""),
      ], aliases: ["lr": "rate"])
    #expect(ParameterNames(stage, others: []).answer(to: "lr").nearest == "rate")
  }
}
