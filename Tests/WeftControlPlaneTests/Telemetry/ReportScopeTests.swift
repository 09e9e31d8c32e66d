import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct ReportScopeTests {
    private let scope = ReportScope(
        Workload(
            metadata: Metadata(name: "acc-1"), account: "acc", service: "acc", address: "127.0.0.1",
            ports: [Workload.Port(port: 8080, inboundPort: 15006)]))

    private func edge(_ source: String, _ destination: String, _ direction: EdgeStat.Direction) -> EdgeKey {
        EdgeKey(
            source: source, destination: destination, version: "", route: "", direction: direction, protocol: "h2",
            tls: true, peerIdentity: "spiffe://mesh.local/ns/default/sa/acc")
    }

    @Test func `a proxy tells of its own workload's calls only`() {
        #expect(self.scope.contains(self.edge("acc.default", "fl.default", .outbound)))
        #expect(self.scope.contains(self.edge("web.default", "acc.default", .inbound)))
        #expect(!self.scope.contains(self.edge("acc.default", "fl.default", .inbound)))
        #expect(!self.scope.contains(self.edge("web.default", "acc.default", .outbound)))
        #expect(!self.scope.contains(self.edge("acc.money", "fl.default", .outbound)))
    }

    @Test func `a proxy tells of callers in the clear of its own ports only`() {
        func key(_ destination: String, _ port: Int) -> PlaintextBook.Key {
            PlaintextBook.Key(address: "6.6.6.6", destination: destination, port: port)
        }
        #expect(self.scope.contains(key("acc.default", 8080)))
        #expect(!self.scope.contains(key("acc.default", 9090)))
        #expect(!self.scope.contains(key("billing.default", 8080)))
    }
}
