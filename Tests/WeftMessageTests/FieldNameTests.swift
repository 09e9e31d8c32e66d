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

    @Test(arguments: [
        ("content_length", true), ("Content_Length", true), ("transfer_encoding", true), ("x_weft_peer", true),
        ("X-Weft_Peer", true), ("x-weft-deadline_ms", true), ("x_forwarded-for", true),
        ("x-forwarded-client_cert", true), ("keep_alive", true), ("proxy_authorization", true),
        ("content-length", false), ("x-weft-peer", false), ("x-forwarded-for", false), ("content_length2", false),
        ("content_type", false), ("x_request_id", false), ("x_weft", false), ("_", false), ("", false),
        ("c", false), ("content\u{d}length", false), ("x_forwarded", false),
    ])
    func `a name that applications may read as a protected one is its alias`(name: String, isAlias: Bool) {
        #expect(Array(name.utf8).withUnsafeBytes { FieldName.isAliasOfProtected($0) } == isAlias)
    }
}
