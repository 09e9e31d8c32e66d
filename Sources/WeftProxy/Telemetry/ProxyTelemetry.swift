internal import Logging
internal import NIOCore
package import WeftTelemetry

/// What all loops of a sidecar share in telemetry: where the access log goes, and what goes to a collector.
package final class ProxyTelemetry: Sendable {
    private let configuration: ProxyConfiguration
    private let log: AccessLogWriter
    private let exports: TelemetryExports?
    /// How long the collector is given when the sidecar stops.
    private static let lastWords = Duration.seconds(2)
    /// How long whoever takes the access log is.
    private static let lastLines = Duration.seconds(1)

    package init(configuration: ProxyConfiguration) {
        self.configuration = configuration
        self.exports = configuration.telemetry.otlp.map { TelemetryExports($0, for: configuration) }
        self.log =
            if case .file(let path) = configuration.telemetry.accessLogOutput {
                AccessLogWriter(path: path)
            } else {
                AccessLogWriter()
            }
    }

    /// - Parameter loops: how many there are; each keeps its share of the sidecar's records.
    func makeLoop(on eventLoop: any EventLoop, loops: Int = 1) -> LoopTelemetry {
        let loop = LoopTelemetry(
            configuration: self.configuration, log: self.log, exports: self.exports, eventLoop: eventLoop, loops: loops)
        loop.watchLag()
        return loop
    }

    /// Sends to the collector until cancelled; without one it only waits.
    func run(on group: any EventLoopGroup, logger: Logger) async throws {
        if case .file(let path) = self.configuration.telemetry.accessLogOutput, let problem = self.log.problem() {
            logger.error("the access log cannot be written", metadata: ["path": "\(path)", "cause": "\(problem)"])
        }
        if let exports = self.exports {
            logger.info(
                "sending telemetry",
                metadata: ["collector": "\(self.configuration.telemetry.otlp.map(String.init(describing:)) ?? "")"])
            do { try await exports.run(on: group, logger: logger) } catch is CancellationError {} catch {
                // Telemetry is no reason to stop.
                logger.error("no telemetry is sent", metadata: ["cause": "\(error)"])
            }
        }
        while true { try await Task.sleep(for: .seconds(3600)) }
    }

    /// Opens the access log's file anew, as after its rotation.
    package func reopenLog() { self.log.reopen() }

    /// Whether the access log goes to a file.
    var logsToFile: Bool {
        if case .file = self.configuration.telemetry.accessLogOutput { true } else { false }
    }

    /// Returns when every line that was handed over has been written or dropped, and the collector has had its chance; some
    /// three seconds later at most.
    func written() async {
        await self.log.written(within: Self.lastLines)
        await self.exports?.finish(within: Self.lastWords)
    }

    /// Lines of the access log that were given up because the sidecar stopped.
    var linesLostAtStop: Int { self.log.stopped }

    /// What was lost and what was sent, as metrics.
    package func measure(_ snapshot: inout MetricSnapshot) {
        let (full, failed) = self.log.dropped
        var dropped = self.exports?.dropped ?? []
        // Told from the first on, so that the first loss is seen as a step.
        dropped.append(("logs", .queueFull, UInt64(full)))
        if self.log.stopped > 0 { dropped.append(("logs", .stopped, UInt64(self.log.stopped))) }
        if failed > 0 { dropped.append(("logs", .writeFailed, UInt64(failed))) }
        for (signal, cause, count) in dropped {
            snapshot.add(.counter(count), to: MetricNames.telemetryDropped, labels: [signal, cause.rawValue])
        }
        if let exports = self.exports {
            snapshot.add(.counter(exports.spans.sent), to: MetricNames.telemetrySent, labels: ["traces"])
            snapshot.add(.counter(exports.lines.sent), to: MetricNames.telemetrySent, labels: ["logs"])
        }
    }
}
