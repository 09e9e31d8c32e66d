import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

/// What requests tell balancing, and what balancing does to requests.
@Suite struct ExchangeBalancingTests {
    private func noRetries(_ route: inout Route) { route.retry.attempts = 0 }

    @Test func `seven answers of 500 eject an endpoint, and a caller that leaves says nothing`() {
        let traffic = LoopTraffic(seed: 1)
        traffic.install(cluster { $0.loadBalancing = .roundRobin })
        traffic.install(endpoints("billing.default:80", ["a", "b", "c"].map { endpoint($0) }))
        let routes = table([route(noRetries)])
        let load = traffic.cluster("billing.default:80")
        for round in 0..<60 {
            var exchange = Exchange()
            _ = exchange.begin(request(), end: true, routes: routes, traffic: traffic, now: .ms(round))
            _ = exchange.connectionReady(now: .ms(round))
            if exchange.endpoint?.endpoint.workload == "default/b" {
                var head = ResponseHead(status: 500)
                _ = exchange.responseHead(&head, end: true, now: .ms(round))
            } else {
                _ = exchange.downstreamGone(now: .ms(round))
            }
        }
        #expect(load?.balancer.endpoints.map(\.ejection.isEjected) == [false, true, false])
    }

    @Test func `a gRPC call shows in its trailers how it went`() {
        var scene = Scene(["a", "b"], cluster: { $0.outliers.consecutiveFailures = 1 }, route: noRetries)
        scene.send(request(.post, "/a.B/C", ["content-type": "application/grpc"]))
        let endpoint = scene.exchange.endpoint
        _ = scene.respond(200, end: false, at: 1)
        #expect(endpoint?.ejection.isEjected == false)
        _ = scene.exchange.responseTrailers(["grpc-status": "14"], now: .ms(2))
        #expect(endpoint?.ejection.isEjected == true)
        #expect(scene.isSettled == true)
    }

    @Test func `timeouts, resets before and within the response count, our own limits do not`() {
        func ejects(_ act: (inout Scene) -> Void) -> Bool? {
            var scene = Scene(["a", "b"], cluster: { $0.outliers.consecutiveFailures = 1 }) { route in
                route.retry.attempts = 0
                route.timeouts.perTry = .milliseconds(100)
            }
            scene.send()
            let endpoint = scene.exchange.endpoint
            act(&scene)
            return endpoint?.ejection.isEjected
        }
        #expect(ejects { _ = $0.fire() } == true)
        #expect(ejects { _ = $0.fail(.reset(code: 2), at: 1) } == true)
        #expect(
            ejects {
                _ = $0.respond(200, end: false, at: 1)
                _ = $0.fail(.connectionClosed(""), at: 2)
            } == true)
        #expect(ejects { _ = $0.fail(.refused, processed: false, at: 1) } == false)
        #expect(ejects { _ = $0.fail(.overflow, processed: false, at: 1) } == false)
        #expect(ejects { _ = $0.respond(503, ["x-weft-reason": "overload"], at: 1) } == false)
        #expect(ejects { _ = $0.respond(503, ["x-weft-reason": "connect_failed"], at: 1) } == true)
        #expect(ejects { _ = $0.respond(404, at: 1) } == false)
    }

    @Test(arguments: [false, true])
    func `a response that begins and then hangs is a failure, whichever time of the mesh's own ends it`(isGRPC: Bool) {
        func ejects(_ timeouts: RouteTimeouts, _ headers: HeaderBlock = [:]) -> Bool? {
            var scene = Scene(["a", "b"], cluster: { $0.outliers.consecutiveFailures = 1 }) {
                $0.timeouts = timeouts
                $0.retry.attempts = 0
            }
            var head = request(.post, "/a.B/C", headers)
            if isGRPC { head.headers.append(.contentType, "application/grpc") }
            scene.send(head)
            let endpoint = scene.exchange.endpoint
            #expect(scene.respond(200, end: false, at: 1) == [.forwardResponse, .dropHeld])
            #expect(endpoint?.ejection.isEjected == false)
            #expect(scene.fire() == [.resetUpstream, .resetDownstream, .finished] && scene.isSettled)
            return endpoint?.ejection.isEjected
        }
        #expect(ejects(RouteTimeouts(request: .seconds(1))) == true)
        #expect(ejects(RouteTimeouts(perTry: .seconds(1))) == true)
        #expect(ejects(RouteTimeouts(idle: .seconds(1))) == true)
        // The caller may have left less time than the work takes.
        #expect(ejects(RouteTimeouts(), ["x-weft-deadline-ms": "1000"]) == false)
        // Where silence is in order it is none.
        #expect(ejects(RouteTimeouts(idle: .seconds(1)), ["accept": "text/event-stream"]) == false)
    }

    @Test func `an idle tunnel says nothing about its endpoint`() {
        var scene = Scene(["a", "b"], cluster: { $0.outliers.consecutiveFailures = 1 })
        scene.send(request(.connect), end: false)
        let endpoint = scene.exchange.endpoint
        #expect(scene.respond(200, end: false, at: 1).contains(.forwardResponse))
        #expect(scene.fire() == [.resetUpstream, .resetDownstream, .finished])
        #expect(endpoint?.ejection.isEjected == false && scene.isSettled)
    }

    @Test func `a probe that answers brings its endpoint back, and one that ends otherwise frees the place`() {
        let traffic = LoopTraffic(seed: 1)
        traffic.install(cluster { $0.outliers.consecutiveFailures = 1 })
        traffic.install(endpoints("billing.default:80", ["a", "b"].map { endpoint($0) }))
        guard let load = traffic.cluster("billing.default:80") else { return #expect(Bool(false)) }
        let out = load.balancer.endpoints[0]
        load.balancer.observe(.failure, of: out, random: &traffic.random, now: .ms(0))
        #expect(out.ejection.isEjected)
        let routes = table([route(noRetries)])
        var gone = Exchange()
        _ = gone.begin(request(), end: true, routes: routes, traffic: traffic, now: .ms(2_000))
        #expect(gone.endpoint === out && gone.isProbe)
        _ = gone.downstreamGone(now: .ms(2_001))
        #expect(!out.isProbed && out.ejection.isEjected)
        var probe = Exchange()
        _ = probe.begin(request(), end: true, routes: routes, traffic: traffic, now: .ms(2_002))
        #expect(probe.endpoint === out)
        _ = probe.connectionReady(now: .ms(2_002))
        var head = ResponseHead(status: 200)
        _ = probe.responseHead(&head, end: true, now: .ms(2_010))
        #expect(!out.ejection.isEjected && !out.isProbed && out.inFlight == 0)
    }

    // MARK: Affinity

    @Test func `the same user's requests go to the same endpoint`() {
        let traffic = LoopTraffic(seed: 1)
        traffic.install(
            cluster {
                $0.loadBalancing = .ringHash
                $0.balancing.hashKey = .header("x-user")
            })
        traffic.install(endpoints("billing.default:80", (0..<8).map { endpoint("\($0)") }))
        let routes = table([route()])
        var seen: Set<String> = []
        for user in 0..<50 {
            var places: Set<String> = []
            for step in 0..<5 {
                var exchange = Exchange()
                _ = exchange.begin(
                    request(.get, "/", ["x-user": "u\(user)"]), end: true, routes: routes, traffic: traffic,
                    now: .ms(step))
                places.insert(exchange.endpoint?.endpoint.workload ?? "")
                _ = exchange.downstreamGone(now: .ms(step))
            }
            #expect(places.count == 1)
            seen.formUnion(places)
        }
        #expect(seen.count > 5)
    }

    @Test func `a caller without the cookie is given one that leads back`() throws {
        var scene = Scene((0..<6).map { "\($0)" }) {
            $0.loadBalancing = .maglev
            $0.balancing.hashKey = .cookie(name: "session", ttl: .seconds(60))
        }
        scene.send()
        let first = scene.exchange.endpoint?.endpoint.workload
        var head = ResponseHead(status: 200)
        _ = scene.exchange.responseHead(&head, end: true, now: .ms(1))
        let field = try #require(head.headers[.setCookie])
        #expect(field.hasSuffix("; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"))
        let cookie = String(field.prefix { $0 != ";" })
        for _ in 0..<10 {
            scene.exchange = Exchange()
            scene.send(request(.get, "/", ["cookie": cookie]), at: 2)
            #expect(scene.exchange.endpoint?.endpoint.workload == first)
            var head = ResponseHead(status: 200)
            _ = scene.exchange.responseHead(&head, end: true, now: .ms(3))
            #expect(head.headers[.setCookie] == nil)
        }
    }

    @Test func `a sticky cookie names the endpoint that answered, and is renewed when that changes`() throws {
        var scene = Scene((0..<6).map { "\($0)" }) { $0.balancing.stickyCookie = StickyCookie(name: "s") }
        scene.send()
        let first = scene.exchange.endpoint
        var head = ResponseHead(status: 200)
        _ = scene.exchange.responseHead(&head, end: true, now: .ms(1))
        let cookie = String(try #require(head.headers[.setCookie]).prefix { $0 != ";" })
        #expect(!cookie.contains("10.0.0.1"))
        for expected in [true, false] {
            scene.exchange = Exchange()
            scene.send(request(.get, "/", ["cookie": "a=b; \(cookie)"]), at: 2)
            #expect((scene.exchange.endpoint === first) == expected)
            var head = ResponseHead(status: 200)
            _ = scene.exchange.responseHead(&head, end: true, now: .ms(3))
            #expect((head.headers[.setCookie] == nil) == expected)
            if let first { scene.load?.balancer.setHealth(of: first, isHealthy: false) }
        }
    }

    @Test func `a user stays on one side of a split`() {
        let traffic = LoopTraffic(seed: 1)
        for name in ["v1.default:80", "v2.default:80"] {
            traffic.install(cluster(name))
            traffic.install(endpoints(name, [endpoint("a")]))
        }
        func routes(_ canary: Int) -> RouteTable {
            table([
                route {
                    $0.stickyCohort = .header("x-user")
                    $0.action = .forward([
                        WeightedCluster(cluster: "v1.default:80", weight: 100 - canary),
                        WeightedCluster(cluster: "v2.default:80", weight: canary),
                    ])
                }
            ])
        }
        func side(_ table: RouteTable, _ headers: HeaderBlock) -> String {
            var exchange = Exchange()
            _ = exchange.begin(request(.get, "/", headers), end: true, routes: table, traffic: traffic, now: .ms(0))
            defer { _ = exchange.downstreamGone(now: .ms(0)) }
            return exchange.cluster?.cluster.name ?? ""
        }
        let steps = [1, 10, 50, 90, 100].map(routes)
        for user in 0..<300 {
            let sides = steps.map { side($0, ["x-user": "u\(user)"]) }
            #expect(sides == sides.sorted())
            #expect(side(steps[2], ["x-user": "u\(user)"]) == sides[2])
        }
        // Without a user it is chance.
        #expect(Set((0..<50).map { _ in side(steps[2], [:]) }).count == 2)
    }

    // MARK: Limits

    @Test func `beyond the limit of retries in flight the outcome stands, with reason overflow`() {
        let traffic = LoopTraffic(seed: 1)
        traffic.install(cluster { $0.limits.retries = 1 })
        traffic.install(endpoints("billing.default:80", ["a", "b"].map { endpoint($0) }))
        let routes = table([route()])
        var first = Exchange()
        var second = Exchange()
        _ = first.begin(request(), end: true, routes: routes, traffic: traffic, now: .ms(0))
        _ = second.begin(request(), end: true, routes: routes, traffic: traffic, now: .ms(0))
        _ = first.attemptFailed(.connectFailed("x"), mayHaveBeenProcessed: false, now: .ms(1))
        _ = first.timerFired(now: .ms(100))
        #expect(first.attempt == 2)
        #expect(
            second.attemptFailed(.connectFailed("x"), mayHaveBeenProcessed: false, now: .ms(101)) == [
                .dropHeld, .reply, .finished,
            ])
        #expect(second.reason == .overflow && second.status == 503)
        _ = first.downstreamGone(now: .ms(102))
        #expect(traffic.cluster("billing.default:80")?.load.retries == 0)
    }

    @Test func `admission control answers 503 overload while too many requests fail`() {
        let traffic = LoopTraffic(seed: 1)
        traffic.install(
            cluster {
                $0.admission = AdmissionPolicy()
                $0.outliers.isEnabled = false
            })
        traffic.install(endpoints("billing.default:80", [endpoint("a")]))
        let routes = table([route(noRetries)])
        var refused = 0
        for step in 0..<400 {
            var exchange = Exchange()
            let effects = exchange.begin(request(), end: true, routes: routes, traffic: traffic, now: .ms(step))
            if effects.contains(.reply) {
                #expect(exchange.reason == .overload && exchange.status == 503)
                refused += 1
                continue
            }
            _ = exchange.connectionReady(now: .ms(step))
            var head = ResponseHead(status: 500)
            _ = exchange.responseHead(&head, end: true, now: .ms(step))
        }
        #expect(refused > 200 && refused < 360)
        #expect(traffic.cluster("billing.default:80")?.load.requests == 0)
    }

    @Test(arguments: [true, false])
    func `a response that breaks off is no success for admission control, one that its reader leaves says nothing`(
        breaks: Bool
    ) {
        let traffic = LoopTraffic(seed: 1)
        traffic.install(
            cluster {
                $0.admission = AdmissionPolicy()
                $0.outliers.isEnabled = false
            })
        traffic.install(endpoints("billing.default:80", [endpoint("a")]))
        let routes = table([route(noRetries)])
        for step in 0..<100 {
            var exchange = Exchange()
            _ = exchange.begin(request(), end: true, routes: routes, traffic: traffic, now: .ms(step))
            _ = exchange.connectionReady(now: .ms(step))
            var head = ResponseHead(status: 200)
            _ = exchange.responseHead(&head, end: false, now: .ms(step))
            if breaks {
                _ = exchange.attemptFailed(.connectionClosed(""), mayHaveBeenProcessed: true, now: .ms(step))
            } else {
                _ = exchange.downstreamGone(now: .ms(step))
            }
        }
        let rejection = traffic.cluster("billing.default:80")?.admissionRejection(now: .ms(100)) ?? -1
        #expect(breaks ? rejection == 0.8 : rejection == 0)
    }

    @Test func `connections and retries have limits of their own, shared between loops`() {
        var limits = CircuitLimits()
        limits.connections = 2
        limits.retries = 0
        var load = CircuitLoad(limits)
        #expect([load.openConnection(), load.openConnection(), load.openConnection()] == [true, true, false])
        load.closeConnection()
        #expect(load.openConnection() == true)
        #expect(load.startRetry() == false)
        limits.retries = 3
        load.update(limits, loops: 2)
        #expect([load.startRetry(), load.startRetry(), load.startRetry()] == [true, true, false])
    }
}
