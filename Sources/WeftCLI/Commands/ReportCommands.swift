internal import ArgumentParser
internal import Foundation
internal import WeftModel

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

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Probe the installation and the fleet, in order, each with a remedy.",
        discussion: """
            Looks at the control plane, the clocks, the authority, the configuration, each proxy, its certificate \
            and its revision, and at who calls without a certificate.

            Exits with 1 when a probe failed, with 3 when one is doubtful; a note changes nothing.

            Example:  weft check -o json
            """)

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var probes: [CheckList.Probe]
        do {
            let began = Date()
            let (status, answered, stat) = try await self.api.withClient { api in
                (try await api.status(), Date(), try await api.stat(window: .seconds(60)))
            }
            probes = CheckList.probes(status, stat, asked: began, answered: answered)
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
                    case .note: ("note", .faint)
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
