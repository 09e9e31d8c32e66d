internal import NIOCore
internal import WeftHTTP
internal import WeftMessage
internal import WeftModel
internal import WeftTraffic

/// One health check under way: gets a connection, sends the question, and hears the answer. Ends exactly once.
final class EndpointCheck: ClientStreamReceiver, ConnectionWaiter {
    private let question: HealthQuestion
    private let pool: EndpointPool
    private unowned let loop: ProxyLoop
    /// Told whether the check passed; nil when it told nothing.
    private var finish: ((Bool?) -> Void)?
    private var answer: HealthAnswer
    private var stream: (any ClientStream)?
    private var timeout: Scheduled<Void>?

    init(
        _ question: HealthQuestion, pool: EndpointPool, loop: ProxyLoop, finish: @escaping (Bool?) -> Void
    ) {
        self.question = question
        self.answer = HealthAnswer(question.probe, isFromPeer: pool.target.isTLS)
        self.pool = pool
        self.loop = loop
        self.finish = finish
    }

    func begin(within limit: Duration) {
        let bound = NIOLoopBound(self, eventLoop: self.loop.eventLoop)
        self.timeout = self.loop.eventLoop.scheduleTask(in: .nanoseconds(limit.wholeNanoseconds)) {
            bound.value.end(false)
        }
        do throws(ConnectFailure) {
            if let connection = try self.pool.acquire(for: self) { self.connectionReady(connection, of: self.pool) }
        } catch {
            self.end(false)
        }
    }

    /// Nobody wants to know any more.
    func cancel() {
        self.finish = nil
        self.end(false)
    }

    func connectionReady(_ connection: UpstreamConnection, of pool: EndpointPool) {
        guard self.finish != nil else { return }
        guard let request = self.question.request else { return self.end(true) }
        guard let codec = connection.codec,
            let stream = codec.open(request.head, end: request.body.isEmpty, receiver: self)
        else { return self.end(false) }
        pool.streamOpened(on: connection)
        guard self.finish != nil else { return stream.reset(.cancel) }
        self.stream = stream
        if !request.body.isEmpty { stream.sendData(ByteBuffer(bytes: request.body), end: true) }
    }

    func connectionFailed(_ failure: ConnectFailure) { self.end(false) }

    func streamReceived(informational head: ResponseHead) {}

    func streamReceived(response head: ResponseHead, end: Bool) {
        self.answer.received(head, end: end)
        self.conclude(whole: end)
    }

    func streamReceived(data: ByteBuffer, end: Bool) {
        self.stream?.consumed(data.readableBytes)
        self.answer.received(data.readableBytesView, end: end)
        self.conclude(whole: end)
    }

    func streamReceived(trailers: HeaderBlock) {
        self.answer.received(trailers: trailers)
        self.conclude(whole: true)
    }

    func streamSent(bytes: Int) {}

    func streamFailed(_ failure: StreamFailure) {
        self.stream = nil
        self.answer.failed()
        self.conclude(whole: true)
    }

    func streamClosed() { self.stream = nil }

    private func conclude(whole: Bool) {
        guard self.answer.isOver else { return }
        // The rest of a page is not waited for.
        if whole { self.stream = nil }
        self.end(self.answer.passed)
    }

    private func end(_ passed: Bool?) {
        self.timeout?.cancel()
        self.timeout = nil
        self.pool.cancel(self)
        if let stream = self.stream {
            self.stream = nil
            stream.reset(.cancel)
        }
        guard let finish = self.finish else { return }
        self.finish = nil
        finish(passed)
    }
}
