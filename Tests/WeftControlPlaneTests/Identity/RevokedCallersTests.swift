import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct RevokedCallersTests {
    private let billing = SPIFFEID(trustDomain: .standard, namespace: "default", account: "billing")
    private let web = SPIFFEID(trustDomain: .standard, namespace: "default", account: "web")

    @Test func `one that knocks is remembered for a while, and only while it is revoked`() {
        let callers = RevokedCallers()
        callers.note(self.web, now: 100)
        callers.note(self.billing, now: 150)
        #expect(callers.recent(of: [self.web, self.billing], now: 200) == [self.billing, self.web])
        #expect(callers.recent(of: [self.web, self.billing], now: 221) == [self.billing])
        #expect(callers.recent(of: [], now: 221).isEmpty)
    }

    @Test func `it is told of as revoked though it registered nothing`() throws {
        let status = StatusAssembly.proxies(entries: [], streams: [], revoked: [self.web], knocking: [self.web])
        #expect(status.map(\.state) == [.revoked])
        #expect(status.first?.identity == self.web.description)
    }
}
