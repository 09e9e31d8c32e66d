import Testing
import WeftModel

@testable import WeftTraffic

/// What hashing balancers promise: even shares by weight, and few changes.
@Suite struct HashTableTests {
    static let algorithms: [LoadBalancing] = [.ringHash, .maglev]

    private func members(_ count: Int, weight: (Int) -> Int = { _ in 1 }) -> [Endpoint] {
        (0..<count).map { endpoint("w\($0)", weight: weight($0)) }
    }

    private func owners(_ algorithm: LoadBalancing, _ list: [Endpoint], keys: Int = 20_000) throws -> [String] {
        let table = try #require(HashTable(algorithm, list))
        return (0..<keys).map { list[table.place(of: AffinityHash.of("key-\($0)"))].workload }
    }

    @Test(arguments: algorithms, [2, 3, 10, 50])
    func `keys spread evenly`(algorithm: LoadBalancing, count: Int) throws {
        var counts: [String: Int] = [:]
        for owner in try self.owners(algorithm, self.members(count)) { counts[owner, default: 0] += 1 }
        let even = 20_000 / Double(count)
        #expect(counts.count == count)
        for share in counts.values { #expect(abs(Double(share) / even - 1) < 0.35, "\(algorithm): \(share)") }
    }

    @Test(arguments: algorithms) func `weights are shares`(algorithm: LoadBalancing) throws {
        var counts: [String: Int] = [:]
        for owner in try self.owners(algorithm, self.members(3) { [1, 3, 6][$0] }) { counts[owner, default: 0] += 1 }
        for (name, share) in [("default/w0", 0.1), ("default/w1", 0.3), ("default/w2", 0.6)] {
            #expect(abs(Double(counts[name] ?? 0) / 20_000 - share) < 0.03, "\(algorithm) \(counts)")
        }
    }

    @Test(arguments: algorithms, [3, 10, 40])
    func `an endpoint that joins or leaves moves its own share and little more`(
        algorithm: LoadBalancing, count: Int
    ) throws {
        let before = try self.owners(algorithm, self.members(count))
        let after = try self.owners(algorithm, self.members(count + 1))
        let moved = zip(before, after).count { $0 != $1 }
        #expect(Double(moved) / 20_000 <= 1.0 / Double(count + 1) + 0.03, "\(algorithm): \(moved)")
        // The others keep theirs to the last key on a ring, and nearly so in a table.
        let strays = zip(before, after).count { $0 != $1 && $1 != "default/w\(count)" }
        #expect(Double(strays) / 20_000 <= (algorithm == .ringHash ? 0 : 0.03), "\(algorithm): \(strays)")
    }

    @Test(arguments: algorithms)
    func `the order of endpoints and where they run change nothing`(algorithm: LoadBalancing) throws {
        let list = self.members(8)
        var moved = Array(list.reversed())
        for index in moved.indices { moved[index].port += 1_000 }
        let before = try self.owners(algorithm, list)
        let after = try self.owners(algorithm, moved)
        let changed = zip(before, after).count { $0 != $1 }
        // Maglev's turns follow the order; a ring does not know it.
        #expect(Double(changed) / 20_000 <= (algorithm == .ringHash ? 0 : 0.05))
    }

    @Test(arguments: algorithms) func `endpoints of one name are told apart`(algorithm: LoadBalancing) throws {
        let table = try #require(HashTable(algorithm, [endpoint("a"), endpoint("a"), endpoint("a")]))
        let places = Set((0..<1_000).map { table.place(of: AffinityHash.of("\($0)")) })
        #expect(places == [0, 1, 2])
    }

    @Test func `there is no table without endpoints or a hash, and any weights fit`() throws {
        #expect(HashTable(.ringHash, []) == nil)
        #expect(HashTable(.random, self.members(2)) == nil)
        for algorithm in Self.algorithms {
            let uneven = self.members(300) { $0 == 0 ? 1 : 1_000_000 }
            let owners = try self.owners(algorithm, uneven, keys: 3_000)
            #expect(Set(owners).count > 250)
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `whatever the endpoints do, a key stays unless its endpoint goes`(seed: UInt64) {
        var random = TrafficRandom(seed: seed)
        var list = self.members(12)
        var balancer = ClusterBalancer(algorithm: Self.algorithms[Int(seed % 2)])
        balancer.update(endpoints("c", list))
        func owners() -> [UpstreamEndpoint?] {
            (0..<500).map { key in
                balancer.pick(PickHint(hash: AffinityHash.of("\(key)")), random: &random, now: .ms(0))
            }
        }
        var before = owners()
        for step in 0..<20 {
            if list.count > 3, random.index(below: 2) == 0 {
                list.remove(at: random.index(below: list.count))
            } else {
                list.append(endpoint("new\(step)"))
            }
            balancer.update(endpoints("c", list))
            let after = owners()
            let moved = zip(before, after).count { $0 !== $1 }
            #expect(Double(moved) / 500 < 1.6 / Double(list.count) + 0.06, "\(list.count): \(moved)")
            before = after
        }
    }

    @Test(arguments: algorithms)
    func `keys of an endpoint that is out are shared by the others, and return with it`(algorithm: LoadBalancing) {
        var random = TrafficRandom(seed: 3)
        var balancer = ClusterBalancer(algorithm: algorithm)
        balancer.outliers.maxEjectionPercent = 100
        balancer.update(endpoints("c", self.members(5)))
        let hints = (0..<3_000).map { PickHint(hash: AffinityHash.of("\($0)")) }
        let before = hints.map { balancer.pick($0, random: &random, now: .ms(0)) }
        let out = balancer.endpoints[2]
        balancer.setHealth(of: out, isHealthy: false)
        let during = hints.map { balancer.pick($0, random: &random, now: .ms(0)) }
        #expect(during.allSatisfy { $0 !== out })
        #expect(zip(before, during).allSatisfy { $0 === $1 || $0 === out })
        var shares: [ObjectIdentifier: Int] = [:]
        for (index, endpoint) in during.enumerated() where before[index] === out {
            if let endpoint { shares[ObjectIdentifier(endpoint), default: 0] += 1 }
        }
        let orphans = before.count { $0 === out }
        #expect(shares.count == 4 && shares.values.allSatisfy { $0 > orphans / 10 })
        balancer.setHealth(of: out, isHealthy: true)
        let after = hints.map { balancer.pick($0, random: &random, now: .ms(0)) }
        #expect(zip(before, after).allSatisfy { $0 === $1 })
    }

    @Test(arguments: algorithms) func `a retry of a key goes elsewhere`(algorithm: LoadBalancing) throws {
        var random = TrafficRandom(seed: 3)
        var balancer = ClusterBalancer(algorithm: algorithm)
        balancer.update(endpoints("c", self.members(4)))
        for key in 0..<200 {
            let hint = PickHint(hash: AffinityHash.of("\(key)"))
            var tried: [UpstreamEndpoint] = []
            for _ in 0..<4 {
                let picked = try #require(balancer.pick(hint, excluding: tried, random: &random, now: .ms(0)))
                #expect(!tried.contains { $0 === picked })
                tried.append(picked)
            }
        }
    }
}
