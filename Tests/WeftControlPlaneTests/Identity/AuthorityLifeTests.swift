import Crypto
import Foundation
import GRPCCore
import Logging
import Synchronization
import Testing
import WeftIdentity
import WeftModel
import WeftProtos

@testable import WeftControlPlane

@Suite struct AuthorityLifeTests {
    /// A table that outlives its owner.
    actor MemoryTable: RecordTable {
        private var records: [String: String] = [:]

        func all() -> [String: String] { self.records }
        func put(_ name: String, _ text: String) { self.records[name] = text }
        func remove(_ name: String) { self.records[name] = nil }
    }

    final class Recorder: AuditLog {
        private let events = Mutex<[AuditEvent]>([])

        func record(_ event: AuditEvent) async { self.events.withLock { $0.append(event) } }
        var all: [AuditEvent] { self.events.withLock { $0 } }
    }

    /// One data directory, whose authority is opened again and again.
    struct Place {
        let tokens = MemoryTable()
        let revocations = MemoryTable()
        let trust = MemoryTable()
        let admissions = MemoryTable()
        let audit = Recorder()
        let path: String

        func open(_ configure: (inout ControlPlaneConfiguration) -> Void = { _ in }) async throws -> Authority {
            var configuration = ControlPlaneConfiguration(dataDirectory: self.path)
            configure(&configuration)
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            return try await Authority(
                storage: try PrivateDirectory(path: self.path),
                tables: Authority.Tables(
                    tokens: self.tokens, apiTokens: MemoryTable(), admissions: self.admissions,
                    revocations: self.revocations, trust: self.trust),
                configuration: configuration, audit: self.audit, logger: logger)
        }
    }

    func with<Result>(_ body: (Place) async throws -> Result) async throws -> Result {
        try await RunningControlPlane.withDirectory { try await body(Place(path: $0)) }
    }

    /// As an earlier version wrote it down.
    func admitted(_ place: Place) async { await place.admissions.put("\(self.billing)", "[\"billing\"]") }

    let billing = SPIFFEID(trustDomain: .standard, namespace: "default", account: "billing")

    func csr() throws -> [UInt8] { try SigningRequest.der(for: P256.Signing.PrivateKey()) }

    @Test func `a revoked identity gets nothing, over a restart too, until it is restored`() async throws {
        try await self.with { place in
            await self.admitted(place)
            var authority = try await place.open()
            let first = authority.trust.current.trust.version
            #expect(try await authority.revoke(self.billing, reason: "key leaked", actor: "local", now: Date()))
            #expect(try await !authority.revoke(self.billing, reason: "again", actor: "local", now: Date()))
            #expect(authority.trust.current.trust.revoked == [self.billing])
            #expect(authority.trust.current.trust.version == first + 1)
            authority = try await place.open()
            #expect(authority.trust.current.trust.revoked == [self.billing])
            #expect(authority.trust.current.trust.version == first + 1)
            let error = await #expect(throws: IssuingRefusal.self) {
                try await authority.renew(self.billing, csr: try self.csr(), now: Date())
            }
            #expect("\(try #require(error))".contains("key leaked"))
            #expect(try await authority.restore(self.billing, actor: "local", now: Date()))
            #expect(try await !authority.restore(self.billing, actor: "local", now: Date()))
            _ = try await authority.renew(self.billing, csr: try self.csr(), now: Date())
            #expect(authority.trust.current.trust.version == first + 2)
        }
    }

    @Test func `the control plane's own identity is given to nobody, neither for a token nor for a renewal`()
        async throws
    {
        try await self.with { place in
            let control = SPIFFEID(trustDomain: .standard, namespace: "weft", account: "control")
            // Made by a version that did not refuse it.
            var random = SystemRandomNumberGenerator()
            let token = JoinToken(rootFingerprint: String(repeating: "0", count: 64), random: &random)
            let now = Date()
            await place.tokens.put(
                token.id,
                try Authority.encode(
                    JoinTokenRecord(
                        token: token, namespace: "weft", service: "control", createdAt: now,
                        expiresAt: now.addingTimeInterval(60), author: "local")))
            let authority = try await place.open()
            let made = await #expect(throws: APIError.self) {
                try await authority.createToken(
                    TokenRequest(service: "control", namespace: "weft"), author: "local", now: now)
            }
            #expect(made?.location == "service")
            #expect(made?.cause?.contains("control plane's own") == true)
            let csr = try self.csr()
            await #expect(throws: IssuingRefusal.self) {
                try await authority.joiner(token: token.text, source: [], now: now)
            }
            await #expect(throws: IssuingRefusal.self) {
                try await authority.join(token: token.text, csr: csr, now: now)
            }
            let renewal = await #expect(throws: IssuingRefusal.self) {
                try await authority.renew(control, csr: csr, now: now)
            }
            #expect(renewal?.isTransient == false)
            // Others of its namespace are accounts like any.
            _ = try await authority.createToken(
                TokenRequest(service: "admin", namespace: "weft"), author: "local", now: now)
            #expect(try await authority.serverIdentity(names: ServerNames(.init()), now: now).id == control)
        }
    }

    @Test func `the control plane's own identity and those of others cannot be revoked`() async throws {
        try await self.with { place in
            let authority = try await place.open()
            for text in ["spiffe://mesh.local/ns/weft/sa/control", "spiffe://other.example/a", "spiffe://mesh.local"] {
                let identity = try #require(SPIFFEID(text))
                await #expect(throws: APIError.self) {
                    try await authority.revoke(identity, reason: "", actor: "local", now: Date())
                }
            }
        }
    }

    @Test func `every certificate and every change of the authority is taken down`() async throws {
        try await self.with { place in
            let authority = try await place.open()
            let token = try await authority.createToken(
                TokenRequest(service: "billing"), author: "local", now: Date())
            let svid = try await authority.join(token: token.token, csr: try self.csr(), now: Date())
            let renewed = try await authority.renew(svid.identity, csr: try self.csr(), now: Date())
            let events = place.audit.all.filter { $0.kind == .certificate }
            #expect(events.map { $0.details["serial"] } == [svid.serial, renewed.serial])
            #expect(events.map { $0.details["attestation"] } == ["join token \(token.summary.id)", "renewal"])
            _ = try await authority.revoke(svid.identity, reason: "", actor: "token x", now: Date())
            #expect(place.audit.all.last?.kind == .authority)
            #expect(place.audit.all.last?.actor == "token x")
        }
    }

    @Test func `only what joined is renewed, and nothing that an agent handed on`() async throws {
        try await self.with { place in
            let authority = try await place.open()
            let now = Date()
            // Known by its entry alone.
            await #expect(throws: IssuingRefusal.notJoined(self.billing)) {
                try await authority.renew(self.billing, csr: try self.csr(), now: now)
            }
            let token = try await authority.createToken(TokenRequest(service: "billing"), author: "local", now: now)
            let joined = try await authority.join(token: token.token, csr: try self.csr(), now: now)
            let handed = try await authority.issue(
                try self.csr(), identity: self.billing, lifetime: .seconds(120), handedOn: true, now: now)
            let trust = authority.trust.current.trust
            let verifier = try SVIDVerifier(bundles: [TrustBundle(trustDomain: .standard, der: trust.roots)])
            #expect(try verifier.verify(joined.chain, now: now).isHandedOn == false)
            let peer = try verifier.verify(handed.chain, now: now)
            #expect(peer.isHandedOn)
            // The same identity joined too, and what it joined for is renewed.
            await #expect(throws: IssuingRefusal.notJoined(self.billing)) {
                try await authority.renew(peer.id, handedOn: peer.isHandedOn, csr: try self.csr(), now: now)
            }
            let renewed = try await authority.renew(self.billing, csr: try self.csr(), now: now)
            #expect(try verifier.verify(renewed.chain, now: now).isHandedOn == false)
            let agent = try #require(SPIFFEID.agent(host: "db-1", in: .standard))
            await #expect(throws: IssuingRefusal.notJoined(agent)) {
                try await authority.renew(agent, csr: try self.csr(), now: now)
            }
        }
    }

    @Test func `labels of tokens are an identity's from its joining on, over a restart too`() async throws {
        try await self.with { place in
            await self.admitted(place)
            var authority = try await place.open()
            #expect(await authority.services(of: self.billing) == ["billing"])
            #expect(await authority.labels(of: self.billing) == LabelGrants())
            let now = Date()
            for labels in [["tier": "gold"], ["tier": "iron"]] {
                let token = try await authority.createToken(
                    TokenRequest(service: "billing", labels: labels), author: "local", now: now)
                #expect(token.summary.labels == labels)
                _ = try await authority.join(token: token.token, csr: try self.csr(), now: now)
            }
            let granted = LabelGrants(["tier": "gold"]).union(LabelGrants(["tier": "iron"]))
            #expect(await authority.labels(of: self.billing) == granted)
            authority = try await place.open()
            #expect(await authority.labels(of: self.billing) == granted)
            #expect(await authority.services(of: self.billing) == ["billing"])
        }
    }

    @Test func `an identity that asks too often is refused`() async throws {
        try await self.with { place in
            await self.admitted(place)
            let authority = try await place.open { $0.limits.certificatesPerIdentity = 1 }
            let now = Date()
            _ = try await authority.renew(self.billing, csr: try self.csr(), now: now)
            await #expect(throws: IssuingRefusal.tooManyForIdentity(self.billing, limit: 1)) {
                try await authority.renew(self.billing, csr: try self.csr(), now: now)
            }
        }
    }

    @Test func `a rotation goes on where it was after a restart, and tells the mesh of every step`() async throws {
        try await self.with { place in
            var authority = try await place.open()
            var now = Date()
            let old = try await authority.status.rootFingerprint
            try await authority.rotate(
                RotationRequest(action: .root), fleet: FleetTrust(proxies: [], watchedSince: 0), actor: "local",
                now: now)
            let published = authority.trust.current.trust
            #expect(published.roots.count == 2)
            let both = Set(published.roots.map { certificateFingerprint($0) })
            func fleet(_ issuer: String) -> FleetTrust {
                FleetTrust(
                    proxies: [.init(name: "default/a", trustedRoots: both, issuerRoot: issuer)], watchedSince: 0)
            }
            authority = try await place.open()
            #expect(authority.trust.current.trust == published)
            now += TimeInterval(RootRotation.observation)
            try await authority.stepRotation(fleet: fleet(old), now: now)
            let issuing = authority.trust.current.trust
            #expect(issuing.renewBefore != nil && issuing.version == published.version + 1)
            let report = try await authority.report(fleet: fleet(old), now: now)
            #expect(report.rotation?.phase == "issuing")
            #expect(report.rotation?.missing == ["default/a"])
            #expect(report.roots.map(\.state) == [.issuing, .retiring])
            let error = await #expect(throws: AuthorityError.self) {
                try await authority.rotate(
                    RotationRequest(action: .withdraw), fleet: fleet(old), actor: "local", now: now)
            }
            #expect("\(try #require(error))".contains("default/a"))
            try await authority.rotate(
                RotationRequest(action: .withdraw, force: true), fleet: fleet(old), actor: "local", now: now)
            authority = try await place.open()
            #expect(authority.trust.current.trust.roots.count == 1)
            #expect(try await authority.status.rootFingerprint != old)
        }
    }

    @Test func `a wrong or missing passphrase keeps the control plane from starting, and says so`() async throws {
        try await self.with { place in
            let good = place.path + "-good"
            let bad = place.path + "-bad"
            defer { for file in [good, bad] { try? FileManager.default.removeItem(atPath: file) } }
            try Data("correct horse battery\n".utf8).write(to: URL(fileURLWithPath: good))
            try Data("wrong horse battery\n".utf8).write(to: URL(fileURLWithPath: bad))
            let root = try await place.open().status.rootFingerprint
            // Keys that sign tokens lie beside the authority's, and were plain too.
            _ = try TokenSigningKeys.open(in: try PrivateDirectory(path: place.path), now: Date())
            let sealed = try await place.open { $0.authorityPassphraseFile = good }
            #expect(try await sealed.status.rootFingerprint == root)
            #expect(try await sealed.status.isEncrypted == true)
            for name in [CertificateAuthority.fileName, TokenSigningKeys.fileName] {
                let bytes = try #require(try PrivateDirectory(path: place.path).read(name))
                #expect(String(decoding: bytes, as: UTF8.self).contains("WEFT SEALED FILE"), "\(name)")
            }
            let missing = await #expect(throws: ControlPlaneError.self) { try await place.open() }
            #expect("\(try #require(missing))".contains("--authority-passphrase-file"))
            let wrong = await #expect(throws: ControlPlaneError.self) {
                try await place.open { $0.authorityPassphraseFile = bad }
            }
            #expect("\(try #require(wrong))".contains("does not open"))
        }
    }

    @Test func `the API tells of the authority, rotates it, revokes and restores`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let identity = try await plane.join(try await plane.token("billing"))
                var report = try await plane.get(IdentityReport.self, "/v1/identity")
                #expect(report.roots.count == 1 && report.rotation == nil && !report.isRootOffline)
                let revoked = try await plane.call(
                    "POST", "/v1/identity/revocations", body: RevocationRequest(identity: identity.id.description))
                #expect(revoked.status == 200)
                let refused = await #expect(throws: (any Error).self) {
                    try await plane.join(try await plane.token("billing"))
                }
                #expect("\(try #require(refused))".contains("revoked"))
                report = try await plane.get(IdentityReport.self, "/v1/identity")
                #expect(report.revoked.map(\.identity) == [identity.id.description])
                let restored = try await plane.call(
                    "DELETE", "/v1/identity/revocations?identity=\(identity.id.description)")
                #expect(restored.status == 200)
                _ = try await plane.join(try await plane.token("billing"))
                let begun = try await plane.call(
                    "POST", "/v1/identity/rotation", body: RotationRequest(action: .root))
                #expect(begun.status == 200)
                let again = try await plane.call(
                    "POST", "/v1/identity/rotation", body: RotationRequest(action: .root))
                #expect(again.status == 409)
                // Who joins now trusts both roots.
                let both = try await plane.join(try await plane.token("billing"))
                #expect(both.bundle.count == 2)
                #expect(try await plane.get(TrustBundleView.self, "/v1/trust-bundle").fingerprints.count == 2)
            }
        }
    }
}
