import Autodiff
import Testing
import Transformers

@Suite("Ragged batches")
struct RaggedBatchTests {
  @Test("The model reads all tokens but the last and predicts completions from the prompt's last token on")
  func terminal() {
    var batch = RaggedBatch()
    batch.append([5, 6, 7, 8, 2], promptLength: 3)
    batch.append([9, 2], promptLength: 1)
    #expect(batch.tokens == [5, 6, 7, 8, 9])
    #expect(batch.offsets == [0, 4, 5])
    #expect(batch.predictingTokens == [2, 3, 4])
    #expect(batch.rows.actions == [8, 2, 2])
    #expect(batch.rows.offsets == [0, 2, 3])
    #expect(batch.predictedTokens == 3)
  }

  @Test("A cut-off completion is read whole and ends with a row without action")
  func cutOff() {
    var batch = RaggedBatch()
    batch.append([5, 6, 7], promptLength: 1, isTerminal: false)
    #expect(batch.tokens == [5, 6, 7])
    #expect(batch.predictingTokens == [0, 1, 2])
    #expect(batch.rows.actions == [6, 7, -1])
    #expect(batch.predictedTokens == 2)
  }
}
