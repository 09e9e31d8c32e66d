internal import ArgumentParser
internal import Foundation
internal import WeftModel

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Show who did what: the control plane's audit log, newest first.",
        discussion: """
            Needs the role admin. The log itself is audit.log in the control plane's data directory.

            Example:  weft audit --kind login --since 1h
            """)

    @Option(
        help: ArgumentHelp(
            "Only certificate, token, credential, attestation, change, login or authority.", valueName: "kind"))
    var kind: String?
    @Option(help: ArgumentHelp("Only the last of this long, such as 1h.", valueName: "duration")) var since: String?
    @Option(help: ArgumentHelp("How many lines; 100 where not given.", valueName: "number")) var limit: String?
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        var query = AuditQuery()
        query.kind = try settings.value(
            "kind", self.kind, expected: AuditEvent.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        ) { AuditEvent.Kind(rawValue: $0) }
        if let since = try settings.duration("since", self.since) {
            query.since = Int64(Date().timeIntervalSince1970 * 1000) - since.components.seconds * 1000
        }
        query.limit = try settings.number("limit", self.limit, in: 1...1000) ?? query.limit
        let wanted = query
        let events = try await self.api.withClient { try await $0.audit(wanted) }
        try self.output.show(events) { Self.table(events, console: $0) }
    }

    static func table(_ list: AuditList, console: Console) -> String {
        var table = Table([
            .init("TIME"), .init("KIND"), .init("OUTCOME"), .init("ACTOR"), .init("SUBJECT"), .init("DETAILS"),
        ])
        for event in list.events {
            let time = Date(timeIntervalSince1970: Double(event.at) / 1000).formatted(.iso8601)
            let details = event.details.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            table.add([
                .init(time), .init(event.kind.rawValue),
                .init(event.outcome.rawValue, event.outcome == .done ? .good : .warning), .init(event.actor),
                .init(event.subject), .init(details.joined(separator: " "), .faint),
            ])
        }
        return list.events.isEmpty ? "nothing was recorded" : table.rendered(colours: console.colours)
    }
}
