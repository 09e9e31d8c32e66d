import Testing
import WeftMessage

@Suite struct HeaderBlockTests {
    @Test(arguments: FieldName.allCases)
    func `no well-known name gets into a block as another`(name: FieldName) {
        guard name != .other else { return }
        var block = HeaderBlock()
        let bytes = Array("\(name.text)".utf8)
        bytes.withUnsafeBytes { text in block.append(interned: .other, name: text, value: text) }
        #expect(block.fields.map(\.name) == [name])
        #expect(block.contains(name))
    }
}
