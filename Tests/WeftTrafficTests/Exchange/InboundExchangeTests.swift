import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct InboundExchangeTests {
    private func begun(
        _ head: RequestHead = request(), end: Bool = true, timeouts: InboundTimeouts = InboundTimeouts()
    ) -> InboundExchange {
        var attempts = AttemptGuard()
        var exchange = InboundExchange()
        #expect(exchange.begin(head, end: end, attempts: &attempts, timeouts: timeouts, now: .ms(0)) == .connect)
        return exchange
    }

    @Test func `a request reaches the application with what is left of its time, and its answer comes back`() {
        var exchange = begun(request(.get, "/", ["x-weft-deadline-ms": "500"]))
        #expect(exchange.timer == .ms(500))
        #expect(exchange.connectionReady(kept: false, now: .ms(100)) == .sendRequest)
        #expect(exchange.head.headers[.weftDeadline] == "400")
        #expect(exchange.timer == .ms(500))
        var head = ResponseHead(status: 200)
        head.headers.append(.weftReason, "connect_failed")
        #expect(exchange.responseHead(&head, end: false, now: .ms(110)) == [.dropHeld, .forwardResponse])
        #expect(head.headers[.weftReason] == nil)
        #expect(exchange.responseData(bytes: 4, end: true, now: .ms(120)) == [.forwardResponse, .finished])
        #expect(exchange.reason == .ok && exchange.status == 200 && exchange.responseBytes == 4)
        #expect(exchange.timer == .never)
    }

    @Test func `an application that takes no connection in time is answered 503, when the pool says so`() {
        var exchange = begun()
        #expect(exchange.timerFired(now: .ms(300)) == [])
        #expect(
            exchange.attemptFailed(.connectTimeout, mayHaveBeenProcessed: false, now: .ms(300))
                == [.dropHeld, .reply, .finished])
        #expect(exchange.reply?.reason == .connectTimeout && exchange.reply?.status == 503)
        var refused = begun()
        #expect(
            refused.attemptFailed(.connectFailed("refused"), mayHaveBeenProcessed: false, now: .ms(1))
                == [.dropHeld, .reply, .finished])
        #expect(refused.reply?.reason == .connectFailed)
    }

    @Test func `a request without a deadline waits 5 s beyond the connect timeout, then it is overflow`() {
        var exchange = begun()
        #expect(exchange.timer == .ms(5_300))
        #expect(exchange.timerFired(now: .ms(5_300)) == [.abandonConnect, .dropHeld, .reply, .finished])
        #expect(exchange.reply?.reason == .overflow && exchange.reply?.status == 503)
        let slow = begun(timeouts: InboundTimeouts(connect: .seconds(20)))
        #expect(slow.timer == .ms(25_000))
        var bounded = begun(request(.get, "/", ["x-weft-deadline-ms": "9000"]))
        #expect(bounded.timer == .ms(9_000))
        #expect(bounded.timerFired(now: .ms(9_000)).contains(.abandonConnect))
        #expect(bounded.reply?.reason == .deadlineExceeded)
    }

    @Test(
        arguments: [
            (nil, request(), 300_000), (nil, request(.connect), 3_600_000),
            (nil, request(.post, "/s/M", ["content-type": "application/grpc"]), nil),
            (.seconds(2), request(), 2_000), (.seconds(2), request(.connect), 2_000),
            (.seconds(2), request(.post, "/s/M", ["content-type": "application/grpc"]), 2_000),
            (.zero, request(), nil), (.zero, request(.connect), nil),
        ] as [(Duration?, RequestHead, Int?)])
    func `a port's policy says how long silence may last, and what it does not say has its default`(
        idle: Duration?, head: RequestHead, milliseconds: Int?
    ) {
        var exchange = begun(head, timeouts: InboundTimeouts(idle: idle))
        #expect(exchange.connectionReady(kept: false, now: .ms(0)) == .sendRequest)
        #expect(exchange.timer == milliseconds.map { .ms($0) } ?? .never)
    }

    @Test(arguments: [("x-weft-deadline-ms", "0", Reason.deadlineExceeded), ("grpc-timeout", "x", .badRequest)])
    func `what comes too late is answered before the application hears of it`(
        name: String, value: String, reason: Reason
    ) {
        var headers = HeaderBlock()
        headers.append(name, value)
        var attempts = AttemptGuard()
        var exchange = InboundExchange()
        #expect(
            exchange.begin(request(.get, "/", headers), end: true, attempts: &attempts, now: .ms(0))
                == [.dropHeld, .reply, .finished])
        #expect(exchange.reply?.reason == reason)
    }

    @Test func `repeated attempts beyond their share are refused`() {
        var attempts = AttemptGuard()
        var reasons: [Reason?] = []
        for _ in 0..<120 {
            var exchange = InboundExchange()
            _ = exchange.begin(
                request(.get, "/", ["x-weft-attempt": "2"]), end: true, attempts: &attempts, now: .ms(0))
            reasons.append(exchange.reply?.reason)
        }
        #expect(reasons.count { $0 == nil } == 100 && reasons.last == .attemptRefused)
    }

    @Test func `a kept connection that closes unanswered is replaced once, where that is safe`() {
        var exchange = begun()
        #expect(exchange.connectionReady(kept: true, now: .ms(1)) == .sendRequest)
        #expect(exchange.attemptFailed(.connectionClosed(""), mayHaveBeenProcessed: true, now: .ms(2)) == .connect)
        #expect(exchange.needsNewConnection == true)
        #expect(exchange.connectionReady(kept: false, now: .ms(3)) == .sendRequest)
        #expect(
            exchange.attemptFailed(.connectionClosed(""), mayHaveBeenProcessed: true, now: .ms(4))
                == [.dropHeld, .reply, .finished])
        #expect(exchange.reply?.status == 502)

        var post = begun(request(.post), end: false)
        #expect(post.connectionReady(kept: true, now: .ms(1)) == .sendRequest)
        #expect(post.requestData(bytes: 9, end: true, now: .ms(1)) == [.hold, .forwardRequest])
        #expect(
            post.attemptFailed(.connectionClosed(""), mayHaveBeenProcessed: true, now: .ms(2)).contains(.reply) == true)
        var unseen = begun(request(.post))
        #expect(unseen.connectionReady(kept: true, now: .ms(1)) == .sendRequest)
        #expect(unseen.attemptFailed(.connectionClosed(""), mayHaveBeenProcessed: false, now: .ms(2)) == .connect)
    }

    @Test func `the caller's deadline ends what the application has not finished`() {
        var exchange = begun(request(.post, "/s/M", ["content-type": "application/grpc", "grpc-timeout": "50m"]))
        #expect(exchange.connectionReady(kept: false, now: .ms(1)) == .sendRequest)
        #expect(exchange.timerFired(now: .ms(50)) == [.resetUpstream, .dropHeld, .reply, .finished])
        #expect(exchange.reply?.grpcStatus == 4 && exchange.reason == .deadlineExceeded)
    }

    @Test func `a peer that leaves, or an application that breaks off, ends the exchange`() {
        var left = begun()
        #expect(left.connectionReady(kept: false, now: .ms(1)) == .sendRequest)
        #expect(left.downstreamGone(now: .ms(2)) == [.resetUpstream, .dropHeld, .finished])
        #expect(left.reason == .clientGone)
        var broken = begun()
        #expect(broken.connectionReady(kept: false, now: .ms(1)) == .sendRequest)
        var head = ResponseHead(status: 200)
        #expect(broken.responseHead(&head, end: false, now: .ms(2)).contains(.forwardResponse))
        #expect(
            broken.attemptFailed(.connectionClosed(""), mayHaveBeenProcessed: true, now: .ms(3))
                == [.resetDownstream, .finished])
        #expect(broken.reason == .connectionClosed)
    }
}
