internal import Foundation
internal import Logging
internal import WeftModel
internal import WeftTelemetry

/// Drives the `Registry` and the `TelemetryStore`: feeds them what proxies say, tells who listens when endpoints change,
/// ends streams that lost their workload, and remembers the workloads over a restart.
actor RegistryDriver {
    private var registry: Registry
    private(set) var telemetry: TelemetryStore
    /// Who calls in the clear.
    private(set) var plaintext = PlaintextBook()
    private var policies = PolicyUsageBook()
    private let startedAt = Int64(Date().timeIntervalSince1970)
    private let table: any RecordTable
    private let logger: Logger
    private let metrics: ControlPlaneMetrics
    /// Who reported what was not its own, and was named for it.
    private var accused: Set<String> = []
    /// Called when the mesh's endpoints are others now.
    private let endpointsChanged: @Sendable () -> Void
    private var lastConnection: Registry.ConnectionID = 0
    /// How each stream is ended from here, with the cause for its proxy.
    private var closers: [Registry.ConnectionID: @Sendable (String) -> Void] = [:]
    private var saved: [String: SavedWorkload] = [:]
    /// Whether something happened since the last save that a restart should remember.
    private var isDirty = false
    private let started = ContinuousClock.now

    init(
        configuration: ControlPlaneConfiguration, table: any RecordTable,
        metrics: ControlPlaneMetrics = ControlPlaneMetrics(), logger: Logger,
        endpointsChanged: @escaping @Sendable () -> Void
    ) async throws {
        self.registry = Registry(limits: configuration.limits.registry, leases: configuration.leases)
        self.telemetry = TelemetryStore(limits: configuration.limits.telemetry)
        self.table = table
        self.logger = logger
        self.metrics = metrics
        self.endpointsChanged = endpointsChanged
        for (name, text) in try await table.all() {
            guard let workload = try? JSONDecoder().decode(SavedWorkload.self, from: Data(text.utf8)) else {
                logger.warning("a remembered workload cannot be read", metadata: ["workload": "\(name)"])
                continue
            }
            self.saved[name] = workload
        }
        self.registry.restore(self.saved.sorted { $0.key < $1.key }.map(\.value), now: .now)
        if !self.saved.isEmpty {
            logger.info("workloads of the previous run are kept", metadata: ["count": "\(self.saved.count)"])
        }
    }

    var workloads: [RegisteredWorkload] { self.registry.workloads }
    var entries: [Registry.Entry] { self.registry.all }

    func workloads(of identity: SPIFFEID) -> Set<String> { self.registry.workloads(of: identity) }

    // MARK: What streams say

    /// A control stream opened; `close` ends it with a cause for its proxy.
    func opened(close: @escaping @Sendable (String) -> Void) -> Registry.ConnectionID {
        self.lastConnection += 1
        self.closers[self.lastConnection] = close
        return self.lastConnection
    }

    func register(
        _ workload: Workload, identity: SPIFFEID, services: Set<String>, grants: LabelGrants, proxyVersion: String,
        connection: Registry.ConnectionID, adminPort: Int? = nil
    ) throws(RegistrationRefusal) -> String {
        let registered = try self.registry.register(
            workload, identity: identity, services: services, grants: grants, proxyVersion: proxyVersion,
            connection: connection, adminPort: adminPort, now: .now, since: Int64(Date().timeIntervalSince1970))
        if let old = registered.superseded {
            self.closers.removeValue(forKey: old)?("another proxy took over \(registered.workload)")
        }
        self.logger.info(
            "a workload registered",
            metadata: [
                "workload": "\(registered.workload)", "service": "\(workload.service ?? "")",
                "address": "\(workload.address)",
            ])
        self.isDirty = true
        if registered.changed { self.endpointsChanged() }
        return registered.workload
    }

    func report(_ readiness: RegisteredWorkload.Readiness, from connection: Registry.ConnectionID) {
        if self.registry.report(readiness, from: connection, now: .now) { self.changed() }
    }

    func heard(from connection: Registry.ConnectionID) {
        self.plaintext.heard(at: Int64(Date().timeIntervalSince1970))
        self.registry.heard(from: connection, now: .now)
    }

    func report(_ certificate: Registry.CertificateState, from connection: Registry.ConnectionID) {
        self.registry.report(certificate, from: connection)
    }

    func report(clockOffset: Int64, from connection: Registry.ConnectionID) {
        self.registry.report(clockOffset: clockOffset, from: connection)
    }

    /// Takes what is the reporter's to tell, and counts the rest.
    func report(_ edges: [(EdgeKey, EdgeCounters)], from workload: String, connection: Registry.ConnectionID) {
        self.registry.heard(from: connection, now: .now)
        guard let scope = self.scope(of: connection) else { return }
        let own = edges.filter { scope.contains($0.0) }
        self.dropped(edges.count - own.count, "edge", of: workload)
        self.telemetry.record(own, from: workload, second: self.second)
    }

    /// What a client that is not ours counted.
    func report(_ load: LoadReport) {
        self.telemetry.record(added: load.edges.map { ($0.key, $0.counters) }, over: load.seconds, second: self.second)
    }

    func report(
        _ callers: [(PlaintextBook.Key, PlaintextBook.Counters)], from workload: String,
        connection: Registry.ConnectionID
    ) {
        guard let scope = self.scope(of: connection) else { return }
        let own = callers.filter { scope.contains($0.0) }
        self.dropped(callers.count - own.count, "plaintext", of: workload)
        self.plaintext.record(own, from: workload)
        self.plaintext.heard(at: Int64(Date().timeIntervalSince1970))
    }

    /// - Parameter snapshot: what is in force: a policy that the reporter does not enforce is not its to count.
    func report(
        _ policies: [(PolicyUsageBook.Key, PolicyUsageBook.Counts)], from workload: String,
        connection: Registry.ConnectionID, in snapshot: MeshSnapshot
    ) {
        guard let reporter = self.registry.workload(of: connection) else { return }
        let enforced = snapshot.policies(of: reporter)
        let own = policies.filter { enforced.contains($0.0.policy) }
        // Proxies go on counting what they enforced before, so that this accuses nobody.
        self.metrics.count(ControlPlaneMetricNames.reportsDropped, ["policy"], by: policies.count - own.count)
        self.policies.record(own, from: workload)
    }

    private func scope(of connection: Registry.ConnectionID) -> ReportScope? {
        self.registry.workload(of: connection).map(ReportScope.init)
    }

    private func dropped(_ count: Int, _ kind: String, of workload: String) {
        guard count > 0 else { return }
        self.metrics.count(ControlPlaneMetricNames.reportsDropped, [kind], by: count)
        guard self.accused.count < 1024, self.accused.insert(workload).inserted else { return }
        self.logger.warning(
            "a proxy reports calls that are not its workload's; they are not counted",
            metadata: ["workload": "\(workload)", "kind": "\(kind)", "count": "\(count)"])
    }

    func closed(_ connection: Registry.ConnectionID) {
        self.closers[connection] = nil
        if self.registry.disconnected(connection, now: .now) { self.changed() }
    }

    /// Ends every stream, for the control plane is stopping; their workloads are remembered.
    func closeAll() {
        for close in self.closers.values { close("the control plane is stopping") }
        self.closers = [:]
    }

    func statistics(window: Int64) -> StatReport {
        self.telemetry.report(window: window, second: self.second, at: Int64(Date().timeIntervalSince1970))
    }

    /// How often the rules of authorization policies decided.
    var authorizationUsage: AuthorizationUsage { self.policies.usage(since: self.startedAt) }

    // MARK: Leases and memory

    /// Ends leases as they run out, and keeps the saved workloads in step; until cancelled.
    func run() async {
        while !Task.isCancelled {
            let expired = self.registry.expire(now: .now)
            for stream in expired.streams {
                self.closers.removeValue(forKey: stream)?("nothing was heard for too long")
            }
            for workload in expired.workloads {
                self.logger.warning("a workload is gone", metadata: ["workload": "\(workload)"])
                self.telemetry.forget(proxy: workload)
                self.plaintext.forget(proxy: workload)
                self.policies.forget(proxy: workload)
            }
            if !expired.workloads.isEmpty { self.changed() }
            if self.isDirty { await self.save() }
            try? await Task.sleep(for: .milliseconds(250))
        }
    }

    private func changed() {
        self.isDirty = true
        self.endpointsChanged()
    }

    /// Writes what changed since the last time.
    func save() async {
        self.isDirty = false
        var current: [String: SavedWorkload] = [:]
        for entry in self.registry.all where entry.readiness != .draining {
            current[Registry.id(of: entry.workload)] = SavedWorkload(entry)
        }
        let before = self.saved
        do {
            for (name, workload) in current where before[name] != workload {
                let text = String(decoding: try JSONEncoder().encode(workload), as: UTF8.self)
                try await self.table.put(name, text)
                self.saved[name] = workload
            }
            for name in before.keys where current[name] == nil {
                try await self.table.remove(name)
                self.saved[name] = nil
            }
        } catch {
            self.isDirty = true
            // Endpoints go on being served; only a restart would have to wait for its proxies.
            self.logger.error("the registry could not be saved", metadata: ["cause": "\(error)"])
        }
    }

    /// Now, for the telemetry store: wall time as of the start, and going on evenly.
    var second: Int64 { self.startedAt + self.started.duration(to: .now).components.seconds }
}
