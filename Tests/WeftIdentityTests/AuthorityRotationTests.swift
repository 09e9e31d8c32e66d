import Crypto
import Foundation
import Testing
import WeftIdentity
import WeftModel

/// The authority through a rotation, with a crash after every step: only what was saved is gone on with.
@Suite struct AuthorityRotationTests {
    /// A workload of a simulated mesh: what it trusts and what it shows.
    struct Member {
        let key = P256.Signing.PrivateKey()
        var roots: [[UInt8]]
        var chain: [[UInt8]]

        func accepts(_ other: Member, now: Date) throws {
            _ = try SVIDVerifier(bundles: [TrustBundle(trustDomain: Forge.domain, der: self.roots)])
                .verify(other.chain, now: now)
        }
    }

    final class Mesh {
        let directory = TemporaryDirectory()
        let files: PrivateDirectory
        var random = SeededRandom(7)
        var now = Forge.now
        var members: [Member] = []

        /// - Parameter given: an authority that was made elsewhere; nil makes one.
        init(members count: Int, authority given: CertificateAuthority? = nil) throws {
            self.files = try PrivateDirectory(path: self.directory.path)
            try given?.save(to: self.files)
            let authority = try self.authority()
            for _ in 0..<count { self.members.append(try self.joined(authority)) }
        }

        /// As after a crash: whatever is on disk.
        func authority() throws -> CertificateAuthority {
            try CertificateAuthority.open(
                in: self.files, trustDomain: Forge.domain, now: self.now, random: &self.random)
        }

        func joined(_ authority: CertificateAuthority) throws -> Member {
            var member = Member(roots: [], chain: [])
            try self.renew(&member, authority)
            return member
        }

        func renew(_ member: inout Member, _ authority: CertificateAuthority) throws {
            let svid = try authority.issue(
                csrDER: SigningRequest.der(for: member.key), identity: Forge.id, now: self.now, random: &self.random)
            (member.chain, member.roots) = (svid.chain, svid.bundle)
        }

        var fleet: FleetTrust {
            get throws {
                FleetTrust(
                    proxies: try self.members.enumerated().map { index, member in
                        let verifier = SVIDVerifier(
                            bundles: [try TrustBundle(trustDomain: Forge.domain, der: member.roots)])
                        return FleetTrust.Proxy(
                            name: "m\(index)", trustedRoots: Set(member.roots.map { certificateFingerprint($0) }),
                            issuerRoot: try? verifier.verify(member.chain, now: self.now).rootFingerprint)
                    }, watchedSince: 0)
            }
        }

        /// One step of the driver: decide, save, forget everything else.
        func step() throws -> Bool {
            var authority = try self.authority()
            guard try authority.stepRotation(now: self.now, fleet: try self.fleet, random: &self.random) else {
                return false
            }
            try authority.save(to: self.files)
            return true
        }

        func order(_ order: CertificateAuthority.RotationOrder) throws {
            var authority = try self.authority()
            try authority.order(order, now: self.now, fleet: try self.fleet, random: &self.random)
            try authority.save(to: self.files)
        }

        /// What the push does: everybody trusts what is published, one at a time, and all are checked in between.
        func publish() throws {
            let bundle = try self.authority().bundle
            for index in self.members.indices {
                self.members[index].roots = bundle
                try self.everybodyAccepts()
            }
        }

        /// What being told to renew does.
        func renewAll() throws {
            let authority = try self.authority()
            for index in self.members.indices {
                try self.renew(&self.members[index], authority)
                try self.everybodyAccepts()
            }
        }

        func everybodyAccepts() throws {
            for one in self.members { for other in self.members { try one.accepts(other, now: self.now) } }
        }

        func pass(_ seconds: TimeInterval) { self.now += seconds }
    }

    static let moment = TimeInterval(RootRotation.observation)
    static let day = TimeInterval(86_400 + RootRotation.skew + 2)

    func begun() throws -> Mesh {
        let mesh = try Mesh(members: 3)
        var authority = try mesh.authority()
        try authority.beginRotation(now: mesh.now, random: &mesh.random)
        try authority.save(to: mesh.files)
        return mesh
    }

    @Test func `a mesh moves to a new root, and nobody refuses anybody at any step`() throws {
        let mesh = try self.begun()
        let old = try mesh.authority().rootFingerprint
        #expect(try mesh.authority().bundle.count == 2)
        mesh.pass(Self.moment)
        #expect(try !mesh.step(), "nobody trusts the new root yet")
        try mesh.publish()
        #expect(try mesh.step())
        var authority = try mesh.authority()
        #expect(authority.rotation?.phase == .issuing)
        #expect(try authority.rootFingerprint != old)
        #expect(authority.renewBefore == Int64(mesh.now.timeIntervalSince1970) + 1)
        // One that joins now, and one that was away since before the beginning, understand each other.
        mesh.members.append(try mesh.joined(authority))
        mesh.members[0].roots = [try #require(try mesh.authority().bundle.last)]
        try mesh.everybodyAccepts()
        mesh.pass(Self.moment)
        #expect(try !mesh.step())
        try mesh.publish()
        try mesh.renewAll()
        #expect(try mesh.step())
        #expect(try mesh.authority().rotation?.phase == .settling)
        mesh.pass(3600)
        #expect(try !mesh.step())
        mesh.pass(Self.day - 7200)
        try mesh.renewAll()
        mesh.pass(3600)
        #expect(try mesh.step())
        authority = try mesh.authority()
        #expect(authority.rotation?.phase == .finished)
        #expect(try authority.bundle.count == 1)
        try mesh.publish()
        try mesh.renewAll()
        #expect(mesh.members[0].chain.count == 2)
        // And again: what is over does not stand in the way.
        try authority.beginRotation(now: mesh.now, random: &mesh.random)
    }

    @Test(arguments: [RootRotation.Phase.publishing, .issuing, .settling])
    func `a rotation is called off in any phase, and nobody is refused`(phase: RootRotation.Phase) throws {
        let mesh = try self.begun()
        let old = try mesh.authority().rootFingerprint
        while try mesh.authority().rotation?.phase != phase {
            mesh.pass(Self.moment)
            try mesh.publish()
            if try mesh.authority().rotation?.phase == .issuing { try mesh.renewAll() }
            #expect(try mesh.step())
        }
        try mesh.order(.abort)
        #expect(try mesh.authority().rootFingerprint == old)
        try mesh.everybodyAccepts()
        guard phase != .publishing else {
            #expect(try mesh.authority().rotation?.phase == .aborted)
            return try mesh.publish()
        }
        #expect(try mesh.authority().rotation?.phase == .aborting)
        try mesh.renewAll()
        mesh.pass(3600)
        #expect(try !mesh.step())
        mesh.pass(Self.day - 7200)
        try mesh.renewAll()
        mesh.pass(3600)
        #expect(try mesh.step())
        #expect(try mesh.authority().rotation?.phase == .aborted)
        #expect(try mesh.authority().bundle.map { certificateFingerprint($0) } == [old])
        try mesh.publish()
        try mesh.everybodyAccepts()
    }

    @Test func `a second rotation does not begin while one runs`() throws {
        let mesh = try self.begun()
        var authority = try mesh.authority()
        #expect(throws: AuthorityError.rotation(.alreadyRunning(.publishing))) {
            try authority.beginRotation(now: mesh.now, random: &mesh.random)
        }
    }

    @Test func `a token's pin to the old root holds until that root is withdrawn`() throws {
        let mesh = try self.begun()
        let pin = try mesh.authority().rootFingerprint
        mesh.pass(Self.moment)
        try mesh.publish()
        #expect(try mesh.step())
        let server = try mesh.authority().issueControlPlane(
            dnsNames: ["localhost"], ipAddresses: [], now: mesh.now, random: &mesh.random)
        #expect(server.chain.count <= SVIDVerifier.maxPresented)
        _ = try SVIDVerifier.verifyPinned(server.chain, rootFingerprint: pin, now: mesh.now)
        try mesh.order(.withdraw(force: true))
        let after = try mesh.authority().issueControlPlane(
            dnsNames: ["localhost"], ipAddresses: [], now: mesh.now, random: &mesh.random)
        #expect(throws: SVIDError.rootNotPinned(fingerprint: pin)) {
            try SVIDVerifier.verifyPinned(after.chain, rootFingerprint: pin, now: mesh.now)
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
    func `openssl follows the new chain to either root`() throws {
        let mesh = try self.begun()
        mesh.pass(Self.moment)
        try mesh.publish()
        #expect(try mesh.step())
        let authority = try mesh.authority()
        let member = try mesh.joined(authority)
        try mesh.files.write("leaf.pem", Array(PEM.encode([member.chain[0]]).utf8))
        try mesh.files.write("others.pem", Array(PEM.encode(Array(member.chain.dropFirst())).utf8))
        for root in try authority.bundle {
            try mesh.files.write("root.pem", Array(PEM.encode([root]).utf8))
            let (status, output) = try openssl([
                "verify", "-x509_strict", "-attime", "\(Int(mesh.now.timeIntervalSince1970))", "-CAfile",
                mesh.files.path(of: "root.pem"), "-untrusted", mesh.files.path(of: "others.pem"),
                mesh.files.path(of: "leaf.pem"),
            ])
            #expect(status == 0, "\(output)")
        }
    }

    @Test func `leaves of a longer life than the present are waited for`() throws {
        let mesh = try Mesh(members: 0)
        let short = try CertificateAuthority.open(
            in: mesh.files, trustDomain: Forge.domain, lifetimes: CertificateLifetimes(leaf: .seconds(60)),
            now: mesh.now, random: &mesh.random)
        let now = Int64(mesh.now.timeIntervalSince1970)
        #expect(short.leavesUntil(now: mesh.now) == now + 86_401)
        let later = mesh.now.addingTimeInterval(7 * 86_400)
        let again = try CertificateAuthority.open(
            in: mesh.files, trustDomain: Forge.domain, lifetimes: CertificateLifetimes(leaf: .seconds(60)),
            now: later, random: &mesh.random)
        #expect(again.leavesUntil(now: later) == Int64(later.timeIntervalSince1970) + 61)
    }
}
