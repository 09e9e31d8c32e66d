internal import FoundationEssentials
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

extension TrustState {
    /// What the control plane said. Sizes are checked where the state is put in force.
    init(_ message: Weft_V1_TrustUpdate) throws(TrustStateError) {
        self.init(
            trustDomain: try Self.domain(message.own.trustDomain), roots: message.own.rootsDer.map { [UInt8]($0) },
            renewBefore: message.renewBeforeUnix == 0 ? nil : message.renewBeforeUnix, version: message.version)
        for bundle in message.federated {
            self.federated[try Self.domain(bundle.trustDomain)] = bundle.rootsDer.map { [UInt8]($0) }
        }
        for text in message.revoked {
            guard let identity = SPIFFEID(text) else { throw .malformedName(String(text.prefix(256))) }
            self.revoked.insert(identity)
        }
    }

    private static func domain(_ name: String) throws(TrustStateError) -> TrustDomain {
        guard let domain = TrustDomain(name) else { throw .malformedName(String(name.prefix(256))) }
        return domain
    }
}

extension Weft_V1_CertificateState {
    /// What the control plane is told of the certificate in use, and of whom it is used to believe.
    init(_ identity: WorkloadIdentity, _ trust: HeldTrust, now: Date) {
        self.init()
        self.serial = identity.serial
        self.expiresAtUnix = Int64(identity.notAfter.timeIntervalSince1970)
        self.notBeforeUnix = Int64(identity.notBefore.timeIntervalSince1970)
        self.rootFingerprint = trust.rootFingerprint(of: identity, now: now) ?? ""
        self.trustedRoots = trust.rootFingerprints
        self.trustVersion = trust.state.version
    }
}
