internal import ArgumentParser
internal import Foundation
internal import WeftModel

/// `weft identity plaintext`: who still calls whom in the clear.
struct PlaintextCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plaintext", abstract: "Who still calls whom in the clear, and each port's mode.",
        discussion: """
            Counts since the destinations' proxies started. A caller is an address: in the clear nobody proves more.

            Example:  weft identity plaintext --namespace default
            """)

    @Option(
        name: [.short, .long], help: ArgumentHelp("Only destinations in this namespace.", valueName: "name"))
    var namespace: String?
    @Option(help: ArgumentHelp("Only this destination.", valueName: "service")) var service: String?
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let namespace = try settings.text("namespace", self.namespace)
        let service = try settings.text("service", self.service)
        let report = try await self.api.withClient { try await $0.plaintext() }
        let shown = PlaintextFilter(namespace: namespace, service: service).applied(to: report)
        try self.output.show(shown) { AuthzTables.plaintext(shown, console: $0) }
    }
}

/// `weft identity strict`: demand mutual TLS, after a look at whom that would shut out.
struct StrictCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strict", abstract: "Demand mutual TLS; --dry-run says whom that would shut out.",
        discussion: """
            Applies a PeerAuthentication of the mode strict to the namespace or the service. It refuses to while callers \
            in the clear have been seen in the last hour, unless --force is given.

            Exits with 3 when a dry run finds callers that would be shut out.

            Example:  weft identity strict --namespace default --dry-run
            Example:  weft identity strict --service billing
            """)

    @Option(name: [.short, .long], help: ArgumentHelp("The namespace; default where not given.", valueName: "name"))
    var namespace: String?
    @Option(help: ArgumentHelp("Only this service of the namespace.", valueName: "service")) var service: String?
    @Option(
        help: ArgumentHelp("How far back callers count; 1h where not given.", valueName: "duration"))
    var within: String?
    @Flag(help: "Say what would happen, and change nothing.") var dryRun = false
    @Flag(help: "Apply though callers would be shut out.") var force = false
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let namespace = try settings.text("namespace", self.namespace) ?? "default"
        let service = try settings.text("service", self.service)
        let window = try settings.duration("within", self.within) ?? .seconds(3600)
        let dryRun = try settings.isOn("dry-run", self.dryRun)
        let force = try settings.isOn("force", self.force)
        let report = try await self.api.withClient { try await $0.plaintext() }
        let filtered = PlaintextFilter(namespace: namespace, service: service).applied(to: report)
        let plan = StrictPlan(filtered, within: window.components.seconds)
        if dryRun {
            try self.output.show(plan) { plan.rendered(console: $0) }
            if !plan.shutOut.isEmpty { throw ExitCode(ExitStatus.degraded.rawValue) }
            return
        }
        guard plan.shutOut.isEmpty || force else {
            throw CommandFailure(
                "\(plan.shutOut.count) callers in the clear would be shut out",
                because: plan.shutOut.prefix(3).map { "\($0.address) calls \($0.destination)" }.joined(separator: ", "),
                remedy: "Put them behind a sidecar (`weft identity plaintext` lists them), or give --force.")
        }
        let document = StrictPlan.document(namespace: namespace, service: service)
        let request = ApplyRequest(documents: [APIDocument(file: "weft identity strict", text: document)])
        let answer = try await self.api.withClient { try await $0.apply(request) }
        try self.output.show(answer) { _ in
            "mutual TLS is demanded by \(service.map { "\($0).\(namespace)" } ?? "the namespace \(namespace)") "
                + "as of revision \(answer.revision)"
        }
    }
}

/// Which part of a report is asked for.
struct PlaintextFilter {
    let namespace: String?
    let service: String?

    func applied(to report: PlaintextReport) -> PlaintextReport {
        var report = report
        report.callers.removeAll { !self.takes($0.destination) }
        report.ports.removeAll { !self.takes($0.service) }
        return report
    }

    private func takes(_ name: String) -> Bool {
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        if let namespace, parts.count < 2 || parts[1] != namespace { return false }
        guard let service else { return true }
        return service == parts[0] || service == name
    }
}

/// What the mode strict would change.
struct StrictPlan: Hashable, Codable {
    /// Ports that take plaintext now.
    let changed: [PlaintextReport.Port]
    /// Callers seen lately whom those ports would refuse.
    let shutOut: [PlaintextReport.Caller]
    let at: Int64

    /// - Parameter window: seconds that a caller counts after its last call.
    init(_ report: PlaintextReport, within window: Int64) {
        self.at = report.at
        self.changed = report.ports.filter { $0.mode != .strict }
        let open = Set(self.changed.map { "\($0.service):\($0.port)" })
        self.shutOut = report.callers.filter {
            open.contains("\($0.destination):\($0.port)") && report.at - $0.lastSeen <= window
                && $0.requests > $0.refused
        }
    }

    func rendered(console: Console) -> String {
        guard !self.changed.isEmpty else { return "nothing would change: every port demands mutual TLS already" }
        var lines = ["would demand mutual TLS:"]
        for port in self.changed {
            let count = port.workloads == 1 ? "1 workload" : "\(port.workloads) workloads"
            lines.append("  \(port.service) port \(port.port), \(port.mode.rawValue) now, \(count)")
        }
        if self.shutOut.isEmpty {
            lines.append(console.styled("nobody would be shut out: no caller in the clear was seen", .good))
        } else {
            lines.append(console.styled("would be shut out:", .bad))
            for caller in self.shutOut {
                let who = caller.workloads.isEmpty ? "" : " (\(caller.workloads.joined(separator: ", ")))"
                lines.append(
                    "  \(caller.address)\(who) → \(caller.destination) port \(caller.port), "
                        + "\(caller.requests) requests, the last \(Figures.span(seconds: max(0, self.at - caller.lastSeen))) ago"
                )
            }
        }
        return lines.joined(separator: "\n")
    }

    /// The PeerAuthentication that makes it so.
    static func document(namespace: String, service: String?) -> String {
        var lines = [
            "apiVersion: weft.dev/v1", "kind: PeerAuthentication", "metadata:",
            "  name: \(service.map { "\($0)-strict" } ?? "strict")", "  namespace: \(namespace)", "spec:",
        ]
        if let service { lines += ["  targetRefs:", "  - kind: Service", "    name: \(service)"] }
        lines.append("  mode: strict")
        return lines.joined(separator: "\n") + "\n"
    }
}
