internal import NIOCore
internal import WeftHTTP
internal import WeftMessage
internal import WeftModel
internal import WeftTraffic

/// A copy of a request, sent beside it and never waited for.
///
/// The copy has an exchange of its own, with one attempt and an end in time; what is answered is thrown away. It holds
/// nobody up: a copy that falls behind its original by more than `maxHeldBytes` is given up, and so is one whose original
/// was never completed.
final class MirroredRequest: RelayedRequest {
    /// How much of a body is kept for a mirror that takes it more slowly than the original's destination. 64 KiB.
    static let maxHeldBytes = 65_536

    private var exchange = Exchange()
    private var bytes = 0
    /// The original still hands over its body; until it has let go this object is not used again.
    private var isFed = false
    private var isRetired = false

    /// Sends the head; the body follows by `streamReceived`.
    func begin(_ mirror: CompiledMirror, head: RequestHead, end: Bool) {
        self.exchange = Exchange()
        self.bytes = 0
        self.isFed = !end
        self.isRetired = false
        self.openAlone()
        self.act {
            self.exchange.begin(
                head, end: end, routes: mirror.routes, traffic: self.loop.traffic, now: self.loop.now)
        }
    }

    /// A chunk of the original's body.
    func copy(_ data: ByteBuffer, end: Bool) {
        if !self.isRetired {
            self.bytes += data.readableBytes
            self.streamReceived(data: data, end: end)
        }
        if !self.isRetired, self.bytes - self.credited > Self.maxHeldBytes { self.giveUp() }
        if end { self.letGo() }
    }

    func copy(trailers: HeaderBlock) {
        if !self.isRetired { self.streamReceived(trailers: trailers) }
        self.letGo()
    }

    /// The original has ended; without its whole body the copy is of no use.
    func originalEnded() {
        if !self.isRetired { self.giveUp() }
        self.letGo()
    }

    private func letGo() {
        self.isFed = false
        if self.isRetired { self.loop.release(self) }
    }

    private func giveUp() {
        self.act { self.exchange.downstreamGone(now: self.loop.now) }
    }

    // MARK: Relay

    override func requestData(_ bytes: Int, end: Bool) -> ExchangeEffects {
        self.exchange.requestData(bytes: bytes, end: end, now: self.loop.now)
    }

    override func requestTrailers(_ trailers: HeaderBlock) -> ExchangeEffects {
        self.exchange.requestTrailers(now: self.loop.now)
    }

    override func connectionReady(kept: Bool) -> ExchangeEffects {
        self.exchange.connectionReady(now: self.loop.now)
    }

    override func upstreamFailed(_ failure: UpstreamFailure, untouched: Bool) -> ExchangeEffects {
        self.exchange.attemptFailed(failure, mayHaveBeenProcessed: !untouched, now: self.loop.now)
    }

    override func informationalArrived(_ head: ResponseHead) -> ExchangeEffects {
        self.exchange.informational(now: self.loop.now)
    }

    override func responseArrived(_ head: inout ResponseHead, end: Bool) -> ExchangeEffects {
        self.exchange.responseHead(&head, end: end, now: self.loop.now)
    }

    override func responseData(_ bytes: Int, end: Bool) -> ExchangeEffects {
        self.exchange.responseData(bytes: bytes, end: end, now: self.loop.now)
    }

    override func responseTrailers(_ trailers: HeaderBlock) -> ExchangeEffects {
        self.exchange.responseTrailers(trailers, now: self.loop.now)
    }

    override func timerFired() -> ExchangeEffects { self.exchange.timerFired(now: self.loop.now) }

    override var nextTimer: MonotonicInstant { self.exchange.timer }

    override func poolForAttempt() -> EndpointPool? {
        guard let endpoint = self.exchange.endpoint, let cluster = self.exchange.cluster else { return nil }
        return self.loop.pool(of: endpoint, in: cluster)
    }

    override func headForAttempt() -> (head: RequestHead, end: Bool) {
        (self.exchange.head, self.exchange.endsWithHead)
    }

    override func finished() {
        self.loop.telemetry.mirrored(
            to: self.exchange.cluster?.cluster.service.description ?? "unknown", reason: self.exchange.reason)
    }

    override func retired() {
        self.isRetired = true
        if !self.isFed { self.loop.release(self) }
    }
}
