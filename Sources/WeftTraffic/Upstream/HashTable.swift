package import WeftModel

/// Where a hash leads among the endpoints of a cluster: built once for each change of the endpoints, shared by all loops,
/// never changed.
///
/// Both forms lead to few other endpoints than before when the endpoints change: about the share of those that came or
/// left. A hash whose endpoint takes nothing at present is hashed again, so that the others share its work evenly and
/// everything returns with it.
package final class HashTable: Sendable {
    private enum Form: Sendable {
        /// Points in order, and the endpoint of each.
        case ring(points: [UInt64], places: [UInt16])
        /// The endpoint of each slot.
        case slots([UInt16])
    }

    /// Points of the lightest endpoint's weight on a ring.
    private static let pointsPerUnit = 256
    private static let maxPoints = 131_072
    /// Prime, and many times the endpoints: Envoy's default.
    private static let slotCount = 65_537
    /// Endpoints beyond these are reached by no hash.
    private static let maxEndpoints = 65_535

    private let form: Form
    /// How many endpoints it was built for.
    package let count: Int

    /// Nil where the algorithm takes no hash, or there are no endpoints.
    package init?(_ algorithm: LoadBalancing, _ endpoints: [Endpoint]) {
        guard !endpoints.isEmpty else { return nil }
        let known = endpoints.prefix(Self.maxEndpoints)
        let keys = Self.keys(of: known)
        let weights = known.map { max(1, $0.weight) }
        switch algorithm {
        case .ringHash: self.form = Self.ring(keys, weights)
        case .maglev: self.form = .slots(Self.slots(keys, weights))
        case .peakEWMA, .roundRobin, .leastRequest, .random: return nil
        }
        self.count = endpoints.count
    }

    /// The endpoint's place in the list that the table was built from.
    package func place(of hash: UInt64) -> Int {
        switch self.form {
        case .slots(let slots): return Int(slots[Int(hash % UInt64(Self.slotCount))])
        case .ring(let points, let places):
            var low = 0
            var high = points.count
            while low < high {
                let middle = (low + high) / 2
                if points[middle] < hash { low = middle + 1 } else { high = middle }
            }
            return Int(places[low == points.count ? 0 : low])
        }
    }

    /// What an endpoint is known by: its workload's name, so that it keeps its share when it comes back elsewhere. Of
    /// several endpoints of one name the later ones are told apart by their number.
    static func keys(of endpoints: some Sequence<Endpoint>) -> [UInt64] {
        var seen: [UInt64: UInt64] = [:]
        return endpoints.map { endpoint in
            let key = self.key(of: endpoint)
            let earlier = seen[key, default: 0]
            seen[key] = earlier + 1
            return earlier == 0 ? key : AffinityHash.mix(key &+ earlier)
        }
    }

    static func key(of endpoint: Endpoint) -> UInt64 {
        AffinityHash.of(endpoint.workload.isEmpty ? "\(endpoint.address):\(endpoint.port)" : endpoint.workload)
    }

    // MARK: Building

    /// The number of points follows from the weight alone, not from who else is there: otherwise one endpoint more would
    /// move points of all.
    private static func ring(_ keys: [UInt64], _ weights: [Int]) -> Form {
        let unit = Double(weights.min() ?? 1)
        let units = weights.map { Double($0) / unit }
        var perUnit = Double(self.pointsPerUnit)
        while perUnit > 0.01, units.reduce(0, { $0 + max(1, ($1 * perUnit).rounded()) }) > Double(self.maxPoints) {
            perUnit /= 2
        }
        var ring: [(point: UInt64, place: UInt16)] = []
        for (place, key) in keys.enumerated() {
            for number in 0..<Int(min(Double(self.maxPoints), max(1, (units[place] * perUnit).rounded()))) {
                let point = AffinityHash.mix(key ^ AffinityHash.mix(UInt64(number)))
                ring.append((point, UInt16(place)))
            }
        }
        ring.sort { $0.point < $1.point }
        return .ring(points: ring.map(\.point), places: ring.map(\.place))
    }

    /// Endpoints take turns, as often as their weights say, each the next free slot of its own order. Source: Maglev.
    private static func slots(_ keys: [UInt64], _ weights: [Int]) -> [UInt16] {
        let size = UInt64(self.slotCount)
        let free = UInt16.max
        var slots = [UInt16](repeating: free, count: self.slotCount)
        var offsets = keys.map { $0 % size }
        let skips = keys.map { AffinityHash.mix($0) % (size - 1) + 1 }
        let heaviest = Double(weights.max() ?? 1)
        let shares = weights.map { Double($0) / heaviest }
        var claims = [Double](repeating: 0, count: keys.count)
        var filled = 0
        while true {
            for place in keys.indices {
                claims[place] += shares[place]
                guard claims[place] >= 1 else { continue }
                claims[place] -= 1
                while slots[Int(offsets[place])] != free { offsets[place] = (offsets[place] + skips[place]) % size }
                slots[Int(offsets[place])] = UInt16(place)
                filled += 1
                if filled == self.slotCount { return slots }
            }
        }
    }
}
