internal import ArgumentParser
internal import Foundation
internal import WeftModel

/// Which edges a command is about, and over what time.
struct EdgeFilters: ParsableArguments {
    @Option(help: ArgumentHelp("The time to look back over; 5s to 24h; 10s where not given.", valueName: "duration"))
    var window: String?
    @Option(help: ArgumentHelp("Only calls from this service.", valueName: "service")) var from: String?
    @Option(help: ArgumentHelp("Only calls to this service.", valueName: "service")) var to: String?
    @Option(name: [.short, .long], help: ArgumentHelp("Only calls from or to services of it.", valueName: "namespace"))
    var namespace: String?
    @Option(help: ArgumentHelp("Only calls to this version of a service.", valueName: "version"))
    var serviceVersion: String?
    @Option(help: ArgumentHelp("Only calls that this route took: NAME or NAMESPACE/NAME.", valueName: "route"))
    var route: String?
    @Option(help: ArgumentHelp("Only edges with calls that ended for this reason.", valueName: "reason"))
    var reason: String?
    @Option(help: ArgumentHelp("Only calls where the other side proved this SPIFFE ID.", valueName: "id"))
    var identity: String?
    @Flag(help: "As the destinations' proxies counted, not the callers'.") var inbound = false

    /// - Parameter service: what stands at either end.
    func query(service: String? = nil, group: TelemetryQuery.Group? = nil) throws -> TelemetryQuery {
        var settings = Settings(environment: Machine.environment)
        let window = try settings.duration("window", self.window) ?? .seconds(10)
        guard window >= .seconds(5), window <= .seconds(86_400) else {
            throw CommandFailure.usage(
                "the window is out of range", at: "--window",
                remedy: "Between 5s and 24h are kept; longer times are for Prometheus.")
        }
        var query = TelemetryQuery(window: window.components.seconds)
        query.service = service
        query.source = try settings.text("from", self.from)
        query.destination = try settings.text("to", self.to)
        query.namespace = try settings.text("namespace", self.namespace)
        query.version = try settings.text("service-version", self.serviceVersion)
        query.route = try settings.text("route", self.route)
        query.reason = try settings.text("reason", self.reason)
        if let reason = query.reason, reason != "5xx", Reason(rawValue: reason) == nil {
            throw CommandFailure.usage(
                "there is no reason '\(reason)'", at: "--reason",
                remedy: Nearest.name(to: reason, among: Reason.allCases.map(\.rawValue)).map { "Did you mean \($0)?" }
                    ?? "They are listed in docs/reasons.")
        }
        query.identity = try settings.text("identity", self.identity)
        query.direction = try settings.isOn("inbound", self.inbound) ? .inbound : .outbound
        query.group = group
        return query
    }

    /// Throws where a name that was asked for is at the end of no edge, with the nearest that is.
    static func requireKnown(
        _ query: TelemetryQuery, ends: [(source: String, destination: String, version: String)]
    )
        throws
    {
        guard !ends.isEmpty else { return }
        for (wanted, what) in [(query.source, "from"), (query.destination, "to"), (query.service, "from or to")] {
            guard let wanted else { continue }
            let isThere = ends.contains { end in
                what != "to" && EdgeNames.matches(end.source, wanted, version: "")
                    || what != "from" && EdgeNames.matches(end.destination, wanted, version: end.version)
            }
            if isThere { continue }
            let seen = ends.flatMap { what == "from" ? [$0.source] : what == "to" ? [$0.destination] : [$0.0, $0.1] }
            let names = Set(seen).sorted()
            throw CommandFailure(
                "no calls \(what) '\(wanted)' have been seen",
                remedy: (Nearest.name(to: wanted, among: names.flatMap { [$0, EdgeNames.short($0)] }).map {
                    "Did you mean \($0)? "
                } ?? "") + "Seen: \(names.prefix(12).joined(separator: ", "))\(names.count > 12 ? ", …" : "").")
        }
    }
}

/// `--watch`: the same again and again.
struct WatchOptions: ParsableArguments {
    @Flag(name: [.short, .long], help: "Show it anew every two seconds, until interrupted.") var watch = false

    /// Shows what `make` gives, once or until interrupted; on a terminal each in place of the one before.
    func show<Value: Encodable>(
        _ output: OutputOptions, make: () async throws -> Value, table: (Value, Console, Bool) -> String
    ) async throws {
        let console = Console.current
        let format = try output.format()
        while true {
            let value = try await make()
            let text = try format.render(value) { table(value, console, format == .wide) }
            guard self.watch else { return console.line(text) }
            Screen.show(text, console: console)
            try await Task.sleep(for: .seconds(2))
        }
    }
}

/// A terminal's whole screen, drawn in place.
enum Screen {
    /// From the top, each line cleared to its end, then everything below; without a terminal a paragraph.
    static func show(_ text: String, console: Console) {
        guard console.isTerminal else { return console.line(text + "\n") }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .prefix(max(1, console.size.rows - 1))
        console.put("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\n") + "\n\u{1B}[J")
    }
}
