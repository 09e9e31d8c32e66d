import Foundation
import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct RegistryTests {
    private let start = ContinuousClock.now

    private func workload(_ name: String, service: String = "billing", port: Int = 8080) -> Workload {
        Workload(
            metadata: Metadata(name: name, labels: ["version": "v1"]), account: "billing", service: service,
            address: "127.0.0.1", ports: [Workload.Port(port: port, inboundPort: port + 1)])
    }

    private func identity(_ account: String = "billing") -> SPIFFEID {
        SPIFFEID(trustDomain: .standard, namespace: "default", account: account)
    }

    private func register(
        _ registry: inout Registry, _ workload: Workload, account: String = "billing", connection: UInt64,
        at time: Duration = .zero
    ) throws -> Registry.Registered {
        try registry.register(
            workload, identity: self.identity(account), services: ["billing"], proxyVersion: "1",
            connection: connection, now: self.start + time, since: 1)
    }

    @Test func `a workload is known at once and an endpoint when it is ready`() throws {
        var registry = Registry()
        let registered = try self.register(&registry, self.workload("billing-1"), connection: 1)
        #expect(registered.changed)
        #expect(registry.workloads.map(\.readiness) == [.notReady("starting")])
        let becameReady = registry.report(.ready, from: 1, now: self.start)
        #expect(becameReady)
        #expect(registry.workloads.map(\.readiness) == [.ready])
        let again = registry.report(.ready, from: 1, now: self.start)
        #expect(!again)
    }

    @Test func `a workload that only calls others registers without ports`() throws {
        var registry = Registry()
        var workload = self.workload("billing-1")
        workload.ports = []
        #expect(try self.register(&registry, workload, connection: 1).changed)
    }

    @Test func `a restarted sidecar takes its name over without its endpoint ever being gone`() throws {
        var registry = Registry()
        _ = try self.register(&registry, self.workload("billing-1"), connection: 1)
        _ = registry.report(.ready, from: 1, now: self.start)
        let again = try self.register(&registry, self.workload("billing-1"), connection: 2)
        #expect(again.superseded == 1)
        #expect(!again.changed)
        #expect(registry.workloads.map(\.readiness) == [.ready])
        // The old stream's end comes late and means nothing.
        let late = registry.disconnected(1, now: self.start)
        #expect(!late)
        let gone = registry.expire(now: self.start + .seconds(10))
        #expect(gone.workloads.isEmpty)
    }

    @Test func `a workload that comes back elsewhere is not ready before it says so`() throws {
        var registry = Registry()
        _ = try self.register(&registry, self.workload("billing-1"), connection: 1)
        _ = registry.report(.ready, from: 1, now: self.start)
        let moved = try self.register(&registry, self.workload("billing-1", port: 9090), connection: 2)
        #expect(moved.changed)
        #expect(registry.workloads.map(\.readiness) == [.notReady("starting")])
    }

    @Test func `a broken stream leaves the endpoint for a moment, then it goes`() throws {
        var registry = Registry()
        _ = try self.register(&registry, self.workload("billing-1"), connection: 1)
        _ = registry.report(.ready, from: 1, now: self.start)
        let atOnce = registry.disconnected(1, now: self.start + .seconds(1))
        #expect(!atOnce)
        let early = registry.expire(now: self.start + .seconds(5))
        #expect(early.workloads.isEmpty)
        let gone = registry.expire(now: self.start + .seconds(6))
        #expect(gone.workloads == ["default/billing-1"])
        #expect(registry.count == 0)
    }

    @Test func `a workload that drained is gone when its stream ends`() throws {
        var registry = Registry()
        _ = try self.register(&registry, self.workload("billing-1"), connection: 1)
        let drains = registry.report(.draining, from: 1, now: self.start)
        #expect(drains)
        let returns = registry.report(.ready, from: 1, now: self.start)
        #expect(!returns)
        let left = registry.disconnected(1, now: self.start)
        #expect(left)
        #expect(registry.count == 0)
    }

    @Test func `silence ends a lease and its stream, and anything said renews it`() throws {
        var registry = Registry()
        _ = try self.register(&registry, self.workload("billing-1"), connection: 7)
        registry.heard(from: 7, now: self.start + .seconds(10))
        let early = registry.expire(now: self.start + .seconds(20))
        #expect(early.workloads.isEmpty)
        let gone = registry.expire(now: self.start + .seconds(25))
        #expect(gone.workloads == ["default/billing-1"])
        #expect(gone.streams == [7])
    }

    @Test func `an identity registers only its own account, and services that it joined for`() throws {
        var registry = Registry()
        #expect(throws: RegistrationRefusal.self) {
            try self.register(&registry, self.workload("x"), account: "catalog", connection: 1)
        }
        #expect(throws: RegistrationRefusal.foreignService(self.identity(), service: "catalog")) {
            try self.register(&registry, self.workload("x", service: "catalog"), connection: 1)
        }
        #expect(registry.count == 0)
    }

    @Test(arguments: ["", "Upper", "-edge", "edge-", "with/slash", "ünicode", String(repeating: "a", count: 300)])
    func `a name that is none is refused`(name: String) {
        var registry = Registry()
        #expect(throws: RegistrationRefusal.self) {
            try self.register(&registry, self.workload(name), connection: 1)
        }
    }

    @Test func `the mesh takes no more workloads than its limit`() throws {
        var limits = Registry.Limits()
        limits.workloads = 1
        var registry = Registry(limits: limits)
        _ = try self.register(&registry, self.workload("billing-1"), connection: 1)
        #expect(throws: RegistrationRefusal.tooManyWorkloads(1)) {
            try self.register(&registry, self.workload("billing-2"), connection: 2)
        }
        _ = try self.register(&registry, self.workload("billing-1"), connection: 3)
    }

    @Test func `workloads of the previous run stay endpoints until their time is over`() throws {
        var before = Registry()
        _ = try self.register(&before, self.workload("billing-1"), connection: 1)
        _ = before.report(.ready, from: 1, now: self.start)
        let saved = before.all.map(SavedWorkload.init)

        var after = Registry()
        after.restore(saved, now: self.start)
        #expect(after.workloads.map(\.readiness) == [.ready])
        let early = after.expire(now: self.start + .seconds(59))
        #expect(early.workloads.isEmpty)
        let gone = after.expire(now: self.start + .seconds(60))
        #expect(gone.workloads == ["default/billing-1"])
    }

    @Test func `labels that an identity was attested with are kept, and others change endpoints`() throws {
        var registry = Registry()
        func register(_ grants: LabelGrants, _ connection: UInt64) throws -> Bool {
            try registry.register(
                self.workload("billing-1"), identity: self.identity(), services: ["billing"], grants: grants,
                proxyVersion: "1", connection: connection, now: self.start, since: 1
            ).changed
        }
        let gold = LabelGrants(["tier": "gold"])
        #expect(try register(gold, 1))
        #expect(try !register(gold, 2))
        #expect(registry.workloads.map(\.grants) == [gold])
        let saved = try JSONDecoder().decode(
            SavedWorkload.self, from: JSONEncoder().encode(SavedWorkload(registry.all[0])))
        #expect(try register(LabelGrants(), 3))
        var next = Registry()
        next.restore([saved], now: self.start)
        #expect(next.workloads.map(\.grants) == [gold])
    }

    @Test func `a workload that was saved without attested labels has none`() throws {
        var registry = Registry()
        _ = try self.register(&registry, self.workload("billing-1"), connection: 1)
        let text = String(decoding: try JSONEncoder().encode(SavedWorkload(registry.all[0])), as: UTF8.self)
        #expect(!text.contains("grants"))
        var next = Registry()
        next.restore([try JSONDecoder().decode(SavedWorkload.self, from: Data(text.utf8))], now: self.start)
        #expect(next.workloads.map(\.grants) == [LabelGrants()])
    }
}
