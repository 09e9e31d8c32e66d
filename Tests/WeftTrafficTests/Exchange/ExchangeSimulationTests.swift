import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

/// Drives exchanges with events in any order, also such as no driver should send, and holds the machine to its promises.
@Suite struct ExchangeSimulationTests {
    /// The driver's side of one exchange: what is open, and what went out.
    private final class Driver {
        var exchange = Exchange()
        let name: String
        let limit: Int
        var isAwaitingConnection = false
        var hasStream = false
        var outcomes = 0
        var replies = 0
        var responseStarted = false
        var downstreamOpen = true
        var requestEnded = false
        var violations: [String] = []
        var held = 0
        var holds = false

        init(_ name: String, limit: Int) {
            self.name = name
            self.limit = limit
        }

        private func check(_ condition: Bool, _ rule: String) {
            if !condition { self.violations.append("\(self.name): \(rule)") }
        }

        func perform(_ effects: ExchangeEffects, chunk: Int = 0, after event: String) {
            if self.outcomes > 0 { self.check(effects == [], "effects after the end, on \(event)") }
            if effects.contains(.resetUpstream) {
                self.check(self.hasStream, "a reset without a stream, on \(event)")
                self.hasStream = false
            }
            if effects.contains(.abandonConnect) {
                self.check(self.isAwaitingConnection, "nothing to abandon, on \(event)")
                self.isAwaitingConnection = false
            }
            if effects.contains(.hold) { self.held += chunk }
            if effects.contains(.dropHeld) { self.held = 0 }
            if effects.contains(.forwardRequest) {
                self.check(self.hasStream, "forwarded without a stream, on \(event)")
            }
            if effects.contains(.connect) {
                self.check(!self.isAwaitingConnection && !self.hasStream, "two attempts at once, on \(event)")
                self.check(!self.responseStarted, "an attempt after the response began, on \(event)")
                self.isAwaitingConnection = true
            }
            if effects.contains(.sendRequest) { self.hasStream = true }
            if effects.contains(.forwardResponse) {
                self.check(self.replies == 0 && self.downstreamOpen, "a response after the reply, on \(event)")
                self.responseStarted = true
            }
            if effects.contains(.reply) {
                self.check(!self.responseStarted, "a reply after response bytes, on \(event)")
                self.check(effects.contains(.finished), "a reply that is not the end, on \(event)")
                self.replies += 1
            }
            if effects.contains(.resetDownstream) {
                self.check(self.responseStarted, "a downstream reset before the response, on \(event)")
            }
            if effects.contains(.finished) {
                self.outcomes += 1
                self.check(self.exchange.timer == .never, "a timer after the end, on \(event)")
                self.check(!self.isAwaitingConnection, "still waiting for a connection after the end, on \(event)")
                self.check(self.held == 0, "bytes held after the end, on \(event)")
                let record = self.exchange.record
                self.check(record.attempts.count <= 1 + self.limit, "more attempts than the policy has")
                self.check(record.end >= record.start && record.status > 0, "a record without an end or status")
            } else if self.outcomes == 0 {
                self.check(
                    self.exchange.timer != .never || self.requestHasNoLimit, "nothing would ever end it, on \(event)")
            }
        }

        var requestHasNoLimit = false
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `whatever happens, every exchange has one outcome and gives back what it took`(seed: UInt64) {
        var random = TrafficRandom(seed: seed)
        func chance(_ parts: Int) -> Bool { random.index(below: parts) == 0 }
        let traffic = LoopTraffic(seed: seed)
        let retries = random.index(below: 4)
        let settings = cluster("billing.default:80") {
            $0.loadBalancing = LoadBalancing.allCases[random.index(below: 4)]
            $0.retryBudget.minPerSecond = random.index(below: 3)
            $0.limits.requests = chance(3) ? 20 : nil
            $0.limits.pendingRequests = chance(3) ? 5 : 1024
        }
        let load = traffic.install(settings)
        func install() {
            let list = (0..<random.index(below: 5)).map { endpoint("\($0)", weight: 1 + random.index(below: 5)) }
            traffic.install(endpoints("billing.default:80", list))
        }
        install()
        let routes = table([
            route {
                $0.retry.attempts = retries
                $0.retry.statuses = [500]
                $0.retry.nonIdempotent = chance(2)
                $0.timeouts.perTry = chance(2) ? .milliseconds(300) : nil
                $0.timeouts.request = chance(2) ? .milliseconds(900) : nil
                $0.timeouts.idle = chance(2) ? .milliseconds(400) : nil
            }
        ])
        let failures: [UpstreamFailure] = [
            .connectFailed("x"), .connectTimeout, .overflow, .refused, .reset(code: 1), .connectionClosed(""),
            .protocolError("x"), .tlsFailed("x"),
        ]
        var seen: Set<ObjectIdentifier> = []
        var open: [Driver] = []
        var all: [Driver] = []
        var now = 0
        for step in 0..<6_000 {
            now += random.index(below: 12)
            let moment = MonotonicInstant.ms(now)
            if chance(200) { install() }
            for endpoint in load.balancer.endpoints { seen.insert(ObjectIdentifier(endpoint)) }
            if open.count < 30, chance(3) {
                let driver = Driver("\(seed)/\(all.count)", limit: retries)
                all.append(driver)
                open.append(driver)
                let methods: [HTTPMethod] = [.get, .post, .put, .connect]
                var headers = HeaderBlock()
                if chance(3) { headers.append(.weftDeadline, random.index(below: 2_000)) }
                if chance(5) { headers.append(.contentType, "application/grpc") }
                let method = methods[random.index(below: 4)]
                driver.requestHasNoLimit = method == .connect || headers.contains(.contentType)
                driver.requestEnded = chance(2)
                driver.perform(
                    driver.exchange.begin(
                        request(method, "/", headers), end: driver.requestEnded, routes: routes, traffic: traffic,
                        now: moment), after: "begin")
            }
            guard !open.isEmpty else { continue }
            let driver = open[random.index(below: open.count)]
            if step < 5_000 {
                self.event(driver, &random, failures, moment)
            }
            // Timers are due for all.
            for driver in open where moment >= driver.exchange.timer {
                driver.perform(driver.exchange.timerFired(now: moment), after: "timer")
            }
            if step >= 5_000 {
                driver.perform(driver.exchange.downstreamGone(now: moment), after: "leaving")
            }
            #expect(load.budget.balance(now: moment) >= 0)
            open.removeAll { $0.outcomes > 0 }
        }
        for driver in open { driver.perform(driver.exchange.downstreamGone(now: .ms(now)), after: "leaving") }
        #expect(all.count > 300)
        #expect(all.allSatisfy { $0.outcomes == 1 })
        #expect(all.flatMap(\.violations) == [])
        #expect(load.load.requests == 0 && load.load.pending == 0)
        #expect(load.balancer.endpoints.allSatisfy { $0.inFlight == 0 })
    }

    private func event(
        _ driver: Driver, _ random: inout TrafficRandom, _ failures: [UpstreamFailure], _ now: MonotonicInstant
    ) {
        switch random.index(below: 10) {
        case 0, 1:
            if driver.isAwaitingConnection {
                driver.isAwaitingConnection = false
                driver.perform(driver.exchange.connectionReady(now: now), after: "connected")
            } else {
                driver.perform(driver.exchange.connectionReady(now: now), after: "a stray connection")
            }
        case 2, 3:
            guard !driver.requestEnded else { return }
            driver.requestEnded = random.index(below: 3) == 0
            let bytes = random.index(below: 30_000)
            driver.perform(
                driver.exchange.requestData(bytes: bytes, end: driver.requestEnded, now: now), chunk: bytes,
                after: "data")
        case 4:
            // The stream or the connection attempt is gone before the machine hears of it.
            driver.hasStream = false
            driver.isAwaitingConnection = false
            driver.perform(
                driver.exchange.attemptFailed(
                    failures[random.index(below: failures.count)], mayHaveBeenProcessed: random.index(below: 2) == 0,
                    now: now),
                after: "failure")
        case 5, 6:
            guard driver.hasStream, !driver.responseStarted else { return }
            let statuses = [200, 200, 404, 500, 503, 502, 101]
            var head = ResponseHead(status: statuses[random.index(below: statuses.count)])
            let end = random.index(below: 2) == 0
            if random.index(below: 4) == 0 { head.headers.append(.retryAfter, random.index(below: 3)) }
            let effects = driver.exchange.responseHead(&head, end: end, now: now)
            // A response that is whole closes the stream when the request has ended as well.
            if end && driver.requestEnded { driver.hasStream = false }
            driver.perform(effects, after: "response")
        case 7:
            guard driver.responseStarted else { return }
            driver.perform(
                driver.exchange.responseData(bytes: 10, end: random.index(below: 2) == 0, now: now),
                after: "response data")
        case 8:
            if driver.hasStream, !driver.responseStarted {
                driver.perform(driver.exchange.informational(now: now), after: "1xx")
            } else if driver.responseStarted {
                driver.perform(driver.exchange.responseTrailers([:], now: now), after: "trailers")
            }
        default:
            guard random.index(below: 4) == 0 else { return }
            driver.perform(driver.exchange.downstreamGone(now: now), after: "client gone")
            driver.downstreamOpen = false
        }
    }
}
