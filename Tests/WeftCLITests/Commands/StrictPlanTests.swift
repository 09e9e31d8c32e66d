import Testing
import WeftModel

@testable import WeftCLI

@Suite struct StrictPlanTests {
    static let report = PlaintextReport(
        at: 10_000,
        callers: [
            .init(
                address: "10.0.0.1", destination: "billing.default", port: 80, requests: 4, refused: 0, lastSeen: 9_900),
            .init(
                address: "10.0.0.2", destination: "billing.default", port: 80, requests: 4, refused: 0, lastSeen: 100),
            .init(
                address: "10.0.0.3", destination: "catalog.default", port: 80, requests: 4, refused: 4, lastSeen: 9_900),
        ],
        ports: [
            .init(service: "billing.default", port: 80, mode: .permissive, source: nil, workloads: 2),
            .init(service: "catalog.default", port: 80, mode: .strict, source: nil, workloads: 1),
            .init(service: "web.other", port: 80, mode: .permissive, source: nil, workloads: 1),
        ])

    @Test func `it changes ports that take plaintext, and shuts out who was seen there lately`() {
        let plan = StrictPlan(Self.report, within: 3_600)
        #expect(plan.changed.map(\.service) == ["billing.default", "web.other"])
        #expect(plan.shutOut.map(\.address) == ["10.0.0.1"])
        #expect(StrictPlan(Self.report, within: 10_000).shutOut.count == 2)
    }

    @Test func `a namespace and a service narrow it`() {
        let other = PlaintextFilter(namespace: "other", service: nil).applied(to: Self.report)
        #expect(other.ports.map(\.service) == ["web.other"])
        #expect(other.callers.isEmpty)
        let billing = PlaintextFilter(namespace: "default", service: "billing").applied(to: Self.report)
        #expect(billing.ports.map(\.service) == ["billing.default"])
        #expect(billing.callers.count == 2)
    }

    @Test func `it says how old what it goes by is, and which policy keeps a port open`() {
        var report = Self.report
        report.reportedAt = 9_997
        report.ports[0].source = Provenance(
            resource: ResourceKey(kind: .peerAuthentication, namespace: "default", name: "old"))
        let console = Console(isTerminal: false, errorIsTerminal: false, environment: [:])
        let text = StrictPlan(report, within: 3_600).rendered(console: console)
        #expect(text.contains("the newest report is 3s old"))
        #expect(text.contains("billing.default port 80, permissive now by PeerAuthentication/default/old"))
        report.reportedAt = nil
        #expect(StrictPlan(report, within: 3_600).rendered(console: console).contains("no sidecar has reported yet"))
        #expect(StrictPlan.cause(of: report.ports[0]).hasSuffix("is permissive by PeerAuthentication/default/old"))
        #expect(StrictPlan.cause(of: report.ports[2]).hasSuffix("is permissive by default"))
    }

    @Test func `a Service that is declared counts as one that is there`() {
        let filter = PlaintextFilter(namespace: "default", service: "cart")
        #expect(filter.takes(ResourceKey(kind: .service, namespace: "default", name: "cart")))
        #expect(!filter.takes(ResourceKey(kind: .service, namespace: "other", name: "cart")))
        #expect(!filter.takes(ResourceKey(kind: .service, namespace: "default", name: "card")))
        #expect(PlaintextFilter(namespace: "other", service: nil).applied(to: Self.report).ports.count == 1)
        #expect(PlaintextFilter(namespace: "nosuch", service: nil).applied(to: Self.report).ports.isEmpty)
    }

    @Test func `what it applies says whom it is for`() {
        #expect(StrictPlan.document(namespace: "shop", service: nil).contains("namespace: shop"))
        #expect(StrictPlan.document(namespace: "shop", service: "cart").contains("name: cart-strict"))
    }
}
