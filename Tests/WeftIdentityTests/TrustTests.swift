import Crypto
import Foundation
import Testing
import WeftIdentity
import WeftModel
import X509

/// Whom a workload believes, from one word of the control plane to the next.
@Suite struct TrustTests {
    let root: Forge.Signer
    let other: Forge.Signer

    init() throws {
        self.root = try Forge.make(.authority("root"))
        self.other = try Forge.make(.authority("other root"))
    }

    private func trust(_ roots: [Forge.Signer], version: UInt64 = 1) throws -> TrustState {
        TrustState(trustDomain: Forge.domain, roots: try roots.map { try $0.der }, version: version)
    }

    private func leaf(
        by issuer: Forge.Signer, named id: SPIFFEID = Forge.id, _ change: (inout Forge.Spec) -> Void = { _ in }
    ) throws -> [[UInt8]] {
        var spec = Forge.Spec()
        spec.names = [.uniformResourceIdentifier(id.description)]
        change(&spec)
        return [try Forge.make(spec, by: issuer).der]
    }

    private func label(_ trust: TrustState, _ chain: [[UInt8]], now: Date = Forge.now) throws -> String {
        do throws(SVIDError) {
            let verifier: SVIDVerifier
            do { verifier = try SVIDVerifier(trust) } catch { throw .malformed("\(error)") }
            _ = try verifier.verify(chain, now: now)
            return "valid"
        } catch {
            return error.label
        }
    }

    @Test func `a revoked identity is refused however valid its certificate is, and only that identity`() throws {
        var trust = try self.trust([self.root])
        trust.revoked = [Forge.id]
        let shop = SPIFFEID(trustDomain: Forge.domain, namespace: "default", account: "shop")
        #expect(try self.label(trust, self.leaf(by: self.root)) == "revoked")
        #expect(try self.label(trust, self.leaf(by: self.root, named: shop)) == "valid")
        // Who did not prove to be it is told nothing about it.
        #expect(try self.label(trust, self.leaf(by: self.other)) == "unknown_issuer")
        let verifier = try SVIDVerifier(trust)
        #expect(verifier.refusal(of: Forge.id) == .revoked(Forge.id))
        #expect(verifier.refusal(of: shop) == nil)
    }

    @Test func `during a rotation leaves of both roots are believed, and tell which root they lead to`() throws {
        let held = try HeldTrust(self.trust([self.root, self.other]))
        for signer in [self.root, self.other] {
            let peer = try held.verifier.verify(self.leaf(by: signer), now: Forge.now)
            #expect(peer.rootFingerprint == certificateFingerprint(try signer.der))
        }
        #expect(held.rootFingerprints.count == 2)
    }

    @Test func `each federated trust domain is believed by its own roots, and none has a say in ours`() throws {
        let partner = try #require(TrustDomain("partner.example"))
        let id = SPIFFEID(trustDomain: partner, namespace: "default", account: "billing")
        var trust = try self.trust([self.root])
        #expect(try self.label(trust, self.leaf(by: self.other, named: id)) == "foreign_trust_domain")
        trust.federated = [partner: [try self.other.der], Forge.domain: [try self.other.der]]
        #expect(try self.label(trust, self.leaf(by: self.other, named: id)) == "valid")
        #expect(try self.label(trust, self.leaf(by: self.root, named: id)) == "unknown_issuer")
        #expect(try self.label(trust, self.leaf(by: self.other)) == "unknown_issuer")
        #expect(try SVIDVerifier(self.trust([self.root])).refusal(of: id) == .unknownTrustDomain(id))
    }

    @Test func `a state without roots, or of another trust domain, is refused and changes nothing`() throws {
        var held = try HeldTrust(self.trust([self.root]))
        let before = held.state
        #expect(throws: TrustStateError.noRoots(Forge.domain)) {
            try held.take(TrustState(trustDomain: Forge.domain, roots: [], version: 9))
        }
        let foreign = try #require(TrustDomain("other.example"))
        #expect(throws: TrustStateError.otherTrustDomain(foreign, expected: Forge.domain)) {
            try held.take(TrustState(trustDomain: foreign, roots: before.roots, version: 9))
        }
        #expect(throws: TrustStateError.self) {
            try held.take(TrustState(trustDomain: Forge.domain, roots: [[1, 2, 3]], version: 9))
        }
        var huge = before
        huge.version = 9
        huge.revoked = Set(
            (0...TrustState.maxRevoked).map {
                SPIFFEID(trustDomain: Forge.domain, namespace: "default", account: "w\($0)")
            })
        #expect(throws: TrustStateError.self) { try held.take(huge) }
        #expect(held.state == before)
        #expect(throws: TrustStateError.noRoots(Forge.domain)) {
            try HeldTrust(TrustState(trustDomain: Forge.domain, roots: []))
        }
    }

    @Test func `an older state never replaces a newer one`() throws {
        var held = try HeldTrust(self.trust([self.root], version: 5))
        #expect(try held.take(self.trust([self.other], version: 4)) == .stale(held: 5))
        #expect(try held.take(self.trust([self.root], version: 5)) == .unchanged)
        #expect(try held.take(self.trust([self.root, self.other], version: 6)) == .replaced)
        #expect(held.state.roots.count == 2)
        #expect(try held.take(self.trust([self.root], version: 5)) == .stale(held: 6))
        #expect(held.state.version == 6)
    }

    @Test func `what is trusted is the same after a restart`() throws {
        let folder = TemporaryDirectory()
        let storage = try PrivateDirectory(path: folder.path)
        #expect(try SavedTrust.load(from: storage) == nil)
        var trust = try self.trust([self.root, self.other], version: 7)
        trust.federated = [try #require(TrustDomain("partner.example")): [try self.other.der]]
        trust.revoked = [Forge.id]
        trust.renewBefore = 1_800_000_000
        try SavedTrust.save(trust, to: storage)
        #expect(try SavedTrust.load(from: storage) == trust)
        try SavedTrust.remove(from: storage)
        #expect(try SavedTrust.load(from: storage) == nil)
        try storage.write(SavedTrust.fileName, Array(#"{"trustDomain": "mesh.local"}"#.utf8))
        #expect(throws: WorkloadIdentityError.self) { try SavedTrust.load(from: storage) }
    }

    @Test func `the roots are where programs look that know nothing of trust states`() throws {
        let folder = TemporaryDirectory()
        let storage = try PrivateDirectory(path: folder.path)
        var random = SystemRandomNumberGenerator()
        let authority = try CertificateAuthority(trustDomain: Forge.domain, now: Date(), random: &random)
        let key = P256.Signing.PrivateKey()
        let svid = try authority.issue(
            csrDER: SigningRequest.der(for: key), identity: Forge.id, now: Date(), random: &random)
        let identity = try WorkloadIdentity(key: key, chain: svid.chain, bundle: svid.bundle, now: Date())
        try identity.save(to: storage)
        let roots = identity.bundle + [try self.other.der]
        try SavedTrust.save(TrustState(trustDomain: Forge.domain, roots: roots, version: 2), to: storage)
        #expect(try WorkloadIdentity.load(from: storage)?.bundle == roots)
        let held = try HeldTrust(TrustState(trustDomain: Forge.domain, roots: roots))
        #expect(held.rootFingerprint(of: identity, now: Date()) == (try authority.rootFingerprint))
        let foreign = try HeldTrust(self.trust([self.other]))
        #expect(foreign.rootFingerprint(of: identity, now: Date()) == nil)
    }

    // MARK: Clocks

    @Test(arguments: [-3600.0, -1800, 0, 1800, 3600])
    func `a clock that steps by an hour refuses no certificate of the mesh at any point of its life`(
        step: Double
    ) throws {
        let trust = try self.trust([self.root])
        let day = 86_400.0
        // The latest moment by which a renewal that keeps failing for a tenth of the life has been made.
        for age in stride(from: 0, through: day * 0.8, by: 900) {
            let chain = try self.leaf(by: self.root) {
                $0.notBefore = Forge.now.addingTimeInterval(-age)
                $0.notAfter = Forge.now.addingTimeInterval(day - age)
            }
            #expect(try self.label(trust, chain, now: Forge.now.addingTimeInterval(step)) == "valid")
        }
    }

    @Test func `what has run out is refused within seconds all the same, and what is dated far ahead too`() throws {
        let trust = try self.trust([self.root])
        let expired = try self.leaf(by: self.root) { $0.notAfter = Forge.now.addingTimeInterval(-21) }
        #expect(try self.label(trust, expired) == "expired")
        let ahead = try self.leaf(by: self.root) {
            $0.notBefore = Forge.now.addingTimeInterval(2 * 3600)
            $0.notAfter = Forge.now.addingTimeInterval(24 * 3600)
        }
        #expect(try self.label(trust, ahead) == "not_yet_valid")
    }

    @Test(arguments: [-3600.0, 3600])
    func
        `a renewal comes before the last tenth of a day whichever way the clock steps, and waits no more than a minute`(
            step: Double
        )
    {
        let day = 86_400.0
        for seed in 0..<50 {
            var random = SeededRandom(UInt64(seed))
            let schedule = RenewalSchedule(
                notBefore: Forge.now, notAfter: Forge.now.addingTimeInterval(day), random: &random)
            let steppedAt = day * Double(seed) / 100
            var elapsed = 0.0
            while elapsed < day {
                let wall = Forge.now.addingTimeInterval(elapsed + (elapsed >= steppedAt ? step : 0))
                guard case .wait(let wait) = schedule.step(now: wall) else { break }
                #expect(wait <= .seconds(60))
                elapsed += max(Double(wait.components.seconds), 1)
            }
            #expect(elapsed < day * 0.9)
        }
    }

    @Test func `a step of the clock is told once, and its slow correction is not`() {
        var watch = ClockWatch()
        #expect(watch.look(wall: .seconds(1000), steady: .seconds(5)) == nil)
        #expect(watch.look(wall: .seconds(1013), steady: .seconds(15)) == nil)
        #expect(watch.look(wall: .seconds(1023 - 3600), steady: .seconds(25)) == .seconds(-3600))
        #expect(watch.look(wall: .seconds(1033 - 3600), steady: .seconds(35)) == nil)
        #expect(watch.look(wall: .seconds(1043), steady: .seconds(45)) == .seconds(3600))
    }

    // MARK: Renewal on demand

    @Test func `a renewal that is asked for comes within seconds, at moments that differ`() {
        var moments: Set<Int> = []
        for seed in 0..<50 {
            var random = SeededRandom(UInt64(seed))
            var schedule = RenewalSchedule(
                notBefore: Forge.now, notAfter: Forge.now.addingTimeInterval(86_400), random: &random)
            let asked = Forge.now.addingTimeInterval(100)
            schedule.renewSoon(now: asked, random: &random)
            #expect(schedule.step(now: asked.addingTimeInterval(3)) == .renew)
            if case .wait(let wait) = schedule.step(now: asked) {
                moments.insert(Int(wait.components.attoseconds / 1_000_000_000_000_000))
            }
        }
        #expect(moments.count > 20)
    }

    @Test func `a renewal that is asked for and fails waits as any other`() {
        var random = SeededRandom(3)
        var schedule = RenewalSchedule(
            notBefore: Forge.now, notAfter: Forge.now.addingTimeInterval(86_400), random: &random)
        schedule.renewSoon(now: Forge.now, random: &random)
        let now = Forge.now.addingTimeInterval(3)
        schedule.failed(now: now, random: &random)
        #expect(schedule.step(now: now) != .renew)
        #expect(schedule.step(now: now.addingTimeInterval(0.7)) == .renew)
    }
}
