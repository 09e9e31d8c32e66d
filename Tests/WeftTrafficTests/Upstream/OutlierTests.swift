import Testing
import WeftModel

@testable import WeftTraffic

/// One cluster under judgement, in simulated time.
private struct Court {
    var balancer = ClusterBalancer(algorithm: .random)
    var random = TrafficRandom(seed: 7)

    init(_ count: Int, _ change: (inout OutlierPolicy) -> Void = { _ in }) {
        change(&self.balancer.outliers)
        self.balancer.update(endpoints("c", (0..<count).map { endpoint("\($0)") }))
    }

    subscript(_ place: Int) -> UpstreamEndpoint { self.balancer.endpoints[place] }

    mutating func observe(_ outcome: EndpointOutcome, _ place: Int, times: Int = 1, probe: Bool = false, at ms: Int) {
        for _ in 0..<times {
            self.balancer.observe(
                outcome, of: self[place], wasProbe: probe, random: &self.random, now: .ms(ms))
        }
    }

    mutating func picks(_ count: Int = 200, at ms: Int) -> [Int] {
        var counts = Array(repeating: 0, count: self.balancer.endpoints.count)
        for _ in 0..<count {
            guard let picked = self.balancer.pick(random: &self.random, now: .ms(ms)),
                let place = self.balancer.endpoints.firstIndex(where: { $0 === picked })
            else { continue }
            counts[place] += 1
        }
        return counts
    }

    /// When the endpoint's ejection ends, in milliseconds, rounded up.
    func end(_ place: Int) -> Int { Int(self[place].ejection.until.nanoseconds / 1_000_000) + 1 }
}

@Suite struct OutlierTests {
    // MARK: Trips

    @Test func `trip A: below 80 % of at least five requests in 10 s`() {
        var court = Court(4) { $0.consecutiveFailures = 0 }
        court.observe(.failure, 0, times: 4, at: 0)
        #expect(!court[0].ejection.isEjected)
        court.observe(.failure, 0, at: 0)
        #expect(court[0].ejection.isEjected)
        // Exactly 80 % is enough.
        court.observe(.success, 1, times: 8, at: 0)
        court.observe(.failure, 1, times: 2, at: 0)
        #expect(!court[1].ejection.isEjected)
        // 429 counts for this one.
        var other = Court(4)
        other.observe(.throttled, 0, times: 5, at: 0)
        #expect(other[0].ejection.isEjected)
    }

    @Test func `the window forgets after 10 s`() {
        var court = Court(4) { $0.consecutiveFailures = 0 }
        court.observe(.failure, 0, times: 4, at: 0)
        court.observe(.failure, 0, times: 4, at: 10_000)
        #expect(!court[0].ejection.isEjected)
        court.observe(.failure, 0, at: 10_000)
        #expect(court[0].ejection.isEjected)
        var early = Court(4) { $0.consecutiveFailures = 0 }
        early.observe(.failure, 0, times: 4, at: 0)
        early.observe(.failure, 0, at: 9_999)
        #expect(early[0].ejection.isEjected)
    }

    @Test func `trip B: seven failures in a row, whatever came before, and 429 is none`() {
        var court = Court(4)
        court.observe(.success, 0, times: 1_000, at: 0)
        court.observe(.failure, 0, times: 6, at: 0)
        court.observe(.success, 0, at: 0)
        court.observe(.failure, 0, times: 6, at: 0)
        court.observe(.throttled, 0, times: 50, at: 0)
        #expect(!court[0].ejection.isEjected)
        court.observe(.failure, 0, at: 0)
        #expect(court[0].ejection.isEjected)
        #expect(
            court.balancer.takeEvents().contains {
                if case .ejected(_, .consecutiveFailures, _) = $0 { true } else { false }
            })
    }

    @Test func `nothing is ejected where the policy says so`() {
        var off = Court(4) { $0.isEnabled = false }
        off.observe(.failure, 0, times: 100, at: 0)
        var noTrips = Court(4) {
            $0.successRate = 0
            $0.consecutiveFailures = 0
        }
        noTrips.observe(.failure, 0, times: 100, at: 0)
        #expect(!off[0].ejection.isEjected && !noTrips[0].ejection.isEjected)
    }

    @Test func `the cohort detector ejects who is far below the others, every 10 s`() {
        var court = Court(6) {
            $0.cohort = OutlierPolicy.CohortDetector()
            $0.consecutiveFailures = 0
        }
        court.observe(.success, 0, at: 0)
        for place in 0..<6 {
            court.observe(.success, place, times: place == 5 ? 85 : 99, at: 5_000)
            court.observe(.failure, place, times: place == 5 ? 15 : 1, at: 5_000)
        }
        // 85 % is above trip A, and far from the others' 99 %.
        #expect((0..<6).allSatisfy { !court[$0].ejection.isEjected })
        court.observe(.success, 0, at: 10_000)
        #expect((0..<6).map { court[$0].ejection.isEjected } == [false, false, false, false, false, true])
    }

    @Test func `the cohort detector wants five endpoints with a hundred requests each`() {
        for (count, requests) in [(4, 200), (6, 90)] {
            var court = Court(count) {
                $0.cohort = OutlierPolicy.CohortDetector()
                $0.consecutiveFailures = 0
            }
            court.observe(.success, 0, at: 0)
            for place in 0..<count {
                court.observe(.success, place, times: requests * (place == 1 ? 85 : 99) / 100, at: 5_000)
                court.observe(.failure, place, times: requests * (place == 1 ? 15 : 1) / 100, at: 5_000)
            }
            court.observe(.success, 0, at: 10_000)
            #expect((0..<count).allSatisfy { !court[$0].ejection.isEjected })
        }
    }

    // MARK: Ejection

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `an ejection lasts 1 s and doubles to 60 s, each half more or less`(seed: UInt64) {
        var random = TrafficRandom(seed: seed)
        var ejection = Ejection()
        for base in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let span = Double(ejection.eject(OutlierPolicy(), random: &random, now: .ms(0))) / 1e9
            #expect(span >= Double(base) * 0.5 && span <= Double(base) * 1.5)
        }
    }

    @Test func `service without failures takes doublings back, one for each 10 s`() {
        var random = TrafficRandom(seed: 1)
        var ejection = Ejection()
        for _ in 0..<4 { _ = ejection.eject(OutlierPolicy(), random: &random, now: .ms(0)) }
        #expect(ejection.level == 4)
        ejection.readmit(now: .ms(0))
        _ = ejection.eject(OutlierPolicy(), random: &random, now: .ms(9_999))
        #expect(ejection.level == 5)
        ejection.readmit(now: .ms(10_000))
        _ = ejection.eject(OutlierPolicy(), random: &random, now: .ms(40_000))
        #expect(ejection.level == 3)
        ejection.readmit(now: .ms(50_000))
        _ = ejection.eject(OutlierPolicy(), random: &random, now: .ms(500_000))
        #expect(ejection.level == 1)
    }

    @Test(arguments: LoadBalancing.allCases)
    func `an ejected endpoint is not picked, by any algorithm, with or without a hash`(algorithm: LoadBalancing) {
        var court = Court(5)
        court.balancer.algorithm = algorithm
        court.observe(.failure, 2, times: 7, at: 0)
        for key in 0..<500 {
            let hint = PickHint(hash: key % 2 == 0 ? AffinityHash.of("\(key)") : nil)
            #expect(court.balancer.pick(hint, random: &court.random, now: .ms(400)) !== court[2])
            #expect(
                court.balancer.pick(hint, excluding: [court[0], court[1]], random: &court.random, now: .ms(400))
                    !== court[2])
        }
    }

    // MARK: Re-admission

    @Test(arguments: [LoadBalancing.peakEWMA, .leastRequest, .roundRobin, .random])
    func `exactly one request probes, and its success brings the endpoint back`(algorithm: LoadBalancing) {
        var court = Court(4)
        court.balancer.algorithm = algorithm
        court.observe(.failure, 1, times: 7, at: 0)
        let due = court.end(1)
        #expect(court.picks(at: due - 2)[1] == 0)
        let probe = court.balancer.pick(random: &court.random, now: .ms(due))
        #expect(probe === court[1])
        #expect(court.balancer.started(court[1]) == true)
        #expect(court.picks(at: due)[1] == 0)
        // What others that began before the ejection say does not matter.
        court.observe(.success, 1, at: due)
        #expect(court.picks(at: due)[1] == 0)
        court.observe(.success, 1, probe: true, at: due + 5)
        court.balancer.finished(court[1], wasProbe: true)
        #expect(!court[1].ejection.isEjected)
        #expect(court.picks(at: due + 5)[1] > 0)
    }

    @Test func `a probe's failure ejects again, for longer`() {
        var court = Court(4)
        court.observe(.failure, 1, times: 7, at: 0)
        let due = court.end(1)
        _ = court.balancer.pick(random: &court.random, now: .ms(due))
        court.balancer.started(court[1])
        court.observe(.failure, 1, probe: true, at: due)
        court.balancer.finished(court[1], wasProbe: true)
        #expect(court[1].ejection.isEjected && court[1].ejection.level == 2)
        #expect(court.end(1) - due >= 1_000)
        #expect(court.picks(at: due + 900)[1] == 0)
        #expect(court.balancer.takeEvents().count { if case .ejected(_, .probe, _) = $0 { true } else { false } } == 1)
    }

    @Test func `a probe that tells nothing leaves its place to another`() {
        var court = Court(4)
        court.observe(.failure, 1, times: 7, at: 0)
        let due = court.end(1)
        for _ in 0..<3 {
            #expect(court.balancer.pick(random: &court.random, now: .ms(due)) === court[1])
            #expect(court.balancer.started(court[1]) == true)
            court.balancer.finished(court[1], wasProbe: true)
        }
        #expect(court[1].inFlight == 0)
    }

    @Test func `a retry is no probe`() {
        var court = Court(3)
        court.observe(.failure, 1, times: 7, at: 0)
        let due = court.end(1)
        for _ in 0..<100 {
            #expect(
                court.balancer.pick(excluding: [court[0]], random: &court.random, now: .ms(due)) === court[2])
        }
    }

    @Test(arguments: LoadBalancing.allCases, [2, 3])
    func `an attempt that has tried all others goes back to one of them, not to an ejected endpoint`(
        algorithm: LoadBalancing, count: Int
    ) {
        var court = Court(count)
        court.balancer.algorithm = algorithm
        let out = count - 1
        court.observe(.failure, out, times: 7, at: 0)
        let tried = (0..<out).map { court[$0] }
        for (now, key) in (0..<300).map({ (400, $0) }) + (0..<300).map({ (court.end(out), $0) }) {
            let hint = PickHint(hash: key % 2 == 0 ? AffinityHash.of("\(key)") : nil)
            let picked = court.balancer.pick(hint, excluding: tried, random: &court.random, now: .ms(now))
            #expect(picked !== court[out])
        }
        #expect(!court.balancer.ignoresEjections)
    }

    @Test(arguments: LoadBalancing.allCases)
    func `while a request probes, no other goes to its endpoint, even where all others were tried`(
        algorithm: LoadBalancing
    ) {
        var court = Court(2)
        court.balancer.algorithm = algorithm
        court.observe(.failure, 1, times: 7, at: 0)
        let due = court.end(1)
        _ = court.balancer.pick(random: &court.random, now: .ms(due))
        #expect(court.balancer.started(court[1]) == true)
        for key in 0..<200 {
            let hint = PickHint(hash: key % 2 == 0 ? AffinityHash.of("\(key)") : nil)
            let picked = court.balancer.pick(hint, excluding: [court[0]], random: &court.random, now: .ms(due))
            #expect(picked === court[0])
        }
    }

    @Test(arguments: LoadBalancing.allCases, [1, 2])
    func `ejected endpoints with nobody else left are probed and taken back`(algorithm: LoadBalancing, left: Int) {
        var court = Court(9)
        court.balancer.algorithm = algorithm
        for place in 0..<left { court.observe(.failure, place, times: 7, at: 0) }
        #expect(court.balancer.ejectedCount == left)
        court.balancer.update(endpoints("c", (0..<left).map { endpoint("\($0)") }))
        for step in 0..<20 {
            let now = 2_000 + step * 100
            guard let picked = court.balancer.pick(random: &court.random, now: .ms(now)) else {
                Issue.record("nobody was picked")
                continue
            }
            let probe = court.balancer.started(picked)
            court.balancer.observe(.success, of: picked, wasProbe: probe, random: &court.random, now: .ms(now))
            court.balancer.finished(picked, wasProbe: probe)
        }
        #expect(court.balancer.ejectedCount == 0)
    }

    // MARK: Caps

    @Test(arguments: [(10, 3), (4, 1), (3, 1), (2, 1), (20, 6)])
    func `at most 30 % are out, one where that is none, and never the last`(count: Int, most: Int) {
        var court = Court(count)
        for place in 0..<count { court.observe(.failure, place, times: 20, at: 0) }
        #expect(court.balancer.ejectedCount == most)
    }

    @Test func `the only endpoint is never ejected, and no policy can eject the last`() {
        var one = Court(1) { $0.maxEjectionPercent = 100 }
        one.observe(.failure, 0, times: 100, at: 0)
        #expect(one.balancer.ejectedCount == 0)
        var many = Court(5) { $0.maxEjectionPercent = 100 }
        for place in 0..<5 { many.observe(.failure, place, times: 100, at: 0) }
        #expect(many.balancer.ejectedCount == 4)
        // One that health checks have taken out is none to fall back on.
        var sick = Court(3) { $0.maxEjectionPercent = 100 }
        sick.balancer.setHealth(of: sick[0], isHealthy: false)
        sick.balancer.setHealth(of: sick[1], isHealthy: false)
        sick.observe(.failure, 2, times: 100, at: 0)
        #expect(sick.balancer.ejectedCount == 0)
        var none = Court(5) { $0.maxEjectionPercent = 0 }
        none.observe(.failure, 0, times: 100, at: 0)
        #expect(none.balancer.ejectedCount == 0)
    }

    // MARK: Panic

    @Test func `below 50 % eligible, ejections and health checks are ignored, and it is said`() {
        var court = Court(4) { $0.maxEjectionPercent = 100 }
        court.observe(.failure, 0, times: 7, at: 0)
        court.balancer.setHealth(of: court[1], isHealthy: false)
        #expect(court.picks(at: 1)[0] == 0)
        #expect(!court.balancer.ignoresEjections)
        court.observe(.failure, 2, times: 7, at: 1)
        let counts = court.picks(at: 2)
        #expect(counts.allSatisfy { $0 > 0 })
        #expect(court.balancer.ignoresEjections)
        #expect(court.balancer.takeEvents().contains(.panicBegan(eligible: 1, of: 4)))
        court.balancer.setHealth(of: court[1], isHealthy: true)
        #expect(court.picks(at: 3)[0] == 0)
        #expect(court.balancer.takeEvents().contains(.panicEnded))
    }

    @Test func `in panic endpoints are still probed one by one, so that it ends`() {
        var court = Court(3) { $0.maxEjectionPercent = 100 }
        court.observe(.failure, 0, times: 7, at: 0)
        court.observe(.failure, 1, times: 7, at: 0)
        #expect(court.picks(at: 1).allSatisfy { $0 > 0 })
        let due = max(court.end(0), court.end(1))
        for _ in 0..<2 {
            guard let probe = court.balancer.pick(random: &court.random, now: .ms(due)) else { continue }
            #expect(court.balancer.started(probe) == true)
            court.balancer.observe(.success, of: probe, wasProbe: true, random: &court.random, now: .ms(due))
            court.balancer.finished(probe, wasProbe: true)
        }
        #expect(court.balancer.ejectedCount == 0)
        _ = court.picks(at: due)
        #expect(!court.balancer.ignoresEjections)
    }

    @Test func `a threshold of zero never panics, but somebody is always picked`() {
        var court = Court(2) { $0.maxEjectionPercent = 100 }
        court.balancer.options.panicThreshold = 0
        for endpoint in court.balancer.endpoints { court.balancer.setHealth(of: endpoint, isHealthy: false) }
        #expect(court.picks(at: 0).reduce(0, +) == 200)
        #expect(!court.balancer.ignoresEjections)
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func `whatever endpoints do, someone is picked, no ejected one while enough are well, and one probe at a time`(
        seed: UInt64
    ) {
        var random = TrafficRandom(seed: seed)
        let algorithm = LoadBalancing.allCases[random.index(below: LoadBalancing.allCases.count)]
        var balancer = ClusterBalancer(algorithm: algorithm)
        var number = 0
        func members(_ count: Int) -> [Endpoint] {
            (0..<count).map { _ in
                number += 1
                return endpoint("\(number)", weight: 1 + random.index(below: 4))
            }
        }
        var list = members(2 + random.index(below: 10))
        balancer.update(endpoints("c", list))
        var open: [(endpoint: UpstreamEndpoint, probe: Bool)] = []
        var now = 0
        for _ in 0..<4_000 {
            now += random.index(below: 40)
            if random.index(below: 300) == 0 {
                if list.count > 2 { list.remove(at: random.index(below: list.count)) }
                list += members(random.index(below: 3))
                balancer.update(endpoints("c", list))
            }
            if random.index(below: 2) == 0, !open.isEmpty {
                let (endpoint, probe) = open.remove(at: random.index(below: open.count))
                let outcomes: [EndpointOutcome?] = [.success, .success, .failure, .throttled, nil]
                // Half of the endpoints, by name, are bad.
                let bad = endpoint.key % 2 == 0
                let outcome = bad ? .failure : outcomes[random.index(below: 5)]
                if let outcome {
                    balancer.observe(outcome, of: endpoint, wasProbe: probe, random: &random, now: .ms(now))
                }
                balancer.finished(endpoint, wasProbe: probe)
            }
            let hint = PickHint(hash: random.index(below: 2) == 0 ? random.next() : nil)
            guard let picked = balancer.pick(hint, random: &random, now: .ms(now)) else {
                Issue.record("nobody was picked")
                continue
            }
            let probe = balancer.started(picked)
            // All may be out where those that were well have left.
            let allOut = balancer.endpoints.allSatisfy { $0.ejection.isEjected }
            if picked.ejection.isEjected, !probe { #expect(balancer.ignoresEjections || allOut) }
            if probe { #expect(!open.contains { $0.endpoint === picked && $0.probe }) }
            open.append((picked, probe))
        }
        for (endpoint, probe) in open { balancer.finished(endpoint, wasProbe: probe) }
        #expect(balancer.endpoints.allSatisfy { $0.inFlight == 0 && !$0.isProbed })
    }
}

@Suite struct EndpointOutcomeTests {
    @Test(arguments: [
        (200, EndpointOutcome.success), (404, .success), (429, .throttled), (500, .failure), (503, .failure),
    ])
    func `a status is a success below 500, but for 429`(status: Int, outcome: EndpointOutcome) {
        #expect(EndpointOutcome(status: status, grpcStatus: nil, peerReason: nil) == outcome)
    }

    @Test(arguments: 0...16) func `of gRPC five statuses are failures`(status: Int) {
        let expected: EndpointOutcome = [2, 4, 13, 14, 15].contains(status) ? .failure : .success
        #expect(EndpointOutcome(status: 200, grpcStatus: status, peerReason: nil) == expected)
    }

    @Test func `what an endpoint's proxy refuses by policy says nothing about the endpoint`() {
        for reason in [Reason.overload, .attemptRefused, .rateLimited, .denied, .draining, .deadlineExceeded] {
            #expect(EndpointOutcome(status: 503, grpcStatus: nil, peerReason: reason) == nil)
        }
        #expect(EndpointOutcome(status: 503, grpcStatus: nil, peerReason: .connectFailed) == .failure)
    }

    @Test func `resets, connect failures and timeouts blame the endpoint; our own limits and orderly ends do not`() {
        let blamed: [UpstreamFailure] = [
            .connectFailed(""), .connectTimeout, .tlsFailed(""), .reset(code: 1), .tryTimeout, .protocolError(""),
        ]
        #expect(blamed.allSatisfy { $0.blamesEndpoint(unprocessed: false) })
        #expect([UpstreamFailure.overflow, .refused].allSatisfy { !$0.blamesEndpoint(unprocessed: true) })
        #expect(UpstreamFailure.connectionClosed("").blamesEndpoint(unprocessed: false))
        #expect(!UpstreamFailure.connectionClosed("").blamesEndpoint(unprocessed: true))
    }
}
