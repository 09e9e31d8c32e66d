import Testing
import WeftModel

@testable import WeftTraffic

@Suite struct ZoneTests {
    private func member(_ zone: String, region: String = "r", weight: Double = 1, well: Bool = true) -> ZonePlan.Member
    {
        ZonePlan.Member(locality: Locality(region: region, zone: zone), weight: weight, isEligible: well)
    }

    private let home = Locality(region: "r", zone: "a")

    /// Shares by place, each part's spread over its places.
    private func shares(
        _ members: [ZonePlan.Member], home: Locality? = nil, _ change: (inout BalancingOptions) -> Void = { _ in }
    ) -> [Double] {
        var options = BalancingOptions()
        change(&options)
        let plan = ZonePlan(members, home: home ?? self.home, options: options)
        #expect(abs(plan.parts.reduce(0) { $0 + $1.share } - 1) < 1e-9)
        var shares = Array(repeating: 0.0, count: members.count)
        for part in plan.parts {
            for place in part.places { shares[place] += part.share / Double(part.places.count) }
        }
        return shares
    }

    /// Whether shares are these, of `whole`.
    private func near(_ left: [Double], _ right: [Double], of whole: Double = 1) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { abs($0 * whole - $1) < 1e-9 }
    }

    @Test func `all stays in the own zone while it has the capacity`() {
        #expect(near(shares([member("a"), member("b"), member("c")]), [1, 0, 0]))
        #expect(near(shares([member("a"), member("a"), member("b")]), [0.5, 0.5, 0]))
    }

    @Test func `a zone that is too small spills the rest in proportion`() {
        // One of four, two zones: it can serve half of its callers.
        #expect(near(shares([member("a"), member("b"), member("b"), member("b")]), [3, 1, 1, 1], of: 6))
        // The same by weight.
        #expect(near(shares([member("a", weight: 2), member("b", weight: 6)]), [0.5, 0.5]))
    }

    @Test func `endpoints that are out take their capacity with them`() {
        let members = [member("a"), member("a", well: false), member("b"), member("b")]
        #expect(near(shares(members), [4, 0, 1, 1], of: 6))
        #expect(near(shares([member("a", well: false), member("b"), member("b")]), [0, 0.5, 0.5]))
    }

    @Test func `other regions stand in for what the own cannot take, in their order`() {
        let members = [member("a"), member("x", region: "s"), member("y", region: "t")]
        #expect(near(shares(members), [1, 0, 0]))
        #expect(near(shares(members.replacing(0, member("a", well: false))) { $0.failover = ["t"] }, [0, 0, 1]))
        // Half of the region is well: with the factor of 1.4 it takes 70 %.
        let half = [member("a"), member("a", well: false), member("x", region: "s")]
        #expect(near(shares(half), [0.7, 0, 0.3]))
    }

    @Test func `without zones, or a home, everyone is near`() {
        let members = [member("a"), member("b", region: "s")]
        let flat = ZonePlan(members, home: Locality(), options: BalancingOptions())
        #expect(flat.parts == [ZonePlan.Part(share: 1, places: [0, 1])])
        var options = BalancingOptions()
        options.prefersZone = false
        #expect(ZonePlan(members, home: self.home, options: options).parts == flat.parts)
        // An endpoint that does not say where it is counts as of the region.
        #expect(near(shares([member("", region: ""), member("b")]), [0.5, 0.5]))
    }

    @Test(arguments: LoadBalancing.allCases.filter { !$0.isHashing })
    func `picks follow the plan, and a retry leaves the zone when it has to`(algorithm: LoadBalancing) {
        var random = TrafficRandom(seed: 9)
        var balancer = ClusterBalancer(algorithm: algorithm)
        balancer.home = self.home
        let list = [("near", "a"), ("far1", "b"), ("far2", "b"), ("far3", "b")].map { name, zone in
            var endpoint = endpoint(name)
            endpoint.locality = Locality(region: "r", zone: zone)
            return endpoint
        }
        balancer.update(endpoints("c", list))
        for endpoint in balancer.endpoints {
            balancer.answered(endpoint, latency: 1_000_000, failed: false, now: .ms(0))
        }
        var local = 0
        for _ in 0..<4_000 where balancer.pick(random: &random, now: .ms(1)) === balancer.endpoints[0] { local += 1 }
        #expect(abs(Double(local) / 4_000 - 0.5) < 0.05)
        for _ in 0..<100 {
            #expect(
                balancer.pick(excluding: [balancer.endpoints[0]], random: &random, now: .ms(1))
                    !== balancer.endpoints[0])
        }
    }
}

extension Array {
    fileprivate func replacing(_ index: Int, _ element: Element) -> Self {
        var copy = self
        copy[index] = element
        return copy
    }
}

@Suite struct SlowStartTests {
    @Test(arguments: [LoadBalancing.peakEWMA, .leastRequest, .roundRobin, .random])
    func `an endpoint that joins ramps up from 10 % of its weight`(algorithm: LoadBalancing) {
        var random = TrafficRandom(seed: 11)
        var balancer = ClusterBalancer(algorithm: algorithm)
        balancer.options.slowStart = .seconds(100)
        func share(of place: Int, at ms: Int) -> Double {
            var count = 0
            for _ in 0..<6_000 {
                guard let picked = balancer.pick(random: &random, now: .ms(ms)) else { continue }
                balancer.answered(picked, latency: 1_000_000, failed: false, now: .ms(ms))
                if picked === balancer.endpoints[place] { count += 1 }
            }
            return Double(count) / 6_000
        }
        balancer.update(endpoints("c", [endpoint("a"), endpoint("b")]))
        // The first have nothing to ramp up against.
        #expect(abs(share(of: 0, at: 0) - 0.5) < 0.1)
        balancer.update(endpoints("c", [endpoint("a"), endpoint("b"), endpoint("new")]))
        #expect(share(of: 2, at: 1) < 0.12)
        let half = share(of: 2, at: 50_000)
        #expect(half > 0.12 && half < 0.32)
        #expect(share(of: 2, at: 101_000) > 0.22)
        #expect(balancer.endpoints[2].ramp == 1)
    }

    @Test(arguments: [LoadBalancing.peakEWMA, .leastRequest, .roundRobin, .random], [2, 3])
    func `it ramps up under load as well, when the others have many requests in flight`(
        algorithm: LoadBalancing, count: Int
    ) {
        var random = TrafficRandom(seed: 11)
        var balancer = ClusterBalancer(algorithm: algorithm)
        balancer.options.slowStart = .seconds(100)
        let names = (0..<count).map { endpoint("\($0)") }
        balancer.update(endpoints("c", Array(names.dropLast())))
        for endpoint in balancer.endpoints {
            balancer.answered(endpoint, latency: 1_000_000, failed: false, now: .ms(0))
        }
        balancer.update(endpoints("c", names))
        let new = balancer.endpoints[count - 1]
        /// Of 6 000 requests, 16 at once.
        func share(at ms: Int) -> Double {
            var open: [UpstreamEndpoint] = []
            var picks = 0
            for _ in 0..<6_000 {
                if open.count >= 16 {
                    let endpoint = open.removeFirst()
                    balancer.answered(endpoint, latency: 1_000_000, failed: false, now: .ms(ms))
                    balancer.finished(endpoint)
                }
                guard let picked = balancer.pick(random: &random, now: .ms(ms)) else { continue }
                balancer.started(picked)
                open.append(picked)
                if picked === new { picks += 1 }
            }
            for endpoint in open { balancer.finished(endpoint) }
            return Double(picks) / 6_000
        }
        let others = Double(count - 1)
        let early = share(at: 1)
        #expect(early > 0 && early < 2 * 0.1 / (others + 0.1), "\(early)")
        let half = share(at: 50_001)
        #expect(half > 0.5 * 0.5 / (others + 0.5) && half < 1.4 * 0.5 / (others + 0.5), "\(half)")
        let whole = share(at: 101_000)
        #expect(abs(whole - 1 / Double(count)) < 0.06, "\(whole)")
    }

    @Test func `one that comes back ramps up again`() {
        var random = TrafficRandom(seed: 11)
        var balancer = ClusterBalancer(algorithm: .random)
        balancer.options.slowStart = .seconds(10)
        balancer.update(endpoints("c", [endpoint("a"), endpoint("b"), endpoint("c")]))
        balancer.setHealth(of: balancer.endpoints[0], isHealthy: false)
        balancer.setHealth(of: balancer.endpoints[0], isHealthy: true)
        _ = balancer.pick(random: &random, now: .ms(0))
        #expect(balancer.endpoints[0].ramp == 0.1)
        _ = balancer.pick(random: &random, now: .ms(5_000))
        #expect(abs(balancer.endpoints[0].ramp - 0.5) < 0.01)
    }
}
