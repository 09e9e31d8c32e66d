import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct ExchangeTimeTests {
    @Test(
        arguments: [
            (HTTPMethod.get, [:], 15_000), (.put, [:], 15_000), (.post, [:], 300_000),
            (.get, ["accept": "text/event-stream"], 300_000),
        ] as [(HTTPMethod, HeaderBlock, Int)])
    func `without a policy idempotent unary calls have 15 s, others what silence allows`(
        method: HTTPMethod, headers: HeaderBlock, milliseconds: Int
    ) {
        var scene = Scene()
        scene.send(request(method, "/", headers))
        #expect(scene.exchange.timer == .ms(milliseconds))
    }

    @Test func `gRPC has no time limit of ours, and a route's zero turns limits off`() {
        var grpc = Scene()
        grpc.send(request(.post, "/s/M", ["content-type": "application/grpc"]))
        #expect(grpc.exchange.timer == .never)
        var off = Scene(route: { $0.timeouts = RouteTimeouts(request: .zero, idle: .zero) })
        off.send()
        #expect(off.exchange.timer == .never)
    }

    @Test func `the request timeout answers 504 and gives the attempt up`() {
        var scene = Scene(route: { $0.timeouts.request = .milliseconds(100) })
        scene.send()
        #expect(scene.exchange.timerFired(now: .ms(99)) == [])
        #expect(scene.fire() == [.resetUpstream, .dropHeld, .reply, .finished])
        #expect(scene.exchange.reply?.reason == .requestTimeout && scene.exchange.status == 504)
        #expect(scene.exchange.record.attempts.first?.reason == .requestTimeout)
        #expect(scene.isSettled == true)
    }

    @Test func `the request timeout holds through every attempt and the response`() {
        var scene = Scene(route: { $0.timeouts.request = .milliseconds(100) })
        scene.send()
        #expect(scene.respond(200, end: false, at: 10).contains(.forwardResponse))
        #expect(scene.exchange.responseData(bytes: 1, end: false, now: .ms(99)) == .forwardResponse)
        #expect(scene.fire() == [.resetUpstream, .resetDownstream, .finished])
        #expect(scene.exchange.reason == .requestTimeout && scene.isSettled)
    }

    @Test func `the connect timeout, which the pool tells, leads to another endpoint`() {
        var scene = Scene(cluster: { $0.connectTimeout = .milliseconds(200) })
        #expect(scene.begin(request(.post)) == .connect)
        let first = scene.exchange.endpoint
        #expect(scene.exchange.timerFired(now: .ms(200)) == [])
        #expect(scene.fail(.connectTimeout, processed: false, at: 200) == [])
        #expect(scene.fire() == .connect)
        #expect(scene.exchange.endpoint !== first)
        #expect(scene.exchange.record.attempts.first?.reason == .connectTimeout)
    }

    @Test func `waiting for a connection ends with the request's own time and blames no endpoint`() {
        // A policy's request timeout, a caller's deadline, a try's timeout.
        for (timeouts, head, reason) in [
            (RouteTimeouts(request: .seconds(7)), request(.post), Reason.requestTimeout),
            (RouteTimeouts(), request(.post, "/", ["x-weft-deadline-ms": "7000"]), .deadlineExceeded),
            (RouteTimeouts(perTry: .seconds(7)), request(.post), .tryTimeout),
        ] as [(RouteTimeouts, RequestHead, Reason)] {
            var scene = Scene(cluster: { $0.outliers.consecutiveFailures = 1 }) {
                $0.timeouts = timeouts
                $0.retry.attempts = 0
            }
            #expect(scene.begin(head) == .connect)
            let endpoint = scene.exchange.endpoint
            #expect(scene.exchange.timer == .ms(7_000))
            #expect(scene.fire() == [.abandonConnect, .dropHeld, .reply, .finished])
            #expect(scene.exchange.reason == reason && scene.isSettled)
            #expect(endpoint?.isWell == true && endpoint?.window.requests == 0)
            #expect(endpoint?.latency.isFresh == true)
        }
    }

    @Test func `a request without a time of its own waits 5 s beyond the connect timeout, then it is overflow`() {
        var scene = Scene(cluster: {
            $0.connectTimeout = .milliseconds(200)
            $0.outliers.consecutiveFailures = 1
        })
        #expect(scene.begin(request(.post)) == .connect)
        let endpoint = scene.exchange.endpoint
        #expect(scene.exchange.timer == .ms(5_200))
        #expect(scene.fire() == [.abandonConnect, .dropHeld, .reply, .finished])
        #expect(scene.exchange.reply?.reason == .overflow && scene.exchange.status == 503 && scene.isSettled)
        #expect(endpoint?.isWell == true && endpoint?.window.requests == 0)
    }

    @Test func `a try that never got its connection is repeated elsewhere`() {
        var scene = Scene(route: { $0.timeouts.perTry = .milliseconds(50) })
        #expect(scene.begin(request(.post)) == .connect)
        let first = scene.exchange.endpoint
        #expect(scene.fire() == .abandonConnect)
        #expect(scene.fire() == .connect)
        #expect(scene.exchange.endpoint !== first && first?.isWell == true)
    }

    @Test func `a try that takes too long is given up and repeated where that is safe`() {
        var scene = Scene(route: { $0.timeouts.perTry = .milliseconds(50) })
        scene.send()
        #expect(scene.exchange.timer == .ms(50))
        #expect(scene.fire() == .resetUpstream)
        #expect(scene.fire() == .connect)

        var post = Scene(route: { $0.timeouts.perTry = .milliseconds(50) })
        post.send(request(.post))
        #expect(post.fire() == [.resetUpstream, .dropHeld, .reply, .finished])
        #expect(post.exchange.reply?.reason == .tryTimeout && post.exchange.status == 504)
    }

    @Test func `silence both ways ends a stream, and any byte keeps it`() {
        var scene = Scene(route: { $0.timeouts.idle = .milliseconds(1_000) })
        scene.send(request(.post), end: false)
        #expect(scene.exchange.timer == .ms(1_000))
        #expect(scene.exchange.requestData(bytes: 1, end: false, now: .ms(900)).contains(.forwardRequest))
        #expect(scene.exchange.timerFired(now: .ms(1_000)) == [])
        #expect(scene.respond(200, end: false, at: 1_500).contains(.forwardResponse))
        #expect(scene.exchange.timer == .ms(2_500))
        #expect(scene.fire() == [.resetUpstream, .resetDownstream, .finished])
        #expect(scene.exchange.reason == .streamIdleTimeout && scene.isSettled)
    }

    @Test func `the caller's deadline bounds the request and travels on with what is left`() {
        var scene = Scene()
        #expect(scene.begin(request(.post, "/", ["x-weft-deadline-ms": "500"]), at: 0) == .connect)
        #expect(scene.exchange.connectionReady(now: .ms(120)) == .sendRequest)
        #expect(scene.exchange.head.headers[.weftDeadline] == "380")
        #expect(scene.fire() == [.resetUpstream, .dropHeld, .reply, .finished])
        #expect(scene.exchange.reply?.reason == .deadlineExceeded && scene.exchange.end == .ms(500))
        #expect(scene.exchange.record.deadlineLeft == .zero)
    }

    @Test func `grpc-timeout is taken, rewritten and answered DEADLINE_EXCEEDED`() {
        var scene = Scene()
        let head = request(.post, "/s/M", ["content-type": "application/grpc", "grpc-timeout": "1S"])
        #expect(scene.begin(head, end: false) == .connect)
        #expect(scene.exchange.connectionReady(now: .ms(250)) == .sendRequest)
        #expect(scene.exchange.head.headers[.grpcTimeout] == "750000u")
        #expect(scene.fire().contains(.reply))
        #expect(scene.exchange.reply?.grpcStatus == 4)
    }

    @Test func `outside the mesh grpc-timeout says what is left, and what proxies tell each other is not said`() {
        var scene = Scene(cluster: { $0.resolution = DNSResolution(host: "api.example.com", port: 443) })
        let head = request(
            .post, "/s/M", ["content-type": "application/grpc", "grpc-timeout": "1S", "x-weft-deadline-ms": "900"])
        #expect(scene.begin(head) == .connect)
        #expect(scene.exchange.connectionReady(now: .ms(250)) == .sendRequest)
        #expect(scene.exchange.head.headers[.grpcTimeout] == "650000u")
        #expect(scene.exchange.head.headers[.weftDeadline] == nil)
        #expect(scene.exchange.head.headers[.weftAttempt] == nil)
    }

    @Test func `a deadline too long to count is a long one`() {
        #expect(Deadline.read(["x-weft-deadline-ms": "99999999999999999999"]) == .left(1_000_000_000_000_000))
        #expect(Deadline.read(["x-weft-deadline-ms": "-99999999999999999999"]) == .left(0))
        #expect(Deadline.read(["x-weft-deadline-ms": "9999999999999999999x"]) == .none)
    }

    @Test(arguments: [("x-weft-deadline-ms", "0", Reason.deadlineExceeded), ("grpc-timeout", "soon", .badRequest)])
    func `a request whose time is gone or unreadable is answered before any work`(
        name: String, value: String, reason: Reason
    ) {
        var scene = Scene()
        var headers = HeaderBlock()
        headers.append(name, value)
        #expect(scene.begin(request(.get, "/", headers)) == [.dropHeld, .reply, .finished])
        #expect(scene.exchange.reply?.reason == reason && scene.exchange.record.attempts.isEmpty && scene.isSettled)
    }

    @Test func `an attempt is not started with less time than the route usually takes`() {
        var scene = Scene()
        for index in 0..<30 {
            scene.exchange = Exchange()
            scene.send(at: index * 100)
            #expect(scene.respond(at: index * 100 + 80).contains(.finished))
        }
        scene.exchange = Exchange()
        #expect(scene.begin(request(.get, "/", ["x-weft-deadline-ms": "20"]), at: 3_200).contains(.reply))
        #expect(scene.exchange.reason == .deadlineExceeded && scene.isSettled)
        scene.exchange = Exchange()
        #expect(scene.begin(request(.get, "/", ["x-weft-deadline-ms": "90"]), at: 3_200) == .connect)
    }

    @Test func `no retry is begun that the deadline would cut off`() {
        var scene = Scene(route: { $0.retry.backoffBase = .seconds(4) })
        scene.send(request(.get, "/", ["x-weft-deadline-ms": "3"]))
        #expect(scene.respond(503, at: 3).contains(.finished))
        #expect(scene.exchange.record.status == 503 && scene.exchange.record.attempts.count == 1)
    }

    // MARK: Whose time it was

    /// What the endpoint's proxy answers when the time it was told of is over.
    private static let peersAnswer: HeaderBlock = ["x-weft-reason": "deadline_exceeded"]

    private func timed(perTry: Duration? = nil, _ headers: HeaderBlock = [:], post: Bool = false) -> Scene {
        var scene = Scene(["a", "b"], cluster: { $0.outliers.consecutiveFailures = 1 }) { route in
            route.timeouts.request = .milliseconds(500)
            route.timeouts.perTry = perTry
            route.sources[.requestTimeout] = .policy("slow")
            route.sources[.perTryTimeout] = .policy("tries")
        }
        scene.send(request(post ? .post : .get, "/", headers))
        return scene
    }

    @Test(arguments: [true, false])
    func `a route's own timeout is request_timeout and blames the endpoint, whichever proxy finds out first`(
        peerIsFirst: Bool
    ) {
        var scene = self.timed()
        let endpoint = scene.exchange.endpoint
        let effects = peerIsFirst ? scene.respond(504, Self.peersAnswer, at: 499) : scene.fire()
        let answer: ExchangeEffects = [.dropHeld, .reply, .finished]
        #expect(effects == (peerIsFirst ? answer : answer.union(.resetUpstream)))
        #expect(scene.exchange.reply?.reason == .requestTimeout && scene.exchange.status == 504)
        #expect(scene.exchange.record.provenance == .policy("slow"))
        #expect(endpoint?.ejection.isEjected == true && scene.isSettled)
    }

    @Test(arguments: [true, false])
    func `the caller's deadline is deadline_exceeded and blames nobody, whichever proxy finds out first`(
        peerIsFirst: Bool
    ) {
        var scene = self.timed(["x-weft-deadline-ms": "100"])
        let endpoint = scene.exchange.endpoint
        _ = peerIsFirst ? scene.respond(504, Self.peersAnswer, at: 99) : scene.fire()
        #expect(scene.exchange.reply?.reason == .deadlineExceeded && scene.exchange.status == 504)
        #expect(endpoint?.ejection.isEjected == false && scene.isSettled)
    }

    @Test func `the caller's deadline blames an endpoint that had as much time as one attempt may take`() {
        var scene = self.timed(perTry: .milliseconds(100), ["x-weft-deadline-ms": "100"])
        let endpoint = scene.exchange.endpoint
        _ = scene.respond(504, Self.peersAnswer, at: 100)
        #expect(scene.exchange.reason == .deadlineExceeded && endpoint?.ejection.isEjected == true && scene.isSettled)
    }

    @Test func `where an attempt's own limit comes before the deadline it is try_timeout, however late the timer`() {
        var scene = self.timed(perTry: .milliseconds(300), post: true)
        let endpoint = scene.exchange.endpoint
        _ = scene.exchange.timerFired(now: .ms(600))
        #expect(scene.exchange.reason == .tryTimeout && scene.exchange.record.provenance == .policy("tries"))
        #expect(endpoint?.ejection.isEjected == true && scene.isSettled)
    }

    @Test func `a call of gRPC that the peer ends at the deadline is told apart in the same way`() {
        func call(_ headers: HeaderBlock, trailersOnly: Bool) -> (Reason, Bool?) {
            var all: HeaderBlock = ["content-type": "application/grpc"]
            for index in 0..<headers.count { all.append(headers.name(at: index), headers.value(at: index)) }
            var scene = self.timed(all, post: true)
            let endpoint = scene.exchange.endpoint
            let limit = headers.count == 0 ? 500 : 100
            if trailersOnly {
                _ = scene.respond(200, ["grpc-status": "4", "x-weft-reason": "deadline_exceeded"], at: limit - 1)
            } else {
                _ = scene.respond(200, end: false, at: 1)
                _ = scene.exchange.responseTrailers(["grpc-status": "4"], now: .ms(limit - 1))
            }
            #expect(scene.exchange.grpcStatus == 4 && scene.isSettled)
            return (scene.exchange.reason, endpoint?.ejection.isEjected)
        }
        for trailersOnly in [true, false] {
            #expect(call([:], trailersOnly: trailersOnly) == (.requestTimeout, true))
            #expect(call(["grpc-timeout": "100m"], trailersOnly: trailersOnly) == (.deadlineExceeded, false))
        }
    }

    @Test func `a response that the peer resets at the deadline was cut short by the timeout`() {
        var scene = self.timed()
        _ = scene.respond(200, end: false, at: 1)
        #expect(scene.fail(.reset(code: 2), at: 499) == [.resetDownstream, .finished])
        #expect(scene.exchange.reason == .requestTimeout && scene.isSettled)
    }

    @Test func `a second attempt that the peer ends at the deadline ends both`() {
        var scene = Scene(route: {
            $0.timeouts.request = .milliseconds(100)
            $0.hedging = HedgePolicy(delay: .milliseconds(50))
        })
        scene.send()
        #expect(scene.fire() == .connectHedge)
        #expect(scene.exchange.hedgeReady(now: .ms(51)) == .sendHedge)
        var head = ResponseHead(status: 504)
        head.headers.append(.weftReason, "deadline_exceeded")
        #expect(
            scene.exchange.hedgeHead(&head, end: true, now: .ms(99)) == [.resetUpstream, .dropHeld, .reply, .finished])
        #expect(scene.exchange.reason == .requestTimeout && scene.isSettled)
    }

    @Test func `a peer that says so long before the deadline is passed on as it is`() {
        var scene = self.timed()
        let endpoint = scene.exchange.endpoint
        #expect(scene.respond(504, Self.peersAnswer, at: 1).contains([.forwardResponse, .finished]))
        #expect(scene.exchange.reason == .deadlineExceeded && endpoint?.ejection.isEjected == false)
    }
}
