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

    func makeLoop(on eventLoop: any EventLoop) -> LoopTelemetry {
        let loop = LoopTelemetry(configuration: self.configuration, log: self.log, eventLoop: eventLoop)
        loop.watchLag()
        return loop
    }

    /// What was lost so far, by the `kind` label.
    var dropped: [String: Int] { ["access_log": self.log.dropped] }

    /// Returns when every line that was handed over has been written or dropped.
    func written() async { await self.log.written() }
}
