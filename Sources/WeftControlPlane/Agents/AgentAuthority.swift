internal import Foundation
internal import Logging
internal import WeftIdentity
internal import WeftModel

/// Admits agents, and signs for them: their own identities, and certificates and tokens for the entries of their hosts.
actor AgentAuthority {
    private let authority: Authority
    private let trust: TrustHub
    private let tokenTable: any RecordTable
    private var tokens: [String: AgentTokenRecord]
    private var keys: TokenSigningKeys
    /// The keys of other trust domains' JWT-SVIDs, as JSON Web Key Sets.
    private var federatedKeys: [TrustDomain: String] = [:]
    private let maxTokens: Int
    private let audit: any AuditLog
    private let refusals: RefusalWatch
    private var throttle: AttemptThrottle
    private let logger: Logger
    /// What agents are told of; its trust follows the keys and roots here.
    nonisolated let hub: AgentHub

    /// How long a JWT-SVID lives, unless its entry says less.
    static let tokenLifetime = Duration.seconds(300)

    init(
        authority: Authority, trust: TrustHub, tokens: any RecordTable,
        limits: ControlPlaneConfiguration.Limits, audit: any AuditLog, refusals: RefusalWatch, logger: Logger
    ) async throws {
        let decoder = JSONDecoder()
        self.authority = authority
        self.trust = trust
        self.tokenTable = tokens
        self.tokens = try await tokens.all().mapValues {
            try decoder.decode(AgentTokenRecord.self, from: Data($0.utf8))
        }
        do {
            self.keys = try TokenSigningKeys.open(in: authority.storage, now: Date())
        } catch {
            throw ControlPlaneError.authority("\(error)")
        }
        self.maxTokens = limits.tokens
        self.refusals = refusals
        self.throttle = AttemptThrottle(
            AttemptThrottle.Limits(
                rate: limits.joinRate, burst: limits.joinBurst, totalRate: limits.totalJoinRate,
                totalBurst: limits.totalJoinBurst, failureCost: 10))
        self.audit = audit
        self.logger = logger
        let current = trust.current.trust
        self.hub = AgentHub(
            trust: Self.workloadTrust(current, keySet: self.keys.keySet, federated: [:]), revoked: current.revoked)
    }

    /// Has workloads believe tokens of other trust domains, each for its own identities only.
    func federate(_ keySets: [TrustDomain: String]) {
        guard self.federatedKeys != keySets else { return }
        self.federatedKeys = keySets
        self.refresh()
    }

    // MARK: Agents

    /// Trades a token for an agent's identity. The token's use is taken, durably, before the identity is handed out.
    ///
    /// - Parameter source: the address that asks; one that fails often has to wait.
    func attest(
        token text: String, csr: [UInt8], host: String, source: SourceAddress, now: Date
    ) async throws -> SVID {
        let millis = Self.milliseconds(now)
        if case .refuse(let wait, _) = self.throttle.attempt(from: source.bytes, now: millis) {
            self.refused(source, host, "too many tries at once", now)
            throw AgentTokenRefusal.tooFast(seconds: max(1, wait / 1000))
        }
        try await self.requireAudit()
        do {
            let svid = try await self.admit(text, csr: csr, host: host, now: now)
            await self.audit.record(
                AuditEvent(
                    at: millis, kind: .attestation, actor: source.description, subject: "\(svid.identity)",
                    details: [
                        "attestation": "agent_token", "token": JoinToken(text)?.id ?? "", "serial": svid.serial,
                    ]))
            return svid
        } catch let refusal as AgentTokenRefusal {
            if !source.bytes.isEmpty { self.throttle.failed(source.bytes, now: millis) }
            self.refused(source, host, "\(refusal)", now)
            throw refusal
        }
    }

    private func refused(_ source: SourceAddress, _ host: String, _ cause: String, _ now: Date) {
        self.refusals.failed(
            source, cause: cause, kind: .attestation, subject: "the agent of \(host.prefix(128))", costs: false,
            now: now)
    }

    /// Throws where nothing may be signed because it could not be taken down.
    private func requireAudit() async throws {
        if let cause = await self.audit.refusal() { throw UnwritableAudit(cause: cause) }
    }

    private func admit(_ text: String, csr: [UInt8], host: String, now: Date) async throws -> SVID {
        guard let identity = SPIFFEID.agent(host: host, in: self.hub.trust.own.trustDomain) else {
            throw AgentTokenRefusal.notAHostName(host)
        }
        guard let token = JoinToken(text), let before = self.tokens[token.id] else { throw AgentTokenRefusal.unknown }
        var after = before
        try after.redeem(token, host: host, now: now)
        // Taken before anything waits, so that two at once cannot take the same use; given back where nothing came of it.
        self.tokens[token.id] = after
        do {
            let svid = try await self.authority.issue(csr, identity: identity, now: now)
            try await self.tokenTable.put(token.id, try Self.encode(after))
            self.logger.info("an agent was admitted", metadata: ["identity": "\(identity)", "token": "\(token.id)"])
            return svid
        } catch {
            self.tokens[token.id] = before
            throw error
        }
    }

    /// Signs a newer certificate for an agent that has proved its identity.
    func renew(_ identity: SPIFFEID, csr: [UInt8], now: Date) async throws -> SVID {
        try await self.requireAudit()
        let svid = try await self.authority.issue(csr, identity: identity, now: now)
        await self.audit.record(
            AuditEvent(
                at: Self.milliseconds(now), kind: .certificate, actor: "\(identity)", subject: "\(identity)",
                details: ["serial": svid.serial]))
        return svid
    }

    // MARK: What agents hand on

    /// Signs a certificate for an entry, at the request of `agent`; nothing of the request counts but its key.
    func certificate(
        for entry: RegistrationEntry, csr: [UInt8], agent: SPIFFEID, now: Date
    ) async throws -> SVID {
        let identity = try self.identity(of: entry)
        try await self.requireAudit()
        let svid = try await self.authority.issue(
            csr, identity: identity, dnsNames: entry.dnsNames, lifetime: entry.ttl, handedOn: true, now: now)
        await self.audit.record(
            AuditEvent(
                at: Self.milliseconds(now), kind: .certificate, actor: "\(agent)", subject: "\(identity)",
                details: ["serial": svid.serial, "entry": entry.id]))
        return svid
    }

    /// Signs a token for an entry, at the request of `agent`.
    func token(
        for entry: RegistrationEntry, audiences: [String], agent: SPIFFEID, now: Date
    ) async throws -> (text: String, expiresAt: Int64) {
        let identity = try self.identity(of: entry)
        try await self.requireAudit()
        let lifetime = min(entry.ttl ?? Self.tokenLifetime, Self.tokenLifetime)
        let text = try self.keys.signer(now: now).issue(
            subject: identity, audiences: audiences, lifetime: lifetime, now: now)
        await self.audit.record(
            AuditEvent(
                at: Self.milliseconds(now), kind: .token, actor: "\(agent)", subject: "\(identity)",
                details: ["entry": entry.id, "audiences": audiences.joined(separator: " ")]))
        return (text, Int64(now.timeIntervalSince1970) + lifetime.components.seconds)
    }

    /// The identity that an entry gives; throws `RevokedIdentity` for one that is refused, `IssuingRefusal` for one that is
    /// reserved.
    private func identity(of entry: RegistrationEntry) throws -> SPIFFEID {
        let identity = SPIFFEID(
            trustDomain: self.hub.trust.own.trustDomain, namespace: entry.metadata.namespace, account: entry.account)
        if let cause = ReservedIdentity(identity)?.refusal { throw IssuingRefusal.reserved(cause) }
        guard !self.trust.isRevoked(identity) else { throw RevokedIdentity(identity: identity) }
        return identity
    }

    /// Rotates the keys that sign tokens, and tells agents of roots and keys that have changed; until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                repeat { await self.refresh() } while (try? await Task.sleep(for: .seconds(60))) != nil
            }
            let (id, wakeUps) = self.trust.subscribe()
            for await _ in wakeUps { self.refresh() }
            self.trust.unsubscribe(id)
        }
    }

    /// Brings the keys, and what agents are told, up to date.
    private func refresh() {
        var next = self.keys
        if next.rotate(now: Date()) {
            do {
                // On disk before anybody hears of a key: what is published must outlive this process.
                try next.save(to: self.authority.storage)
                self.keys = next
                self.logger.info("the keys of JWT-SVIDs were rotated", metadata: ["keys": "\(next.count)"])
            } catch {
                self.logger.error("the keys of JWT-SVIDs were not rotated", metadata: ["cause": "\(error)"])
            }
        }
        let current = self.trust.current.trust
        self.hub.publish(
            Self.workloadTrust(current, keySet: self.keys.keySet, federated: self.federatedKeys),
            revoked: current.revoked)
    }

    /// What the mesh trusts, as workloads are told of it.
    private static func workloadTrust(
        _ trust: TrustState, keySet: String, federated: [TrustDomain: String]
    ) -> WorkloadTrust {
        WorkloadTrust(
            own: TrustedDomain(trustDomain: trust.trustDomain, roots: trust.roots, keySet: keySet),
            federated: trust.federated.sorted { $0.key.name < $1.key.name }.map {
                TrustedDomain(
                    trustDomain: $0.key, roots: $0.value, keySet: federated[$0.key] ?? "{\"keys\": []}")
            }, renewBefore: trust.renewBefore)
    }

    // MARK: Tokens

    /// Makes a token for an agent; its text is seen this once.
    func createToken(_ request: TokenRequest, author: String, now: Date) async throws -> CreatedToken {
        let old = Int64(now.timeIntervalSince1970) - 86_400
        for (id, record) in self.tokens where record.expiresAt < old {
            guard (try? await self.tokenTable.remove(id)) != nil else { continue }
            self.tokens[id] = nil
        }
        guard self.tokens.count < self.maxTokens else {
            throw APIError(
                status: 429, code: .exhausted, message: "no token was made",
                cause: "there are \(self.maxTokens) already", remedy: "delete some with `weft token revoke`")
        }
        guard (1...31_536_000).contains(request.ttlSeconds) else {
            throw Self.refused("ttlSeconds", "\(request.ttlSeconds) is not within 1 and 31 536 000")
        }
        if let host = request.host, !SPIFFEID.isHostName(host) {
            throw Self.refused("host", "\(AgentTokenRefusal.notAHostName(host))")
        }
        guard request.uses == 1 else { throw Self.refused("uses", "a token for an agent admits once") }
        var random = SystemRandomNumberGenerator()
        let token = JoinToken(rootFingerprint: try await self.authority.status.rootFingerprint, random: &random)
        let record = AgentTokenRecord(
            token: token, host: request.host, createdAt: now,
            expiresAt: now.addingTimeInterval(Double(request.ttlSeconds)), author: author)
        try await self.tokenTable.put(token.id, try Self.encode(record))
        self.tokens[token.id] = record
        return CreatedToken(token: token.text, summary: Self.summary(record))
    }

    /// Newest first; expired ones are left out.
    func listTokens(now: Date) -> [TokenSummary] {
        let seconds = Int64(now.timeIntervalSince1970)
        return self.tokens.values.map(Self.summary).filter { $0.expiresAt > seconds }.sorted {
            ($0.createdAt, $0.id) > ($1.createdAt, $1.id)
        }
    }

    /// False when there is no such token. Who was admitted with it stays.
    func deleteToken(_ id: String) async throws -> Bool {
        guard self.tokens[id] != nil else { return false }
        try await self.tokenTable.remove(id)
        self.tokens[id] = nil
        return true
    }

    // MARK: The mesh's bundle

    /// The public keys of JWT-SVIDs, by their names, for the bundle that other trust domains fetch.
    var bundleKeys: [String: StrictJSON] {
        let keys = (try? StrictJSON(Array(self.keys.keySet.utf8)))?.object?["keys"]?.list ?? []
        return Dictionary(
            keys.compactMap { key in (key.object?["kid"]?.text).map { ($0, key) } }, uniquingKeysWith: { $1 })
    }

    // MARK: Helpers

    private static func milliseconds(_ now: Date) -> Int64 { Int64(now.timeIntervalSince1970 * 1000) }

    private static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func summary(_ record: AgentTokenRecord) -> TokenSummary {
        TokenSummary(
            id: record.id, purpose: .agent, service: nil, namespace: "", host: record.host,
            createdAt: record.createdAt, expiresAt: record.expiresAt, usesLeft: record.isUsed ? 0 : 1, uses: 1)
    }

    private static func refused(_ field: String, _ cause: String) -> APIError {
        APIError(
            status: 400, code: .badRequest, message: "no token was made", location: field, cause: cause,
            remedy: "see `weft token create --help`")
    }
}

/// An identity is revoked: nothing is signed for it.
struct RevokedIdentity: Error, Hashable, CustomStringConvertible {
    let identity: SPIFFEID

    var description: String { "\(self.identity) is revoked" }
}

/// The audit log cannot be written, and nothing is signed without it.
struct UnwritableAudit: Error, Hashable, CustomStringConvertible {
    let cause: String

    var description: String { "the audit log cannot be written, and nothing is signed without: \(self.cause)" }
}
