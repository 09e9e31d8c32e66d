internal import ArgumentParser
internal import Foundation
internal import WeftModel

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tell the story of one request: what happened, in order of time, and why.",
        discussion: """
            The id is the request's x-request-id, which responses, logs and traces carry. Each proxy keeps its newest \
            10 000 requests. Where one id has several calls that nothing joins, the filters say which one is meant.

            Examples:  weft explain 6f0c2a4e-…
                       weft explain --last --service billing --failed
                       weft explain --reason retry_budget_exhausted
            """)

    @Argument(help: ArgumentHelp("The request's id.", valueName: "id")) var id: String?
    @Flag(help: "The newest request that matches the filters.") var last = false
    @OptionGroup var filters: RecordFilterOptions
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try RequestChoice.check(self.id, self.last)
        if self.id == nil, !self.last {
            guard let reason = try self.filters.filter().reason else {
                throw CommandFailure.usage(
                    "which request?", remedy: "Give an id, or --last with filters, or --reason alone for its page.")
            }
            let page = ReasonPage(reason: reason.rawValue, page: ReasonPages.page(reason))
            return try self.output.show(page) { _ in page.page.trimmingCharacters(in: .newlines) }
        }
        let story = try await Self.story(self.id, self.filters.filter(), self.api)
        try self.output.show(story) { StoryText.lines(story, console: $0).joined(separator: "\n") }
    }

    /// By id, or the newest that matches.
    static func story(_ id: String?, _ filter: RecordFilter, _ api: APIOptions) async throws -> RequestStory {
        try await api.withClient { client in
            if let id { return try await client.story(of: id, filter) }
            let list = try await client.requests(filter, limit: 1)
            guard let newest = list.requests.first else {
                throw CommandFailure(
                    "no request matches",
                    because: list.silent.isEmpty
                        ? nil : "these proxies did not answer: \(list.silent.joined(separator: ", "))",
                    remedy: "Each proxy remembers its newest 10 000 requests since it started; fewer filters find more."
                )
            }
            return try await client.story(of: newest.id, filter)
        }
    }
}

/// Which request is meant, as a command line says it.
enum RequestChoice {
    static func check(_ id: String?, _ last: Bool) throws {
        if let id, id.isEmpty {
            throw CommandFailure.usage("the request's id is empty", remedy: "Give an id, or --last with filters.")
        }
        if id != nil, last {
            throw CommandFailure.usage(
                "an id and --last are two requests", remedy: "Give the id, or --last with filters.")
        }
    }
}

/// A page of `docs/reasons/`.
struct ReasonPage: Codable {
    var reason: String
    var page: String
}

struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Show one request as a tree of calls, each with its time.",
        discussion: "Examples:  weft trace 6f0c2a4e-…\n           weft trace --last --service billing")

    @Argument(help: ArgumentHelp("The request's id.", valueName: "id")) var id: String?
    @Flag(help: "The newest request that matches the filters.") var last = false
    @OptionGroup var filters: RecordFilterOptions
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try RequestChoice.check(self.id, self.last)
        guard self.id != nil || self.last else {
            throw CommandFailure.usage("which request?", remedy: "Give an id, or --last with filters.")
        }
        let story = try await ExplainCommand.story(self.id, self.filters.filter(), self.api)
        try self.output.show(story) { StoryTree.lines(story, console: $0).joined(separator: "\n") }
    }
}

struct TapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap", abstract: "Watch requests as they end.",
        discussion: """
            Needs the role operator. Shows at most --rate requests a second of each proxy; what is above is counted. \
            Values of queries and of secret headers are never shown. With -o json each request is one line of JSON; there \
            is no -o yaml.

            Example:  weft tap --service billing --failed
            """)

    @OptionGroup var filters: RecordFilterOptions
    @Option(help: ArgumentHelp("At most so many a second of each proxy; 100 where not given.", valueName: "number"))
    var rate: String?
    @Option(help: ArgumentHelp("End after so many requests.", valueName: "number")) var count: String?
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let rate = try settings.number("rate", self.rate, in: 1...1000) ?? 100
        let count = try settings.number("count", self.count, in: 1...1_000_000)
        let format = try self.output.format()
        guard format != .yaml else {
            throw CommandFailure.usage("a tap has no end, and a YAML document needs one", at: "--output")
        }
        let filter = try self.filters.filter()
        let console = Console.current
        var shown = 0
        try await self.api.withClient { client in
            try await client.tap(filter, rate: rate) { line in
                if let dropped = line.dropped, dropped > 0 {
                    console.error("\(dropped) more were not shown; --rate raises the limit")
                }
                guard let record = line.request else { return true }
                shown += 1
                if format == .json {
                    console.line(try OutputFormat.jsonLine(record))
                } else {
                    console.line(StoryText.line(record, console: console))
                }
                return shown < count ?? .max
            }
        }
    }
}

/// Which requests are meant.
struct RecordFilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only calls from or to this service.", valueName: "service")) var service: String?
    @Option(help: ArgumentHelp("Only calls from or to this namespace.", valueName: "namespace"))
    var namespace: String?
    @Flag(help: "Only requests that failed.") var failed = false
    @Option(
        help: ArgumentHelp("Only requests that ended with this reason, or an attempt of which did.", valueName: "name"))
    var reason: String?
    @Option(help: ArgumentHelp("Only paths that begin so.", valueName: "prefix")) var path: String?
    @Option(help: ArgumentHelp("Only requests that took this route.", valueName: "name")) var route: String?
    @Option(help: ArgumentHelp("Only calls answered by this version.", valueName: "version"))
    var answeredBy: String?
    @Option(help: ArgumentHelp("Only where one side proved this SPIFFE ID.", valueName: "id")) var identity: String?

    func filter() throws -> RecordFilter {
        var settings = Settings(environment: Machine.environment)
        var filter = RecordFilter()
        filter.service = try settings.text("service", self.service)
        filter.namespace = try settings.text("namespace", self.namespace)
        filter.failed = try settings.isOn("failed", self.failed)
        filter.reason = try settings.value(
            "reason", self.reason, expected: Reason.allCases.map(\.rawValue).joined(separator: ", ")
        ) { Reason(rawValue: $0) }
        filter.pathPrefix = try settings.text("path", self.path)
        filter.route = try settings.text("route", self.route)
        filter.version = try settings.text("answered-by", self.answeredBy)
        filter.identity = try settings.text("identity", self.identity)
        return filter
    }
}
