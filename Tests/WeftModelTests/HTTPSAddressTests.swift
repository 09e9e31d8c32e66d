import Testing
import WeftModel

@Suite struct HTTPSAddressTests {
    @Test(arguments: [
        ("https://A.example", "a.example", 443, "/"), ("https://a.b:8443/x?y=1", "a.b", 8443, "/x?y=1"),
        ("https://[::1]:1/", "::1", 1, "/"), ("https://10.0.0.1?q", "10.0.0.1", 443, "/?q"),
    ])
    func `an https URL is taken apart, and put together again`(text: String, host: String, port: Int, path: String) {
        let address = HTTPSAddress(text)
        #expect(address?.host == host)
        #expect(address?.port == port)
        #expect(address?.path == path)
        #expect(address.flatMap { HTTPSAddress($0.description) } == address)
    }

    @Test(arguments: [
        "", "http://a", "https://", "https:///x", "https://a:0", "https://a:99999", "https://a:", "https://a:x",
        "https://u@a", "https://u:p@a", "https://a/#f", "https://a b", "https://[::1", "https://[a]/", "https://[::1]x",
        "https://a\r\nx", "https://ä", "https://a\\b", "HTTPS://a",
    ])
    func `everything else is refused`(text: String) {
        #expect(HTTPSAddress(text) == nil)
    }
}
