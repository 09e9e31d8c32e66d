import Crypto
import Foundation
import Logging
import Testing
import WeftIdentity
import WeftModel

@testable import WeftControlPlane

/// What is signed at an agent's request while one of its identities is revoked.
@Suite struct AgentAuthorityTests {
    private static func entry(_ name: String) -> RegistrationEntry {
        RegistrationEntry(metadata: Metadata(name: name), account: name, selectors: [.uid(1)])
    }

    @Test func `a revoked identity gets neither certificate nor token, and the others go on`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            let place = AuthorityLifeTests.Place(path: directory)
            let authority = try await place.open()
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let limits = ControlPlaneConfiguration.Limits()
            let agents = try await AgentAuthority(
                authority: authority, trust: authority.trust, tokens: AuthorityLifeTests.MemoryTable(), limits: limits,
                audit: place.audit,
                refusals: RefusalWatch(
                    limits: AttemptThrottle.Limits(
                        rate: limits.joinRate, burst: limits.joinBurst, totalRate: limits.totalJoinRate,
                        totalBurst: limits.totalJoinBurst, failureCost: 10), audit: place.audit, logger: logger),
                logger: logger)
            let (billing, web) = (Self.entry("billing"), Self.entry("web"))
            let agent = try #require(SPIFFEID.agent(host: "db-1", in: .standard))
            let csr = try SigningRequest.der(for: P256.Signing.PrivateKey())
            func sign(_ entry: RegistrationEntry) async throws {
                _ = try await agents.certificate(for: entry, csr: csr, agent: agent, now: Date())
                _ = try await agents.token(for: entry, audiences: ["ledger"], agent: agent, now: Date())
            }
            for entry in [billing, web] { try await sign(entry) }
            let revoked = SPIFFEID(trustDomain: .standard, namespace: "default", account: "billing")
            _ = try await authority.revoke(revoked, reason: "", actor: "local", now: Date())
            await #expect(throws: RevokedIdentity(identity: revoked)) { try await sign(billing) }
            await #expect(throws: RevokedIdentity(identity: revoked)) {
                _ = try await agents.token(for: billing, audiences: ["ledger"], agent: agent, now: Date())
            }
            try await sign(web)
            _ = try await authority.restore(revoked, actor: "local", now: Date())
            try await sign(billing)
        }
    }
}
