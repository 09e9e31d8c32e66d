import Foundation
import Testing
import WeftModel

@testable import WeftCLI

@Suite struct CheckListTests {
    private static let now: Int64 = 1_800_000_000
    private static let day: Int64 = 86_400

    private static func proxy(
        _ edit: (inout ProxyStatus) -> Void = { _ in }
    ) -> ProxyStatus {
        var proxy = ProxyStatus(
            workload: "default/billing-1", service: "billing.default",
            identity: "spiffe://weft.local/ns/default/sa/billing",
            address: "127.0.0.1", client: .weft, state: .ready, connectedSince: self.now,
            certificateExpiresAt: self.now + self.day / 2, certificateSerial: "01",
            certificateNotBefore: self.now - self.day / 2, clockOffsetMilliseconds: -40, unencryptedPorts: [])
        edit(&proxy)
        return proxy
    }

    private static func report(
        _ proxies: [ProxyStatus], _ edit: (inout StatusReport) -> Void = { _ in }
    ) -> StatusReport {
        var report = StatusReport(
            version: "1", revision: Revision(7), publishedRevision: Revision(7), trustDomain: "weft.local",
            startedAt: self.now - 60, now: self.now,
            authority: AuthorityStatus(
                rootFingerprint: "ab", rootExpiresAt: self.now + 3000 * self.day,
                intermediateExpiresAt: self.now + 300 * self.day, rootIssuedAt: self.now - 600 * self.day,
                intermediateIssuedAt: self.now - 60 * self.day),
            proxies: proxies, problems: [], refusedHandshakes: ["mesh": [:], "api": [:]])
        edit(&report)
        return report
    }

    private func verdicts(
        _ report: StatusReport, edges: [EdgeStat] = [], objectives: [ObjectiveStatus] = [], clock: Double = 0
    ) -> [String: CheckList.Probe] {
        let now = Date(timeIntervalSince1970: Double(Self.now) + 0.5 + clock)
        let probes = CheckList.probes(
            report, StatReport(at: Self.now, windowSeconds: 60, edges: edges),
            ObjectiveReport(objectives: objectives), asked: now, answered: now)
        // What is not well says what to do.
        #expect(probes.allSatisfy { ($0.verdict == .ok) == ($0.remedy == nil) })
        return Dictionary(probes.filter { $0.verdict != .ok }.map { ($0.name, $0) }) { first, _ in first }
    }

    @Test func `a mesh in order has nothing to complain about`() {
        #expect(self.verdicts(Self.report([Self.proxy()])).isEmpty)
        #expect(!CheckList.isDegraded(Self.report([Self.proxy()])))
    }

    @Test(
        arguments: [
            (ObjectiveStatus.State.ok, nil), (.unknown, nil), (.burning, CheckList.Verdict.doubtful),
            (.exhausted, .doubtful),
        ] as [(ObjectiveStatus.State, CheckList.Verdict?)])
    func `an objective that is not kept is told of`(state: ObjectiveStatus.State, verdict: CheckList.Verdict?) {
        let objective = ObjectiveStatus(
            name: "billing", namespace: "money", target: "Service/billing", successTarget: 0.999, latencyTarget: nil,
            latencyRatio: nil, windowSeconds: 86_400, judgedSeconds: 3600, measuredSuccess: 0.9, measuredFast: nil,
            budgetRemaining: 0.5, burnRates: ["1h": 20], state: state)
        let verdicts = self.verdicts(Self.report([Self.proxy()]), objectives: [objective])
        #expect(verdicts["objectives are kept"]?.verdict == verdict)
    }

    @Test(arguments: [(0.31, nil), (0.29, CheckList.Verdict.doubtful), (0, .failed)] as [(Double, CheckList.Verdict?)])
    func `a certificate with less than 30 % of its life left is told of, and one that is over is a failure`(
        left: Double, verdict: CheckList.Verdict?
    ) {
        let report = Self.report([
            Self.proxy {
                $0.certificateExpiresAt = Self.now + Int64(left * 86_400)
                $0.certificateNotBefore = Self.now - Int64((1 - left) * 86_400)
            }
        ])
        #expect(self.verdicts(report)["certificates are fresh"]?.verdict == verdict)
        #expect(CheckList.isDegraded(report) == (verdict != nil))
    }

    @Test func `the authority's certificates are told of when less than 30 % are left, and fail when over`() {
        var report = Self.report([]) { $0.authority.rootIssuedAt = Self.now - 9000 * Self.day }
        #expect(self.verdicts(report).mapValues(\.verdict) == ["its root is valid": .doubtful])
        report = Self.report([]) { $0.authority.intermediateExpiresAt = Self.now - 10 }
        #expect(self.verdicts(report).mapValues(\.verdict) == ["its intermediate is valid": .failed])
    }

    @Test(
        arguments: [(-4000, nil), (6000, .doubtful), (-6000, .doubtful), (21_000, .doubtful), (3_721_000, .failed)]
            as [(Int64, CheckList.Verdict?)])
    func `a proxy's clock that is off is told of`(offset: Int64, verdict: CheckList.Verdict?) {
        let found = self.verdicts(Self.report([Self.proxy { $0.clockOffsetMilliseconds = offset }]))
        #expect(found.values.first?.verdict == verdict)
        #expect(found.count == (verdict == nil ? 0 : 1))
    }

    @Test(arguments: [30.0, -30])
    func `this machine's clock is compared, too`(seconds: Double) {
        let found = self.verdicts(Self.report([]), clock: seconds)
        #expect(found.mapValues(\.verdict) == ["this machine's clock agrees with the control plane's": .doubtful])
        #expect(found.values.first?.finding.contains(seconds > 0 ? "before" : "behind") == true)
    }

    @Test func `stragglers are named with the revision they are at`() {
        let proxy = Self.proxy {
            $0.discovery = [
                DiscoveryStatus(type: "clusters", resources: 1, acknowledgedRevision: Revision(5), pending: 1)
            ]
        }
        let found = self.verdicts(Self.report([proxy]))["proxies have the configuration"]
        #expect(found?.verdict == .doubtful)
        #expect(found?.finding == "default/billing-1 is at revision 5, 7 is out")
    }

    @Test func `lost and unready proxies fail`() {
        let report = Self.report([
            Self.proxy { $0.state = .lost },
            Self.proxy {
                $0.state = .notReady; $0.cause = "starting"
            },
        ])
        #expect(
            self.verdicts(report).mapValues(\.verdict)
                == ["proxies are connected": .failed, "proxies are ready": .failed])
    }

    @Test func `a revoked workload is called revoked, and is not lost`() {
        let report = Self.report([Self.proxy { $0.state = .revoked }])
        let found = self.verdicts(report)
        #expect(found.mapValues(\.verdict) == ["no proxy is revoked": .note])
        #expect(found["no proxy is revoked"]?.finding == "default/billing-1 is revoked and still runs")
        #expect(!CheckList.isDegraded(report))
    }

    @Test func `only what reached somebody in the clear crossed without mutual TLS`() {
        func edge(_ requests: UInt64, tls: Bool = false, _ failures: [String: UInt64]) -> EdgeStat {
            EdgeStat(
                source: "web.default", destination: "unknown", version: "", route: "", direction: .outbound,
                protocol: "http/1.1", tls: tls, peerIdentity: nil, requests: requests, requestsPerSecond: 1,
                successRatio: nil, p50: nil, p95: nil, p99: nil, retriesPerSecond: 0, failures: failures,
                bytesInPerSecond: 0, bytesOutPerSecond: 0, totalRequests: requests, totalFailures: 0, totalRetries: 0)
        }
        let name = "calls cross in mutual TLS"
        let report = Self.report([Self.proxy()])
        #expect(self.verdicts(report, edges: [edge(2, ["no_route": 1, "no_endpoints": 1])])[name] == nil)
        #expect(self.verdicts(report, edges: [edge(2, ["no_route": 1])])[name]?.verdict == .doubtful)
        #expect(self.verdicts(report, edges: [edge(1, ["denied": 1])])[name]?.verdict == .doubtful)
        #expect(self.verdicts(report, edges: [edge(1, tls: true, [:])])[name] == nil)
    }

    @Test func `open ports and refused handshakes are notes`() {
        let report = Self.report([Self.proxy { $0.unencryptedPorts = [8080] }]) {
            $0.refusedHandshakes = ["mesh": ["expired": 2], "api": [:]]
        }
        let found = self.verdicts(report)
        #expect(
            found.mapValues(\.verdict)
                == ["handshakes with the control plane": .note, "ports demand mutual TLS": .note])
        #expect(found["handshakes with the control plane"]?.finding == "refused were 2 × expired (mesh)")
    }

    @Test func `a report of an older control plane is judged as far as it tells`() {
        let report = Self.report([
            Self.proxy {
                $0.certificateNotBefore = nil
                $0.clockOffsetMilliseconds = nil
                $0.unencryptedPorts = nil
                $0.certificateExpiresAt = Self.now + 600
            }
        ]) {
            $0.authority.rootIssuedAt = nil
            $0.authority.intermediateIssuedAt = nil
            $0.refusedHandshakes = nil
        }
        #expect(self.verdicts(report).mapValues(\.verdict) == ["certificates are fresh": .doubtful])
    }
}
