package import NIOCore
package import WeftIdentity
package import WeftTelemetry

/// What the admin server shows; the running sidecar provides it. Called on the admin server's event loop; must not block.
package protocol AdminSource: Sendable {
    /// The metrics of all loops, merged.
    func metrics(on eventLoop: any EventLoop) -> EventLoopFuture<MetricSnapshot>
    /// The same as text.
    func exposition(_ format: MetricExposition, on eventLoop: any EventLoop) -> EventLoopFuture<[UInt8]>
    /// Whether the sidecar takes traffic.
    var readiness: AdminReadiness { get }
    /// The configuration in use.
    var snapshot: ProxySnapshot { get }
    /// The identity in use; nil before the sidecar has joined.
    var identity: WorkloadIdentity? { get }
    /// Which requests are written to the access log now.
    var accessLog: AccessLogMode { get }
    /// The same from now on, until the sidecar starts anew.
    func setAccessLog(_ mode: AccessLogMode)
}

extension AdminSource {
    package func exposition(_ format: MetricExposition, on eventLoop: any EventLoop) -> EventLoopFuture<[UInt8]> {
        self.metrics(on: eventLoop).map { format.encode($0) }
    }
}

/// Whether a sidecar takes traffic.
package enum AdminReadiness: Hashable, Sendable {
    case ready
    /// Not, and why.
    case notReady(String)
}
