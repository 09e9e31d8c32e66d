import Testing
import WeftModel

@testable import WeftProxy

@Suite struct AuthorityResolutionTests {
    @Test(arguments: [
        ("billing", "billing.shop:80"), ("billing:8080", "billing.shop:8080"),
        ("billing.default", "billing.default:80"),
        ("billing.default.mesh:81", "billing.default:81"), ("BILLING.Default.", "billing.default:80"),
        ("billing:", "billing.shop:80"),
    ])
    func `every way to write a service means its canonical port`(authority: String, canonical: String) {
        let resolution = AuthorityResolution(authority: authority, namespace: "shop")
        guard case .service(let port) = resolution else {
            Issue.record("\(authority) is \(resolution)")
            return
        }
        #expect(port.description == canonical)
    }

    @Test(arguments: ["127.0.0.1:80", "localhost", "[::1]:80", "a.b.c.d", "www.example.com"])
    func `what the mesh cannot know is foreign`(authority: String) {
        #expect(AuthorityResolution(authority: authority, namespace: "default") == .foreign)
    }

    @Test(arguments: ["", ":80", "user@billing", "billing:0", "billing:65536", "billing:8x", "bill ing", "a..b", "-a"])
    func `what is no authority is malformed`(authority: String) {
        #expect(AuthorityResolution(authority: authority, namespace: "default") == .malformed)
    }
}
