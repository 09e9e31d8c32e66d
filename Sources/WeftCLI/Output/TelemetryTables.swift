internal import Foundation
internal import WeftModel

/// Figures of traffic, for people.
enum TelemetryTables {
    enum Column { case source, destination, version, route }

    static func edges(_ report: TelemetryEdges, columns: [Column], wide: Bool, console: Console) -> String {
        let edges = report.edges.filter { $0.signals.requestsPerSecond > 0 || $0.signals.retriesPerSecond > 0 }
        guard !edges.isEmpty else {
            return "no traffic in the last \(Figures.span(seconds: Int64(report.windowSeconds)))"
                + "; figures follow calls by a few seconds"
        }
        var headings = columns.map { Table.Column(self.heading($0)) }
        headings += [
            .init("RPS", .right), .init("SUCCESS", .right), .init("P50", .right), .init("P90", .right),
            .init("P99", .right), .init("RETRIES/S", .right),
        ]
        if wide {
            headings += [
                .init("IN B/S", .right), .init("OUT B/S", .right), .init("GRPC FAIL/S", .right), .init("PROTOCOL"),
                .init("TLS"), .init("IDENTITY"),
            ]
        }
        headings += [.init("REFUSED/S"), .init("FAILURES/S")]
        var table = Table(headings)
        for edge in edges {
            let signals = edge.signals
            var cells = columns.map { self.cell($0, edge) }
            cells += [
                .init(Figures.number(signals.requestsPerSecond)), self.success(signals.successRatio),
                .init(Figures.number(signals.p50)), .init(Figures.number(signals.p90)),
                .init(Figures.number(signals.p99)), .init(Figures.number(signals.retriesPerSecond)),
            ]
            if wide {
                cells += [
                    .init(Figures.number(signals.bytesInPerSecond)), .init(Figures.number(signals.bytesOutPerSecond)),
                    .init(Figures.number(signals.grpcFailuresPerSecond)), .init(edge.protocol),
                    edge.tls ? .init("mtls", .good) : .init("plain", .bad), .init(edge.peerIdentity ?? "", .faint),
                ]
            }
            table.add(
                cells + [
                    self.counts(signals.failures, ofPolicies: true) { Figures.number($0) },
                    self.counts(signals.failures, ofPolicies: false) { Figures.number($0) },
                ])
        }
        return table.rendered(colours: console.colours)
    }

    private static func heading(_ column: Column) -> String {
        switch column {
        case .source: "SOURCE"
        case .destination: "DESTINATION"
        case .version: "VERSION"
        case .route: "ROUTE"
        }
    }

    private static func cell(_ column: Column, _ edge: TelemetryEdge) -> Table.Cell {
        switch column {
        case .source: .init(edge.source)
        case .destination: .init(edge.destination)
        case .version: .init(edge.version)
        case .route: .init(edge.route, .faint)
        }
    }

    /// Reasons with their numbers: those for which policies refused callers, or the others. SUCCESS is of the others.
    static func counts<Number>(
        _ failures: [String: Number], ofPolicies: Bool, text: (Number) -> String = { "\($0)" }
    ) -> Table.Cell {
        let chosen = failures.filter { (Reason(rawValue: $0.key)?.isPolicyRefusal ?? false) == ofPolicies }
        return .init(
            chosen.sorted { $0.key < $1.key }.map { "\($0.key) \(text($0.value))" }.joined(separator: ", "), .warning)
    }

    static func success(_ ratio: Double?) -> Table.Cell {
        .init(Figures.percent(ratio), ratio.map { $0 >= 0.999 ? .good : $0 >= 0.95 ? .warning : .bad } ?? .plain)
    }

    /// `weft stat -o wide`.
    static func stat(_ report: StatReport, console: Console) -> String {
        guard !report.edges.isEmpty else { return Tables.stat(report, console: console) }
        var table = Table([
            .init("SOURCE"), .init("DESTINATION"), .init("VERSION"), .init("ROUTE"), .init("RPS", .right),
            .init("SUCCESS", .right), .init("P50", .right), .init("P95", .right), .init("P99", .right),
            .init("RETRIES/S", .right), .init("IN B/S", .right), .init("OUT B/S", .right), .init("TOTAL", .right),
            .init("PROTOCOL"), .init("TLS"), .init("IDENTITY"), .init("REFUSED"), .init("FAILURES"),
        ])
        for edge in report.edges {
            table.add([
                .init(edge.source), .init(edge.destination), .init(edge.version), .init(edge.route, .faint),
                .init(Figures.number(edge.requestsPerSecond)), self.success(edge.successRatio),
                .init(Figures.number(edge.p50)), .init(Figures.number(edge.p95)), .init(Figures.number(edge.p99)),
                .init(Figures.number(edge.retriesPerSecond)), .init(Figures.number(edge.bytesInPerSecond)),
                .init(Figures.number(edge.bytesOutPerSecond)), .init("\(edge.totalRequests)"), .init(edge.protocol),
                edge.tls ? .init("mtls", .good) : .init("plain", .bad), .init(edge.peerIdentity ?? "", .faint),
                self.counts(edge.failures, ofPolicies: true), self.counts(edge.failures, ofPolicies: false),
            ])
        }
        return table.rendered(colours: console.colours)
    }

    static func objectives(_ report: ObjectiveReport, console: Console) -> String {
        var table = Table([
            .init("OBJECTIVE"), .init("TARGET"), .init("STATE"), .init("SUCCESS", .right), .init("WANTED", .right),
            .init("FAST", .right), .init("WANTED", .right), .init("BUDGET LEFT", .right), .init("BURN 5m", .right),
            .init("1h", .right), .init("6h", .right), .init("JUDGED"),
        ])
        for objective in report.objectives {
            let tone: Tone =
                switch objective.state {
                case .ok: .good
                case .burning: .warning
                case .exhausted: .bad
                case .unknown: .faint
                }
            let fast = objective.latencyTarget.map {
                "\(Figures.percent(objective.latencyRatio)) in \(Figures.number($0)) ms"
            }
            table.add([
                .init("\(objective.namespace)/\(objective.name)"), .init(objective.target),
                .init(objective.state.rawValue, tone), .init(Figures.percent(objective.measuredSuccess)),
                .init(Figures.percent(objective.successTarget)), .init(Figures.percent(objective.measuredFast)),
                .init(fast ?? ""), .init(Figures.percent(objective.budgetRemaining)),
                .init(Figures.number(objective.burnRates["5m"])), .init(Figures.number(objective.burnRates["1h"])),
                .init(Figures.number(objective.burnRates["6h"])),
                .init(
                    "\(Figures.span(seconds: objective.judgedSeconds)) of \(Figures.span(seconds: objective.windowSeconds))",
                    objective.judgedSeconds < objective.windowSeconds ? .warning : .plain),
            ])
        }
        return table.rendered(colours: console.colours)
    }
}
