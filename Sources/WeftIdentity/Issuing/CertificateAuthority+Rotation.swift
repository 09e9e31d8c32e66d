internal import Crypto
package import FoundationEssentials
internal import WeftModel
internal import X509

extension CertificateAuthority {
    /// Makes a new root, has the old one vouch for it, and begins to publish both.
    package mutating func beginRotation(
        now: Date, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) {
        try self.checkNoneRuns()
        guard let key = self.root.key else { throw .rootKeyElsewhere }
        guard now < self.rootExpiry else { throw .expired(self.rootExpiry) }
        do {
            let old = self.root.certificate
            let next = try Self.makeRoot(
                name: old.subject, trustDomain: self.trustDomain, lifetimes: self.lifetimes, now: now, random: &random)
            self.crossSigned = try Self.crossSign(
                next.certificate, by: Signer(certificate: old, key: key), trustDomain: self.trustDomain,
                random: &random)
            try self.publish(Root(certificate: next.certificate, key: next.key), now: now)
        } catch {
            throw .signing("\(error)")
        }
    }

    /// Begins to publish a root that was made elsewhere besides the present one. Its key stays elsewhere: the
    /// intermediate that came with it signs when it issues. Throws `.material` for what is wrong with either.
    package mutating func beginRotation(
        to material: AuthorityImport.Successor, now: Date, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) {
        try self.checkNoneRuns()
        guard now < self.rootExpiry else { throw .expired(self.rootExpiry) }
        do {
            let successor = try AuthorityImport.successor(material, of: self, now: now, random: &random)
            self.otherIntermediate = successor.intermediate
            self.crossSigned = successor.crossSigned
            try self.publish(Root(certificate: successor.root, key: nil), now: now)
        } catch let error as AuthorityImportError {
            throw .material(error)
        } catch {
            throw .signing("\(error)")
        }
    }

    /// Whether those that know only the old root are led to it from what the new one signs. True where no rotation runs.
    package var newRootIsCrossSigned: Bool { self.rotation?.isRunning != true || self.crossSigned != nil }

    private func checkNoneRuns() throws(AuthorityError) {
        if let rotation = self.rotation, rotation.isRunning { throw .rotation(.alreadyRunning(rotation.phase)) }
    }

    private mutating func publish(_ next: Root, now: Date) throws {
        self.rotation = RootRotation(
            oldRoot: try self.rootFingerprint, newRoot: certificateFingerprint(try next.certificate.der()),
            now: Self.seconds(now))
        self.otherRoot = next
    }

    /// Name and key of a new root, signed by the old one.
    static func crossSign(
        _ next: Certificate, by old: Signer, trustDomain: TrustDomain, random: inout some RandomNumberGenerator
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: CertificateProfile.serialNumber(using: &random), publicKey: next.publicKey,
            notValidBefore: max(next.notValidBefore, old.certificate.notValidBefore),
            notValidAfter: min(next.notValidAfter, old.certificate.notValidAfter), issuer: old.certificate.subject,
            subject: next.subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: CertificateProfile.authorityExtensions(
                next.publicKey, issuerKeyIdentifier: CertificateProfile.keyIdentifier(of: old.certificate),
                trustDomain: trustDomain, pathLength: 1),
            issuerPrivateKey: Certificate.PrivateKey(old.key))
    }

    /// Goes on with the rotation where its condition holds. True when anything changed; then it must be saved before
    /// anybody sees it.
    package mutating func stepRotation(
        now: Date, fleet: FleetTrust, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) -> Bool {
        guard var rotation = self.rotation else { return false }
        let before = rotation
        let action = rotation.step(now: Self.seconds(now), fleet: fleet, leavesUntil: self.leavesUntil(now: now))
        guard rotation != before else { return false }
        try self.perform(action, rotation, now: now, random: &random)
        return true
    }

    /// What an operator can tell a rotation.
    package enum RotationOrder: Hashable, Sendable {
        /// Enter the next phase.
        case advance(force: Bool)
        /// Trust the old root no longer.
        case withdraw(force: Bool)
        /// Go back to the old root.
        case abort
    }

    /// Does what an operator asks of the rotation, or says why not.
    package mutating func order(
        _ order: RotationOrder, now: Date, fleet: FleetTrust, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) {
        guard var rotation = self.rotation else { throw .rotation(.notRunning) }
        let seconds = Self.seconds(now)
        let until = self.leavesUntil(now: now)
        let action: RootRotation.Action
        do throws(RotationRefusal) {
            action =
                switch order {
                case .advance(let force):
                    try rotation.advance(now: seconds, fleet: fleet, leavesUntil: until, force: force)
                case .withdraw(let force): try rotation.withdraw(now: seconds, fleet: fleet, force: force)
                case .abort: try rotation.abort(now: seconds, leavesUntil: until)
                }
        } catch {
            throw .rotation(error)
        }
        try self.perform(action, rotation, now: now, random: &random)
    }

    private mutating func perform(
        _ action: RootRotation.Action, _ rotation: RootRotation, now: Date, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) {
        switch action {
        case .none: break
        case .issueUnderNew, .issueUnderOld:
            guard let next = self.otherRoot else { throw .signing("the root to issue under is missing") }
            var moved = self
            (moved.root, moved.otherRoot) = (next, self.root)
            if let ready = self.otherIntermediate {
                let expiry = ready.certificate.notValidAfter
                guard now < expiry else { throw .expired(expiry) }
                moved.intermediate = ready
            } else {
                try moved.renewIntermediate(now: now, random: &random)
            }
            // On the way back none could be made.
            moved.otherIntermediate = self.root.key == nil ? self.intermediate : nil
            // What is signed in what is left of this second is renewed once too often.
            moved.renewBefore = Self.seconds(now) + 1
            self = moved
        case .withdrawOld, .withdrawNew:
            self.otherRoot = nil
            self.crossSigned = nil
            self.otherIntermediate = nil
        }
        self.rotation = rotation
    }

    /// When everything that has been signed until `now` has expired, seconds since 1970.
    package func leavesUntil(now: Date) -> Int64 {
        let latest = Self.seconds(now) + self.lifetimes.leaf.components.seconds + 1
        return max(latest, self.olderLeavesUntil ?? latest)
    }

    /// Takes up the lifetimes of this run, remembering how long leaves of longer lives are about.
    mutating func adopt(_ lifetimes: CertificateLifetimes, now: Date) {
        if lifetimes.leaf < self.lifetimes.leaf { self.olderLeavesUntil = self.leavesUntil(now: now) }
        self.lifetimes = lifetimes
    }

    /// What is known of the roots that are trusted, the issuing one first.
    package func rootSummaries() throws(AuthorityError) -> [RootSummary] {
        do {
            return try ([self.root] + [self.otherRoot].compactMap(\.self)).enumerated().map { index, root in
                RootSummary(
                    fingerprint: certificateFingerprint(try root.certificate.der()),
                    expiresAt: Self.seconds(root.certificate.notValidAfter), isIssuing: index == 0,
                    hasKey: root.key != nil)
            }
        } catch {
            throw .signing("\(error)")
        }
    }

    static func seconds(_ date: Date) -> Int64 { Int64(date.timeIntervalSince1970.rounded(.down)) }
}

/// A root as people see it.
package struct RootSummary: Hashable, Sendable {
    /// SHA-256 of its DER, hex.
    package let fingerprint: String
    /// Seconds since 1970.
    package let expiresAt: Int64
    /// Whether the intermediate is under it.
    package let isIssuing: Bool
    /// Whether its key is here.
    package let hasKey: Bool
}
