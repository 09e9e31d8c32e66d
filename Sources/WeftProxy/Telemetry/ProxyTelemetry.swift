internal import NIOCore

/// What all loops of a sidecar share in telemetry: where the access log goes.
package final class ProxyTelemetry: Sendable {
    private let configuration: ProxyConfiguration
    private let log: AccessLogWriter

    /// The access log goes to standard output.
    package init(configuration: ProxyConfiguration) {
        self.configuration = configuration
        self.log = AccessLogWriter()
    }

    /// - Parameter loops: how many there are; each keeps its share of the sidecar's records.
    func makeLoop(on eventLoop: any EventLoop, loops: Int = 1) -> LoopTelemetry {
        LoopTelemetry(configuration: self.configuration, log: self.log, eventLoop: eventLoop, loops: loops)
    }

    /// Returns when every line that was handed over has been written or dropped.
    func written() async { await self.log.written() }
}
