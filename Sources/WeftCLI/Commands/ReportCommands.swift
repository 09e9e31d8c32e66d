internal import ArgumentParser
internal import Foundation
package import WeftModel

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "The control plane, its proxies, their configuration and certificates.",
        discussion: """
            Exits with 3 when a proxy is not ready, was lost, or rejected its configuration.

            Example:  weft status -o json
            """)

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report = try await self.api.withClient { try await $0.status() }
        try self.output.show(report) { Tables.status(report, console: $0) }
        if CheckList.isDegraded(report) { throw ExitCode(ExitStatus.degraded.rawValue) }
    }
}

struct StatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat", abstract: "Golden metrics of every edge: rate, success, latency.",
        discussion: "Example:  weft stat --window 1m --from enrollment")

    @Option(help: ArgumentHelp("The time to look back over; 2s to 2m; 10s where not given.", valueName: "duration"))
    var window: String?
    @Option(help: ArgumentHelp("Only calls from this service.", valueName: "service")) var from: String?
    @Option(help: ArgumentHelp("Only calls to this service.", valueName: "service")) var to: String?
    @Flag(help: "As the destinations' proxies counted, not the callers'.") var inbound = false
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let window = try settings.duration("window", self.window) ?? .seconds(10)
        guard window >= .seconds(2), window <= .seconds(120) else {
            throw CommandFailure.usage(
                "the window is out of range", at: "--window",
                remedy: "Between 2s and 2m are kept; longer times are for Prometheus.")
        }
        let from = try settings.text("from", self.from)
        let to = try settings.text("to", self.to)
        let direction: EdgeStat.Direction = try settings.isOn("inbound", self.inbound) ? .inbound : .outbound
        var report = try await self.api.withClient { try await $0.stat(window: window) }
        report.edges = report.edges.filter { $0.direction == direction }
        for (wanted, end) in [(from, \EdgeStat.source), (to, \EdgeStat.destination)] {
            guard let wanted, !report.edges.isEmpty else { continue }
            let edges = report.edges.filter { EdgeNames.matches($0[keyPath: end], wanted, version: $0.version) }
            guard edges.isEmpty else {
                report.edges = edges
                continue
            }
            let names = Set(report.edges.map { $0[keyPath: end] }).sorted()
            throw CommandFailure(
                "no calls \(end == \EdgeStat.source ? "from" : "to") '\(wanted)' have been seen",
                remedy: (Nearest.name(to: wanted, among: names.flatMap { [$0, EdgeNames.short($0)] }).map {
                    "Did you mean \($0)? "
                } ?? "") + "Seen: \(names.prefix(12).joined(separator: ", "))\(names.count > 12 ? ", …" : "").")
        }
        try self.output.show(report) { Tables.stat(report, console: $0) }
    }

}

/// How people name the ends of an edge.
package enum EdgeNames {
    /// `billing` means it in any namespace, `billing.default` the one; both mean the backends `billing-VERSION` too.
    package static func matches(_ name: String, _ wanted: String, version: String) -> Bool {
        let (base, namespace) = self.split(name)
        let (wantedBase, wantedNamespace) = self.split(wanted)
        guard wantedNamespace == nil || wantedNamespace == namespace else { return false }
        return base == wantedBase || !version.isEmpty && base == "\(wantedBase)-\(version)"
    }

    /// Without its namespace.
    static func short(_ name: String) -> String { self.split(name).0 }

    private static func split(_ name: String) -> (String, String?) {
        guard let dot = name.firstIndex(of: ".") else { return (name, nil) }
        return (String(name[..<dot]), String(name[name.index(after: dot)...]))
    }
}

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Probe the installation and the fleet, in order, each with a remedy.",
        discussion: """
            Exits with 1 when a probe failed, with 3 when one is doubtful.

            Example:  weft check
            """)

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var probes: [CheckList.Probe]
        do {
            let (status, stat) = try await self.api.withClient { api in
                (try await api.status(), try await api.stat(window: .seconds(60)))
            }
            probes = CheckList.probes(status, stat)
        } catch let failure as CommandFailure where failure.exit == .failed {
            probes = [
                .init(
                    name: "the control plane answers", verdict: .failed,
                    finding: failure.cause ?? failure.message, remedy: failure.remedy)
            ]
        }
        let found = probes
        try self.output.show(found) { console in
            found.map { probe in
                let (mark, tone): (String, Tone) =
                    switch probe.verdict {
                    case .ok: ("ok  ", .good)
                    case .doubtful: ("warn", .warning)
                    case .failed: ("fail", .bad)
                    }
                return "\(console.styled(mark, tone))  \(probe.name): \(probe.finding)"
                    + (probe.remedy.map { "\n      \($0)" } ?? "")
            }.joined(separator: "\n")
        }
        if found.contains(where: { $0.verdict == .failed }) { throw ExitCode(ExitStatus.failed.rawValue) }
        if found.contains(where: { $0.verdict == .doubtful }) { throw ExitCode(ExitStatus.degraded.rawValue) }
    }
}

/// What `weft check` looks at, judged from the control plane's own reports.
package enum CheckList {
    package struct Probe: Hashable, Sendable, Codable {
        package var name: String
        package var verdict: Verdict
        package var finding: String
        package var remedy: String?
    }

    package enum Verdict: String, Hashable, Sendable, Codable { case ok, doubtful, failed }

    /// In the order in which one thing needs the other.
    package static func probes(_ status: StatusReport, _ stat: StatReport) -> [Probe] {
        var probes = [
            Probe(
                name: "the control plane answers", verdict: .ok,
                finding: "version \(status.version), revision \(status.revision)")
        ]
        let month: Int64 = 30 * 86400
        let authority = min(status.authority.rootExpiresAt, status.authority.intermediateExpiresAt) - status.now
        probes.append(
            Probe(
                name: "its authority is valid", verdict: authority <= 0 ? .failed : authority < month ? .doubtful : .ok,
                finding: "for another \(Figures.span(seconds: authority))",
                remedy: authority < month ? "Restart the control plane, which makes a new intermediate." : nil))
        let errors = status.problems.filter { $0.severity == .error }
        probes.append(
            Probe(
                name: "the configuration works",
                verdict: errors.isEmpty ? (status.problems.isEmpty ? .ok : .doubtful) : .failed,
                finding: status.problems.isEmpty
                    ? "no remarks" : status.problems.map(\.message).joined(separator: "; "),
                remedy: status.problems.first?.remedy))
        probes.append(
            self.proxies(
                status, "proxies are ready", "Read the log of the workload and `curl 127.0.0.1:ADMIN/ready`.", .failed
            ) { $0.state == .notReady ? $0.cause ?? "not ready" : nil })
        probes.append(
            self.proxies(status, "proxies are connected", "See that their processes run.", .failed) {
                $0.state == .lost ? "lost" : nil
            })
        probes.append(
            self.proxies(
                status, "proxies have the configuration", "A rejected one is told in `weft status -o json`.", .doubtful
            ) { proxy in
                proxy.discovery.compactMap(\.rejection).first.map { "rejected: \($0.message)" }
                    ?? (proxy.discovery.contains { $0.pending > 0 } ? "not confirmed yet" : nil)
            })
        probes.append(
            self.proxies(
                status, "certificates are fresh", "Restart the proxy with a new join token.", .doubtful
            ) { proxy in
                proxy.certificateExpiresAt.flatMap { expiry in
                    expiry - status.now < 3600 ? "expires in \(Figures.span(seconds: expiry - status.now))" : nil
                }
            })
        let plain = stat.edges.filter { !$0.tls && $0.requests > 0 }
        probes.append(
            Probe(
                name: "calls cross in mutual TLS", verdict: plain.isEmpty ? .ok : .doubtful,
                finding: plain.isEmpty
                    ? "\(stat.edges.count) edges in the last minute"
                    : plain.map { "\($0.source) to \($0.destination)" }.joined(separator: ", "),
                remedy: plain.isEmpty ? nil : "Give those workloads a sidecar, or set MeshSettings mtls to strict."))
        return probes
    }

    /// Whether something is amiss that `weft status` should tell by its exit code.
    package static func isDegraded(_ report: StatusReport) -> Bool {
        report.problems.hasErrors
            || report.proxies.contains { proxy in
                proxy.state == .notReady || proxy.state == .lost || proxy.discovery.contains { $0.rejection != nil }
            }
    }

    private static func proxies(
        _ status: StatusReport, _ name: String, _ remedy: String, _ verdict: Verdict,
        _ complaint: (ProxyStatus) -> String?
    ) -> Probe {
        let complaints = status.proxies.compactMap { proxy in
            complaint(proxy).map { "\(proxy.workload ?? proxy.identity) \($0)" }
        }
        return Probe(
            name: name, verdict: complaints.isEmpty ? .ok : verdict,
            finding: complaints.isEmpty
                ? "\(status.proxies.count) of \(status.proxies.count)" : complaints.joined(separator: "; "),
            remedy: complaints.isEmpty ? nil : remedy)
    }
}
