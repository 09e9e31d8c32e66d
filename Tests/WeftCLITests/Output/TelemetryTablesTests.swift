import Foundation
import Testing
import WeftModel

@testable import WeftCLI

@Suite struct TelemetryTablesTests {
    private let console = Console(isTerminal: false, errorIsTerminal: false, environment: [:])

    private static func edge(
        _ source: String, rate: Double, success: Double? = 1, p99: Double? = 5, failures: [String: Double] = [:]
    ) -> TelemetryEdge {
        TelemetryEdge(
            source: source, destination: "billing.default", version: "v1", route: "default/canary",
            direction: .outbound,
            protocol: "h2", tls: true, peerIdentity: "spiffe://mesh.local/ns/default/sa/billing",
            signals: GoldenSignals(
                requestsPerSecond: rate, successRatio: success, p50: 1, p90: 2, p99: p99, retriesPerSecond: rate / 2,
                bytesInPerSecond: 1000, bytesOutPerSecond: 2000, codeClasses: ["2": rate], failures: failures,
                grpcFailuresPerSecond: 0))
    }

    @Test func `edges are sorted by what is asked for, without those that are silent`() {
        let edges = [
            Self.edge("slow", rate: 1, p99: 900), Self.edge("busy", rate: 100), Self.edge("silent", rate: 0),
            Self.edge("failing", rate: 10, success: 0.5),
        ]
        func names(_ order: TopCommand.Order) -> [String] { TopCommand.sorted(edges, by: order).map(\.source) }
        #expect(names(.rate) == ["busy", "failing", "slow"])
        #expect(names(.latency).first == "slow")
        #expect(names(.failures).first == "failing")
    }

    @Test func `a name cannot steer the terminal`() {
        let report = TelemetryEdges(
            windowSeconds: 10, at: 0,
            edges: [Self.edge("a\u{1B}[2J\nb\u{202E}", rate: 1, failures: ["5xx": 0.25])])
        let table = TelemetryTables.edges(report, columns: [.source, .destination], wide: false, console: self.console)
        #expect(!table.unicodeScalars.contains("\u{1B}"))
        #expect(table.split(separator: "\n").count == 2)
        #expect(table.contains("5xx 0.25"))
        #expect(!table.contains("\u{202E}"))
    }

    @Test func `what policies refused stands apart from what failed`() throws {
        let report = TelemetryEdges(
            windowSeconds: 10, at: 0, edges: [Self.edge("web", rate: 1, failures: ["denied": 5, "5xx": 0.25])])
        let table = TelemetryTables.edges(report, columns: [.source], wide: false, console: self.console)
        let (heading, line) = (try #require(table.split(separator: "\n").first), table.split(separator: "\n")[1])
        let column = try #require(heading.firstRange(of: "REFUSED/S")).lowerBound
        #expect(line[column...].hasPrefix("denied 5"))
        #expect(line.hasSuffix("5xx 0.25"))
        let stat = StatReport(
            at: 0, windowSeconds: 60,
            edges: [
                EdgeStat(
                    source: "web", destination: "billing", version: "", route: "", direction: .inbound, protocol: "h2",
                    tls: true, peerIdentity: nil, requests: 5, requestsPerSecond: 1, successRatio: 1, p50: 1, p95: 1,
                    p99: 1, retriesPerSecond: 0, failures: ["denied": 5], bytesInPerSecond: 0, bytesOutPerSecond: 0,
                    totalRequests: 5, totalFailures: 0, totalRetries: 0)
            ])
        for table in [Tables.stat(stat, console: self.console), TelemetryTables.stat(stat, console: self.console)] {
            let lines = table.split(separator: "\n")
            let column = try #require(lines[0].firstRange(of: "REFUSED")).lowerBound
            #expect(lines[1][column...].hasPrefix("denied 5"))
        }
    }

    @Test func `wide tables have the identities, and no traffic is told`() {
        let report = TelemetryEdges(windowSeconds: 10, at: 0, edges: [Self.edge("web.default", rate: 1)])
        let table = TelemetryTables.edges(report, columns: [.source], wide: true, console: self.console)
        #expect(table.contains("spiffe://mesh.local/ns/default/sa/billing"))
        let none = TelemetryEdges(windowSeconds: 10, at: 0, edges: [Self.edge("web.default", rate: 0, success: nil)])
        #expect(
            TelemetryTables.edges(none, columns: [.source], wide: false, console: self.console)
                .hasPrefix("no traffic in the last 10s"))
    }

    @Test func `objectives say how much of their window was judged`() {
        let status = ObjectiveStatus(
            name: "billing", namespace: "default", target: "Service/billing", successTarget: 0.999, latencyTarget: 250,
            latencyRatio: 0.99, windowSeconds: 30 * 86_400, judgedSeconds: 86_400, measuredSuccess: 0.98,
            measuredFast: 1, budgetRemaining: 0.3, burnRates: ["5m": 20, "1h": 15, "6h": 2], state: .burning)
        let table = TelemetryTables.objectives(ObjectiveReport(objectives: [status]), console: self.console)
        #expect(table.contains("1d of 30d"))
        #expect(table.contains("burning"))
    }

    @Test func `what is unknown is null for programs, and comes back as it was`() throws {
        let edge = Self.edge("a", rate: 0, success: nil, p99: nil)
        let report = TelemetryEdges(windowSeconds: 60, at: 7, edges: [edge])
        let data = try JSONEncoder().encode(report)
        let text = String(decoding: data, as: UTF8.self)
        #expect(text.contains("\"successRatio\":null"))
        #expect(text.contains("\"p99Ms\":null"))
        #expect(text.contains("\"windowSeconds\":60"))
        #expect(try JSONDecoder().decode(TelemetryEdges.self, from: data) == report)
    }
}
