package import WeftModel

extension SVIDVerifier {
    /// Believes what a trust state says. Throws where it could lock everybody out, or is more than is taken.
    package init(_ trust: TrustState) throws(TrustStateError) {
        guard !trust.roots.isEmpty else { throw .noRoots(trust.trustDomain) }
        try Self.limit("revoked identities", trust.revoked.count, TrustState.maxRevoked)
        try Self.limit("federated trust domains", trust.federated.count, TrustState.maxFederated)
        var bundles = [try Self.bundle(trust.trustDomain, trust.roots)]
        // Nobody else has a say in who is of this trust domain.
        for (domain, roots) in trust.federated where domain != trust.trustDomain {
            bundles.append(try Self.bundle(domain, roots))
        }
        self.init(bundles: bundles)
        self.early = Self.forStepsOfClocks
        self.revoked = trust.revoked
    }

    private static func bundle(_ domain: TrustDomain, _ roots: [[UInt8]]) throws(TrustStateError) -> TrustBundle {
        try Self.limit("roots of \(domain)", roots.count, TrustState.maxRoots)
        do { return try TrustBundle(trustDomain: domain, der: roots) } catch {
            throw .malformedRoot(domain, cause: "\(error)")
        }
    }

    private static func limit(_ what: String, _ count: Int, _ limit: Int) throws(TrustStateError) {
        guard count <= limit else { throw .tooMany(what, count: count, limit: limit) }
    }
}
