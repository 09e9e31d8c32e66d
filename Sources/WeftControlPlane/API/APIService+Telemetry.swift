internal import Foundation
internal import WeftModel

/// Calls about the figures of the mesh's traffic.
extension APIService {
    /// Nil where there is no such call.
    func telemetryCall(_ call: APICall) async throws -> APIReply? {
        // A copy: what is asked of a day's figures holds up nobody who reports.
        let (store, second, at) = (
            await self.registry.telemetry, await self.registry.second, Int64(Date().timeIntervalSince1970)
        )
        switch call.path.dropFirst(2) {
        case ["edges"]:
            try Self.requireKnown(call, Self.telemetryFilters + ["group"])
            return try APIReply(store.edges(try Self.telemetryQuery(call, window: 60), second: second, at: at))
        case ["timeline"]:
            try Self.requireKnown(call, Self.telemetryFilters)
            var query = try Self.telemetryQuery(call, window: 3600)
            // A service's own timeline is of the calls to it.
            if query.destination == nil { (query.destination, query.service) = (query.service, nil) }
            return try APIReply(store.timeline(query, second: second, at: at))
        default: return nil
        }
    }

    private static let telemetryFilters = [
        "window", "source", "destination", "service", "namespace", "version", "route", "reason", "identity",
        "direction",
    ]

    /// - Parameter window: where the call names none, in seconds.
    private static func telemetryQuery(_ call: APICall, window: Int64) throws(APIError) -> TelemetryQuery {
        func text(_ name: String) -> String? {
            guard let text = call.query[name], !text.isEmpty else { return nil }
            return text
        }
        func choice<Choice: RawRepresentable & CaseIterable>(
            _ name: String, _ type: Choice.Type
        ) throws(APIError) -> Choice? where Choice.RawValue == String {
            guard let text = text(name) else { return nil }
            if let choice = Choice(rawValue: text) { return choice }
            throw APIError(
                status: 400, code: .badRequest, message: "\(name) is wrong", location: name,
                cause: "there is no \(text.prefix(64))",
                remedy: "it is one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        var query = TelemetryQuery(window: window)
        if let seconds = try Self.number(text("window"), "window", within: 1...86_400) { query.window = Int64(seconds) }
        query.source = text("source")
        query.destination = text("destination")
        query.service = text("service")
        query.namespace = text("namespace")
        query.version = text("version")
        query.route = text("route")
        query.reason = text("reason")
        // What an application answered itself is counted by its class.
        if query.reason != "5xx" { _ = try Self.reason(query.reason) }
        query.identity = text("identity")
        query.direction = try choice("direction", EdgeStat.Direction.self)
        query.group = try choice("group", TelemetryQuery.Group.self)
        return query
    }
}
