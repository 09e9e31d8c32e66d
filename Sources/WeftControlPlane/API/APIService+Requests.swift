internal import Foundation
internal import WeftCompiler
internal import WeftModel

extension APIService {
    /// `/v1/requests` and what is below it; nil where it is another call.
    func requestCall(_ call: APICall) async throws -> APIReply? {
        switch call.path.count {
        case 2:
            try Self.requireKnown(call, Self.recordFilters + ["limit"])
            return try APIReply(try await self.requests(call))
        case 3:
            try Self.requireKnown(call, Self.recordFilters)
            return try APIReply(try await self.story(of: call.path[2], call))
        default: return nil
        }
    }

    private func requests(_ call: APICall) async throws -> RequestList {
        let limit = try Self.number(call.query["limit"], "limit", within: 1...1000) ?? 50
        // The same request is remembered by several proxies: enough of each that there are as many as asked for.
        let filter = try Self.filter(call.query)
        let gathered = try await self.records.newest(filter, limit: min(1000, limit * 2))
        let grouped = Dictionary(grouping: gathered.records.filter { !$0.requestID.isEmpty }, by: \.requestID)
            .filter { !filter.failed || filter.service != nil || Self.hasFailed($0.value) }
        // The outermost record tells what the first caller got.
        let outermost = grouped.values.compactMap { records in
            records.min {
                ($0.startedAtMs, $0.direction == .outbound ? 0 : 1) < (
                    $1.startedAtMs, $1.direction == .outbound ? 0 : 1
                )
            }
        }.sorted { $0.startedAtMs > $1.startedAtMs }
        return RequestList(
            requests: outermost.prefix(limit).map { RequestSummary($0) }, silent: gathered.silent,
            truncated: gathered.truncated || outermost.count > limit)
    }

    /// Of records of failures, whether a call failed and not only one of its attempts: what the caller's proxy, which a peer
    /// that proved itself has, did not count as one was made good by another attempt.
    static func hasFailed(_ records: [HopRecord]) -> Bool {
        records.contains { $0.direction == .outbound || $0.sourceIdentity == nil }
    }

    /// The filters say which call is meant, where nothing joins several of one id.
    private func story(of id: String, _ call: APICall) async throws -> RequestStory {
        guard !id.isEmpty, id.utf8.count <= Self.maxID else {
            throw APIError(
                status: 400, code: .badRequest, message: "that is no request id", location: "id",
                cause: "it is empty, or longer than \(Self.maxID) bytes")
        }
        let wanted = try Self.filter(call.query)
        let gathered = try await self.records.find(id)
        let story = StoryTeller.story(
            id: id, records: gathered.records, snapshot: self.snapshot(), wanted: wanted, silent: gathered.silent,
            isCut: gathered.truncated)
        if let story { return story }
        throw APIError(
            status: 404, code: .notFound, message: "no proxy remembers the request \(id.prefix(64))",
            cause: gathered.silent.isEmpty
                ? nil : "these did not answer: \(gathered.silent.prefix(8).joined(separator: ", "))",
            remedy:
                "each proxy keeps its newest 10 000 requests; `GET /v1/requests` and `weft explain --last` list what there is"
        )
    }

    /// Longer ones are no ids; records keep the beginning of what is shorter.
    private static let maxID = 8192

    /// Opens a tap: its lines, once the caller may and the filters are right.
    func tap(_ call: APICall) async -> Result<AsyncStream<TapLine>, APIError> {
        do throws(APIError) {
            try Self.admit(call)
            try Self.requireKnown(call, Self.recordFilters + ["rate"])
            let rate = try Self.number(call.query["rate"], "rate", within: 1...1000) ?? 100
            return .success(try await self.records.tap(try Self.filter(call.query), perSecond: rate))
        } catch {
            return .failure(error)
        }
    }

    private static let recordFilters = [
        "service", "namespace", "failed", "reason", "path", "route", "version", "identity",
    ]

    private static func filter(_ query: [String: String]) throws(APIError) -> RecordFilter {
        var filter = RecordFilter()
        func text(_ name: String) throws(APIError) -> String? {
            guard let text = query[name], !text.isEmpty else { return nil }
            guard text.utf8.count <= 512 else {
                throw APIError(
                    status: 400, code: .badRequest, message: "\(name) is wrong", location: name,
                    cause: "it is longer than 512 bytes")
            }
            return text
        }
        filter.service = try text("service")
        filter.namespace = try text("namespace")
        filter.pathPrefix = try text("path")
        filter.route = try text("route")
        filter.version = try text("version")
        filter.identity = try text("identity")
        switch try text("failed") {
        case nil, "false": break
        case "true": filter.failed = true
        default:
            throw APIError(
                status: 400, code: .badRequest, message: "failed is wrong", location: "failed",
                cause: "it is true or false")
        }
        filter.reason = try Self.reason(query["reason"])
        return filter
    }
}
