internal import FoundationEssentials
internal import NIOCore
internal import WeftMessage
internal import WeftTelemetry
internal import WeftTraffic

/// The traces of one loop: gives each request its span, and decides at its end whether that span is kept. Belongs to its
/// loop.
///
/// A request that nobody samples costs the reading and writing of its `traceparent`, and one comparison at its end.
final class LoopTracer {
    private let sampling: TraceSampling
    private let exporter: OTLPExporter<Span>
    private var slowestInbound: SlowestKeeper<Span>
    private var slowestOutbound: SlowestKeeper<Span>
    private let eventLoop: any EventLoop
    /// Kept, and not handed over yet.
    private var kept: [Span] = []
    private var flush: Scheduled<Void>?
    private var drain: Scheduled<Void>?
    private static let batch = 32

    /// What becomes of a request's span.
    enum Verdict { case drop, sampled, failed, slow }

    init(_ configuration: TelemetryConfiguration, exporter: OTLPExporter<Span>, eventLoop: any EventLoop) {
        self.sampling = configuration.sampling
        self.exporter = exporter
        self.slowestInbound = SlowestKeeper(capacity: configuration.slowest)
        self.slowestOutbound = SlowestKeeper(capacity: configuration.slowest)
        self.eventLoop = eventLoop
    }

    /// Puts a span of ours into a request's headers.
    func begin(_ headers: inout HeaderBlock, random: inout TrafficRandom) -> RequestTrace {
        TraceFields.take(&headers, sampling: self.sampling, random: &random)
    }

    /// What to do with a request that has ended; `latency` is until its response began, nanoseconds.
    func verdict(
        on trace: RequestTrace, _ direction: RequestLabels.Direction, latency: Int64, isFailure: Bool
    ) -> Verdict {
        if trace.context.isSampled || isFailure {
            guard self.exporter.hasRoom else {
                self.exporter.countLoss()
                return .drop
            }
            return trace.context.isSampled ? .sampled : .failed
        }
        let isSlow =
            direction == .inbound ? self.slowestInbound.admits(latency) : self.slowestOutbound.admits(latency)
        return isSlow ? .slow : .drop
    }

    /// Keeps the span of a request that has just ended.
    func keep(_ record: RequestRecord, _ trace: RequestTrace, _ verdict: Verdict, latency: Int64, peer: String) {
        if verdict == .drop { return }
        let tail: TailReason? = verdict == .failed ? .error : verdict == .slow ? .slow : nil
        let end = UInt64(max(0, Date().timeIntervalSince1970) * 1e9)
        var span = RequestSpan.span(record, trace, endedAt: end, tail: tail)
        if record.direction == .inbound { span.set("network.peer.address", peer) }
        guard verdict == .slow else {
            self.kept.append(span)
            return self.kept.count >= Self.batch ? self.handOver() : self.scheduleFlush()
        }
        let now = Int64(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds)
        if record.direction == .inbound {
            self.slowestInbound.insert(span, duration: latency, now: now)
        } else {
            self.slowestOutbound.insert(span, duration: latency, now: now)
        }
        self.scheduleDrain()
    }

    private func scheduleFlush() {
        guard self.flush == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.flush = self.eventLoop.scheduleTask(in: .milliseconds(100)) { bound.value.handOver() }
    }

    private func scheduleDrain() {
        guard self.drain == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.drain = self.eventLoop.scheduleTask(in: .nanoseconds(self.slowestInbound.interval)) {
            bound.value.drainSlowest()
        }
    }

    private func drainSlowest() {
        self.drain?.cancel()
        self.drain = nil
        self.kept += self.slowestInbound.drain() + self.slowestOutbound.drain()
        self.handOver()
    }

    private func handOver() {
        self.flush?.cancel()
        self.flush = nil
        guard !self.kept.isEmpty else { return }
        self.exporter.offer(self.kept.map { ($0, $0.cost) })
        self.kept.removeAll(keepingCapacity: true)
    }

    /// Hands over everything: the loop is about to end.
    func close() { self.drainSlowest() }
}
