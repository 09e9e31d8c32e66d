internal import ArgumentParser
internal import Foundation
internal import WeftModel

struct StatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat", abstract: "Golden metrics of every edge: rate, success, latency.",
        discussion: """
            With -o wide also protocols, bytes, identities, and how the objectives are kept.

            Example:  weft stat billing --window 1m
            """)

    @Argument(help: ArgumentHelp("Only calls from or to this service.", valueName: "service")) var service: String?
    @OptionGroup var filters: EdgeFilters
    @OptionGroup var watching: WatchOptions
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let query = try self.filters.query(service: self.service)
        let isWide = try self.output.format() == .wide
        try await self.api.withClient { api in
            var objectives: ObjectiveReport?
            try await self.watching.show(self.output) {
                var report = try await api.stat(window: .seconds(query.window))
                try EdgeFilters.requireKnown(
                    query, ends: report.edges.map { ($0.source, $0.destination, $0.version) })
                report.edges = report.edges.filter { edge in
                    query.matches(
                        source: edge.source, destination: edge.destination, version: edge.version, route: edge.route,
                        direction: edge.direction, identity: edge.peerIdentity)
                        && (query.reason.map { edge.failures[$0] != nil } ?? true)
                }
                if isWide { objectives = try await api.objectives() }
                return report
            } table: { report, console, isWide in
                guard isWide else { return Tables.stat(report, console: console) }
                let table = TelemetryTables.stat(report, console: console)
                guard let objectives, !objectives.objectives.isEmpty else { return table }
                return table + "\n\n" + TelemetryTables.objectives(objectives, console: console)
            }
        }
    }
}

struct EdgesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edges", abstract: "Who calls whom, with rate, success and latency.",
        discussion: "Example:  weft edges --from enrollment --window 5m")

    @Argument(help: ArgumentHelp("Only calls from or to this service.", valueName: "service")) var service: String?
    @OptionGroup var filters: EdgeFilters
    @OptionGroup var watching: WatchOptions
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let query = try self.filters.query(service: self.service, group: .edge)
        try await self.api.withClient { api in
            try await self.watching.show(self.output) {
                try await api.edges(query)
            } table: { report, console, isWide in
                TelemetryTables.edges(report, columns: [.source, .destination], wide: isWide, console: console)
            }
        }
    }
}

struct RoutesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "Rate, success and latency of every route of every service.",
        discussion: "Example:  weft routes billing --window 5m")

    @Argument(help: ArgumentHelp("Only routes to this service.", valueName: "service")) var service: String?
    @OptionGroup var filters: EdgeFilters
    @OptionGroup var watching: WatchOptions
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var query = try self.filters.query(group: .route)
        query.destination = query.destination ?? self.service
        let asked = query
        try await self.api.withClient { api in
            try await self.watching.show(self.output) {
                try await api.edges(asked)
            } table: { report, console, isWide in
                TelemetryTables.edges(report, columns: [.destination, .route], wide: isWide, console: console)
            }
        }
    }
}

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "The busiest, slowest or most failing edges, live.",
        discussion: """
            Refreshes in place on a terminal, until interrupted; shows once with --once, or where there is none.

            Example:  weft top --sort failures
            """)

    enum Order: String, ExpressibleByArgument, CaseIterable { case rate, latency, failures }

    @Argument(help: ArgumentHelp("Only calls from or to this service.", valueName: "service")) var service: String?
    @Option(help: "What comes first: rate, latency (p99) or failures.") var sort: Order = .rate
    @Option(help: ArgumentHelp("Edges at most; as many as fit where not given.", valueName: "number")) var limit: Int?
    @Flag(help: "Show it once.") var once = false
    @OptionGroup var filters: EdgeFilters
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let query = try self.filters.query(service: self.service)
        let format = try self.output.format()
        if let limit, limit < 1 { throw CommandFailure.usage("there is no such number of edges", at: "--limit") }
        let console = Console.current
        let isLive = console.isTerminal && !self.once && [.table, .wide].contains(format)
        try await self.api.withClient { api in
            while true {
                var report = try await api.edges(query)
                report.edges = Self.sorted(report.edges, by: self.sort)
                let most = self.limit ?? (isLive ? max(1, console.size.rows - 4) : 20)
                report.edges = Array(report.edges.prefix(most))
                let text = try format.render(report) {
                    TelemetryTables.edges(
                        report, columns: [.source, .destination, .version, .route], wide: format == .wide,
                        console: console)
                }
                guard isLive else { return console.line(text) }
                let heading = "top by \(self.sort.rawValue), last \(Figures.span(seconds: Int64(report.windowSeconds)))"
                Screen.show(console.styled(heading, .strong) + "\n\n" + text, console: console)
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Only edges with traffic; equal ones by name.
    static func sorted(_ edges: [TelemetryEdge], by order: Order) -> [TelemetryEdge] {
        func weight(_ edge: TelemetryEdge) -> Double {
            switch order {
            case .rate: edge.signals.requestsPerSecond
            case .latency: edge.signals.p99 ?? -1
            case .failures: edge.signals.failuresPerSecond
            }
        }
        return edges.filter { $0.signals.requestsPerSecond > 0 }.sorted {
            (weight($1), $0.source, $0.destination, $0.version, $0.route)
                < (weight($0), $1.source, $1.destination, $1.version, $1.route)
        }
    }
}
