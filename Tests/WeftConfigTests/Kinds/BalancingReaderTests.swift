import Testing
import WeftConfig
import WeftModel

@Suite struct BalancingReaderTests {
    private func settings(_ spec: String) throws -> TrafficSettings {
        let reading = read(policy(spec))
        #expect(reading.diagnostics.map(\.description) == [])
        guard case .trafficPolicy(let policy)? = reading.resources.first?.resource else { return TrafficSettings() }
        return policy.settings
    }

    @Test func `every knob is read`() throws {
        let settings = try self.settings(
            """
            loadBalancing:
              algorithm: ring-hash
              hashOn: {header: X-User}
              stickiness: {cookie: s, ttl: 1h}
              slowStart: 30s
              zones: {prefer: false, failover: [a, b]}
              panicThreshold: 40
            stickyCohort: {cookie: user, ttl: 0s}
            outliers: {successRate: 90, minRequests: 9, consecutiveFailures: 3, ejection: {base: 2s, max: 30s, maxPercent: 10}, cohort: {}}
            healthCheck: {http: {path: /h}, interval: 3s, timeout: 1s, unhealthyThreshold: 2, healthyThreshold: 1}
            overload: {concurrency: {minConcurrency: 5}, admission: {maxRejection: 50}}
            limits: {retries: 5}
            """)
        #expect(settings.loadBalancing == .ringHash)
        var balancing = BalancingSettings()
        balancing.hashKey = .header("x-user")
        balancing.stickyCookie = StickyCookie(name: "s", ttl: .seconds(3600))
        balancing.slowStart = .seconds(30)
        balancing.prefersZone = false
        balancing.failover = ["a", "b"]
        balancing.panicThreshold = 40
        #expect(settings.balancing == balancing)
        #expect(settings.stickyCohort == .cookie(name: "user", ttl: .zero))
        var outliers = OutlierSettings()
        outliers.successRate = 0.9
        outliers.minRequests = 9
        outliers.consecutiveFailures = 3
        outliers.baseEjection = .seconds(2)
        outliers.maxEjection = .seconds(30)
        outliers.maxEjectionPercent = 10
        outliers.cohort = OutlierPolicy.CohortDetector()
        #expect(settings.outliers == outliers)
        var check = HealthCheckPolicy(.http(path: "/h", statuses: []))
        check.interval = .seconds(3)
        check.unhealthyThreshold = 2
        check.healthyThreshold = 1
        #expect(settings.healthCheck == check)
        #expect(settings.overload?.concurrency?.minConcurrency == 5)
        #expect(settings.overload?.admission?.maxRejection == 0.5)
        #expect(settings.maxRetries == 5)
    }

    @Test(arguments: [
        ("loadBalancing: {algorithm: fastest}", "spec.loadBalancing.algorithm"),
        ("loadBalancing: {algorithm: random, hashOn: {source: true}}", "spec.loadBalancing.hashOn"),
        ("loadBalancing: {algorithm: random, penalizeFailures: true}", "spec.loadBalancing.penalizeFailures"),
        ("loadBalancing: {algorithm: maglev, hashOn: {}}", "spec.loadBalancing.hashOn"),
        ("loadBalancing: {algorithm: maglev, hashOn: {header: a, query: b}}", "spec.loadBalancing.hashOn"),
        ("loadBalancing: {algorithm: maglev, hashOn: {header: a b}}", "spec.loadBalancing.hashOn.header"),
        ("loadBalancing: {algorithm: maglev, hashOn: {header: a, ttl: 1s}}", "spec.loadBalancing.hashOn.ttl"),
        ("loadBalancing: {algorithm: maglev, hashOn: {source: false}}", "spec.loadBalancing.hashOn.source"),
        ("loadBalancing: {panicThreshold: 101}", "spec.loadBalancing.panicThreshold"),
        ("loadBalancing: {stickiness: {cookie: \"a;b\"}}", "spec.loadBalancing.stickiness.cookie"),
        ("stickyCohort: {cookie: \"a=b\"}", "spec.stickyCohort.cookie"),
        ("outliers: {successRate: 101}", "spec.outliers.successRate"),
        ("outliers: {ejection: {base: 10s, max: 1s}}", "spec.outliers.ejection.max"),
        ("outliers: {ejection: {base: 0s}}", "spec.outliers.ejection.base"),
        ("outliers: {windows: 3}", "spec.outliers.windows"),
        ("healthCheck: {}", "spec.healthCheck"),
        ("healthCheck: {tcp: {}, grpc: {}}", "spec.healthCheck"),
        ("healthCheck: {http: {}}", "spec.healthCheck.http"),
        ("healthCheck: {http: {path: healthz}}", "spec.healthCheck.http.path"),
        ("healthCheck: {tcp: {}, interval: 1s, timeout: 2s}", "spec.healthCheck.timeout"),
        ("healthCheck: {tcp: {}, interval: 10ms, timeout: 5ms}", "spec.healthCheck.interval"),
        ("overload: {concurrency: {minConcurrency: 9, maxLimit: 3}}", "spec.overload.concurrency.minConcurrency"),
        ("overload: {admission: {aggression: 0.5}}", "spec.overload.admission.aggression"),
        ("limits: {retries: -1}", "spec.limits.retries"),
    ])
    func `what cannot stand is refused where it is wrong`(spec: String, field: String) {
        let reading = read(policy(spec))
        #expect(reading.resources.isEmpty)
        #expect(reading.diagnostics.map(\.field).contains(field))
    }

    @Test(arguments: [
        "outliers: {consecutiveFailures: 3}", "healthCheck: {tcp: {}}", "overload: {admission: {}}",
        "loadBalancing: {slowStart: 1s}", "limits: {retries: 1}",
    ])
    func `what belongs to a service's endpoints cannot differ by route`(spec: String) {
        let reading = read(
            """
            apiVersion: weft.dev/v1
            kind: TrafficPolicy
            metadata: {name: p}
            spec:
              targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}]
              \(spec)
            """)
        #expect(reading.diagnostics.map(\.field).contains("spec.targetRefs[0]"))
    }

    @Test func `an algorithm that hashes without a key is warned about`() {
        let reading = read(policy("loadBalancing: {algorithm: ring-hash}"))
        #expect(reading.diagnostics.map(\.field) == ["spec.loadBalancing.algorithm"])
        #expect(reading.resources.count == 1)
    }
}
