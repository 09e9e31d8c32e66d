package import WeftModel

/// Which workloads exist, who they are, and whether they take traffic. Decides; owns no clock and no stream.
///
/// A workload is here from its registration until its lease runs out. Its proxy renews the lease with everything it
/// says; when its stream breaks, the workload stays for a short while, so that a proxy that only lost its connection,
/// or was restarted, takes its place again without its endpoint ever being gone.
package struct Registry: Sendable {
    /// Names one control stream; never used twice in a run.
    package typealias ConnectionID = UInt64

    package struct Limits: Hashable, Sendable {
        /// Workloads in the whole mesh. Default 20 000.
        package var workloads = 20_000
        /// Ports of one workload. Default 32.
        package var ports = 32
        /// Labels of one workload. Default 64.
        package var labels = 64
        /// Bytes of any name, label or value. Default 253.
        package var nameBytes = 253

        package init() {}
    }

    package struct Leases: Hashable, Sendable {
        /// How long a silent proxy is believed. Default 15 s.
        package var lease: Duration = .seconds(15)
        /// How long a workload stays after its stream broke. Default 5 s.
        package var afterDisconnect: Duration = .seconds(5)
        /// How long workloads of the previous run are kept after a start, while their proxies come back. Default 60 s.
        package var afterStart: Duration = .seconds(60)

        package init() {}
    }

    /// One workload and what its proxy said last.
    package struct Entry: Hashable, Sendable {
        package var workload: Workload
        package var identity: SPIFFEID
        /// The labels that the identity was attested with.
        package var grants = LabelGrants()
        package var readiness: RegisteredWorkload.Readiness
        /// The stream that speaks for it; nil while there is none.
        package var connection: ConnectionID?
        /// When that stream began, seconds since 1970.
        package var connectedSince: Int64?
        /// The proxy's own version.
        package var proxyVersion: String
        package var certificate: CertificateState?
        /// How far its clock is before ours, milliseconds; nil before it told.
        package var clockOffset: Int64?
        /// Where its admin server listens on its host's loopback; nil where it has none, or before its proxy told.
        package var adminPort: Int?
        var leaseEnds: ContinuousClock.Instant

        /// As the compiler takes it.
        package var registered: RegisteredWorkload {
            RegisteredWorkload(workload: self.workload, readiness: self.readiness, grants: self.grants)
        }
    }

    /// What a proxy says of the certificate it serves with.
    package struct CertificateState: Hashable, Sendable {
        package var serial: String
        /// Seconds since 1970.
        package var expiresAt: Int64
        /// Seconds since 1970; zero where the proxy does not say.
        package var notBefore: Int64
        /// SHA-256 of the root that it leads to; empty where it leads to none that the proxy trusts.
        package var rootFingerprint: String
        /// SHA-256 of each root of the mesh that the proxy trusts.
        package var trustedRoots: [String]
        /// The version of the trust in force there.
        package var trustVersion: UInt64

        package init(
            serial: String, expiresAt: Int64, notBefore: Int64 = 0, rootFingerprint: String = "",
            trustedRoots: [String] = [], trustVersion: UInt64 = 0
        ) {
            self.serial = serial
            self.expiresAt = expiresAt
            self.notBefore = notBefore
            self.rootFingerprint = rootFingerprint
            self.trustedRoots = trustedRoots
            self.trustVersion = trustVersion
        }
    }

    /// What a registration led to.
    package struct Registered: Hashable, Sendable {
        /// `namespace/name`.
        package var workload: String
        /// The stream that spoke for it until now, to be closed.
        package var superseded: ConnectionID?
        /// Whether the endpoints of the mesh are others now.
        package var changed: Bool
    }

    package let limits: Limits
    package let leases: Leases
    private var entries: [String: Entry] = [:]
    /// Which entry a stream speaks for.
    private var byConnection: [ConnectionID: String] = [:]

    package init(limits: Limits = Limits(), leases: Leases = Leases()) {
        self.limits = limits
        self.leases = leases
    }

    /// Takes up workloads of the previous run: known and, if they were ready, endpoints, until their proxies come back
    /// or the start-up time is over.
    package mutating func restore(_ saved: [SavedWorkload], now: ContinuousClock.Instant) {
        for workload in saved.prefix(self.limits.workloads) where self.entries[workload.id] == nil {
            self.entries[workload.id] = Entry(
                workload: workload.workload, identity: workload.identity, grants: workload.grants ?? LabelGrants(),
                readiness: workload.readiness, connection: nil, connectedSince: nil,
                proxyVersion: workload.proxyVersion, certificate: nil,
                leaseEnds: now + self.leases.afterStart)
        }
    }

    /// A proxy announces its workload. The same identity may take over a name, for that is how a restarted proxy comes
    /// back; another may not while the lease runs.
    ///
    /// - Parameters:
    ///   - services: the services that this identity was admitted for.
    ///   - grants: the labels that it was attested with.
    ///   - since: wall time, seconds since 1970.
    package mutating func register(
        _ workload: Workload, identity: SPIFFEID, services: Set<String>, grants: LabelGrants = LabelGrants(),
        proxyVersion: String, connection: ConnectionID, adminPort: Int? = nil, now: ContinuousClock.Instant,
        since: Int64
    ) throws(RegistrationRefusal) -> Registered {
        try self.check(workload, identity: identity, services: services)
        let id = Self.id(of: workload)
        let before = self.entries[id]
        if let before, before.identity != identity {
            throw .nameTaken(id, by: before.identity)
        }
        if before == nil, self.entries.count >= self.limits.workloads {
            throw .tooManyWorkloads(self.limits.workloads)
        }
        if let other = self.byConnection[connection], other != id {
            self.forget(other, connection: connection, now: now)
        }
        // The same place again: whoever was served there is served on, until the proxy says otherwise.
        let samePlace = before.map { $0.workload.address == workload.address && $0.workload.ports == workload.ports }
        let readiness: RegisteredWorkload.Readiness =
            if samePlace == true, before?.readiness == .ready { .ready } else { .notReady("starting") }
        self.entries[id] = Entry(
            workload: workload, identity: identity, grants: grants, readiness: readiness, connection: connection,
            connectedSince: since, proxyVersion: String(proxyVersion.prefix(64)), certificate: before?.certificate,
            adminPort: adminPort, leaseEnds: now + self.leases.lease)
        if let old = before?.connection { self.byConnection[old] = nil }
        self.byConnection[connection] = id
        let superseded = before?.connection == connection ? nil : before?.connection
        let changed = before?.workload != workload || before?.readiness != readiness || before?.grants != grants
        return Registered(workload: id, superseded: superseded, changed: changed)
    }

    /// A proxy tells whether its application takes traffic. True when the endpoints of the mesh are others now.
    package mutating func report(
        _ readiness: RegisteredWorkload.Readiness, from connection: ConnectionID, now: ContinuousClock.Instant
    ) -> Bool {
        guard let id = self.byConnection[connection], var entry = self.entries[id] else { return false }
        entry.leaseEnds = now + self.leases.lease
        // Draining ends with the process.
        let changed = entry.readiness != readiness && entry.readiness != .draining
        if changed { entry.readiness = readiness }
        self.entries[id] = entry
        return changed
    }

    /// A proxy said anything at all.
    package mutating func heard(from connection: ConnectionID, now: ContinuousClock.Instant) {
        guard let id = self.byConnection[connection] else { return }
        self.entries[id]?.leaseEnds = now + self.leases.lease
    }

    package mutating func report(_ certificate: CertificateState, from connection: ConnectionID) {
        guard let id = self.byConnection[connection] else { return }
        self.entries[id]?.certificate = certificate
    }

    /// What a proxy's clock showed when it last said so, less what ours did.
    package mutating func report(clockOffset: Int64, from connection: ConnectionID) {
        guard let id = self.byConnection[connection] else { return }
        self.entries[id]?.clockOffset = clockOffset
    }

    /// A stream ended. A workload that had said goodbye is gone at once; any other keeps its place for a while.
    /// True when the endpoints of the mesh are others now.
    package mutating func disconnected(_ connection: ConnectionID, now: ContinuousClock.Instant) -> Bool {
        guard let id = self.byConnection.removeValue(forKey: connection), var entry = self.entries[id] else {
            return false
        }
        if entry.readiness == .draining {
            self.entries[id] = nil
            return true
        }
        entry.connection = nil
        entry.connectedSince = nil
        entry.leaseEnds = min(entry.leaseEnds, now + self.leases.afterDisconnect)
        self.entries[id] = entry
        return false
    }

    /// Removes workloads whose lease ran out, and names them. Streams that still claim one of them are returned, to be
    /// closed: their proxies have been silent for too long.
    package mutating func expire(now: ContinuousClock.Instant) -> (workloads: [String], streams: [ConnectionID]) {
        let gone = self.entries.filter { $0.value.leaseEnds <= now }
        for (id, entry) in gone {
            self.entries[id] = nil
            if let connection = entry.connection { self.byConnection[connection] = nil }
        }
        return (gone.keys.sorted(), gone.values.compactMap(\.connection).sorted())
    }

    /// When the next lease runs out; nil when there is none.
    package var nextExpiry: ContinuousClock.Instant? { self.entries.values.map(\.leaseEnds).min() }

    /// Everything known, sorted by name.
    package var all: [Entry] { self.entries.sorted { $0.key < $1.key }.map(\.value) }

    /// What the compiler needs, sorted by name.
    package var workloads: [RegisteredWorkload] {
        self.all.map(\.registered)
    }

    /// Whom a stream speaks for; nil for nobody, and when another took over.
    package func workload(of connection: ConnectionID) -> Workload? {
        self.byConnection[connection].flatMap { self.entries[$0]?.workload }
    }

    /// The names of an identity's workloads, `namespace/name`.
    package func workloads(of identity: SPIFFEID) -> Set<String> {
        Set(self.entries.lazy.filter { $0.value.identity == identity }.map(\.key))
    }

    package var count: Int { self.entries.count }

    /// `namespace/name`.
    package static func id(of workload: Workload) -> String {
        "\(workload.metadata.namespace)/\(workload.metadata.name)"
    }

    private mutating func forget(_ id: String, connection: ConnectionID, now: ContinuousClock.Instant) {
        guard var entry = self.entries[id], entry.connection == connection else { return }
        entry.connection = nil
        entry.connectedSince = nil
        entry.leaseEnds = min(entry.leaseEnds, now + self.leases.afterDisconnect)
        self.entries[id] = entry
    }
}
