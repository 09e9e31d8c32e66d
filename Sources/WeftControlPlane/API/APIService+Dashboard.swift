internal import Foundation
internal import WeftIdentity
internal import WeftModel

extension APIService {
    /// The calls that let a browser in; nil where `call` is none of them.
    func dashboardCall(_ call: APICall) async throws -> APIReply? {
        switch (call.method, Array(call.path.dropFirst(2))) {
        case ("POST", ["codes"]):
            let token = if case .token(let id, _) = call.caller { id } else { String?.none }
            let code = await self.dashboard.code(opener: call.caller.description, token: token)
            await self.record(.credential, call, subject: "dashboard", ["action": "code made"])
            return try APIReply(code, status: 201)
        case ("POST", ["sessions"]):
            return try await self.login(try Self.decode(DashboardLogin.self, call), call)
        case ("DELETE", ["sessions"]): return try await self.endSessions(call)
        default: return nil
        }
    }

    /// The one call of a browser that does more than look.
    static func endsSession(_ call: APICall) -> Bool {
        call.method == "DELETE" && call.path == ["v1", "dashboard", "sessions"]
    }

    /// A browser ends its own; whoever else asks ends all, and the codes that wait with them.
    private func endSessions(_ call: APICall) async throws -> APIReply {
        if case .dashboard(_, let session) = call.caller {
            let ended = await self.dashboard.end(session)
            await self.record(.login, call, subject: "dashboard", ["action": "session ended"])
            var reply = try APIReply(DashboardSessionsEnded(ended: ended))
            reply.cookie = ""
            return reply
        }
        try APIPermissions.check(call.caller, has: .admin, to: "end the sessions of others")
        try await self.requireAudit()
        let ended = await self.dashboard.endAll()
        await self.record(.credential, call, subject: "dashboard", ["action": "sessions ended", "count": "\(ended)"])
        return try APIReply(DashboardSessionsEnded(ended: ended))
    }

    private func login(_ login: DashboardLogin, _ call: APICall) async throws -> APIReply {
        let source = SourceAddress(call.source)
        let found: (opener: String, token: String?)?
        if let code = login.code {
            found = await self.dashboard.redeem(code)
        } else if let text = login.token, let token = await self.authority.apiToken(text, now: Date()) {
            found = ("token \(token.id)", token.id)
        } else {
            found = nil
        }
        guard let found else {
            guard !self.refusals.isTooFast(source) else { throw APIServer.tooFast }
            self.refusals.failed(source, cause: "its way into the dashboard is not known here", subject: "dashboard")
            throw APIError(
                status: 401, code: .unauthenticated, message: "that does not open the dashboard",
                cause: "it is unknown, was used, or has expired",
                remedy: "run `weft dashboard` for a new address, or use an API token")
        }
        let (session, cookie) = await self.dashboard.open(opener: found.opener, token: found.token)
        await self.record(.login, call, subject: "dashboard", ["opener": found.opener])
        var reply = try APIReply(session, status: 201)
        reply.cookie = cookie
        return reply
    }

    /// Who calls with these halves of a session. A session that came from a token ends with it.
    func dashboardCaller(cookie: String, key: String) async -> APICall.Caller {
        guard let session = await self.dashboard.session(cookie: cookie, key: key) else { return .anonymous }
        if let token = session.token, !(await self.authority.hasAPIToken(token, now: Date())) { return .anonymous }
        return .dashboard(opener: session.opener, session: session.cookie)
    }
}
