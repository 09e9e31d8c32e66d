internal import Foundation
internal import WeftModel

/// Joins what the registry, the streams and the authority know into one report.
enum StatusAssembly {
    /// Each registered workload with the stream that its proxy takes configuration on, each client without one, and who
    /// is refused because it is revoked.
    ///
    /// - Parameter knocking: revoked identities that tried to connect lately.
    static func proxies(
        entries: [Registry.Entry], streams: [DiscoveryStreams.Stream], snapshot: MeshSnapshot = MeshSnapshot(),
        revoked: Set<SPIFFEID> = [], knocking: [SPIFFEID] = []
    ) -> [ProxyStatus] {
        var byWorkload: [String: DiscoveryStreams.Stream] = [:]
        var others: [DiscoveryStreams.Stream] = []
        let known = Set(entries.map { Registry.id(of: $0.workload) })
        for stream in streams {
            // The newest of several is the one that counts.
            if let workload = stream.workload, known.contains(workload) {
                byWorkload[workload] = stream
            } else {
                others.append(stream)
            }
        }
        let registered = entries.map { entry in
            self.proxy(
                entry, stream: byWorkload[Registry.id(of: entry.workload)], in: snapshot,
                isRevoked: revoked.contains(entry.identity))
        }
        let registeredIdentities = Set(entries.map(\.identity))
        let refused = knocking.filter { !registeredIdentities.contains($0) }.map { identity in
            ProxyStatus(
                workload: nil, service: nil, identity: identity.description, address: nil, client: .weft,
                state: .revoked, cause: "it still tries to connect; `weft identity restore` lets it")
        }
        let clients = others.sorted { $0.identity.description < $1.identity.description }.map { stream in
            ProxyStatus(
                workload: nil, service: nil, identity: stream.identity.description, address: nil,
                proxyVersion: stream.clientVersion, client: stream.client, state: .client,
                connectedSince: stream.since, discovery: stream.types)
        }
        return registered + clients + refused
    }

    private static func proxy(
        _ entry: Registry.Entry, stream: DiscoveryStreams.Stream?, in snapshot: MeshSnapshot, isRevoked: Bool
    ) -> ProxyStatus {
        let workload = entry.workload
        let (state, cause): (ProxyStatus.State, String?) =
            switch (entry.connection, entry.readiness) {
            case _ where isRevoked: (.revoked, "its identity is revoked; `weft identity restore` lets it in again")
            case (nil, _): (.lost, "its proxy is not connected; its endpoint is kept for a moment")
            case (_, .ready): (.ready, nil)
            case (_, .notReady(let cause)): (.notReady, cause)
            case (_, .draining): (.draining, nil)
            }
        // A proxy that says nothing of its roots is older than the question.
        let certificate = entry.certificate
        let trusting = certificate?.trustedRoots.isEmpty == false ? certificate : nil
        return ProxyStatus(
            workload: Registry.id(of: workload),
            service: workload.service.map { "\($0).\(workload.metadata.namespace)" },
            identity: entry.identity.description, address: workload.address,
            serviceVersion: workload.metadata.labels["version"] ?? "", proxyVersion: entry.proxyVersion,
            client: stream?.client ?? .weft, state: state, cause: cause, connectedSince: entry.connectedSince,
            certificateExpiresAt: certificate?.expiresAt, certificateSerial: certificate?.serial,
            certificateNotBefore: trusting?.notBefore,
            certificateRoot: trusting.flatMap { $0.rootFingerprint.isEmpty ? nil : $0.rootFingerprint },
            trustedRoots: trusting?.trustedRoots, trustVersion: trusting?.trustVersion,
            clockOffsetMilliseconds: entry.clockOffset,
            unencryptedPorts: self.unencryptedPorts(of: workload, in: snapshot),
            discovery: stream?.types ?? [])
    }

    /// The application's ports behind which a request in the clear is served.
    private static func unencryptedPorts(of workload: Workload, in snapshot: MeshSnapshot) -> [Int] {
        workload.ports.map(\.port).filter { port in
            let name = InboundListener.name(
                namespace: workload.metadata.namespace, workload: workload.metadata.name, appPort: port)
            guard case .inbound(let listener)? = snapshot.listeners[name] else { return false }
            return listener.mtls != .strict
        }
    }
}
