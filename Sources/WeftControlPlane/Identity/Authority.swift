internal import Foundation
internal import Logging
internal import WeftConfig
internal import WeftIdentity
internal import WeftModel

/// Drives the certificate authority and the tokens: who may join, with which identity, and until when.
actor Authority {
    var authority: CertificateAuthority
    /// Where the authority's keys are; what is kept beside them belongs in it too, encrypted where they are.
    nonisolated let storage: any CredentialStorage
    nonisolated let isEncrypted: Bool
    /// What the mesh trusts, as this authority says.
    nonisolated let trust: TrustHub
    let revocationTable: any RecordTable
    let trustTable: any RecordTable
    var revocations: [SPIFFEID: Revocation]
    /// The roots of other trust domains.
    var federated: [TrustDomain: [[UInt8]]]
    /// The highest version of what is trusted that has been given out.
    var lastTrustVersion: UInt64 = 0
    var issuingLimits: IssuingLimits
    let audit: any AuditLog
    private let tokenTable: any RecordTable
    private let apiTokenTable: any RecordTable
    private let admissionTable: any RecordTable
    private var tokens: [String: JoinTokenRecord]
    private var apiTokens: [String: APITokenRecord]
    /// What each identity joined for.
    private var admissions: [String: Admission]
    private let maxTokens: Int
    let logger: Logger

    struct Tables: Sendable {
        let tokens: any RecordTable
        let apiTokens: any RecordTable
        let admissions: any RecordTable
        /// Identities that are refused.
        let revocations: any RecordTable
        /// The version of what is trusted.
        let trust: any RecordTable
    }

    /// Opens the authority in `storage`, or makes it on the first start.
    ///
    /// - Parameter federated: roots of other trust domains that are known already, so that a restart does not make the
    ///   mesh forget them for a moment.
    init(
        storage directory: PrivateDirectory, tables: Tables, configuration: ControlPlaneConfiguration,
        federated: [TrustDomain: [[UInt8]]] = [:], audit: any AuditLog = NoAuditLog(), logger: Logger
    ) async throws {
        var random = SystemRandomNumberGenerator()
        let secret = try AuthoritySecret.read(configuration)
        for file in AuthoritySecret.openFiles(configuration) {
            logger.warning(
                "others can read what the authority's keys are encrypted with", metadata: ["file": "\(file)"])
        }
        let authority: CertificateAuthority
        let storage: any CredentialStorage
        do {
            storage = try AuthoritySecret.storage(directory, secret: secret)
            authority = try CertificateAuthority.open(
                in: storage, trustDomain: configuration.trustDomain,
                lifetimes: CertificateLifetimes(leaf: configuration.leafLifetime), now: Date(), random: &random)
        } catch AuthorityError.wrongTrustDomain(_, let found) {
            throw ControlPlaneError.authority(
                "it is of \(found), not \(configuration.trustDomain); start with --trust-domain \(found), or with another --data-dir"
            )
        } catch {
            throw ControlPlaneError.authority("\(error)")
        }
        self.authority = authority
        self.storage = storage
        self.isEncrypted = secret != nil
        self.federated = federated
        self.audit = audit
        self.issuingLimits = IssuingLimits(
            perIdentity: configuration.limits.certificatesPerIdentity, total: configuration.limits.certificates)
        self.revocationTable = tables.revocations
        self.trustTable = tables.trust
        let revocations = try Revocation.read(try await tables.revocations.all())
        self.revocations = revocations
        self.trust = try TrustHub(
            try await TrustVersion.next(
                after: try await tables.trust.all(), in: tables.trust,
                of: TrustState(
                    trustDomain: authority.trustDomain, roots: try authority.bundle, federated: federated,
                    revoked: Set(revocations.keys), renewBefore: authority.renewBefore)))
        self.tokenTable = tables.tokens
        self.apiTokenTable = tables.apiTokens
        self.admissionTable = tables.admissions
        self.maxTokens = configuration.limits.tokens
        self.logger = logger
        let decoder = JSONDecoder()
        self.tokens = try await tables.tokens.all().mapValues {
            try decoder.decode(JoinTokenRecord.self, from: Data($0.utf8))
        }
        self.apiTokens = try await tables.apiTokens.all().mapValues {
            try decoder.decode(APITokenRecord.self, from: Data($0.utf8))
        }
        self.admissions = try await tables.admissions.all().mapValues {
            try decoder.decode(Admission.self, from: Data($0.utf8))
        }
    }

    var trustDomain: TrustDomain { self.authority.trustDomain }

    var status: AuthorityStatus {
        get throws {
            AuthorityStatus(
                rootFingerprint: try self.authority.rootFingerprint,
                rootExpiresAt: Int64(self.authority.rootExpiry.timeIntervalSince1970),
                intermediateExpiresAt: Int64(self.authority.intermediateExpiry.timeIntervalSince1970),
                rootIssuedAt: Int64(self.authority.rootIssued.timeIntervalSince1970),
                intermediateIssuedAt: Int64(self.authority.intermediateIssued.timeIntervalSince1970),
                trustedRoots: try self.authority.bundle.map { certificateFingerprint($0) },
                rotation: self.authority.rotation.flatMap { $0.isRunning ? $0.phase.rawValue : nil },
                isRootOffline: self.authority.isRootOffline, isEncrypted: self.isEncrypted)
        }
    }

    /// DER of the roots.
    var bundle: [[UInt8]] { get throws { try self.authority.bundle } }

    /// The services an identity may register for.
    func services(of identity: SPIFFEID) -> Set<String> {
        self.admissions[identity.description]?.services ?? []
    }

    /// The labels an identity may claim.
    func labels(of identity: SPIFFEID) -> LabelGrants {
        self.admissions[identity.description]?.labels ?? LabelGrants()
    }

    /// Whether somebody joined with an identity, or may with a token.
    func knows(_ identity: SPIFFEID) -> Bool {
        self.admissions[identity.description] != nil
            || self.tokens.values.contains { $0.identity(in: self.authority.trustDomain) == identity }
    }

    // MARK: Joining and renewing

    /// Trades a token for an identity. A use is taken, durably, before the identity is handed out; a request that
    /// cannot be signed takes none.
    func join(
        token text: String, csr: [UInt8], service: String = "", namespace: String = "", source: [UInt8] = [], now: Date
    ) async throws -> SVID {
        let (before, after, token) = try self.redeemed(
            text, service: service, namespace: namespace, source: source, now: now)
        let identity = before.identity(in: self.authority.trustDomain)
        let svid = try self.issue(csr, identity: identity, now: now)
        // Taken before anything waits, so that two at once cannot take the same use.
        self.tokens[token.id] = after
        do {
            try await self.admit(identity, for: before.service, labels: before.labels ?? [:])
            try await self.tokenTable.put(token.id, try Self.encode(after))
        } catch {
            self.tokens[token.id] = before
            throw error
        }
        await self.recordIssued(svid, attestation: "join token \(token.id)", now: now)
        self.logger.info(
            "a workload joined", metadata: ["identity": "\(identity)", "service": "\(before.service)"])
        return svid
    }

    /// Whom a token admits, without taking a use of it. Throws `JoinTokenRefusal`, and `IssuingRefusal` for a token that was
    /// made for a reserved identity.
    func joiner(
        token text: String, service: String = "", namespace: String = "", source: [UInt8], now: Date
    ) throws -> AttestedWorkload {
        let (record, _, token) = try self.redeemed(
            text, service: service, namespace: namespace, source: source, now: now)
        let identity = record.identity(in: self.authority.trustDomain)
        if let cause = ReservedIdentity(identity)?.refusal { throw IssuingRefusal.reserved(cause) }
        return AttestedWorkload(
            identity: identity, service: record.service, proof: .joinToken(text), details: ["token": token.id])
    }

    /// Gives an identity to one who proved itself: `joiner` for tokens, others by their own means.
    func admit(_ workload: AttestedWorkload, csr: [UInt8], source: [UInt8], now: Date) async throws -> SVID {
        switch workload.proof {
        case .joinToken(let text): return try await self.join(token: text, csr: csr, source: source, now: now)
        case .other:
            let svid = try self.issue(csr, identity: workload.identity, now: now)
            try await self.admit(workload.identity, for: workload.service, labels: [:])
            await self.recordIssued(svid, attestation: "kubernetes", now: now)
            return svid
        }
    }

    private func redeemed(
        _ text: String, service: String, namespace: String, source: [UInt8], now: Date
    ) throws -> (before: JoinTokenRecord, after: JoinTokenRecord, token: JoinToken) {
        guard let token = JoinToken(text), let before = self.tokens[token.id] else { throw JoinTokenRefusal.unknown }
        var after = before
        try after.redeem(token, from: source, now: now)
        guard service.isEmpty || (service, namespace) == (before.service, before.namespace) else {
            throw JoinTokenRefusal.otherService(
                token: "\(before.service).\(before.namespace)", claimed: "\(service).\(namespace)")
        }
        return (before, after, token)
    }

    /// Signs a newer certificate for an identity that has been proved, by the certificate that it joined for or one that
    /// came of it. Throws `IssuingRefusal` for others: what an agent hands on is bound to its entry, and ends with it.
    ///
    /// - Parameter handedOn: whether the certificate that proves it was handed on by an agent.
    func renew(_ identity: SPIFFEID, handedOn: Bool = false, csr: [UInt8], now: Date) async throws -> SVID {
        guard !handedOn, identity.agentHost == nil, self.admissions[identity.description] != nil else {
            throw IssuingRefusal.notJoined(identity)
        }
        let svid = try self.issue(csr, identity: identity, now: now)
        await self.recordIssued(svid, attestation: "renewal", now: now)
        return svid
    }

    /// Signs a request for an identity that its sender is entitled to; a leaf's lifetime where none is given. Refuses
    /// with `IssuingRefusal` what is reserved, and whoever is revoked or asks too often. Whoever hands the certificate out
    /// tells `recordIssued`.
    func issue(
        _ csr: [UInt8], identity: SPIFFEID, dnsNames: [String] = [], lifetime: Duration? = nil, handedOn: Bool = false,
        now: Date
    ) throws -> SVID {
        if let cause = ReservedIdentity(identity)?.refusal { throw IssuingRefusal.reserved(cause) }
        if let revocation = self.revocations[identity] {
            throw IssuingRefusal.revoked(identity, at: revocation.at, reason: revocation.reason)
        }
        try self.issuingLimits.take(identity, now: Int64(now.timeIntervalSince1970))
        var random = SystemRandomNumberGenerator()
        return try self.authority.issue(
            csrDER: csr, identity: identity, dnsNames: dnsNames, lifetime: lifetime, handedOn: handedOn, now: now,
            random: &random)
    }

    private func admit(_ identity: SPIFFEID, for service: String, labels: [String: String]) async throws {
        let name = identity.description
        func admitting(_ before: Admission?) -> Admission {
            var admission = before ?? Admission()
            admission.services.insert(service)
            admission.labels.add(labels)
            return admission
        }
        let admission = admitting(self.admissions[name])
        guard self.admissions[name] != admission else { return }
        try await self.admissionTable.put(name, try Self.encode(admission))
        // Another may have joined meanwhile.
        self.admissions[name] = admitting(self.admissions[name])
    }

    // MARK: Tokens

    /// Makes a token; its text is seen this once.
    func createToken(_ request: TokenRequest, author: String, now: Date) async throws -> CreatedToken {
        await self.removeExpired(now: now)
        guard self.tokens.count + self.apiTokens.count < self.maxTokens else {
            throw APIError(
                status: 429, code: .exhausted, message: "no token was made",
                cause: "there are \(self.maxTokens) already", remedy: "delete some with `weft token revoke`")
        }
        guard (1...31_536_000).contains(request.ttlSeconds) else {
            throw Self.refused("ttlSeconds", "\(request.ttlSeconds) is not within 1 and 31 536 000")
        }
        var random = SystemRandomNumberGenerator()
        let token = JoinToken(rootFingerprint: try self.authority.rootFingerprint, random: &random)
        let expires = now.addingTimeInterval(Double(request.ttlSeconds))
        switch request.purpose {
        case .agent: throw Self.refused("purpose", "tokens for agents are made elsewhere")
        case .join:
            guard let service = request.service, Self.isName(service) else {
                throw Self.refused(
                    "service", "a join token is for one service, named in lower-case letters, digits and '-'")
            }
            guard Self.isName(request.namespace) else {
                throw Self.refused("namespace", "is no name of lower-case letters, digits and '-'")
            }
            let account = request.account ?? service
            guard Self.isName(account) else {
                throw Self.refused("account", "is no name of lower-case letters, digits and '-'")
            }
            if let cause = ReservedIdentity(namespace: request.namespace, account: account)?.refusal {
                throw Self.refused("service", cause)
            }
            guard (1...10_000).contains(request.uses) else {
                throw Self.refused("uses", "\(request.uses) is not within 1 and 10 000")
            }
            let network = request.network.map { NetworkPrefix(exactly: $0) }
            if case .some(.none) = network {
                throw Self.refused("network", "is no range of addresses such as 10.0.0.0/8 or fd00::/8")
            }
            let labels = request.labels ?? [:]
            if let cause = Self.fault(in: labels) { throw Self.refused("labels", cause) }
            let record = JoinTokenRecord(
                token: token, namespace: request.namespace, service: service, account: account, createdAt: now,
                expiresAt: expires, uses: request.uses, author: author, network: network ?? nil, labels: labels)
            try await self.tokenTable.put(token.id, try Self.encode(record))
            self.tokens[token.id] = record
            return CreatedToken(token: token.text, summary: Self.summary(record))
        case .api:
            let record = APITokenRecord(
                id: token.id, secretHash: token.secretHash, createdAt: Int64(now.timeIntervalSince1970),
                expiresAt: Int64(expires.timeIntervalSince1970), author: author, role: request.role)
            try await self.apiTokenTable.put(token.id, try Self.encode(record))
            self.apiTokens[token.id] = record
            return CreatedToken(token: token.text, summary: record.summary)
        }
    }

    /// Newest first; expired ones are left out.
    func listTokens(now: Date) -> [TokenSummary] {
        let seconds = Int64(now.timeIntervalSince1970)
        let all = self.tokens.values.map(Self.summary) + self.apiTokens.values.map(\.summary)
        return all.filter { $0.expiresAt > seconds }.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
    }

    /// False when there is no such token. Who joined with it stays.
    func deleteToken(_ id: String) async throws -> Bool {
        if self.tokens[id] != nil {
            try await self.tokenTable.remove(id)
            self.tokens[id] = nil
            return true
        }
        guard self.apiTokens[id] != nil else { return false }
        try await self.apiTokenTable.remove(id)
        self.apiTokens[id] = nil
        return true
    }

    /// The API token that `text` is; nil when it is none, or expired.
    func apiToken(_ text: String, now: Date) -> (id: String, role: APIRole)? {
        guard let token = JoinToken(text), let record = self.apiTokens[token.id], record.admits(token, now: now) else {
            return nil
        }
        return (record.id, record.effectiveRole)
    }

    /// Whether the API token of this id is there and still good.
    func hasAPIToken(_ id: String, now: Date) -> Bool {
        self.apiTokens[id].map { Int64(now.timeIntervalSince1970) < $0.expiresAt } ?? false
    }

    private func removeExpired(now: Date) async {
        // A day of grace, so that a late join can be told "expired" and not "unknown".
        let seconds = Int64(now.timeIntervalSince1970) - 86_400
        for (id, record) in self.tokens where record.expiresAt < seconds {
            guard (try? await self.tokenTable.remove(id)) != nil else { continue }
            self.tokens[id] = nil
        }
        for (id, record) in self.apiTokens where record.expiresAt < seconds {
            guard (try? await self.apiTokenTable.remove(id)) != nil else { continue }
            self.apiTokens[id] = nil
        }
    }

    // MARK: The control plane's own certificate

    /// Issues the certificate the listeners serve with, after renewing the intermediate if that is due.
    func serverIdentity(names: ServerNames, now: Date) async throws -> WorkloadIdentity {
        var random = SystemRandomNumberGenerator()
        if self.authority.intermediateIsDue(now: now) {
            if self.authority.isRootOffline {
                self.logger.warning(
                    "the intermediate is due, and the root's key is elsewhere; use `weft identity intermediate request`",
                    metadata: ["expires": "\(self.authority.intermediateExpiry)"])
            } else {
                try self.renewIntermediate(now: now)
            }
        }
        let identity = try self.authority.issueControlPlane(
            dnsNames: names.dns, ipAddresses: names.addresses, now: now, random: &random)
        await self.recordIssued(
            identity.id, serial: identity.serial, notAfter: identity.notAfter, attestation: "server", now: now)
        return identity
    }

    // MARK: Helpers

    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func summary(_ record: JoinTokenRecord) -> TokenSummary {
        TokenSummary(
            id: record.id, purpose: .join, service: record.service, account: record.account,
            namespace: record.namespace, createdAt: record.createdAt, expiresAt: record.expiresAt,
            usesLeft: record.usesLeft ?? .max,
            uses: record.uses + (record.usesLeft ?? 0), network: record.network, labels: record.labels)
    }

    private static func fault(in labels: [String: String]) -> String? {
        guard labels.count <= LabelGrants.perSource else {
            return "\(labels.count) are more than \(LabelGrants.perSource)"
        }
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            guard NameRules.isLabelKey(key) else {
                return "\(key.prefix(64)) is no label name: at most 63 letters, digits, '-', '_' and '.'"
            }
            guard NameRules.isLabelText(value) else {
                return "\(value.prefix(64)) is no label value: at most 63 letters, digits, '-', '_' and '.'"
            }
        }
        return nil
    }

    private static func refused(_ field: String, _ cause: String) -> APIError {
        APIError(
            status: 400, code: .badRequest, message: "no token was made", location: field, cause: cause,
            remedy: "see `weft token create --help`")
    }

    private static func isName(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-")
            && text.utf8.last != UInt8(ascii: "-")
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
            }
    }
}
