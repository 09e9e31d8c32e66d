internal import Foundation
internal import WeftModel

extension APIService {
    /// Throws where what is audited must not happen without a record, and none can be made.
    func requireAudit() async throws(APIError) {
        guard let cause = await self.audit.refusal() else { return }
        throw APIError(
            status: 503, code: .storeUnavailable, message: "nothing was changed",
            cause: "the audit log cannot be written: \(cause)",
            remedy: "mend that, or start the control plane without --audit-required")
    }

    func record(_ kind: AuditEvent.Kind, _ call: APICall, subject: String, _ details: [String: String]) async {
        var details = details
        if call.source != "local" { details["source"] = call.source }
        await self.audit.record(
            AuditEvent(
                at: Int64(Date().timeIntervalSince1970 * 1000), kind: kind, actor: call.caller.description,
                subject: String(subject.prefix(512)), details: details))
    }

    /// One line for each resource that an apply changed.
    func recordApply(_ answer: ApplyResponse, _ call: APICall) async {
        for change in answer.changes where change.action != .unchanged {
            await self.record(
                .change, call, subject: change.key.description,
                ["action": change.action.rawValue, "revision": "\(answer.revision)"])
        }
    }

    static func auditQuery(_ query: [String: String]) throws(APIError) -> AuditQuery {
        var result = AuditQuery()
        if let text = query["kind"] {
            guard let kind = AuditEvent.Kind(rawValue: text) else {
                throw APIError(
                    status: 400, code: .badRequest, message: "\(text.prefix(64)) is no kind of event", location: "kind",
                    remedy: "the kinds are \(AuditEvent.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            result.kind = kind
        }
        if let text = query["since"] {
            guard let since = Int64(text) else {
                throw APIError(
                    status: 400, code: .badRequest, message: "since is wrong", location: "since",
                    cause: "\(text.prefix(64)) is no number of milliseconds since 1970")
            }
            result.since = since
        }
        result.limit = try Self.number(query["limit"], "limit", within: 1...1000) ?? result.limit
        return result
    }
}
