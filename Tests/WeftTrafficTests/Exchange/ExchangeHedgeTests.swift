import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct ExchangeHedgeTests {
    private func hedged(
        _ names: [String] = ["a", "b"], cluster: (inout Cluster) -> Void = { _ in },
        route: (inout Route) -> Void = { _ in }
    ) -> Scene {
        Scene(
            names, cluster: cluster,
            route: {
                $0.hedging = HedgePolicy(delay: .milliseconds(50))
                route(&$0)
            })
    }

    @Test func `after its delay an idempotent request gets a second attempt elsewhere, and the first answer wins`() {
        var scene = hedged()
        scene.send()
        let first = scene.exchange.endpoint
        #expect(scene.exchange.timer == .ms(50))
        #expect(scene.fire() == .connectHedge)
        #expect(scene.exchange.rivalEndpoint !== first)
        #expect(scene.exchange.hedgeReady(now: .ms(51)) == .sendHedge)
        #expect(scene.exchange.head.headers[.weftAttempt] == "2")
        var head = ResponseHead(status: 200)
        #expect(
            scene.exchange.hedgeHead(&head, end: true, now: .ms(60))
                == [.promoteHedge, .abandonHedge, .forwardResponse, .dropHeld, .finished])
        let attempts = scene.exchange.record.attempts
        #expect(attempts.map(\.isLost) == [true, false] && attempts.map(\.isHedge) == [false, true])
        #expect(scene.exchange.hedgeOutcome == .won && scene.exchange.status == 200 && scene.isSettled)
    }

    @Test func `where the first attempt answers first, the second is reset`() {
        var scene = hedged()
        scene.send()
        #expect(scene.fire() == .connectHedge)
        #expect(scene.exchange.hedgeReady(now: .ms(51)) == .sendHedge)
        #expect(scene.respond(at: 55) == [.abandonHedge, .forwardResponse, .dropHeld, .finished])
        #expect(scene.exchange.hedgeOutcome == .lost && scene.isSettled)
    }

    @Test func `an answer that a retry might better loses to the attempt still out`() {
        var scene = hedged()
        scene.send()
        #expect(scene.fire() == .connectHedge)
        #expect(scene.exchange.hedgeReady(now: .ms(51)) == .sendHedge)
        #expect(scene.respond(503, at: 55) == .promoteHedge)
        #expect(scene.respond(200, at: 60).contains(.forwardResponse))
        #expect(scene.exchange.status == 200 && scene.isSettled)
    }

    @Test func `a failure of either leaves the other`() {
        var scene = hedged()
        scene.send()
        #expect(scene.fire() == .connectHedge)
        #expect(scene.fail(.reset(code: 2), at: 55) == .promoteHedge)
        #expect(scene.exchange.connectionReady(now: .ms(56)) == .sendRequest)
        #expect(scene.respond(at: 60).contains(.finished) && scene.isSettled)

        var other = hedged()
        other.send()
        #expect(other.fire() == .connectHedge)
        #expect(
            other.exchange.hedgeFailed(.connectFailed("x"), mayHaveBeenProcessed: false, now: .ms(52)) == [])
        #expect(other.respond(at: 60) == [.forwardResponse, .dropHeld, .finished])
        #expect(other.exchange.record.attempts.count == 2 && other.isSettled)
    }

    @Test func `POST is never hedged, nor is a request whose body has not come, nor one with nowhere else to go`() {
        var post = hedged()
        post.send(request(.post))
        #expect(post.exchange.hedgeAt == .never)
        var open = hedged()
        open.send(request(.put), end: false)
        #expect(open.fire() == [] && open.exchange.rivalEndpoint == nil)
        var alone = hedged(["a"])
        alone.send()
        #expect(alone.fire() == [] && alone.exchange.attempt == 1)
    }

    @Test func `a hedge with nowhere well to go does not start, and probes nobody`() {
        for isDue in [false, true] {
            var scene = hedged()
            guard let load = scene.load else { return }
            let out = load.balancer.endpoints[1]
            let other = load.balancer.endpoints[0]
            for _ in 0..<7 {
                load.balancer.observe(.failure, of: out, random: &scene.traffic.random, now: .ms(0))
            }
            // By the time of the hedge the ejection is over, or not.
            let at = isDue ? Int(out.ejection.until.nanoseconds / 1_000_000) - 20 : 1
            scene.send(at: at)
            #expect(scene.exchange.endpoint === other)
            #expect(scene.fire() == [] && scene.exchange.rivalEndpoint == nil && scene.exchange.attempt == 1)
            #expect(!out.isProbed && scene.exchange.hedgeOutcome == nil)
        }
    }

    @Test func `a second attempt is paid for from the retry budget`() {
        var scene = hedged(cluster: {
            $0.retryBudget.ratio = 0
            $0.retryBudget.minPerSecond = 0
        })
        scene.send()
        #expect(scene.fire() == [] && scene.exchange.hedgeOutcome == .unpaid)
        #expect(scene.respond(at: 60).contains(.finished) && scene.isSettled)
    }

    @Test func `when time is up, or the client goes, both attempts end`() {
        var scene = hedged(route: { $0.timeouts.request = .milliseconds(100) })
        scene.send()
        #expect(scene.fire() == .connectHedge)
        #expect(scene.fire() == [.resetUpstream, .abandonHedge, .dropHeld, .reply, .finished] && scene.isSettled)
        var left = hedged()
        left.send()
        #expect(left.fire() == .connectHedge)
        #expect(
            left.exchange.downstreamGone(now: .ms(60)) == [.resetUpstream, .abandonHedge, .dropHeld, .finished]
                && left.isSettled)
    }

    @Test func `a second attempt that never got its connection blames nobody`() {
        for perTry in [Duration.milliseconds(200), nil] {
            var scene = hedged(
                cluster: { $0.outliers.consecutiveFailures = 1 },
                route: {
                    $0.timeouts.perTry = perTry
                    $0.timeouts.request = .zero
                })
            scene.send()
            #expect(scene.fire() == .connectHedge)
            let rival = scene.exchange.rivalEndpoint
            guard perTry == nil else {
                // The first attempt's time ends before, and the second is still waiting.
                #expect(scene.fire() == [.promoteHedge, .abandonHedge])
                #expect(scene.exchange.timer == .ms(250))
                #expect(scene.fire().contains(.abandonConnect))
                #expect(rival?.isWell == true && rival?.window.requests == 0 && rival?.latency.isFresh == true)
                continue
            }
            #expect(scene.exchange.timer == .ms(6_050))
            #expect(scene.fire() == .abandonHedge)
            #expect(rival?.isWell == true && rival?.window.requests == 0 && rival?.latency.isFresh == true)
            #expect(scene.respond(at: 6_060).contains(.finished) && scene.isSettled)
        }
    }

    @Test func `a percentile takes over from the delay once enough is known`() {
        var scene = hedged(route: { $0.hedging = HedgePolicy(delay: .seconds(1), percentile: 90) })
        for index in 0..<30 {
            scene.exchange = Exchange()
            scene.send(at: index * 100)
            #expect(scene.respond(at: index * 100 + 20).contains(.finished))
        }
        scene.exchange = Exchange()
        scene.send(at: 5_000)
        #expect(scene.exchange.timer < .ms(5_021) && scene.exchange.timer > .ms(5_015))
    }
}

@Suite struct ExchangeFaultTests {
    private func fault(_ change: (inout FaultPolicy) -> Void) -> FaultPolicy {
        var fault = FaultPolicy(until: 100)
        fault.maxPercent = 100
        change(&fault)
        return fault
    }

    @Test func `an abort answers in the destination's place, before any attempt`() {
        let policy = self.fault { $0.abort = .init(status: .http(502), percent: 100) }
        var scene = Scene(route: { $0.fault = policy })
        #expect(scene.begin() == [.dropHeld, .reply, .finished])
        #expect(scene.exchange.reason == .faultAbort && scene.exchange.status == 502 && scene.exchange.attempt == 0)
        #expect(scene.isSettled == true)
        var grpc = Scene(route: { $0.fault = policy })
        _ = grpc.begin(request(.post, "/s/M", ["content-type": "application/grpc"]))
        #expect(grpc.exchange.reply?.grpcStatus == 14)
    }

    @Test func `a delay comes before the first attempt, and the record says so`() {
        let policy = self.fault { $0.delay = .init(duration: .milliseconds(80), percent: 100) }
        var scene = Scene(route: { $0.fault = policy })
        #expect(scene.begin() == [])
        #expect(scene.exchange.timer == .ms(80))
        #expect(scene.fire() == .connect)
        #expect(scene.exchange.connectionReady(now: .ms(80)) == .sendRequest)
        #expect(scene.respond(at: 90).contains(.finished))
        #expect(scene.exchange.status == 200 && scene.exchange.reason == .faultDelay && scene.isSettled)
    }

    @Test func `a fault ends at its time by the wall clock`() {
        let policy = self.fault { $0.abort = .init(status: .http(503), percent: 100) }
        var scene = Scene(route: { $0.fault = policy })
        scene.traffic.setClock(unixNanoseconds: 100_000_000_000, now: .ms(0))
        #expect(scene.begin() == .connect)
    }

    @Test func `no more than its cap is hit, whatever the percentages`() {
        var run = FaultRun()
        var random = TrafficRandom(seed: 7)
        let policy = self.fault {
            $0.abort = .init(status: .http(503), percent: 20)
            $0.maxPercent = 20
        }
        var hits = 0
        for seen in 1...5_000 {
            if run.decide(policy, unixSeconds: 0, success: (100, 0), random: &random) != nil { hits += 1 }
            #expect(hits * 5 <= seen)
        }
        #expect(hits > 800)
    }

    @Test(arguments: ["request", "deadline", "response", "broken", "try"])
    func `its guard sees requests that run out of time or break off`(how: String) {
        let policy = self.fault {
            $0.abort = .init(status: .http(503), percent: 0)
            $0.guardrail = .init(successPercent: 90, minRequests: 20)
        }
        var scene = Scene(
            ["a"],
            route: {
                $0.fault = policy
                $0.retry.attempts = 0
                if how == "request" { $0.timeouts.request = .milliseconds(100) }
                if how == "response" { $0.timeouts.idle = .milliseconds(100) }
                if how == "try" { $0.timeouts.perTry = .milliseconds(100) }
            })
        let head = how == "deadline" ? request(.post, "/", ["x-weft-deadline-ms": "100"]) : request(.post)
        var hasEnded = false
        for round in 0..<21 {
            scene.exchange = Exchange()
            scene.send(head, at: round * 200)
            if scene.exchange.faultEvent == .ended { hasEnded = true }
            #expect(hasEnded == (round == 20))
            if how == "response" || how == "broken" { _ = scene.respond(200, end: false, at: round * 200) }
            let end =
                how == "broken" ? scene.fail(.connectionClosed(""), at: round * 200 + 1) : scene.fire()
            #expect(end.contains(.finished))
        }
    }

    @Test func `its guard ends it for good when the destination does badly`() {
        var run = FaultRun()
        var random = TrafficRandom(seed: 7)
        let policy = self.fault {
            $0.abort = .init(status: .http(503), percent: 100)
            $0.guardrail = .init(successPercent: 90, minRequests: 20)
        }
        #expect(run.decide(policy, unixSeconds: 0, success: (50, 19), random: &random) != nil)
        #expect(run.decide(policy, unixSeconds: 0, success: (89, 20), random: &random) == nil)
        #expect(run.hasEnded)
        #expect(run.decide(policy, unixSeconds: 0, success: (100, 1000), random: &random) == nil)
    }
}
