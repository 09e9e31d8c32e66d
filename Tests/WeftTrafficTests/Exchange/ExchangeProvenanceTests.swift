import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

/// Which resource a record names for what went wrong.
@Suite struct ExchangeProvenanceTests {
    /// A scene in which every limit has a policy of its own but `unset`, and the route comes from an HTTPRoute.
    private func scene(
        without unset: TrafficSetting? = nil, cluster: (inout Cluster) -> Void = { _ in },
        route: (inout Route) -> Void = { _ in }
    ) -> Scene {
        let sources = Dictionary(
            uniqueKeysWithValues: TrafficSetting.allCases.filter { $0 != unset }
                .map { ($0, Provenance.policy("\($0)")) })
        return Scene(
            cluster: {
                $0.provenance = .policy("cluster")
                $0.sources = sources
                cluster(&$0)
            },
            route: {
                $0.provenance = .policy("route")
                $0.sources = sources
                $0.retry.attempts = 0
                route(&$0)
            })
    }

    private func named(_ scene: borrowing Scene, _ reason: Reason) -> Provenance? {
        #expect(scene.exchange.reason == reason)
        if let reply = scene.exchange.reply { #expect(reply.provenance == scene.exchange.record.provenance) }
        return scene.exchange.record.provenance
    }

    @Test func `an overflow is blamed on the limit that was full`() {
        var requests = self.scene(cluster: { $0.limits.requests = 0 })
        _ = requests.begin()
        #expect(self.named(requests, .overflow) == .policy("maxRequests"))
        var pending = self.scene(cluster: { $0.limits.pendingRequests = 0 })
        _ = pending.begin()
        #expect(self.named(pending, .overflow) == .policy("maxPendingRequests"))
        var retries = self.scene(cluster: { $0.limits.retries = 0 }, route: { $0.retry.attempts = 1 })
        retries.send()
        _ = retries.fail(.connectFailed("x"), processed: false, at: 1)
        #expect(self.named(retries, .overflow) == .policy("maxRetries"))
    }

    @Test(arguments: [(0, "maxConnections"), (1, "maxPendingRequests")])
    func `an overflow of the pool is blamed on the connections where those are full`(limit: Int, name: String) {
        var scene = self.scene(cluster: { $0.limits.connections = limit })
        #expect(scene.begin() == .connect)
        // Any endpoint with room would do; there is none.
        while scene.fail(.overflow, processed: false, at: 1) == .connect {}
        #expect(self.named(scene, .overflow) == .policy(name))
    }

    @Test func `nobody is responsible for what went well, nor for a caller that went away`() {
        var fine = self.scene()
        fine.send()
        _ = fine.respond(at: 1)
        #expect(self.named(fine, .ok) == nil)
        var gone = self.scene()
        gone.send()
        _ = gone.exchange.downstreamGone(now: .ms(1))
        #expect(self.named(gone, .clientGone) == nil)
    }

    @Test func `what admission control refuses is blamed on who asked for it`() {
        var scene = self.scene(cluster: {
            $0.admission = AdmissionPolicy()
            $0.outliers.isEnabled = false
        })
        for step in 0..<400 {
            scene.exchange = Exchange()
            guard scene.begin(at: step) == .connect else { break }
            _ = scene.exchange.connectionReady(now: .ms(step))
            _ = scene.respond(500, at: step)
        }
        #expect(self.named(scene, .overload) == .policy("admission"))
    }

    @Test(arguments: [TrafficSetting.requestTimeout, .idleTimeout, .connectTimeout, .maxPendingRequests])
    func `a built-in default is blamed on nobody`(setting: TrafficSetting) {
        var scene = self.scene(
            without: setting,
            cluster: { if setting == .maxPendingRequests { $0.limits.pendingRequests = 0 } },
            route: { if setting == .idleTimeout { $0.timeouts.request = .zero } })
        let reason: Reason
        switch setting {
        case .connectTimeout:
            reason = .connectTimeout
            #expect(scene.begin() == .connect)
            _ = scene.fail(.connectTimeout, processed: false, at: 1)
        case .maxPendingRequests:
            reason = .overflow
            _ = scene.begin()
        case .idleTimeout:
            reason = .streamIdleTimeout
            scene.send()
            _ = scene.fire()
        default:
            reason = .requestTimeout
            scene.send()
            _ = scene.fire()
            #expect(scene.exchange.detail.contains("15 s"))
        }
        #expect(self.named(scene, reason) == nil)
    }

    @Test func `what a peer's proxy refused is blamed on no limit of ours, what no value decides on the route`() {
        var refused = self.scene()
        refused.send()
        _ = refused.respond(503, ["x-weft-reason": "overload"], at: 1)
        #expect(self.named(refused, .overload) == nil)
        var hurried = self.scene()
        hurried.send(request(.get, "/", ["x-weft-deadline-ms": "5"]))
        _ = hurried.fire()
        #expect(self.named(hurried, .deadlineExceeded) == nil)
        var unreached = self.scene()
        unreached.send()
        _ = unreached.fail(.connectFailed("x"), processed: false, at: 1)
        #expect(self.named(unreached, .connectFailed) == .policy("route"))
    }
}
