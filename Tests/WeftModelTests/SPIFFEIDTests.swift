import Testing
import WeftModel

@Suite struct SPIFFEIDTests {
    @Test func `a workload's identity names its namespace and account`() throws {
        let id = SPIFFEID(trustDomain: .standard, namespace: "default", account: "billing")
        #expect(id.description == "spiffe://mesh.local/ns/default/sa/billing")
        let parsed = try #require(SPIFFEID(id.description))
        #expect(parsed == id)
        #expect(parsed.workload?.namespace == "default")
        #expect(parsed.workload?.account == "billing")
    }

    @Test(arguments: [
        "spiffe://", "spiffe:///x", "spiffe://TD/x", "spiffe://td/", "spiffe://td//x", "spiffe://td/./x",
        "spiffe://td/../x", "spiffe://td/a%20b", "spiffe://u@td/x", "spiffe://td:80/x", "spiffe://td/x?q",
        "spiffe://td/x#f", "spiffe://td/ä", "http://td/x", "td/x", "spiffe://td/a b",
    ])
    func `what the specification forbids is no SPIFFE ID`(text: String) {
        #expect(SPIFFEID(text) == nil)
    }
}
