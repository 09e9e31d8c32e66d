internal import Foundation
internal import Logging
internal import WeftCompiler
internal import WeftIdentity
internal import WeftModel
internal import WeftTelemetry

/// Answers the calls of the API. `route(_:)` is its table; everything it can refuse is an `APIError`.
struct APIService: Sendable {
    let configurations: Configurations
    let authority: Authority
    let agents: AgentAuthority
    let registry: RegistryDriver
    let records: RecordDesk
    let federation: FederationDriver
    let audit: any AuditLog
    let refusals: RefusalWatch
    let dashboard: DashboardDesk
    /// What is known of the proxies' trust.
    let fleet: @Sendable () async -> FleetTrust
    let status: @Sendable () async throws -> StatusReport
    /// What the proxies have in force.
    let snapshot: @Sendable () -> MeshSnapshot
    /// What became of each route.
    let routeStatuses: @Sendable () async -> [ResourceKey: [RouteParentStatus]]
    /// What keeps resources from being followed as they were meant.
    let problems: @Sendable () async -> [Diagnostic]
    /// What is counted, and what can be read.
    let telemetry: ControlPlaneTelemetry
    let logger: Logger

    /// What is answered to one who may not make the call, whatever its body says; nil where it may.
    func refusal(of call: APICall) -> APIReply? {
        do throws(APIError) {
            try Self.admit(call)
            return nil
        } catch {
            let reply = self.refused(call, error)
            self.telemetry.answered(call, reply, after: .zero)
            return reply
        }
    }

    func answer(_ call: APICall) async -> APIReply {
        let began = ContinuousClock.now
        let reply = await self.reply(to: call)
        self.telemetry.answered(call, reply, after: .now - began)
        return reply
    }

    private func reply(to call: APICall) async -> APIReply {
        do {
            try Self.admit(call)
            return try await self.route(call)
        } catch let error as APIError {
            return self.refused(call, error)
        } catch {
            self.logger.error("an API call failed", metadata: ["path": "\(call.path)", "cause": "\(error)"])
            return Self.refusal(
                APIError(
                    status: 500, code: .internal, message: "\(call.name) failed",
                    cause: error is DecodingError || error is EncodingError
                        ? "something that is kept was not understood: \(JSONMistake(error).cause)" : "\(error)",
                    remedy: "see the control plane's log"))
        }
    }

    private func refused(_ call: APICall, _ error: APIError) -> APIReply {
        self.note(error, call)
        self.telemetry.refused(call, error)
        return Self.refusal(error)
    }

    /// Takes down that a caller was refused.
    func note(_ error: APIError, _ call: APICall) {
        guard error.code == .unauthenticated || error.code == .forbidden else { return }
        // Without credentials nothing is guessed: that is told, and slows nobody down.
        self.refusals.failed(
            SourceAddress(call.source), cause: error.cause ?? error.message,
            subject: [call.kind, error.location].compactMap(\.self).joined(separator: " "),
            actor: call.caller == .anonymous ? nil : call.caller.description, costs: false)
    }

    /// Throws where the caller may not make the call at all. Looks at no body.
    static func admit(_ call: APICall) throws(APIError) {
        guard let need = APIPermissions.need(method: call.method, path: call.path) else {
            guard call.caller != .anonymous else { throw Self.unauthenticated }
            throw Self.unknown(call)
        }
        if case .dashboard = call.caller, call.method != "GET", !Self.endsSession(call) { throw Self.onlyLooks }
        guard case .role(let role) = need else { return }
        guard call.caller != .anonymous else { throw Self.unauthenticated }
        try APIPermissions.check(call.caller, has: role, to: call.name)
    }

    private func route(_ call: APICall) async throws -> APIReply {
        switch (call.method, call.path) {
        case ("GET", ["healthz"]): return APIReply(contentType: "text/plain", body: Array("ok\n".utf8))
        case ("GET", ["openapi.json"]): return APIReply(body: Array(OpenAPIDocument.text.utf8))
        case ("GET", ["metrics"]): return try await self.telemetry.exposition(accept: call.accept)
        case ("GET", ["v1", "prometheus", "targets"]):
            return try APIReply(
                PrometheusTargetGroup.all(
                    entries: await self.registry.entries, control: call.host ?? self.telemetry.address))
        case ("GET", ["v1", "trust-bundle"]): return try await self.trustBundle()
        case ("GET", ["v1", "spiffe-bundle"]):
            return APIReply(
                body: try await self.federation.ownDocument(
                    roots: try await self.authority.bundle, jwtKeys: await self.agents.bundleKeys))
        default: break
        }
        let rest = Array(call.path.dropFirst(2))
        switch ("\(call.method) /\(call.path.prefix(2).joined(separator: "/"))", rest.count) {
        case ("POST /v1/apply", 0):
            var request = try Self.decode(ApplyRequest.self, call)
            request.author = Self.author(request.author, call.caller)
            let registered = await self.registry.workloads.map(\.workload)
            if !request.dryRun { try await self.requireAudit() }
            let answer = try await self.configurations.apply(
                request, registered: registered, permission: ChangePermission(caller: call.caller, verb: "apply"))
            if !answer.dryRun { await self.recordApply(answer, call) }
            return try APIReply(answer)
        case ("GET /v1/resources", 0):
            var list = try await self.configurations.list(
                kind: try call.query["kind"].map(Self.kind), namespace: call.query["namespace"],
                registered: await self.registry.workloads)
            let statuses = await self.routeStatuses()
            let problems = Dictionary(grouping: await self.problems()) { $0.resource ?? "" }
            for index in list.resources.indices {
                let key = list.resources[index].key
                list.resources[index].status = statuses[key]
                list.resources[index].problems = problems[key.description]
            }
            return try APIReply(list)
        case ("GET /v1/resources", 3):
            let key = ResourceKey(kind: try Self.kind(rest[0]), namespace: rest[1], name: rest[2])
            var view = try await self.configurations.get(key, registered: await self.registry.workloads)
            view.status = await self.routeStatuses()[key]
            let problems = await self.problems().filter { $0.resource == key.description }
            view.problems = problems.isEmpty ? nil : problems
            return try APIReply(view)
        case ("DELETE /v1/resources", 3):
            let key = ResourceKey(kind: try Self.kind(rest[0]), namespace: rest[1], name: rest[2])
            let force = call.query["force"] == "true"
            if force {
                try APIPermissions.check(
                    call.caller, has: .admin, to: "delete it by force", location: "\(key)")
            }
            try await self.requireAudit()
            let deleted = try await self.configurations.delete(
                key, force: force, registered: await self.registry.workloads.map(\.workload),
                permission: ChangePermission(caller: call.caller, verb: "delete"),
                author: Self.author(call.query["author"], call.caller))
            var details = ["action": "deleted", "revision": "\(deleted.revision)"]
            if force { details["force"] = "true" }
            await self.record(.change, call, subject: key.description, details)
            return try APIReply(deleted)
        case ("GET /v1/history", 0):
            let limit = try Self.number(call.query["limit"], "limit", within: 1...10_000) ?? 100
            return try APIReply(try await self.configurations.history(limit: limit))
        case ("GET /v1/status", 0): return try APIReply(try await self.status())
        case ("GET /v1/stat", 0):
            try Self.requireKnown(call, ["window"])
            let window = try Self.number(call.query["window"], "window", within: 1...86_400) ?? 10
            return try APIReply(await self.registry.statistics(window: Int64(window)))
        case ("GET /v1/objectives", 0):
            try Self.requireKnown(call, [])
            return try APIReply(ObjectiveReport(objectives: try await self.telemetry.objectives()))
        case ("GET /v1/identity", 1) where rest == ["plaintext"]:
            return try APIReply(
                await self.authorization.plaintext(
                    await self.registry.plaintext, at: Int64(Date().timeIntervalSince1970)))
        case ("POST /v1/authorization", 1) where rest == ["check"]:
            return try APIReply(
                try await self.authorization.check(try Self.decode(AuthorizationCheckRequest.self, call)))
        case ("GET /v1/authorization", 1) where rest == ["proposal"]:
            let stat = await self.registry.statistics(window: 10)
            return try APIReply(
                await self.authorization.proposal(
                    stat, namespace: call.query["namespace"], service: call.query["service"],
                    enforced: call.query["enforced"] == "true"))
        case ("GET /v1/authorization", 1) where rest == ["coverage"]: return try await self.coverage()
        case ("GET /v1/authorization", 1) where rest == ["usage"]:
            return try APIReply(await self.registry.authorizationUsage)
        case ("POST /v1/tokens", 0):
            let request = try Self.decode(TokenRequest.self, call)
            try await self.requireAudit()
            let created =
                request.purpose == .agent
                ? try await self.agents.createToken(request, author: "\(call.caller)", now: Date())
                : try await self.authority.createToken(request, author: "\(call.caller)", now: Date())
            var details = ["action": "created", "purpose": created.summary.purpose.rawValue]
            details["service"] = created.summary.service.map { "\($0).\(created.summary.namespace)" }
            details["role"] = created.summary.role?.rawValue
            details["host"] = created.summary.host
            details["network"] = created.summary.network
            await self.record(.credential, call, subject: created.summary.id, details)
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
            await self.record(.credential, call, subject: rest[0], ["action": "revoked"])
            return APIReply(status: 204, body: [])
        case ("GET /v1/audit", 0):
            guard let log = self.audit as? FileAuditLog else { return try APIReply(AuditList(events: [])) }
            return try APIReply(AuditList(events: await log.read(try Self.auditQuery(call.query))))
        default:
            if call.path.starts(with: ["v1", "requests"]), let reply = try await self.requestCall(call) {
                return reply
            }
            if call.path.starts(with: ["v1", "telemetry"]), let reply = try await self.telemetryCall(call) {
                return reply
            }
            if call.path.starts(with: ["v1", "identity"]), let reply = try await self.identityCall(call) {
                return reply
            }
            if call.path.starts(with: ["v1", "dashboard"]), let reply = try await self.dashboardCall(call) {
                return reply
            }
            throw Self.unknown(call)
        }
    }

    /// The rules that do nothing, as far as the configuration and the proxies' counts tell.
    private func coverage() async throws -> APIReply {
        let policies = try await self.configurations.load().resources.compactMap { resource in
            if case .authorizationPolicy(let policy) = resource { AuthorizationPolicySummary(policy) } else { nil }
        }
        let usage = await self.registry.authorizationUsage
        var matches: [AuthorizationCoverage.Place: UInt64] = [:]
        for policy in policies {
            let name = policy.source.resource.description
            for rule in usage.rules where rule.policy == name {
                guard let number = rule.rule else { continue }
                matches[.init(policy: policy.source.resource, rule: number)] =
                    rule.allowed &+ rule.denied &+ rule.audited
            }
        }
        return try APIReply(await self.authorization.coverage(policies: policies, matches: matches))
    }

    private var authorization: AuthorizationAnswers {
        get async {
            var answers = AuthorizationAnswers(
                snapshot: self.snapshot(), entries: await self.registry.entries,
                trustDomain: await self.authority.trustDomain)
            for case .service(let service) in (try? await self.configurations.load().resources) ?? [] {
                answers.selectors[service.metadata.serviceName] = service.selector
            }
            let trust = self.authority.trust.current.trust
            answers.revoked = trust.revoked
            answers.federated = Set(trust.federated.filter { !$0.value.isEmpty }.keys)
            return answers
        }
    }

    private func trustBundle() async throws -> APIReply {
        let bundle = try await self.authority.bundle
        return try APIReply(
            TrustBundleView(
                trustDomain: await self.authority.trustDomain.name, roots: bundle.map(PEMText.certificate),
                fingerprints: bundle.map { certificateFingerprint($0) },
                federated: await self.federation.bundles.map {
                    FederatedBundleView(trustDomain: $0.key.name, roots: $0.value.map(PEMText.certificate))
                }.sorted { $0.trustDomain < $1.trustDomain }))
    }

    // MARK: Reading calls

    /// Reads a call's body. `type` is called in the description of the API as it is here.
    static func decode<Value: Decodable>(_ type: Value.Type, _ call: APICall) throws(APIError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(call.body))
        } catch {
            let mistake = JSONMistake(error, in: call.body)
            throw APIError(
                status: 400, code: .badRequest, message: "the body of \(call.name) was not understood",
                location: mistake.location, cause: mistake.cause,
                remedy: "/openapi.json has its shape under \(type)")
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

    /// Throws where the call has a parameter that it does not take: a misspelt filter must not look like none.
    static func requireKnown(_ call: APICall, _ known: [String]) throws(APIError) {
        let unknown = call.query.keys.filter { !known.contains($0) }.sorted()
        guard let first = unknown.first else { return }
        throw APIError(
            status: 400, code: .badRequest,
            message: "there is no parameter \(unknown.prefix(8).map { String($0.prefix(64)) }.joined(separator: ", "))",
            location: String(first.prefix(64)),
            remedy: known.isEmpty ? "the call takes none" : "it takes \(known.joined(separator: ", "))")
    }

    /// A reason of requests; nil for an empty text.
    static func reason(_ text: String?) throws(APIError) -> Reason? {
        guard let text, !text.isEmpty else { return nil }
        if let known = Reason(rawValue: text) { return known }
        throw APIError(
            status: 400, code: .badRequest, message: "reason is wrong", location: "reason",
            cause: "\(text.prefix(64)) is no reason",
            remedy: "the reasons are \(Reason.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    static func number(
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

    static let unauthenticated = APIError(
        status: 401, code: .unauthenticated, message: "the call needs credentials", cause: "none, or wrong ones, came",
        remedy:
            "use the control plane's Unix socket, or send `Authorization: Bearer` with a token of `weft token create --api-access`"
    )

    private static let onlyLooks = APIError(
        status: 403, code: .forbidden, message: "the dashboard only looks", cause: "the call would do more",
        remedy: "use the weft tool")

    private func deleteToken(_ id: String) async throws -> Bool {
        if try await self.authority.deleteToken(id) { return true }
        return try await self.agents.deleteToken(id)
    }

    static func unknown(_ call: APICall) -> APIError {
        let path = call.pathText
        let methods = APIPermissions.methods(of: call.path).joined(separator: " or ")
        if !methods.isEmpty {
            return APIError(
                status: 405, code: .methodNotAllowed, message: "\(path) takes \(methods)",
                cause: "the call used \(call.method.prefix(16))")
        }
        return APIError(
            status: 404, code: .notFound, message: "there is no \(call.name)",
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
