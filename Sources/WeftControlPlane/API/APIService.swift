internal import Foundation
internal import Logging
internal import WeftModel

/// Answers the calls of the API. `route(_:)` is its table; everything it can refuse is an `APIError`.
struct APIService: Sendable {
    let configurations: Configurations
    let authority: Authority
    let agents: AgentAuthority
    let registry: RegistryDriver
    let status: @Sendable () async throws -> StatusReport
    /// What the proxies have in force.
    let snapshot: @Sendable () -> MeshSnapshot
    /// What became of each route.
    let routeStatuses: @Sendable () async -> [ResourceKey: [RouteParentStatus]]
    let logger: Logger

    func answer(_ call: APICall) async -> APIReply {
        do {
            return try await self.route(call)
        } catch let error as APIError {
            return Self.refusal(error)
        } catch {
            self.logger.error("an API call failed", metadata: ["path": "\(call.path)", "cause": "\(error)"])
            return Self.refusal(
                APIError(
                    status: 500, code: .internal, message: "the call failed", cause: "\(error)",
                    remedy: "see the control plane's log"))
        }
    }

    private func route(_ call: APICall) async throws -> APIReply {
        switch (call.method, call.path) {
        case ("GET", ["healthz"]): return APIReply(contentType: "text/plain", body: Array("ok\n".utf8))
        case ("GET", ["openapi.json"]): return APIReply(body: Array(OpenAPIDocument.text.utf8))
        case ("GET", ["v1", "trust-bundle"]): return try await self.trustBundle()
        default: break
        }
        guard call.caller != .anonymous else { throw Self.unauthenticated }
        let rest = Array(call.path.dropFirst(2))
        switch ("\(call.method) /\(call.path.prefix(2).joined(separator: "/"))", rest.count) {
        case ("POST /v1/apply", 0):
            var request = try Self.decode(ApplyRequest.self, call.body)
            request.author = Self.author(request.author, call.caller)
            let registered = await self.registry.workloads.map(\.workload)
            return try APIReply(try await self.configurations.apply(request, registered: registered))
        case ("GET /v1/resources", 0):
            var list = try await self.configurations.list(
                kind: try call.query["kind"].map(Self.kind), namespace: call.query["namespace"],
                registered: await self.registry.workloads)
            let statuses = await self.routeStatuses()
            for index in list.resources.indices { list.resources[index].status = statuses[list.resources[index].key] }
            return try APIReply(list)
        case ("GET /v1/resources", 3):
            let key = ResourceKey(kind: try Self.kind(rest[0]), namespace: rest[1], name: rest[2])
            var view = try await self.configurations.get(key, registered: await self.registry.workloads)
            view.status = await self.routeStatuses()[key]
            return try APIReply(view)
        case ("DELETE /v1/resources", 3):
            let key = ResourceKey(kind: try Self.kind(rest[0]), namespace: rest[1], name: rest[2])
            return try APIReply(
                try await self.configurations.delete(key, author: Self.author(call.query["author"], call.caller)))
        case ("GET /v1/history", 0):
            let limit = try Self.number(call.query["limit"], "limit", within: 1...10_000) ?? 100
            return try APIReply(try await self.configurations.history(limit: limit))
        case ("GET /v1/status", 0): return try APIReply(try await self.status())
        case ("GET /v1/stat", 0):
            let window = try Self.number(call.query["window"], "window", within: 1...86_400) ?? 10
            return try APIReply(await self.registry.statistics(window: Int64(window)))
        case ("GET /v1/identity", 1) where rest == ["plaintext"]:
            return try APIReply(
                await self.authorization.plaintext(
                    await self.registry.plaintext, at: Int64(Date().timeIntervalSince1970)))
        case ("POST /v1/authorization", 1) where rest == ["check"]:
            return try APIReply(
                try await self.authorization.check(try Self.decode(AuthorizationCheckRequest.self, call.body)))
        case ("GET /v1/authorization", 1) where rest == ["proposal"]:
            let stat = await self.registry.statistics(window: 10)
            return try APIReply(
                await self.authorization.proposal(
                    stat, namespace: call.query["namespace"], service: call.query["service"],
                    enforced: call.query["enforced"] == "true"))
        case ("POST /v1/tokens", 0):
            let request = try Self.decode(TokenRequest.self, call.body)
            let created =
                request.purpose == .agent
                ? try await self.agents.createToken(request, author: "\(call.caller)", now: Date())
                : try await self.authority.createToken(request, author: "\(call.caller)", now: Date())
            return try APIReply(created, status: 201)
        case ("GET /v1/tokens", 0):
            let tokens = await self.authority.listTokens(now: Date()) + self.agents.listTokens(now: Date())
            return try APIReply(TokenList(tokens: tokens.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }))
        case ("DELETE /v1/tokens", 1):
            guard try await self.deleteToken(rest[0]) else {
                throw APIError(
                    status: 404, code: .notFound, message: "there is no token \(rest[0].prefix(64))",
                    remedy: "`weft token list` shows those there are")
            }
            return APIReply(status: 204, body: [])
        default: throw Self.unknown(call)
        }
    }

    private var authorization: AuthorizationAnswers {
        get async {
            AuthorizationAnswers(
                snapshot: self.snapshot(), entries: await self.registry.entries,
                trustDomain: await self.authority.trustDomain)
        }
    }

    private func trustBundle() async throws -> APIReply {
        let bundle = try await self.authority.bundle
        return try APIReply(
            TrustBundleView(
                trustDomain: await self.authority.trustDomain.name, roots: bundle.map(PEMText.certificate),
                fingerprints: [try await self.authority.status.rootFingerprint]))
    }

    // MARK: Reading calls

    private static func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) throws(APIError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            let (location, cause) = Self.explain(error)
            throw APIError(
                status: 400, code: .badRequest, message: "the body is no \(type)", location: location, cause: cause,
                remedy: "the shape is in /openapi.json")
        }
    }

    private static func explain(_ error: any Error) -> (location: String?, cause: String) {
        func path(_ context: DecodingError.Context) -> String? {
            let text = context.codingPath.map(\.stringValue).joined(separator: ".")
            return text.isEmpty ? nil : text
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context): return (path(context), "\(key.stringValue) is missing")
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            return (path(context), context.debugDescription)
        default: return (nil, "\(error)")
        }
    }

    /// A kind by its name or one of the names people type.
    private static func kind(_ text: String) throws(APIError) -> ResourceKind {
        let lower = text.lowercased()
        if let kind = ResourceKind.allCases.first(where: { $0.aliases.contains(lower) }) { return kind }
        throw APIError(
            status: 400, code: .badRequest, message: "\(text.prefix(64)) is no kind of resource", location: "kind",
            remedy: "the kinds are \(ResourceKind.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    private static func number(
        _ text: String?, _ name: String, within range: ClosedRange<Int>
    ) throws(APIError) -> Int? {
        guard let text else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw APIError(
                status: 400, code: .badRequest, message: "\(name) is wrong", location: name,
                cause: "\(text.prefix(64)) is no number within \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    /// Who did it: local callers say so themselves, remote ones are named by what they proved.
    private static func author(_ claimed: String?, _ caller: APICall.Caller) -> String {
        guard let claimed, !claimed.isEmpty else { return caller.description }
        let short = String(claimed.prefix(128))
        return caller == .local ? short : "\(short) (\(caller))"
    }

    // MARK: Refusals

    static func refusal(_ error: APIError) -> APIReply {
        // A value of texts and numbers always encodes.
        (try? APIReply(error, status: error.status)) ?? APIReply(status: error.status, body: [])
    }

    private static let unauthenticated = APIError(
        status: 401, code: .unauthenticated, message: "the call needs credentials", cause: "none, or wrong ones, came",
        remedy:
            "use the control plane's Unix socket, or send `Authorization: Bearer` with a token of `weft token create --api-access`"
    )

    private static let methods: [[String]: String] = [
        ["v1", "apply"]: "POST", ["v1", "resources"]: "GET", ["v1", "history"]: "GET", ["v1", "status"]: "GET",
        ["v1", "stat"]: "GET", ["v1", "tokens"]: "GET or POST", ["v1", "trust-bundle"]: "GET", ["healthz"]: "GET",
        ["openapi.json"]: "GET", ["v1", "identity", "plaintext"]: "GET", ["v1", "authorization", "check"]: "POST",
        ["v1", "authorization", "proposal"]: "GET",
    ]

    private func deleteToken(_ id: String) async throws -> Bool {
        if try await self.authority.deleteToken(id) { return true }
        return try await self.agents.deleteToken(id)
    }

    private static func unknown(_ call: APICall) -> APIError {
        let path = "/" + call.path.joined(separator: "/")
        if let methods = Self.methods[call.path] {
            return APIError(
                status: 405, code: .methodNotAllowed, message: "\(path.prefix(200)) takes \(methods)",
                cause: "the call used \(call.method.prefix(16))")
        }
        return APIError(
            status: 404, code: .notFound, message: "there is no \(call.method.prefix(16)) \(path.prefix(200))",
            remedy: "/openapi.json lists all calls")
    }
}

/// PEM for people and programs that want text.
enum PEMText {
    static func certificate(_ der: [UInt8]) -> String {
        let base64 = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN CERTIFICATE-----\n\(base64)\n-----END CERTIFICATE-----\n"
    }
}
