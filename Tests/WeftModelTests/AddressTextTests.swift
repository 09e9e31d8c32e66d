import Testing
import WeftModel

@Suite struct AddressTextTests {
    @Test(arguments: [
        ("https://a.example/keys?key=SECRET&v=2", "https://a.example/keys?key=…&v=…"),
        ("https://user:SECRET@a.example/keys", "https://…@a.example/keys"),
        ("https://SECRET@b@a.example", "https://…@a.example"),
        ("user:SECRET@a.example/keys", "…@a.example/keys"),
        ("https://a.example/keys?SECRET#SECRET", "https://a.example/keys?…"),
        ("https://a.example/keys", "https://a.example/keys"), ("", ""), ("?", "?"),
    ])
    func `what may be secret is left out`(text: String, shown: String) {
        #expect(AddressText.redacted(text) == shown)
    }
}
