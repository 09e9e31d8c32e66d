internal import Foundation
internal import WeftIdentity
internal import WeftModel

/// The calls below `/v1/identity`.
extension APIService {
    /// Nil when there is no such call.
    func identityCall(_ call: APICall) async throws -> APIReply? {
        let rest = Array(call.path.dropFirst(2))
        switch (call.method, rest) {
        case ("GET", []): return try await self.identityReport()
        case ("POST", ["rotation"]):
            let request = try Self.decode(RotationRequest.self, call)
            guard request.newRoot == nil || request.action == .root else {
                throw APIError(
                    status: 400, code: .badRequest, message: "the authority was not changed", location: "newRoot",
                    cause: "a new root was given for the action \(request.action.rawValue)",
                    remedy: "leave it out, or ask for the action root")
            }
            do {
                try await self.authority.rotate(
                    request, fleet: await self.fleet(), actor: "\(call.caller)", now: Date())
            } catch let error as AuthorityError {
                throw Self.refusal(error)
            }
            return try await self.identityReport()
        case ("POST", ["revocations"]):
            let request = try Self.decode(RevocationRequest.self, call)
            let identity = try Self.identity(request.identity)
            _ = try await self.authority.revoke(
                identity, reason: request.reason ?? "", actor: "\(call.caller)", now: Date())
            return try await self.identityReport(
                remarks: await self.isKnown(identity)
                    ? nil
                    : ["no workload, token or RegistrationEntry has \(identity): check how it is written"])
        case ("DELETE", ["revocations"]):
            let identity = try Self.identity(call.query["identity"] ?? "")
            guard try await self.authority.restore(identity, actor: "\(call.caller)", now: Date()) else {
                throw APIError(
                    status: 404, code: .notFound, message: "\(identity) is not revoked",
                    remedy: "`weft identity status` lists those that are")
            }
            return try await self.identityReport()
        default: return nil
        }
    }

    private func identityReport(remarks: [String]? = nil) async throws -> APIReply {
        var report = try await self.authority.report(fleet: await self.fleet(), now: Date())
        report.remarks = remarks ?? report.remarks
        return try APIReply(report)
    }

    /// Whether anybody has an identity, had it, or may get it. Of agents nobody keeps a list.
    private func isKnown(_ identity: SPIFFEID) async -> Bool {
        if identity.agentHost != nil { return true }
        if await self.authority.knows(identity) { return true }
        if await self.registry.entries.contains(where: { $0.identity == identity }) { return true }
        let resources = (try? await self.configurations.load().resources) ?? []
        return resources.contains { resource in
            guard case .registrationEntry(let entry) = resource else { return false }
            return identity.workload.map { $0 == (entry.metadata.namespace, entry.account) } ?? false
        }
    }

    private static func identity(_ text: String) throws(APIError) -> SPIFFEID {
        if let identity = SPIFFEID(text) { return identity }
        throw APIError(
            status: 400, code: .badRequest, message: "'\(text.prefix(256))' is no SPIFFE ID", location: "identity",
            remedy: "write it as `weft status` does: spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT")
    }

    private static func refusal(_ error: AuthorityError) -> APIError {
        let message = "the authority was not changed"
        switch error {
        case .rotation(.notYet(let obstacle)):
            return APIError(
                status: 409, code: .conflict, message: message, cause: "\(obstacle)",
                remedy: "wait, see `weft identity status`, or cut those off with --force")
        case .rootKeyElsewhere:
            return APIError(
                status: 409, code: .conflict, message: message, cause: "the root's key is not on this machine",
                remedy: AuthorityError.withoutRootKey)
        case .material(let error):
            return APIError(
                status: 400, code: .badRequest, message: message, location: error.what, cause: error.cause,
                remedy: error.remedy)
        case .rotation:
            return APIError(status: 409, code: .conflict, message: message, cause: "\(error)")
        default:
            return APIError(
                status: 500, code: .internal, message: message, cause: "\(error)",
                remedy: "see the control plane's log")
        }
    }
}
