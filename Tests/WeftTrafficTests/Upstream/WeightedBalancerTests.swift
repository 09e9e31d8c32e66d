import Testing
import WeftModel

@testable import WeftTraffic

@Suite struct WeightedBalancerTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `round robin gives every weight its turns, exactly over a cycle`(seed: UInt64) {
        var random = TrafficRandom(seed: seed)
        let weights = (0..<(2 + random.index(below: 6))).map { _ in 1 + random.index(below: 7) }
        var balancer = ClusterBalancer(algorithm: .roundRobin)
        balancer.update(endpoints("c", weights.enumerated().map { endpoint("\($0)", weight: $1) }))
        let cycle = weights.reduce(0, +)
        var counts = Array(repeating: 0, count: weights.count)
        for _ in 0..<(cycle * 50) {
            let picked = balancer.pick(random: &random, now: .ms(0))
            if let place = balancer.endpoints.firstIndex(where: { $0 === picked }) { counts[place] += 1 }
        }
        for (place, weight) in weights.enumerated() { #expect(abs(counts[place] - weight * 50) <= 2) }
    }

    @Test func `round robin with equal weights takes each in turn`() {
        var random = TrafficRandom(seed: 2)
        var balancer = ClusterBalancer(algorithm: .roundRobin)
        balancer.update(endpoints("c", (0..<4).map { endpoint("\($0)") }))
        var last: [String] = []
        for _ in 0..<40 {
            last.append(balancer.pick(random: &random, now: .ms(0))?.endpoint.workload ?? "")
            if last.count >= 4 { #expect(Set(last.suffix(4)).count == 4) }
        }
    }

    @Test func `least request looks at load by weight`() {
        var random = TrafficRandom(seed: 2)
        var balancer = ClusterBalancer(algorithm: .leastRequest)
        balancer.update(endpoints("c", [endpoint("a", weight: 1), endpoint("b", weight: 3)]))
        for _ in 0..<40 {
            guard let picked = balancer.pick(random: &random, now: .ms(0)) else { continue }
            balancer.started(picked)
        }
        #expect(balancer.endpoints.map(\.inFlight) == [10, 30])
    }

    @Test func `failures count as 5 s only when the policy asks`() {
        for penalizes in [false, true] {
            var balancer = ClusterBalancer()
            balancer.options.penalizesFailures = penalizes
            balancer.update(endpoints("c", [endpoint("a"), endpoint("b")]))
            let subject = balancer.endpoints[0]
            balancer.answered(subject, latency: 1_000_000, failed: true, now: .ms(0))
            #expect(subject.latency.estimate(now: .ms(0)) == (penalizes ? 5_000_000_000 : 1_000_000))
            let other = balancer.endpoints[1]
            balancer.failed(other, .reset(code: 1), waited: 2_000_000, now: .ms(0))
            #expect(other.latency.estimate(now: .ms(0)) == (penalizes ? 5_000_000_000 : 2_000_000))
        }
    }

    @Test(arguments: LoadBalancing.allCases)
    func `a sticky cookie leads to its endpoint while that takes traffic`(algorithm: LoadBalancing) {
        var random = TrafficRandom(seed: 2)
        var balancer = ClusterBalancer(algorithm: algorithm)
        balancer.options.stickyCookie = StickyCookie()
        balancer.update(endpoints("c", (0..<5).map { endpoint("\($0)") }))
        let mine = balancer.endpoints[3]
        let hint = PickHint(hash: 1, sticky: mine.key)
        for _ in 0..<100 { #expect(balancer.pick(hint, random: &random, now: .ms(0)) === mine) }
        #expect(balancer.pick(hint, excluding: [mine], random: &random, now: .ms(0)) !== mine)
        #expect(balancer.pick(PickHint(sticky: 42), random: &random, now: .ms(0)) != nil)
        balancer.setHealth(of: mine, isHealthy: false)
        for _ in 0..<100 { #expect(balancer.pick(hint, random: &random, now: .ms(0)) !== mine) }
        // Elsewhere, under the same name, it is found again.
        var moved = endpoint("3")
        moved.port = 9_999
        balancer.update(endpoints("c", [endpoint("0"), moved]))
        #expect(balancer.pick(hint, random: &random, now: .ms(0)) === balancer.endpoints[1])
    }
}
