internal import Foundation
internal import Logging
internal import WeftIdentity
internal import WeftModel

/// The authority's own life: its root and intermediate, whom it refuses, and what the mesh is told of both.
extension Authority {
    // MARK: Rotation

    /// Goes on with a rotation of the root where its condition holds. What changed is saved before anybody sees it.
    func stepRotation(fleet: FleetTrust, now: Date) async throws {
        var random = SystemRandomNumberGenerator()
        var next = self.authority
        guard try next.stepRotation(now: now, fleet: fleet, random: &random) else { return }
        try await self.adopt(next, actor: "control plane", now: now)
    }

    /// Does what an operator asks of root or intermediate; throws `AuthorityError`, and `RotationRefusal` within it.
    func rotate(_ request: RotationRequest, fleet: FleetTrust, actor: String, now: Date) async throws {
        var random = SystemRandomNumberGenerator()
        var next = self.authority
        do {
            switch request.action {
            case .intermediate: try next.renewIntermediate(now: now, random: &random)
            case .root:
                if let given = request.newRoot {
                    try next.beginRotation(to: try self.successor(given), now: now, random: &random)
                } else {
                    try next.beginRotation(now: now, random: &random)
                }
            case .advance: try next.order(.advance(force: request.force), now: now, fleet: fleet, random: &random)
            case .withdraw: try next.order(.withdraw(force: request.force), now: now, fleet: fleet, random: &random)
            case .abort: try next.order(.abort, now: now, fleet: fleet, random: &random)
            }
        } catch {
            await self.record(
                .authority, request.action.rawValue, actor: actor, outcome: .refused, ["cause": "\(error)"], now: now)
            throw error
        }
        try await self.adopt(next, actor: actor, action: request.action.rawValue, now: now)
        // After it: a crash in between leaves a key that nobody needs.
        if let given = request.newRoot, given.intermediateKey == nil {
            try self.storage.remove(AuthorityImport.pendingFileName)
        }
    }

    /// With the key that waits here, where none was given.
    private func successor(_ given: RotationRequest.NewRoot) throws(AuthorityError) -> AuthorityImport.Successor {
        let waiting: [UInt8]?
        do {
            waiting = given.intermediateKey == nil ? try self.storage.read(AuthorityImport.pendingFileName) : nil
        } catch { throw .storage(error) }
        guard let key = given.intermediateKey ?? waiting.map({ String(decoding: $0, as: UTF8.self) }) else {
            throw .material(
                AuthorityImportError(
                    "the intermediate key", "none was given, and none has been requested here",
                    "give --intermediate-key, or begin with `weft identity intermediate request`"))
        }
        return AuthorityImport.Successor(
            rootCertificate: given.rootCertificate, intermediateCertificate: given.intermediateCertificate,
            intermediateKey: key, crossCertificate: given.crossCertificate)
    }

    /// Replaces the intermediate, on disk first.
    func renewIntermediate(now: Date) throws {
        var random = SystemRandomNumberGenerator()
        var next = self.authority
        try next.renewIntermediate(now: now, random: &random)
        try next.save(to: self.storage)
        self.authority = next
    }

    private func adopt(
        _ next: CertificateAuthority, actor: String, action: String? = nil, now: Date
    ) async throws {
        try next.save(to: self.storage)
        self.authority = next
        let phase = next.rotation?.phase.rawValue
        self.logger.notice("the authority changed", metadata: ["rotation": "\(phase ?? "none")", "by": "\(actor)"])
        var details = ["phase": phase ?? "none"]
        if let rotation = next.rotation, rotation.isRunning { details["newRoot"] = rotation.newRoot }
        await self.record(.authority, action ?? "rotation", actor: actor, details, now: now)
        try await self.trustChanged()
    }

    // MARK: Revocation

    /// Refuses an identity from now on. False when it was refused already.
    func revoke(_ identity: SPIFFEID, reason: String, actor: String, now: Date) async throws -> Bool {
        guard identity.trustDomain == self.authority.trustDomain, !identity.path.isEmpty else {
            throw Self.refusedRevocation(
                "it is no workload of \(self.authority.trustDomain)",
                "name one such as spiffe://\(self.authority.trustDomain)/ns/default/sa/billing; `weft status` lists them"
            )
        }
        guard identity != self.authority.controlPlaneID else {
            throw Self.refusedRevocation(
                "it is the control plane's own, without which nothing could be restored",
                "rotate the root instead, if the control plane's key is known to others")
        }
        guard self.revocations[identity] == nil else { return false }
        guard self.revocations.count < TrustState.maxRevoked else {
            throw Self.refusedRevocation(
                "\(TrustState.maxRevoked) are revoked already, which every proxy must remember",
                "restore some whose certificates have expired, and let their tokens be revoked instead")
        }
        let revocation = Revocation(
            at: Int64(now.timeIntervalSince1970), by: actor, reason: String(reason.prefix(Revocation.maxReason)))
        // In force before it is durable: refusing too early harms less than too late.
        self.revocations[identity] = revocation
        do {
            try await self.revocationTable.put(identity.description, try Self.encode(revocation))
        } catch {
            self.revocations[identity] = nil
            throw error
        }
        try await self.trustChanged()
        self.logger.notice(
            "an identity was revoked",
            metadata: ["identity": "\(identity)", "by": "\(actor)", "reason": "\(revocation.reason.debugDescription)"])
        await self.record(
            .authority, identity.description, actor: actor, ["action": "revoke", "reason": revocation.reason], now: now)
        return true
    }

    /// Refuses an identity no longer. False when it was not refused.
    func restore(_ identity: SPIFFEID, actor: String, now: Date) async throws -> Bool {
        guard self.revocations[identity] != nil else { return false }
        try await self.revocationTable.remove(identity.description)
        self.revocations[identity] = nil
        try await self.trustChanged()
        self.logger.notice(
            "an identity was restored", metadata: ["identity": "\(identity)", "by": "\(actor)"])
        await self.record(.authority, identity.description, actor: actor, ["action": "restore"], now: now)
        return true
    }

    private static func refusedRevocation(_ cause: String, _ remedy: String) -> APIError {
        APIError(
            status: 400, code: .badRequest, message: "the identity was not revoked", location: "identity", cause: cause,
            remedy: remedy)
    }

    // MARK: What is trusted

    /// Trusts these roots for identities of other trust domains, each for its own only.
    func federate(_ roots: [TrustDomain: [[UInt8]]]) async throws {
        guard self.federated != roots else { return }
        self.federated = roots
        try await self.trustChanged()
    }

    /// Tells the mesh, if what is trusted is other than it was told: the number first and durably, so that no restart
    /// gives the same number to something else.
    private func trustChanged() async throws {
        var next = TrustState(
            trustDomain: self.authority.trustDomain, roots: try self.authority.bundle, federated: self.federated,
            revoked: Set(self.revocations.keys), renewBefore: self.authority.renewBefore)
        let digest = TrustVersion.digest(of: next)
        let current = self.trust.current.trust
        guard digest != TrustVersion.digest(of: current) else { return }
        next.version = max(current.version, self.lastTrustVersion) + 1
        self.lastTrustVersion = next.version
        try await TrustVersion(version: next.version, digest: digest).save(in: self.trustTable)
        try self.trust.publish(next)
    }

    // MARK: Audit

    /// Takes down that a certificate was handed out.
    func recordIssued(_ svid: SVID, attestation: String, now: Date) async {
        await self.recordIssued(
            svid.identity, serial: svid.serial, notAfter: svid.notAfter, attestation: attestation, now: now)
    }

    func recordIssued(
        _ identity: SPIFFEID, serial: String, notAfter: Date, attestation: String, now: Date
    ) async {
        await self.record(
            .certificate, identity.description, actor: attestation == "renewal" ? identity.description : attestation,
            ["serial": serial, "attestation": attestation, "notAfter": "\(Int64(notAfter.timeIntervalSince1970))"],
            now: now)
    }

    /// Takes down that somebody who proved itself got no certificate.
    func recordRefused(_ refusal: IssuingRefusal, attestation: String, now: Date) async {
        let subject: String
        switch refusal {
        case .revoked(let identity, _, _), .tooManyForIdentity(let identity, _), .notJoined(let identity):
            subject = identity.description
        case .tooMany, .reserved: subject = ""
        }
        await self.record(
            .certificate, subject, actor: subject.isEmpty ? attestation : subject, outcome: .refused,
            ["cause": "\(refusal)", "attestation": attestation], now: now)
    }

    private func record(
        _ kind: AuditEvent.Kind, _ subject: String, actor: String, outcome: AuditEvent.Outcome = .done,
        _ details: [String: String], now: Date
    ) async {
        await self.audit.record(
            AuditEvent(
                at: Int64(now.timeIntervalSince1970 * 1000), kind: kind, actor: actor, subject: subject,
                outcome: outcome, details: details))
    }
}
