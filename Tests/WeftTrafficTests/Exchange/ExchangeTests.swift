import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

/// A loop with one cluster of `names`, and a table with one route to it.
struct Scene: ~Copyable {
    let traffic = LoopTraffic(seed: 1)
    let routes: RouteTable
    var exchange = Exchange()

    init(
        _ names: [String] = ["a", "b"], cluster change: (inout Cluster) -> Void = { _ in },
        route changeRoute: (inout Route) -> Void = { _ in }
    ) {
        self.traffic.install(cluster("billing.default:80", change))
        self.traffic.install(endpoints("billing.default:80", names.map { endpoint($0) }))
        self.routes = table([route(changeRoute)])
    }

    var load: ClusterTraffic? { self.traffic.cluster("billing.default:80") }
    /// Whether everything that was taken has been given back.
    var isSettled: Bool {
        guard let load = self.load else { return true }
        return load.load.requests == 0 && load.load.pending == 0
            && load.balancer.endpoints.allSatisfy { $0.inFlight == 0 }
            && self.exchange.timer == .never
    }

    mutating func begin(_ head: RequestHead = request(), end: Bool = true, at ms: Int = 0) -> ExchangeEffects {
        self.exchange.begin(head, end: end, routes: self.routes, traffic: self.traffic, now: .ms(ms))
    }

    /// Up to the request being sent.
    mutating func send(_ head: RequestHead = request(), end: Bool = true, at ms: Int = 0) {
        #expect(self.begin(head, end: end, at: ms) == .connect)
        #expect(self.exchange.connectionReady(now: .ms(ms)) == .sendRequest)
    }

    mutating func respond(
        _ status: Int = 200, end: Bool = true, _ headers: HeaderBlock = [:], at ms: Int
    ) -> ExchangeEffects {
        var head = ResponseHead(status: status)
        for index in 0..<headers.count { head.headers.append(headers.name(at: index), headers.value(at: index)) }
        return self.exchange.responseHead(&head, end: end, now: .ms(ms))
    }

    mutating func fail(_ failure: UpstreamFailure, processed: Bool = true, at ms: Int) -> ExchangeEffects {
        self.exchange.attemptFailed(failure, mayHaveBeenProcessed: processed, now: .ms(ms))
    }

    /// Fires the timer at its moment, in milliseconds, rounded up.
    mutating func fire() -> ExchangeEffects { self.exchange.timerFired(now: self.exchange.timer) }
}

@Suite struct ExchangeTests {
    @Test func `a request is matched, sent to an endpoint, answered and recorded`() {
        var scene = Scene()
        scene.send(request(.get, "/invoices"), at: 10)
        #expect(scene.exchange.endsWithHead == true)
        #expect(scene.exchange.timer == .ms(15_010))
        #expect(scene.respond(200, end: false, at: 14) == [.forwardResponse, .dropHeld])
        #expect(scene.exchange.responseData(bytes: 100, end: false, now: .ms(15)) == .forwardResponse)
        #expect(scene.exchange.responseData(bytes: 20, end: true, now: .ms(16)) == [.forwardResponse, .finished])
        let record = scene.exchange.record
        #expect(record.reason == .ok && record.status == 200 && record.route == "default")
        #expect(record.responseBytes == 120 && record.duration == .milliseconds(6))
        #expect(record.attempts.count == 1 && record.retries == 0)
        #expect(record.attempts.first?.status == 200 && record.attempts.first?.end == .ms(14))
        #expect(record.service == ServiceName(namespace: "default", name: "billing"))
        #expect(record.deadlineLeft == .milliseconds(14_994))
        #expect(scene.isSettled == true)
    }

    @Test func `inputs after the end, and before the beginning, do nothing`() {
        var scene = Scene()
        #expect(scene.exchange.requestData(bytes: 1, end: true, now: .ms(0)) == [])
        #expect(scene.exchange.downstreamGone(now: .ms(0)) == [])
        #expect(scene.exchange.timerFired(now: .ms(0)) == [])
        scene.send()
        #expect(scene.respond(at: 1).contains(.finished))
        #expect(scene.begin() == [])
        #expect(scene.respond(at: 2) == [])
        #expect(scene.fail(.connectionClosed(""), at: 2) == [])
        #expect(scene.exchange.downstreamGone(now: .ms(2)) == [])
        #expect(scene.exchange.requestTrailers(now: .ms(2)) == [])
        #expect(scene.exchange.timerFired(now: .ms(99_999)) == [])
        #expect(scene.exchange.record.end == .ms(1))
    }

    @Test func `a request without a route is answered 404`() {
        var scene = Scene(route: { $0.match = RouteMatch(path: .prefix("/only")) })
        #expect(scene.begin(request(.get, "/other")) == [.dropHeld, .reply, .finished])
        #expect(scene.exchange.reply?.status == 404 && scene.exchange.reason == .noRoute)
        #expect(scene.exchange.record.attempts.isEmpty && scene.isSettled)
    }

    @Test func `a backend that does not exist is 500, and UNAVAILABLE for gRPC`() {
        var scene = Scene(route: { $0.action = .forward([WeightedCluster(cluster: "nowhere")]) })
        #expect(scene.begin(request(.post, "/s/M", ["content-type": "application/grpc"])).contains(.reply))
        #expect(scene.exchange.reply?.status == 500 && scene.exchange.reply?.grpcStatus == 14)
        var fixed = Scene(route: { $0.action = .respond(status: 500, body: "no such backend") })
        #expect(fixed.begin().contains([.reply, .finished]))
        #expect(fixed.exchange.reply?.detail == "no such backend")
    }

    @Test func `a cluster without endpoints is answered 503`() {
        var scene = Scene([])
        #expect(scene.begin().contains([.reply, .finished]))
        #expect(scene.exchange.reply?.reason == .noEndpoints && scene.exchange.status == 503 && scene.isSettled)
    }

    @Test func `limits on requests and on waiting answer overflow at once`() {
        var scene = Scene(cluster: { $0.limits.requests = 1 })
        scene.send()
        var second = Exchange()
        #expect(
            second.begin(request(), end: true, routes: scene.routes, traffic: scene.traffic, now: .ms(0)).contains(
                .reply))
        #expect(second.reply?.reason == .overflow)
        #expect(scene.respond(at: 1).contains(.finished))
        #expect(scene.isSettled == true)

        var waiting = Scene(cluster: { $0.limits.pendingRequests = 1 })
        #expect(waiting.begin() == .connect)
        var other = Exchange()
        _ = other.begin(request(), end: true, routes: waiting.routes, traffic: waiting.traffic, now: .ms(0))
        #expect(other.reply?.reason == .overflow)
        #expect(waiting.exchange.connectionReady(now: .ms(1)) == .sendRequest)
        var third = Exchange()
        #expect(
            third.begin(request(), end: true, routes: waiting.routes, traffic: waiting.traffic, now: .ms(1)) == .connect
        )
    }

    @Test func `an endpoint without room is passed over at once, and that is no retry`() {
        var scene = Scene(
            ["a", "b"],
            cluster: {
                $0.retryBudget.ratio = 0
                $0.retryBudget.minPerSecond = 0
                $0.outliers.consecutiveFailures = 1
            }, route: { $0.retry.attempts = 0 })
        #expect(scene.begin(request(.post)) == .connect)
        let full = scene.exchange.endpoint
        #expect(scene.fail(.overflow, processed: false, at: 0) == .connect)
        let other = scene.exchange.endpoint
        #expect(other !== full && full?.inFlight == 0 && full?.isWell == true && scene.load?.load.pending == 1)
        #expect(scene.exchange.connectionReady(now: .ms(1)) == .sendRequest)
        #expect(scene.exchange.attempt == 1 && scene.exchange.head.headers[.weftAttempt] == nil)
        #expect(scene.respond(at: 2).contains(.finished))
        #expect(scene.exchange.record.attempts.count == 1 && scene.exchange.reason == .ok && scene.isSettled)
        // For a second nobody asks there; then it is one of all again.
        for step in 0..<50 {
            scene.exchange = Exchange()
            #expect(scene.begin(request(.post), at: 3 + step * 19) == .connect)
            #expect(scene.exchange.endpoint === other)
            _ = scene.exchange.downstreamGone(now: .ms(3 + step * 19))
        }
        var picks = 0
        for _ in 0..<50 {
            scene.exchange = Exchange()
            _ = scene.begin(request(.post), at: 1_001)
            if scene.exchange.endpoint === full { picks += 1 }
            _ = scene.exchange.downstreamGone(now: .ms(1_001))
        }
        #expect(picks > 10 && scene.isSettled)
    }

    @Test(arguments: LoadBalancing.allCases)
    func `with fewer connections than replicas every request is still served`(algorithm: LoadBalancing) {
        let scene = Scene(["a", "b", "c"]) {
            $0.loadBalancing = algorithm
            $0.limits.connections = 1
        }
        guard let load = scene.load else { return }
        // The driver's pools: one connection each that takes all requests, where the limit leaves a place.
        var connected: Set<ObjectIdentifier> = []
        for step in 0..<2_000 {
            var exchange = Exchange()
            var effects = exchange.begin(
                request(), end: true, routes: scene.routes, traffic: scene.traffic, now: .ms(step * 3))
            while effects.contains(.connect), let endpoint = exchange.endpoint {
                let id = ObjectIdentifier(endpoint)
                if connected.contains(id) || load.load.openConnection() {
                    connected.insert(id)
                    effects = exchange.connectionReady(now: .ms(step * 3))
                } else {
                    effects = exchange.attemptFailed(.overflow, mayHaveBeenProcessed: false, now: .ms(step * 3))
                }
            }
            var head = ResponseHead(status: 200)
            #expect(effects == .sendRequest)
            _ = exchange.responseHead(&head, end: true, now: .ms(step * 3 + 1))
            #expect(exchange.reason == .ok && exchange.attempt == 1)
        }
        #expect(connected.count == 1 && load.balancer.ejectedCount == 0)
        #expect(load.balancer.endpoints.allSatisfy { $0.inFlight == 0 } && load.load.pending == 0)
    }

    @Test(arguments: 1...5)
    func `where no endpoint has room the answer is overflow, after each was asked once`(count: Int) {
        var scene = Scene((0..<count).map { "\($0)" })
        #expect(scene.begin() == .connect)
        var asked: Set<ObjectIdentifier> = []
        while !scene.exchange.isFinished, asked.count <= count {
            if let endpoint = scene.exchange.endpoint { asked.insert(ObjectIdentifier(endpoint)) }
            _ = scene.fail(.overflow, processed: false, at: 0)
        }
        #expect(asked.count == count && scene.exchange.reply?.reason == .overflow && scene.isSettled)
        // And the next request is not sent round all of them again.
        scene.exchange = Exchange()
        #expect(scene.begin(at: 1) == .connect)
        #expect(scene.fail(.overflow, processed: false, at: 1) == [.dropHeld, .reply, .finished])
    }

    @Test func `weights split requests between clusters and modifiers of the side taken are applied`() {
        let scene = Scene(route: {
            $0.requestHeaders = HeaderModifier(set: [.init(name: "x-route", value: "r")])
            $0.action = .forward([
                WeightedCluster(
                    cluster: "billing.default:80", weight: 90,
                    requestHeaders: HeaderModifier(set: [.init(name: "x-side", value: "v1")])),
                WeightedCluster(
                    cluster: "v2", weight: 10, requestHeaders: HeaderModifier(set: [.init(name: "x-side", value: "v2")])
                ),
            ])
        })
        scene.traffic.install(cluster("v2"))
        scene.traffic.install(endpoints("v2", [endpoint("c")]))
        var sides: [String: Int] = [:]
        for _ in 0..<10_000 {
            var exchange = Exchange()
            _ = exchange.begin(request(), end: true, routes: scene.routes, traffic: scene.traffic, now: .ms(0))
            #expect(exchange.head.headers["x-route"] == "r")
            let side = exchange.head.headers["x-side"] ?? ""
            #expect((side == "v2") == (exchange.cluster?.cluster.name == "v2"))
            sides[side, default: 0] += 1
            _ = exchange.downstreamGone(now: .ms(0))
        }
        #expect(abs((sides["v2"] ?? 0) - 1_000) < 150)
        #expect(scene.isSettled == true)
    }

    @Test func `response modifiers are applied to what is forwarded`() {
        var scene = Scene(route: { $0.responseHeaders = HeaderModifier(add: [.init(name: "x-seen", value: "1")]) })
        scene.send()
        var head = ResponseHead(status: 200)
        #expect(scene.exchange.responseHead(&head, end: true, now: .ms(1)).contains(.forwardResponse))
        #expect(head.headers["x-seen"] == "1")
    }

    @Test func `trailers end the response and carry the gRPC status`() {
        var scene = Scene()
        scene.send(request(.post, "/s/M", ["content-type": "application/grpc"]), end: false)
        #expect(scene.exchange.requestData(bytes: 5, end: true, now: .ms(1)) == [.hold, .forwardRequest])
        #expect(scene.respond(200, end: false, at: 2).contains(.forwardResponse))
        #expect(scene.exchange.responseTrailers(["grpc-status": "5"], now: .ms(3)) == [.forwardResponse, .finished])
        #expect(scene.exchange.record.grpcStatus == 5 && scene.exchange.record.reason == .ok && scene.isSettled)
    }

    @Test func `an answer before the request's end stops the request`() {
        var scene = Scene()
        scene.send(request(.post), end: false)
        #expect(scene.respond(413, at: 2) == [.forwardResponse, .dropHeld, .resetUpstream, .finished])
        #expect(scene.exchange.requestData(bytes: 9, end: false, now: .ms(3)) == [])
    }

    @Test func `a tunnel goes on until both sides have ended, without request timeout`() {
        var scene = Scene(route: { $0.timeouts.request = .seconds(5) })
        scene.send(request(.connect), end: false)
        #expect(scene.respond(200, end: false, at: 1).contains(.forwardResponse))
        // An hour of silence is all that ends it.
        #expect(scene.exchange.timer == .ms(3_600_001))
        #expect(scene.exchange.responseData(bytes: 3, end: true, now: .ms(9_000)) == .forwardResponse)
        #expect(scene.exchange.requestData(bytes: 3, end: false, now: .ms(9_001)) == .forwardRequest)
        #expect(scene.exchange.requestData(bytes: 0, end: true, now: .ms(9_002)) == [.forwardRequest, .finished])
        #expect(scene.isSettled == true)
    }

    @Test func `informational heads pass and do not bar a retry`() {
        var scene = Scene()
        scene.send()
        #expect(scene.exchange.informational(now: .ms(1)) == .forwardInformational)
        #expect(scene.respond(503, at: 2) == [])
        #expect(scene.fire() == .connect)
        #expect(scene.exchange.informational(now: .ms(80)) == [])
    }

    @Test(arguments: [false, true])
    func `a client that leaves ends the request wherever it stands`(sent: Bool) {
        var scene = Scene()
        #expect(scene.begin() == .connect)
        if sent { #expect(scene.exchange.connectionReady(now: .ms(0)) == .sendRequest) }
        let effects = scene.exchange.downstreamGone(now: .ms(3))
        #expect(effects == [sent ? .resetUpstream : .abandonConnect, .dropHeld, .finished])
        #expect(scene.exchange.record.reason == .clientGone && scene.exchange.record.status == 499)
        #expect(scene.exchange.connectionReady(now: .ms(4)) == [])
        #expect(scene.isSettled == true)
    }

    @Test func `once the response has begun a failure resets downstream`() {
        var scene = Scene()
        scene.send()
        #expect(scene.respond(200, end: false, at: 1).contains(.forwardResponse))
        #expect(scene.fail(.reset(code: 2), processed: false, at: 2) == [.resetDownstream, .finished])
        #expect(scene.exchange.record.reason == .upstreamReset && scene.exchange.record.status == 200)
        #expect(scene.isSettled == true)
    }

    @Test func `a proxy's own refusal is recorded like any other`() {
        var scene = Scene()
        #expect(
            scene.exchange.refuse(request(), end: true, with: LocalReply(.draining), now: .ms(0)).contains([
                .reply, .finished,
            ]))
        #expect(scene.exchange.record.reason == .draining && scene.exchange.record.status == 503)
    }
}

@Suite struct ExchangeRetryTests {
    @Test func `a failed connect is tried at another endpoint after a wait`() {
        var scene = Scene()
        #expect(scene.begin(request(.post), end: true) == .connect)
        let first = scene.exchange.endpoint
        #expect(scene.fail(.connectFailed("refused"), processed: false, at: 1) == [])
        #expect(scene.exchange.timer <= .ms(26))
        #expect(scene.fire() == .connect)
        #expect(scene.exchange.endpoint !== first)
        #expect(scene.exchange.connectionReady(now: .ms(30)) == .sendRequest)
        #expect(scene.exchange.head.headers[.weftAttempt] == "2")
        #expect(scene.respond(at: 31).contains(.finished))
        let record = scene.exchange.record
        #expect(record.attempts.map(\.reason) == [.connectFailed, .ok] && record.retries == 1 && record.reason == .ok)
        #expect(scene.isSettled == true)
    }

    @Test func `when the attempts are used up the last outcome stands`() {
        var scene = Scene()
        #expect(scene.begin() == .connect)
        #expect(scene.fail(.connectTimeout, at: 1) == [])
        #expect(scene.fire() == .connect)
        #expect(scene.fail(.connectFailed("refused"), at: 60) == [.dropHeld, .reply, .finished])
        #expect(scene.exchange.reply?.reason == .retriesExhausted && scene.exchange.reply?.status == 503)

        var answered = Scene()
        answered.send()
        #expect(answered.respond(503, at: 1) == [])
        #expect(answered.fire() == .connect)
        #expect(answered.exchange.connectionReady(now: .ms(50)) == .sendRequest)
        #expect(answered.respond(502, at: 51).contains([.forwardResponse, .finished]))
        #expect(answered.exchange.record.reason == .retriesExhausted && answered.exchange.record.status == 502)
        #expect(answered.isSettled == true)
    }

    @Test func `an empty budget leaves the outcome as it is and says so`() {
        var scene = Scene(cluster: {
            $0.retryBudget.minPerSecond = 0
            $0.retryBudget.ratio = 0
        })
        scene.send()
        #expect(scene.respond(503, at: 1).contains([.forwardResponse, .finished]))
        #expect(scene.exchange.record.reason == .retryBudgetExhausted && scene.exchange.record.status == 503)
        scene.exchange = Exchange()
        #expect(scene.begin() == .connect)
        #expect(scene.fail(.connectFailed("x"), at: 2).contains(.reply))
        #expect(scene.exchange.reply?.reason == .retryBudgetExhausted && scene.exchange.reply?.status == 503)
        #expect(scene.isSettled == true)
    }

    @Test func `a request that is not idempotent is not repeated once it may have been seen`() {
        var scene = Scene()
        scene.send(request(.post))
        #expect(scene.fail(.connectionClosed(""), processed: true, at: 1).contains([.reply, .finished]))
        #expect(scene.exchange.reply?.reason == .connectionClosed && scene.exchange.reply?.status == 502)

        var unseen = Scene()
        unseen.send(request(.post))
        #expect(unseen.fail(.connectionClosed(""), processed: false, at: 1) == [])
        #expect(unseen.fire() == .connect)

        var keyed = Scene()
        keyed.send(request(.post, "/", ["idempotency-key": "k"]))
        #expect(keyed.fail(.connectionClosed(""), processed: true, at: 1) == [])
    }

    @Test func `a body is replayed while it fits the buffer, and not beyond`() {
        var scene = Scene()
        scene.send(request(.put), end: false)
        #expect(scene.exchange.requestData(bytes: 65_536, end: false, now: .ms(1)) == [.hold, .forwardRequest])
        #expect(scene.fail(.reset(code: 2), at: 2) == [])
        #expect(scene.exchange.requestData(bytes: 10, end: true, now: .ms(3)) == .hold)
        #expect(scene.fire() == .connect)
        #expect(scene.exchange.connectionReady(now: .ms(50)) == .sendRequest)
        #expect(scene.exchange.endsWithHead == false)
        #expect(scene.respond(at: 51).contains(.finished))

        var large = Scene()
        large.send(request(.put), end: false)
        #expect(large.exchange.requestData(bytes: 65_000, end: false, now: .ms(1)) == [.hold, .forwardRequest])
        #expect(large.exchange.requestData(bytes: 537, end: false, now: .ms(1)) == [.dropHeld, .forwardRequest])
        #expect(large.exchange.requestData(bytes: 1, end: false, now: .ms(1)) == .forwardRequest)
        #expect(large.fail(.reset(code: 2), at: 2).contains(.reply))
        #expect(large.exchange.record.outgrewReplay && large.exchange.record.reason == .upstreamReset)
        #expect(scene.isSettled && large.isSettled)
    }

    @Test func `a body that arrives before the connection is held whole`() {
        var scene = Scene()
        #expect(scene.begin(request(.put), end: false) == .connect)
        #expect(scene.exchange.requestData(bytes: 100_000, end: false, now: .ms(1)) == .hold)
        #expect(scene.fail(.connectFailed("x"), at: 2) == [])
        #expect(scene.fire() == .connect)
        #expect(scene.exchange.connectionReady(now: .ms(60)) == .sendRequest)
        #expect(scene.exchange.requestData(bytes: 1, end: false, now: .ms(61)) == [.dropHeld, .forwardRequest])
    }

    @Test func `retry-after is waited for, up to the deadline`() {
        var scene = Scene()
        scene.send()
        #expect(scene.respond(503, ["retry-after": "2"], at: 0) == [])
        #expect(scene.exchange.timer >= .ms(2_000))
        var late = Scene()
        late.send()
        #expect(late.respond(503, ["retry-after": "20"], at: 0).contains(.finished))
        #expect(late.exchange.record.status == 503 && late.exchange.record.reason == .ok)
    }

    @Test func `gRPC pushback replaces the wait, and a negative one stops`() {
        func policy(_ route: inout Route) {
            route.retry.grpcStatuses = [14]
            route.retry.nonIdempotent = true
        }
        let head = request(.post, "/s/M", ["content-type": "application/grpc"])
        var scene = Scene(route: policy)
        scene.send(head)
        #expect(scene.respond(200, ["grpc-status": "14", "grpc-retry-pushback-ms": "400"], at: 0) == [])
        #expect(scene.exchange.timer == .ms(400))
        #expect(scene.fire() == .connect)
        #expect(scene.exchange.connectionReady(now: .ms(400)) == .sendRequest)
        #expect(scene.exchange.head.headers[.grpcPreviousAttempts] == "1")
        var stopped = Scene(route: policy)
        stopped.send(head)
        #expect(stopped.respond(200, ["grpc-status": "14", "grpc-retry-pushback-ms": "-1"], at: 0).contains(.finished))
        #expect(stopped.exchange.record.grpcStatus == 14)
    }

    @Test func `listed gRPC codes hold for gRPC calls, which are POST, and for nothing else`() {
        func policy(_ route: inout Route) { route.retry.grpcStatuses = [14] }
        let head = request(.post, "/s/M", ["content-type": "application/grpc"])
        var scene = Scene(route: policy)
        scene.send(head)
        #expect(scene.respond(200, ["grpc-status": "14"], at: 0) == [])
        #expect(scene.fire() == .connect)
        var other = Scene(route: policy)
        other.send(head)
        #expect(other.respond(200, ["grpc-status": "13"], at: 0).contains([.forwardResponse, .finished]))
        var unlisted = Scene()
        unlisted.send(head)
        #expect(unlisted.respond(200, ["grpc-status": "14"], at: 0).contains([.forwardResponse, .finished]))
        var post = Scene(route: policy)
        post.send(request(.post))
        #expect(post.respond(503, ["grpc-status": "14"], at: 0).contains([.forwardResponse, .finished]))
    }

    @Test(arguments: ["retry-after", "grpc-retry-pushback-ms"])
    func `a wait too long to count is a long wait, not none`(name: String) {
        var scene = Scene(route: { $0.timeouts.request = .zero })
        scene.send()
        var headers = HeaderBlock()
        headers.append(name, "99999999999999999999")
        #expect(scene.respond(503, headers, at: 0).contains([.forwardResponse, .finished]))
        #expect(scene.exchange.record.attempts.count == 1)
    }

    @Test func `a request without an attempt deposits nothing in the budget`() {
        for names in [[], ["a"]] {
            var scene = Scene(names, cluster: { $0.retryBudget.minPerSecond = 0 })
            for _ in 0..<50 {
                scene.exchange = Exchange()
                _ = scene.begin()
                _ = scene.exchange.downstreamGone(now: .ms(0))
            }
            #expect(scene.load?.budget.balance(now: .ms(0)) == (names.isEmpty ? 0 : 10))
        }
    }

    @Test func `what the peer's proxy could not deliver is repeated, what it refused is not`() {
        var scene = Scene()
        scene.send(request(.post))
        #expect(scene.respond(503, ["x-weft-reason": "connect_failed"], at: 0) == [])
        #expect(scene.fire() == .connect)
        var refused = Scene()
        refused.send()
        #expect(
            refused.respond(503, ["x-weft-reason": "attempt_refused"], at: 0).contains([.forwardResponse, .finished]))
        #expect(refused.exchange.record.reason == .attemptRefused)
    }

    @Test func `an endpoint that is no proxy of the mesh cannot have a payment repeated`() {
        var scene = Scene(cluster: { $0.transport = .plaintext })
        scene.send(request(.post))
        #expect(
            scene.respond(503, ["x-weft-reason": "connect_failed"], at: 0).contains([.forwardResponse, .finished]))
        #expect(scene.exchange.record.reason == .ok)
    }

    @Test func `an unfinished answer that is not wanted is reset before the next attempt`() {
        var scene = Scene(route: { $0.retry.backoffBase = .zero })
        scene.send()
        #expect(scene.respond(503, end: false, at: 1) == [.resetUpstream, .connect])
    }

    @Test func `the attempt field of the request that the application serves is not passed on`() {
        var scene = Scene()
        scene.send(request(.get, "/", ["x-weft-attempt": "2"]))
        #expect(scene.exchange.head.headers[.weftAttempt] == nil)
    }
}
