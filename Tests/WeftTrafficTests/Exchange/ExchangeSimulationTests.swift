import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

/// Drives exchanges with events in any order, also such as no driver should send, and holds the machine to its promises.
@Suite struct ExchangeSimulationTests {
    /// Where one of a driver's two upstream sides stands.
    private enum Side { case idle, waiting, open }

    /// The driver's side of one exchange: what is open, and what went out.
    private final class Driver {
        var exchange = Exchange()
        let name: String
        let retries: Int
        var main = Side.idle
        var hedge = Side.idle
        var outcomes = 0
        var replies = 0
        var responseStarted = false
        var requestEnded = false
        var requestHasNoLimit = false
        var violations: [String] = []
        var held = 0
        var record: ExchangeRecord?

        init(_ name: String, retries: Int) {
            self.name = name
            self.retries = retries
        }

        /// Nothing that came after the end has changed it.
        var keepsItsOutcome: Bool {
            let record = self.exchange.record
            return record.reason == self.record?.reason && record.status == self.record?.status
                && record.end == self.record?.end && record.attempts.count == self.record?.attempts.count
        }

        private func check(_ condition: Bool, _ rule: String) {
            if !condition { self.violations.append("\(self.name): \(rule)") }
        }

        func perform(_ effects: ExchangeEffects, chunk: Int = 0, after event: String) {
            if self.outcomes > 0 { self.check(effects == [], "effects after the end, on \(event)") }
            if effects.contains(.promoteHedge) {
                self.check(self.hedge != .idle, "nothing to promote, on \(event)")
                swap(&self.main, &self.hedge)
            }
            if effects.contains(.abandonHedge) {
                self.check(self.hedge != .idle, "no second attempt to abandon, on \(event)")
                self.hedge = .idle
            }
            if effects.contains(.resetUpstream) {
                self.check(self.main == .open, "a reset without a stream, on \(event)")
                self.main = .idle
            }
            if effects.contains(.abandonConnect) {
                self.check(self.main == .waiting, "nothing to abandon, on \(event)")
                self.main = .idle
            }
            if effects.contains(.hold) { self.held += chunk }
            if effects.contains(.dropHeld) { self.held = 0 }
            if effects.contains(.forwardRequest) {
                self.check(self.main == .open, "forwarded without a stream, on \(event)")
            }
            if effects.contains(.connect) {
                self.check(self.main == .idle && self.hedge == .idle, "two attempts at once, on \(event)")
                self.check(!self.responseStarted, "an attempt after the response began, on \(event)")
                self.checkStanding(event)
                self.main = .waiting
            }
            if effects.contains(.sendRequest) { self.main = .open }
            if effects.contains(.connectHedge) {
                self.check(self.main == .open && self.hedge == .idle, "a second attempt beside none, on \(event)")
                self.check(self.exchange.rivalEndpoint?.isWell == true, "a hedge to one that is not well, on \(event)")
                self.hedge = .waiting
            }
            if effects.contains(.sendHedge) { self.hedge = .open }
            if effects.contains(.forwardResponse) {
                self.check(self.replies == 0, "a response after the reply, on \(event)")
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
                self.finished(event)
            } else if self.outcomes == 0 {
                self.check(
                    self.exchange.timer != .never || self.requestHasNoLimit, "nothing would ever end it, on \(event)")
            }
        }

        /// An ejected endpoint gets nothing but its probe while another is well.
        private func checkStanding(_ event: String) {
            guard let balancer = self.exchange.cluster?.balancer, let endpoint = self.exchange.endpoint else { return }
            guard endpoint.ejection.isEjected, !self.exchange.isProbe, !balancer.ignoresEjections else { return }
            self.check(!balancer.endpoints.contains { $0.isWell }, "an attempt at an ejected endpoint, on \(event)")
        }

        private func finished(_ event: String) {
            self.outcomes += 1
            self.check(self.exchange.timer == .never, "a timer after the end, on \(event)")
            self.check(self.main != .waiting && self.hedge == .idle, "something is left open, on \(event)")
            self.check(self.held == 0, "bytes held after the end, on \(event)")
            let record = self.exchange.record
            self.record = record
            let hedges = self.exchange.hedgeOutcome == nil || self.exchange.hedgeOutcome == .unpaid ? 0 : 1
            self.check(record.attempts.count <= 1 + self.retries + hedges, "more attempts than the policy has")
            self.check(record.attempts.count == self.exchange.attempt, "attempts without a record")
            self.check(record.attempts.count { $0.isHedge } == hedges, "not one record of the second attempt")
            self.check(record.end >= record.start && record.status > 0, "a record without an end or status")
            self.check(
                self.replies == 0 || record.reason == self.exchange.reply?.reason, "a reason that was not told")
            self.check(
                record.reason != .ok || record.status < 400 || self.responseStarted, "a failure without a reason")
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `whatever happens, every exchange ends once, with one reason, and gives back what it took`(seed: UInt64) {
        var random = TrafficRandom(seed: seed)
        func chance(_ parts: Int) -> Bool { random.index(below: parts) == 0 }
        let traffic = LoopTraffic(seed: seed)
        let retries = random.index(below: 4)
        let algorithm = LoadBalancing.allCases[Int(seed) % LoadBalancing.allCases.count]
        let settings = cluster("billing.default:80") {
            $0.loadBalancing = algorithm
            $0.balancing.hashKey = algorithm.isHashing && chance(2) ? .header("x-user") : nil
            $0.balancing.slowStart = chance(3) ? .seconds(5) : .zero
            $0.balancing.panicThreshold = chance(2) ? 50 : 0
            $0.outliers.consecutiveFailures = chance(2) ? 3 : 7
            $0.outliers.maxEjectionPercent = chance(2) ? 100 : 30
            $0.retryBudget.minPerSecond = random.index(below: 20)
            $0.limits.requests = chance(3) ? 20 : nil
            $0.limits.pendingRequests = chance(3) ? 5 : 1024
            $0.limits.retries = chance(3) ? 3 : nil
            $0.admission = chance(4) ? AdmissionPolicy() : nil
        }
        let load = traffic.install(settings)
        var seen: [ObjectIdentifier: UpstreamEndpoint] = [:]
        func install() {
            let list = (0..<random.index(below: 6)).map { endpoint("\($0)", weight: 1 + random.index(below: 5)) }
            traffic.install(endpoints("billing.default:80", list))
            for endpoint in load.balancer.endpoints { seen[ObjectIdentifier(endpoint)] = endpoint }
        }
        install()
        let routes = table([
            route {
                $0.retry.attempts = retries
                $0.retry.statuses = [500]
                $0.retry.nonIdempotent = chance(2)
                $0.hedging = chance(3) ? nil : HedgePolicy(delay: .milliseconds(40))
                $0.timeouts.perTry = chance(2) ? .milliseconds(300) : nil
                $0.timeouts.request = chance(2) ? .milliseconds(900) : nil
                $0.timeouts.idle = chance(2) ? .milliseconds(400) : nil
                guard chance(3) else { return }
                var fault = FaultPolicy(until: 1_000_000)
                fault.delay = .init(duration: .milliseconds(50), percent: 30)
                fault.abort = .init(status: .http(503), percent: 10)
                fault.guardrail = chance(2) ? .init(successPercent: 30, minRequests: 20) : nil
                $0.fault = fault
            }
        ])
        var open: [Driver] = []
        var all: [Driver] = []
        var now = 0
        for step in 0..<5_000 {
            now += random.index(below: 12)
            let moment = MonotonicInstant.ms(now)
            if chance(200) { install() }
            if step < 4_000, open.count < 30, chance(3) {
                let driver = Driver("\(seed)/\(all.count)", retries: retries)
                all.append(driver)
                open.append(driver)
                let methods: [HTTPMethod] = [.get, .get, .post, .put, .connect]
                let method = methods[random.index(below: methods.count)]
                let headers = self.fields(&random)
                driver.requestHasNoLimit = method == .connect || headers.contains(.contentType)
                driver.requestEnded = chance(2)
                driver.perform(
                    driver.exchange.begin(
                        request(method, "/", headers), end: driver.requestEnded, routes: routes, traffic: traffic,
                        now: moment), after: "begin")
            }
            if step < 4_000 {
                for _ in 0..<3 where !open.isEmpty {
                    self.event(open[random.index(below: open.count)], &random, moment)
                }
            }
            // Timers are due for all.
            for driver in open where moment >= driver.exchange.timer {
                driver.perform(driver.exchange.timerFired(now: moment), after: "timer")
            }
            if step >= 4_500, let driver = open.first {
                driver.perform(driver.exchange.downstreamGone(now: moment), after: "leaving")
            }
            #expect(load.budget.balance(now: moment) >= 0)
            for endpoint in load.balancer.endpoints {
                let probes = open.count { $0.exchange.isProbe && $0.exchange.endpoint === endpoint }
                if probes > 1 { Issue.record("\(probes) requests probe one endpoint") }
            }
            // Some are told things after their end.
            open.removeAll { driver in driver.outcomes > 0 && !chance(20) }
        }
        for driver in open { driver.perform(driver.exchange.downstreamGone(now: .ms(now)), after: "leaving") }
        #expect(all.count > 300)
        #expect(all.allSatisfy { $0.outcomes == 1 && $0.keepsItsOutcome })
        #expect(all.flatMap(\.violations) == [])
        #expect(load.load.requests == 0 && load.load.pending == 0 && load.load.retries == 0)
        #expect(seen.values.allSatisfy { $0.inFlight == 0 && !$0.isProbed })
    }

    private func fields(_ random: inout TrafficRandom) -> HeaderBlock {
        var headers = HeaderBlock()
        if random.index(below: 3) == 0 { headers.append(.weftDeadline, random.index(below: 2_000)) }
        if random.index(below: 5) == 0 { headers.append(.contentType, "application/grpc") }
        headers.append("x-user", "\(random.index(below: 9))")
        return headers
    }

    private let failures: [UpstreamFailure] = [
        .connectFailed("x"), .connectTimeout, .overflow, .refused, .reset(code: 1), .connectionClosed(""),
        .protocolError("x"), .tlsFailed("x"),
    ]

    private func answer(_ random: inout TrafficRandom) -> (head: ResponseHead, end: Bool) {
        let statuses = [200, 200, 200, 404, 500, 503, 502, 101]
        var head = ResponseHead(status: statuses[random.index(below: statuses.count)])
        if random.index(below: 4) == 0 { head.headers.append(.retryAfter, random.index(below: 3)) }
        if random.index(below: 6) == 0 { head.headers.append(.grpcStatus, 14) }
        return (head, random.index(below: 2) == 0)
    }

    private func event(_ driver: Driver, _ random: inout TrafficRandom, _ now: MonotonicInstant) {
        switch random.index(below: 13) {
        case 0, 1:
            // Now and then a connection that nobody waits for.
            guard driver.main == .waiting || random.index(below: 4) == 0 else { return }
            let wanted = driver.main == .waiting
            let effects = driver.exchange.connectionReady(now: now)
            if !wanted, effects != [] { Issue.record("\(driver.name) took a stray connection") }
            driver.perform(effects, after: "connected")
        case 2, 3:
            guard !driver.requestEnded else { return }
            driver.requestEnded = random.index(below: 3) == 0
            let bytes = random.index(below: 30_000)
            driver.perform(
                driver.exchange.requestData(bytes: bytes, end: driver.requestEnded, now: now), chunk: bytes,
                after: "data")
        case 4:
            guard random.index(below: 3) == 0 else { return }
            let failure = self.failures[random.index(below: self.failures.count)]
            // A limit is met before there is a stream.
            guard failure != .overflow || driver.main == .waiting else { return }
            // The stream or the connection attempt is gone before the machine hears of it.
            driver.main = .idle
            driver.perform(
                driver.exchange.attemptFailed(
                    failure, mayHaveBeenProcessed: random.index(below: 2) == 0, now: now), after: "\(failure)")
        case 5, 6:
            guard driver.main == .open, !driver.responseStarted else { return }
            var (head, end) = self.answer(&random)
            let effects = driver.exchange.responseHead(&head, end: end, now: now)
            // A response that is whole closes the stream when the request has ended as well.
            if end && driver.requestEnded { driver.main = .idle }
            driver.perform(effects, after: "response")
        case 7:
            guard driver.responseStarted else { return }
            driver.perform(
                driver.exchange.responseData(bytes: 10, end: random.index(below: 2) == 0, now: now),
                after: "response data")
        case 8:
            if driver.main == .open, !driver.responseStarted {
                driver.perform(driver.exchange.informational(now: now), after: "1xx")
            } else if driver.responseStarted {
                driver.perform(driver.exchange.responseTrailers([:], now: now), after: "trailers")
            }
        case 9:
            guard driver.hedge == .waiting else { return }
            driver.perform(driver.exchange.hedgeReady(now: now), after: "hedge connected")
        case 10:
            guard driver.hedge != .idle, random.index(below: 3) == 0 else { return }
            driver.hedge = .idle
            driver.perform(
                driver.exchange.hedgeFailed(
                    self.failures[random.index(below: self.failures.count)],
                    mayHaveBeenProcessed: random.index(below: 2) == 0, now: now), after: "hedge failed")
        case 11:
            guard driver.hedge == .open else { return }
            var (head, end) = self.answer(&random)
            let effects = driver.exchange.hedgeHead(&head, end: end, now: now)
            let isOver = end && driver.requestEnded
            let won = effects.contains(.promoteHedge)
            if isOver, !won { driver.hedge = .idle }
            driver.perform(effects, after: "hedge answered")
            if isOver, won { driver.main = .idle }
        default:
            guard random.index(below: 6) == 0 else { return }
            driver.perform(driver.exchange.downstreamGone(now: now), after: "client gone")
        }
    }
}
