import Testing
import WeftMessage

@Suite struct FieldNameTests {
    @Test(arguments: FieldName.allCases)
    func `every well-known name is found in lower and in upper case`(name: FieldName) {
        guard name != .other else { return }
        let text = "\(name.text)"
        #expect(FieldName(text) == name)
        #expect(Array(text.uppercased().utf8).withUnsafeBytes { FieldName(anyCase: $0) } == name)
    }

    @Test(arguments: [
        "content\rlength", "content-lengt", "content-length ", "x", "", "content_length", "conteNt-lengtH\0",
    ])
    func `a name that only resembles a well-known one is another`(name: String) {
        #expect(Array(name.utf8).withUnsafeBytes { FieldName(anyCase: $0) } == .other)
    }
}
