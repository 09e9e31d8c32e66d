import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct AdmissionControlTests {
    private func control(_ change: (inout AdmissionPolicy) -> Void = { _ in }) -> AdmissionControl {
        var policy = AdmissionPolicy()
        change(&policy)
        return AdmissionControl(policy)
    }

    private func record(_ control: inout AdmissionControl, _ successes: Int, of requests: Int, at ms: Int = 0) {
        for index in 0..<requests { control.record(success: index < successes, now: .ms(ms)) }
    }

    @Test(arguments: [(100, 0.0), (95, 0.0), (50, (100 - 50 / 0.95) / 101), (10, 0.8), (0, 0.8)])
    func `refusals follow the share of failures, up to 80 %`(successes: Int, expected: Double) {
        var control = control()
        record(&control, successes, of: 100)
        #expect(abs(control.rejection(now: .ms(0)) - expected) < 1e-9)
    }

    @Test func `aggression sharpens refusals`() {
        var control = control { $0.aggression = 2 }
        record(&control, 50, of: 100)
        let linear: Double = (100 - 50 / 0.95) / 101
        #expect(abs(control.rejection(now: .ms(0)) - linear.squareRoot()) < 1e-9)
    }

    @Test func `nothing is refused below the rate, without requests, or after the window`() {
        var quiet = control { $0.minRequestsPerSecond = 10 }
        record(&quiet, 0, of: 299)
        #expect(quiet.rejection(now: .ms(0)) == 0)
        record(&quiet, 0, of: 1)
        #expect(quiet.rejection(now: .ms(0)) > 0)
        var fresh = control()
        #expect(fresh.rejection(now: .ms(0)) == 0)
        record(&fresh, 0, of: 100)
        #expect(fresh.rejection(now: .ms(29_000)) > 0)
        #expect(fresh.rejection(now: .ms(30_000)) == 0)
    }

    @Test func `as many are refused as the probability says`() {
        var control = control()
        var random = TrafficRandom(seed: 4)
        record(&control, 50, of: 100)
        let refused = (0..<10_000).count { _ in !control.admit(random: &random, now: .ms(0)) }
        #expect(abs(Double(refused) / 10_000 - 0.469) < 0.02)
    }

    @Test func `success is below 500 and, for gRPC, what is not the server's failure`() {
        #expect(AdmissionControl.isSuccess(status: 404, grpcStatus: nil))
        #expect(!AdmissionControl.isSuccess(status: 500, grpcStatus: nil))
        #expect(AdmissionControl.isSuccess(status: 200, grpcStatus: 5))
        #expect(!AdmissionControl.isSuccess(status: 200, grpcStatus: 14))
    }
}

@Suite struct GradientLimitTests {
    private var random = TrafficRandom(seed: 8)

    /// Runs load on an application that serves `capacity` requests at once in `base` ms, and more of them slower.
    private mutating func run(
        _ limit: inout GradientLimit, from: Int, to: Int, offered: Int, capacity: Int, base: Int
    ) -> Int {
        var open: [(start: Int, end: Int)] = []
        var refused = 0
        for now in from..<to {
            for (start, end) in open where end <= now {
                limit.finished(
                    since: .ms(start), latency: Int64(end - start) * 1_000_000, random: &self.random, now: .ms(now))
            }
            open.removeAll { $0.end <= now }
            while open.count < offered {
                guard limit.admit(random: &self.random, now: .ms(now)) else {
                    refused += 1
                    break
                }
                let slowdown = max(1, (open.count + 1 + capacity - 1) / capacity)
                open.append((now, now + base * slowdown))
            }
        }
        for (start, _) in open { limit.finished(since: .ms(start), latency: nil, random: &self.random, now: .ms(to)) }
        return refused
    }

    @Test mutating func `at first the limit is the least, until latency without load is known`() {
        var limit = GradientLimit(ConcurrencyPolicy())
        #expect(limit.isMeasuring && limit.limit == 3)
        for _ in 0..<3 { #expect(limit.admit(random: &self.random, now: .ms(0)) == true) }
        #expect(limit.admit(random: &self.random, now: .ms(0)) == false)
        for _ in 0..<3 { limit.finished(since: .ms(0), latency: 10_000_000, random: &self.random, now: .ms(10)) }
        for _ in 0..<47 {
            _ = limit.admit(random: &self.random, now: .ms(20))
            limit.finished(since: .ms(10), latency: 10_000_000, random: &self.random, now: .ms(20))
        }
        #expect(!limit.isMeasuring)
        #expect(abs(Double(limit.minRTT) / 10_000_000 - 1) < 0.04)
    }

    @Test mutating func `an application that keeps up gets more and more`() {
        var limit = GradientLimit(ConcurrencyPolicy())
        _ = self.run(&limit, from: 0, to: 10_000, offered: 200, capacity: 1_000, base: 10)
        #expect(limit.limit > 200)
        #expect(limit.limit <= 1_000)
    }

    @Test mutating func `one that slows down under load is held near what it can do`() {
        var limit = GradientLimit(ConcurrencyPolicy())
        let refused = self.run(&limit, from: 0, to: 20_000, offered: 400, capacity: 40, base: 10)
        #expect(limit.limit >= 20 && limit.limit <= 120, "\(limit.limit)")
        #expect(refused > 0)
    }

    @Test mutating func `under steady overload the limit stays near what the application can do`() {
        var limit = GradientLimit(ConcurrencyPolicy())
        for minute in 0..<10 {
            _ = self.run(
                &limit, from: minute * 60_000, to: (minute + 1) * 60_000, offered: 400, capacity: 40, base: 10)
            #expect(limit.limit <= 120, "\(limit.limit) after \(minute + 1) min")
            #expect(limit.minRTT < 11_000_000, "\(limit.minRTT)")
        }
    }

    @Test mutating func `what began before a measurement is none of its samples`() {
        var limit = GradientLimit(ConcurrencyPolicy())
        _ = self.run(&limit, from: 0, to: 5_000, offered: 10, capacity: 100, base: 10)
        let before = limit.minRTT
        for _ in 0..<5 { _ = limit.admit(random: &self.random, now: .ms(5_000)) }
        for _ in 0..<100 where !limit.isMeasuring { _ = limit.admit(random: &self.random, now: .ms(75_000)) }
        #expect(limit.isMeasuring && limit.inFlight >= 5)
        while limit.inFlight > 0 {
            limit.finished(since: .ms(5_000), latency: 70_000_000_000, random: &self.random, now: .ms(75_000))
        }
        for step in 0..<50 {
            #expect(limit.isMeasuring && limit.admit(random: &self.random, now: .ms(75_000 + step)))
            limit.finished(
                since: .ms(75_000 + step), latency: 10_000_000, random: &self.random, now: .ms(75_000 + step))
        }
        #expect(!limit.isMeasuring && abs(Double(limit.minRTT - before)) < Double(before) * 0.04)
    }

    @Test mutating func `requests that were cut short say nothing, and give their place back`() {
        var limit = GradientLimit(ConcurrencyPolicy())
        for _ in 0..<1_000 {
            #expect(limit.admit(random: &self.random, now: .ms(0)) == true)
            limit.finished(since: .ms(0), latency: nil, random: &self.random, now: .ms(0))
        }
        #expect(limit.isMeasuring && limit.inFlight == 0)
    }

    @Test mutating func `latency without load is measured anew after a minute and up to 15 %`() {
        var limit = GradientLimit(ConcurrencyPolicy())
        _ = self.run(&limit, from: 0, to: 5_000, offered: 10, capacity: 100, base: 10)
        #expect(!limit.isMeasuring)
        #expect(limit.admit(random: &self.random, now: .ms(55_000)) == true)
        limit.finished(since: .ms(55_000), latency: 10_000_000, random: &self.random, now: .ms(55_010))
        #expect(!limit.isMeasuring)
        #expect(limit.admit(random: &self.random, now: .ms(75_000)) == true)
        #expect(limit.isMeasuring && limit.limit == 3)
    }

    @Test func `percentiles are within 3 %`() {
        var samples = LatencySamples()
        for value in 1...100 { samples.add(Int64(value) * 1_000_000) }
        for percent in [1, 50, 90, 99, 100] {
            let found = Double(samples.percentile(percent)) / 1e6
            #expect(abs(found / Double(percent) - 1) < 0.032)
        }
        samples.clear()
        #expect(samples.percentile(50) == 0)
    }
}

@Suite struct ConcurrencyGateTests {
    @Test func `an inbound request beyond the limit gets 503 overload, and every end gives its place back`() {
        let gate = ConcurrencyGate(ConcurrencyPolicy(), seed: 1)
        var attempts = AttemptGuard()
        var first = InboundExchange()
        #expect(first.begin(request(), end: true, attempts: &attempts, gate: gate, now: .ms(0)) == .connect)
        #expect(gate.admit(now: .ms(0)) && gate.admit(now: .ms(0)))
        var refused = InboundExchange()
        #expect(
            refused.begin(request(), end: true, attempts: &attempts, gate: gate, now: .ms(0)) == [
                .dropHeld, .reply, .finished,
            ])
        #expect(refused.reply?.reason == .overload)
        #expect(gate.limit.inFlight == 3)
        _ = first.connectionReady(kept: false, now: .ms(1))
        _ = first.downstreamGone(now: .ms(2))
        #expect(gate.limit.inFlight == 2)
        // A tunnel is no request that ends.
        var tunnel = InboundExchange()
        var head = request()
        head.headers.append(.connectProtocol, "websocket")
        #expect(tunnel.begin(head, end: false, attempts: &attempts, gate: gate, now: .ms(3)) == .connect)
        #expect(gate.limit.inFlight == 2)
        // Nor are server-sent events.
        var events = InboundExchange()
        let asking = request(.get, "/", ["accept": "text/event-stream"])
        #expect(events.begin(asking, end: true, attempts: &attempts, gate: gate, now: .ms(3)) == .connect)
        #expect(gate.limit.inFlight == 2)
        _ = events.downstreamGone(now: .ms(4))
        #expect(gate.limit.inFlight == 2)
    }

    @Test func `a gRPC call has its place until its answer begins, after which it may be a stream`() {
        let gate = ConcurrencyGate(ConcurrencyPolicy(), seed: 1)
        var attempts = AttemptGuard()
        for step in 0..<50 {
            var call = InboundExchange()
            let head = request(.post, "/s/M", ["content-type": "application/grpc"])
            let start = step * 100
            #expect(call.begin(head, end: true, attempts: &attempts, gate: gate, now: .ms(start)) == .connect)
            #expect(gate.limit.inFlight == 1)
            _ = call.connectionReady(kept: false, now: .ms(start))
            var answer = ResponseHead(status: 200)
            _ = call.responseHead(&answer, end: false, now: .ms(start + 10))
            #expect(gate.limit.inFlight == 0)
            _ = call.responseTrailers(["grpc-status": "0"], now: .ms(start + 90))
            #expect(call.isFinished && gate.limit.inFlight == 0)
        }
        #expect(!gate.limit.isMeasuring && abs(Double(gate.limit.minRTT) / 10_000_000 - 1) < 0.04)
    }
}
