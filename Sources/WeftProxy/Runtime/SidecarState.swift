internal import FoundationEssentials
package import NIOCore
internal import Synchronization
package import WeftIdentity
internal import WeftModel
package import WeftTelemetry

/// What a running sidecar shows of itself: what is in force, and whether it takes traffic.
package final class SidecarState: AdminSource {
    private struct State {
        var snapshot = ProxySnapshot.empty
        var identity: WorkloadIdentity?
        /// Identity and first configuration are there.
        var hasStarted = false
        var accessLog = AccessLogMode.errors
        var isDraining = false
        /// Why the application is not ready; nil when it is.
        var applicationCause: String? = "the application has not been probed yet"
    }

    private let state = Mutex(State())
    private let server: ProxyServer
    private let configuration: ProxyConfiguration

    init(server: ProxyServer, configuration: ProxyConfiguration) {
        self.server = server
        self.configuration = configuration
        self.state.withLock { $0.accessLog = configuration.accessLog }
        if configuration.ports.isEmpty { self.state.withLock { $0.applicationCause = nil } }
    }

    // MARK: What the runtime says

    func install(_ snapshot: ProxySnapshot) {
        self.state.withLock { $0.snapshot = snapshot }
        self.server.install(snapshot)
    }

    func install(identity: WorkloadIdentity, trust: TrustState? = nil) throws {
        try self.server.install(identity: identity, trust: trust)
        self.state.withLock { $0.identity = identity }
    }

    func started() { self.state.withLock { $0.hasStarted = true } }
    func draining() { self.state.withLock { $0.isDraining = true } }
    func applicationChanged(notReady cause: String?) { self.state.withLock { $0.applicationCause = cause } }

    // MARK: What the admin server asks

    package var snapshot: ProxySnapshot { self.state.withLock { $0.snapshot } }
    package var identity: WorkloadIdentity? { self.state.withLock { $0.identity } }

    package var readiness: AdminReadiness {
        self.state.withLock { state in
            if state.isDraining { return .notReady("draining") }
            if !state.hasStarted { return .notReady("waiting for identity and configuration") }
            return state.applicationCause.map { .notReady($0) } ?? .ready
        }
    }

    package var accessLog: AccessLogMode { self.state.withLock { $0.accessLog } }

    package func setAccessLog(_ mode: AccessLogMode) {
        self.state.withLock { $0.accessLog = mode }
        self.server.setAccessLog(mode)
    }

    package func metrics(on eventLoop: any EventLoop) -> EventLoopFuture<MetricSnapshot> {
        let configuration = self.configuration
        let (revision, expiry) = self.state.withLock { ($0.snapshot.revision, $0.identity?.notAfter) }
        return self.server.metrics(on: eventLoop).map { merged in
            var merged = merged
            merged.add(.gauge(Double(revision.number)), to: MetricNames.configurationRevision)
            if let expiry { merged.add(.gauge(expiry.timeIntervalSince1970), to: MetricNames.certificateExpiry) }
            merged.add(
                .gauge(1), to: MetricNames.info,
                labels: [
                    configuration.service.description, configuration.workload, configuration.labels["version"] ?? "",
                ])
            self.server.telemetry.measure(&merged)
            return merged
        }
    }
}
