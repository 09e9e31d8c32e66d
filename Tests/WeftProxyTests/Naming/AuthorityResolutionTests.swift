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

    @Test(arguments: [
        ("a.b.c.d", "a.b.c.d", 80), ("WWW.example.com:443", "www.example.com", 443),
        ("api.example.com.", "api.example.com", 80), ("10.1.2.3:8080", "10.1.2.3", 8080),
    ])
    func `a name of DNS or an address may be outside the mesh`(authority: String, host: String, port: Int) {
        #expect(
            AuthorityResolution(authority: authority, namespace: "default") == .external(host: host, port: port))
    }

    @Test(arguments: ["127.0.0.1:80", "localhost", "app.localhost", "[::1]:80"])
    func `the caller's own host is foreign`(authority: String) {
        #expect(AuthorityResolution(authority: authority, namespace: "default") == .foreign)
    }

    @Test(arguments: ["", ":80", "user@billing", "billing:0", "billing:65536", "billing:8x", "bill ing", "a..b", "-a"])
    func `what is no authority is malformed`(authority: String) {
        #expect(AuthorityResolution(authority: authority, namespace: "default") == .malformed)
    }
}
