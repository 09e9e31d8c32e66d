internal import Foundation
internal import WeftIdentity
internal import WeftModel

extension FleetTrust {
    /// What the registry's workloads say of their trust, and those who take configuration without a registration.
    /// The latter cannot say what they trust, and count as trusting nothing.
    init(entries: [Registry.Entry], streams: [DiscoveryStreams.Stream], watchedSince: Int64) {
        let known = Set(entries.map { Registry.id(of: $0.workload) })
        let registered = entries.map { entry in
            Proxy(
                name: Registry.id(of: entry.workload), trustedRoots: Set(entry.certificate?.trustedRoots ?? []),
                issuerRoot: entry.certificate.flatMap { $0.rootFingerprint.isEmpty ? nil : $0.rootFingerprint })
        }
        let others = streams.filter { $0.workload.map { !known.contains($0) } ?? true }.map { stream in
            Proxy(name: "\(stream.identity) (\(stream.client.rawValue))")
        }
        self.init(proxies: registered + others, watchedSince: watchedSince)
    }
}

extension Authority {
    /// How the authority is, and how far the fleet has followed it.
    func report(fleet: FleetTrust, now: Date) throws -> IdentityReport {
        let seconds = Int64(now.timeIntervalSince1970)
        let rotation = self.authority.rotation
        let roots = try self.authority.rootSummaries().map { root in
            IdentityReport.RootStatus(
                fingerprint: root.fingerprint, expiresAt: root.expiresAt,
                state: root.isIssuing ? .issuing : rotation?.phase == .publishing ? .published : .retiring,
                trustedBy: fleet.proxies.count { $0.trustedRoots.contains(root.fingerprint) },
                leaves: fleet.proxies.count { $0.issuerRoot == root.fingerprint },
                lacking: Array(fleet.lacking(root.fingerprint).prefix(100)))
        }
        var report = IdentityReport(
            trustDomain: self.authority.trustDomain.name, now: seconds, roots: roots,
            intermediateExpiresAt: Int64(self.authority.intermediateExpiry.timeIntervalSince1970),
            isRootOffline: self.authority.isRootOffline, isEncrypted: self.isEncrypted, proxies: fleet.proxies.count,
            rotation: rotation.map { rotation in
                let obstacle = rotation.obstacle(now: seconds, fleet: fleet)
                return IdentityReport.RotationStatus(
                    phase: rotation.phase.rawValue, oldRoot: rotation.oldRoot, newRoot: rotation.newRoot,
                    startedAt: rotation.startedAt, phaseSince: rotation.phaseSince, leavesUntil: rotation.leavesUntil,
                    waitsFor: obstacle.map { "\($0)" }, missing: Array((obstacle?.missing ?? []).prefix(100)))
            },
            revoked: self.revocations.map { identity, revocation in
                IdentityReport.RevokedIdentity(
                    identity: identity.description, reason: revocation.reason, at: revocation.at, by: revocation.by)
            }.sorted { $0.identity < $1.identity }, trustVersion: self.trust.current.trust.version)
        if !self.authority.newRootIsCrossSigned, rotation?.newRootIssues == false {
            report.remarks = [
                "the present root has not signed the new one: whoever does not follow before the new one issues must join again, and join tokens that are not used by then are lost"
            ]
        }
        return report
    }
}
