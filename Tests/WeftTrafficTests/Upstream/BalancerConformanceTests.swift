import Testing
import WeftModel

@testable import WeftTraffic

/// What every algorithm must do, whatever it optimizes.
@Suite struct BalancerConformanceTests {
    private func balancer(_ algorithm: LoadBalancing, _ list: [Endpoint]) -> ClusterBalancer {
        var balancer = ClusterBalancer(algorithm: algorithm)
        balancer.update(endpoints("c", list))
        return balancer
    }

    /// Picks `count` times, `width` requests in flight, each taking `latency` milliseconds.
    private func run(
        _ balancer: inout ClusterBalancer, count: Int, width: Int = 8, latency: (UpstreamEndpoint) -> Int = { _ in 10 }
    ) -> [String: Int] {
        var random = TrafficRandom(seed: 42)
        var counts: [String: Int] = [:]
        var open: [(UpstreamEndpoint, until: Int, from: Int)] = []
        for step in 0..<count {
            let now = MonotonicInstant.ms(step)
            for (endpoint, _, from) in open where open.count >= width || from + latency(endpoint) <= step {
                guard let place = open.firstIndex(where: { $0.0 === endpoint && $0.from == from }) else { continue }
                open.remove(at: place)
                balancer.answered(endpoint, latency: Int64(latency(endpoint)) * 1_000_000, failed: false, now: now)
                balancer.finished(endpoint)
            }
            guard let endpoint = balancer.pick(random: &random, now: now) else { continue }
            balancer.started(endpoint)
            open.append((endpoint, step + latency(endpoint), step))
            counts[endpoint.endpoint.workload, default: 0] += 1
        }
        for (endpoint, _, _) in open { balancer.finished(endpoint) }
        return counts
    }

    @Test(arguments: LoadBalancing.allCases)
    func `a cluster without endpoints gives none, one with a single endpoint always that`(algorithm: LoadBalancing) {
        var random = TrafficRandom(seed: 1)
        var none = balancer(algorithm, [])
        #expect(none.pick(random: &random, now: .ms(0)) == nil)
        var one = balancer(algorithm, [endpoint("a")])
        let only = one.endpoints[0]
        #expect(one.pick(random: &random, now: .ms(0)) === only)
        #expect(one.pick(excluding: [only], random: &random, now: .ms(0)) === only)
    }

    @Test(arguments: LoadBalancing.allCases)
    func `equal endpoints share the work`(algorithm: LoadBalancing) {
        var subject = balancer(algorithm, (0..<5).map { endpoint("\($0)") })
        let counts = run(&subject, count: 10_000)
        for index in 0..<5 {
            let share = Double(counts["default/\(index)"] ?? 0) / 10_000
            #expect(share > 0.12 && share < 0.28, "\(algorithm) gave \(share)")
        }
        #expect(subject.endpoints.allSatisfy { $0.inFlight == 0 })
    }

    @Test(arguments: [LoadBalancing.roundRobin, .random])
    func `weights are shares where the algorithm does not look at load`(algorithm: LoadBalancing) {
        var subject = balancer(
            algorithm, [endpoint("a", weight: 1), endpoint("b", weight: 3), endpoint("c", weight: 6)])
        let counts = run(&subject, count: 10_000)
        for (name, share) in [("a", 0.1), ("b", 0.3), ("c", 0.6)] {
            #expect(abs(Double(counts["default/\(name)"] ?? 0) / 10_000 - share) < 0.02)
        }
    }

    @Test(arguments: [LoadBalancing.peakEWMA, .leastRequest])
    func `a heavier endpoint gets more where load decides`(algorithm: LoadBalancing) {
        var subject = balancer(algorithm, [endpoint("a", weight: 1), endpoint("b", weight: 4)])
        let counts = run(&subject, count: 10_000)
        #expect((counts["default/b"] ?? 0) > 2 * (counts["default/a"] ?? 0))
    }

    @Test(arguments: LoadBalancing.allCases)
    func `what was tried is not picked while another is left`(algorithm: LoadBalancing) {
        var random = TrafficRandom(seed: 3)
        var subject = balancer(algorithm, (0..<3).map { endpoint("\($0)") })
        for _ in 0..<200 {
            let tried = [subject.endpoints[0], subject.endpoints[2]]
            #expect(subject.pick(excluding: tried, random: &random, now: .ms(0)) === subject.endpoints[1])
        }
        #expect(subject.pick(excluding: subject.endpoints, random: &random, now: .ms(0)) != nil)
    }

    @Test(arguments: LoadBalancing.allCases)
    func `an update keeps those that stay and what was learned, and tells who left`(algorithm: LoadBalancing) {
        var subject = balancer(algorithm, [endpoint("a"), endpoint("b"), endpoint("c")])
        let before = subject.endpoints
        subject.started(before[1])
        subject.answered(before[1], latency: 7_000_000, failed: false, now: .ms(1))
        let left = subject.update(endpoints("c", [endpoint("b", weight: 5), endpoint("d"), endpoint("c")]))
        #expect(left.count == 1 && left[0] === before[0])
        #expect(subject.endpoints[0] === before[1] && subject.endpoints[2] === before[2])
        #expect(subject.endpoints[0].endpoint.weight == 5)
        #expect(subject.endpoints[0].inFlight == 1)
        #expect(subject.endpoints[0].latency.estimate(now: .ms(1)) == 7_000_000)
    }

    @Test(arguments: LoadBalancing.allCases)
    func `another address or identity is another endpoint`(algorithm: LoadBalancing) {
        var subject = balancer(algorithm, [endpoint("a")])
        let before = subject.endpoints[0]
        var moved = endpoint("a")
        moved.port = 81
        #expect(subject.update(endpoints("c", [moved])).count == 1)
        #expect(subject.endpoints[0] !== before)
    }

    @Test(arguments: LoadBalancing.allCases)
    func `an endpoint that takes no connections is passed over, then tried by one request at a time`(
        algorithm: LoadBalancing
    ) {
        var random = TrafficRandom(seed: 5)
        var subject = balancer(algorithm, [endpoint("a"), endpoint("b")])
        let dead = subject.endpoints[0]
        subject.started(dead)
        subject.failed(dead, .connectFailed("refused"), waited: 1, now: .ms(0))
        subject.finished(dead)
        for step in 0..<100 { #expect(subject.pick(random: &random, now: .ms(step * 9)) !== dead) }

        // After a second it may be tried, by one.
        var probes = 0
        for _ in 0..<100 {
            guard let picked = subject.pick(random: &random, now: .ms(1_100)), picked === dead else { continue }
            subject.started(picked)
            probes += 1
        }
        #expect(probes == 1)
        subject.failed(dead, .connectTimeout, waited: 1, now: .ms(1_200))
        subject.finished(dead)
        for step in 0..<100 { #expect(subject.pick(random: &random, now: .ms(1_201 + step * 19)) !== dead) }

        // An answer makes it one of all again.
        for endpoint in subject.endpoints {
            subject.answered(endpoint, latency: 1_000_000, failed: false, now: .ms(3_300))
        }
        var picks = 0
        for _ in 0..<100 where subject.pick(random: &random, now: .ms(3_301)) === dead { picks += 1 }
        #expect(picks > 10)
    }

    @Test(arguments: LoadBalancing.allCases)
    func `an endpoint without room is avoided for a second, unless all are, and is neither ejected nor probed`(
        algorithm: LoadBalancing
    ) {
        var random = TrafficRandom(seed: 5)
        var subject = balancer(algorithm, (0..<3).map { endpoint("\($0)") })
        let full = subject.endpoints[0]
        subject.failed(full, .overflow, waited: 0, now: .ms(0))
        for step in 0..<200 {
            let hint = PickHint(hash: step % 2 == 0 ? random.next() : nil)
            #expect(subject.pick(hint, random: &random, now: .ms(step * 5 - 1)) !== full)
        }
        var picks = 0
        for _ in 0..<300 where subject.pick(PickHint(hash: random.next()), random: &random, now: .ms(1_000)) === full {
            picks += 1
        }
        #expect(picks > 30 && full.isWell && subject.ejectedCount == 0 && !full.isProbed)
        for endpoint in subject.endpoints { subject.failed(endpoint, .overflow, waited: 0, now: .ms(2_000)) }
        var seen: Set<ObjectIdentifier> = []
        for _ in 0..<300 {
            let picked = subject.pick(PickHint(hash: random.next()), random: &random, now: .ms(2_000))
            if let picked { seen.insert(ObjectIdentifier(picked)) }
        }
        #expect(seen.count == 3 && !subject.ignoresEjections)
    }

    @Test(arguments: LoadBalancing.allCases)
    func `when no endpoint takes connections they are tried all the same`(algorithm: LoadBalancing) {
        var random = TrafficRandom(seed: 5)
        var subject = balancer(algorithm, [endpoint("a"), endpoint("b")])
        for endpoint in subject.endpoints { subject.failed(endpoint, .connectTimeout, waited: 1, now: .ms(0)) }
        #expect(subject.pick(random: &random, now: .ms(1)) != nil)
    }

    @Test func `peak EWMA keeps away from a slow endpoint`() {
        var subject = balancer(.peakEWMA, [endpoint("fast"), endpoint("slow"), endpoint("fast2")])
        let counts = run(&subject, count: 10_000) { $0.endpoint.workload == "default/slow" ? 200 : 5 }
        #expect(Double(counts["default/slow"] ?? 0) / 10_000 < 0.05)
        #expect((counts["default/slow"] ?? 0) > 0)
    }

    @Test func `an endpoint that has never answered is tried by one request at once`() {
        var random = TrafficRandom(seed: 5)
        var subject = balancer(.peakEWMA, [endpoint("a")])
        subject.answered(subject.endpoints[0], latency: 1_000_000, failed: false, now: .ms(0))
        subject.update(endpoints("c", [endpoint("a"), endpoint("new")]))
        let picked = subject.pick(random: &random, now: .ms(1))
        #expect(picked === subject.endpoints[1])
        subject.started(subject.endpoints[1])
        #expect(subject.pick(random: &random, now: .ms(1)) === subject.endpoints[0])
    }
}

@Suite struct PeakEWMATests {
    @Test func `a peak counts at once and fades by the time constant`() {
        var latency = PeakEWMA()
        #expect(latency.estimate(now: .ms(0)) == 30_000_000)
        latency.observe(1_000_000, now: .ms(0))
        #expect(latency.estimate(now: .ms(0)) == 1_000_000)
        latency.observe(100_000_000, now: .ms(1))
        #expect(latency.estimate(now: .ms(1)) == 100_000_000)
        let later = latency.estimate(now: .ms(10_001))
        #expect(abs(later / 100_000_000 - 0.3679) < 0.001)
        let shortly = latency.estimate(now: .ms(51))
        #expect(abs(shortly / 100_000_000 - 0.995) < 0.001)
        #expect(latency.estimate(now: .ms(1_000_000)) == 1_000)
    }

    @Test func `steady answers bring the estimate to their latency`() {
        var latency = PeakEWMA()
        latency.observe(100_000_000, now: .ms(0))
        for step in 1...6_000 { latency.observe(5_000_000, now: .ms(step * 10)) }
        #expect(abs(latency.estimate(now: .ms(60_000)) / 5_000_000 - 1) < 0.1)
    }
}

@Suite struct LatencyMedianTests {
    @Test func `the median is known after twenty answers, within an eighth, and forgotten after a while`() {
        let median = LatencyMedian()
        for index in 0..<19 { median.observe(Int64(index + 1) * 1_000_000, now: .ms(0)) }
        #expect(median.value(now: .ms(0)) == nil)
        for index in 19..<99 { median.observe(Int64(index + 1) * 1_000_000, now: .ms(1_000)) }
        let value = median.value(now: .ms(1_200)) ?? 0
        #expect(value > 43_000_000 && value <= 50_000_000)
        #expect(median.value(now: .ms(15_000)) != nil)
        #expect(median.value(now: .ms(40_000)) == nil)
    }

    @Test(arguments: [8, 9, 15, 16, 1_000, 123_456_789, 5_000_000_000, 100_000_000_000] as [Int64])
    func `a bucket holds what it says`(nanoseconds: Int64) {
        let bucket = LatencyMedian.bucket(of: nanoseconds)
        #expect(LatencyMedian.lowerBound(of: bucket) <= nanoseconds)
        #expect(LatencyMedian.lowerBound(of: bucket + 1) > nanoseconds)
    }
}

@Suite struct CircuitLoadTests {
    @Test func `limits are shared between loops, rounded up, and nil is without`() {
        var limits = CircuitLimits()
        limits.requests = 3
        limits.pendingRequests = 1
        var load = CircuitLoad(limits, loops: 2)
        #expect([load.admit(), load.admit(), load.admit()] == [true, true, false])
        load.release()
        #expect(load.admit() == true)
        #expect([load.startWaiting(), load.startWaiting()] == [true, false])
        limits.requests = nil
        load.update(limits, loops: 2)
        for _ in 0..<1_000 { #expect(load.admit() == true) }
    }
}
