import Crypto
import Foundation
import Testing
import WeftIdentity
import WeftModel

@testable import WeftAgent

@Suite struct IssuancePlanTests {
    private let mint = TestMint()
    private let a = AgentEntry.test("a", [.uid(1)])
    private let b = AgentEntry.test("b", [.uid(2)])

    private func plan(_ entries: AgentEntry..., at now: Date = TestMint.now) -> IssuancePlan {
        var plan = IssuancePlan()
        var random = SystemRandomNumberGenerator()
        plan.install(entries, now: now, random: &random)
        return plan
    }

    private func issue(_ entry: AgentEntry, _ plan: inout IssuancePlan, life: Duration, at now: Date) throws -> Bool {
        var random = SystemRandomNumberGenerator()
        let identity = try self.mint.identity(entry.spiffeID, life: life, now: now)
        return plan.issued(identity, for: entry, now: now, random: &random)
    }

    @Test func `every entry is provided for at once, and asked for once`() {
        var plan = self.plan(self.a, self.b)
        #expect(plan.wait(now: TestMint.now) == .zero)
        var taken = plan.take(now: TestMint.now, limit: 1)
        #expect(taken.map(\.id) == ["default/a"])
        taken = plan.take(now: TestMint.now, limit: 8)
        #expect(taken.map(\.id) == ["default/b"])
        taken = plan.take(now: TestMint.now, limit: 8)
        #expect(taken.isEmpty)
    }

    @Test func `a short certificate is not due as soon as it comes`() throws {
        var plan = self.plan(self.a)
        _ = plan.take(now: TestMint.now, limit: 1)
        let isWanted = try self.issue(self.a, &plan, life: .seconds(10), at: TestMint.now)
        #expect(isWanted)
        var taken = plan.take(now: TestMint.now.addingTimeInterval(4.9), limit: 1)
        #expect(taken.isEmpty)
        taken = plan.take(now: TestMint.now.addingTimeInterval(7.1), limit: 1)
        #expect(taken.map(\.id) == ["default/a"])
    }

    @Test func `an identity is absent once asking has failed or it has run out, and not before`() throws {
        var random = SystemRandomNumberGenerator()
        var plan = self.plan(self.a, self.b)
        _ = plan.take(now: TestMint.now, limit: 8)
        #expect(plan.absent(now: TestMint.now).isEmpty)
        plan.failed(self.b, now: TestMint.now, random: &random)
        #expect(plan.absent(now: TestMint.now) == ["default/b"])
        for entry in [self.a, self.b] { _ = try self.issue(entry, &plan, life: .seconds(100), at: TestMint.now) }
        #expect(plan.absent(now: TestMint.now).isEmpty)
        #expect(plan.absent(now: TestMint.now.addingTimeInterval(101)) == ["default/a", "default/b"])
    }

    @Test func `what fails is tried again later, and the old certificate stays until it runs out`() throws {
        var random = SystemRandomNumberGenerator()
        var plan = self.plan(self.a)
        _ = plan.take(now: TestMint.now, limit: 1)
        _ = try self.issue(self.a, &plan, life: .seconds(100), at: TestMint.now)
        let later = TestMint.now.addingTimeInterval(80)
        var taken = plan.take(now: later, limit: 1)
        #expect(taken.count == 1)
        plan.failed(self.a, now: later, random: &random)
        taken = plan.take(now: later, limit: 1)
        #expect(taken.isEmpty)
        taken = plan.take(now: later.addingTimeInterval(1), limit: 1)
        #expect(taken.count == 1)
        #expect(plan.identities(now: later).count == 1)
        #expect(plan.identities(now: TestMint.now.addingTimeInterval(100)).isEmpty)
    }

    @Test func `a connection that went leaves nothing asked for`() {
        var plan = self.plan(self.a)
        _ = plan.take(now: TestMint.now, limit: 1)
        plan.disconnected()
        let taken = plan.take(now: TestMint.now, limit: 1)
        #expect(taken.count == 1)
    }

    @Test func `each new demand makes every certificate anew, once`() throws {
        var random = SystemRandomNumberGenerator()
        var plan = self.plan(self.a)
        _ = plan.take(now: TestMint.now, limit: 1)
        // A demand that comes while a certificate is on its way is not met by that one.
        plan.install([self.a], demand: 7, now: TestMint.now, random: &random)
        _ = try self.issue(self.a, &plan, life: .seconds(100), at: TestMint.now)
        var taken = plan.take(now: TestMint.now, limit: 1)
        #expect(taken == [self.a])
        #expect(plan.identities(now: TestMint.now).count == 1)
        _ = try self.issue(self.a, &plan, life: .seconds(100), at: TestMint.now)
        plan.install([self.a], demand: 7, now: TestMint.now, random: &random)
        taken = plan.take(now: TestMint.now, limit: 1)
        #expect(taken.isEmpty)
        plan.install([self.a], demand: 8, now: TestMint.now, random: &random)
        taken = plan.take(now: TestMint.now, limit: 1)
        #expect(taken == [self.a])
    }

    @Test func `certificates stay with entries that are as before, and go with those that are not`() throws {
        var random = SystemRandomNumberGenerator()
        var plan = self.plan(self.a, self.b)
        for entry in [self.a, self.b] { _ = try self.issue(entry, &plan, life: .seconds(100), at: TestMint.now) }
        var moved = self.a
        moved.selectors = [.gid(9)]
        moved.hint = "x"
        var renamed = self.b
        renamed.dnsNames = ["b.example"]
        plan.install([moved, renamed], now: TestMint.now, random: &random)
        #expect(plan.identities(now: TestMint.now).keys.sorted() == ["default/a"])
        #expect(plan.entries == [moved, renamed])
        let taken = plan.take(now: TestMint.now, limit: 8)
        #expect(taken == [renamed])
        plan.install([], now: TestMint.now, random: &random)
        #expect(plan.identities(now: TestMint.now).isEmpty)
        // What is still on its way when its entry goes is not wanted.
        let isWanted = try self.issue(renamed, &plan, life: .seconds(100), at: TestMint.now)
        #expect(!isWanted)
    }
}

/// Makes identities as a control plane would.
struct TestMint {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    let authority: CertificateAuthority

    init() {
        var random = SystemRandomNumberGenerator()
        do {
            self.authority = try CertificateAuthority(
                trustDomain: .standard, lifetimes: CertificateLifetimes(), now: Self.now, random: &random)
        } catch { fatalError("\(error)") }
    }

    func identity(_ id: SPIFFEID, life: Duration, now: Date = Self.now) throws -> WorkloadIdentity {
        var random = SystemRandomNumberGenerator()
        let key = P256.Signing.PrivateKey()
        let svid = try self.authority.issue(
            csrDER: try SigningRequest.der(for: key), identity: id, lifetime: life, now: now, random: &random)
        return try WorkloadIdentity(key: key, chain: svid.chain, bundle: svid.bundle, expecting: id, now: now)
    }

    var trust: WorkloadTrust {
        get throws {
            WorkloadTrust(own: TrustedDomain(trustDomain: .standard, roots: try self.authority.bundle, keySet: "{}"))
        }
    }
}
