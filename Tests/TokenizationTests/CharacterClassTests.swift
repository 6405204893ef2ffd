import CanonicalJSON
import Testing
import Tokenization

@Suite struct CharacterClassTests {
  @Test(
    "every scalar value is of the classes that the reference's engines give it",
    arguments: [
      ("letter", ScalarTraits.letter), ("number", ScalarTraits.number), ("space", ScalarTraits.space),
      ("word", ScalarTraits.word), ("numeric", ScalarTraits.numeric),
    ])
  func classes(name: String, trait: UInt8) throws {
    var expected = [Bool](repeating: false, count: 0x110000)
    for range in try #require(ReferenceData.json("classes.json")[name]?.array) {
      let bounds = try #require(range.array).compactMap(\.integer)
      for value in bounds[0]...bounds[1] { expected[value] = true }
    }
    var differing: [String] = []
    for value in UInt32(0)..<0x110000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let holds = ScalarTraits.traits(of: scalar) & trait != 0
      if holds != expected[Int(value)] { differing.append(String(value, radix: 16)) }
    }
    #expect(differing.isEmpty)
  }
}
