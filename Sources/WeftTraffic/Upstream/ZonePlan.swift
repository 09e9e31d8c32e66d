internal import WeftModel

/// Which endpoints share which part of the traffic, by where they are: the caller's zone first, the rest of its region,
/// then other regions.
///
/// *Regions* stand in for each other in order, each for what those before it cannot take: a region takes 1.4 times the
/// share of its endpoints that are eligible (Envoy's priority levels and overprovisioning factor). *Zones* of one region:
/// callers are assumed in equal number in each zone that has endpoints, so that a zone can serve its own callers as far as
/// its eligible weight reaches a zone's equal part; what is beyond that goes to the other zones by their weight.
struct ZonePlan: Equatable {
    struct Part: Equatable {
        /// Of the traffic; all parts sum to 1.
        var share: Double
        /// Places of eligible endpoints, in order; not empty.
        var places: [Int]
    }

    static let overprovisioning = 1.4

    private(set) var parts: [Part] = []

    /// Where an endpoint is and whether it takes traffic now.
    struct Member {
        var locality: Locality
        var weight: Double
        var isEligible: Bool
    }

    init(_ members: [Member], home: Locality, options: BalancingOptions) {
        let isFlat = home == Locality() || (!options.prefersZone && options.failover.isEmpty)
        guard !isFlat else {
            self.add(1, members.indices.filter { members[$0].isEligible })
            return
        }
        let last = options.failover.count + 1
        var tiers: [[Int]] = Array(repeating: [], count: last + 1)
        for (place, member) in members.enumerated() {
            tiers[Self.tier(of: member.locality.region, home: home.region, options.failover)].append(place)
        }
        var loads: [Double] = []
        var left = 1.0
        var total = 0.0
        for tier in tiers {
            let all = tier.reduce(0) { $0 + members[$1].weight }
            let eligible = tier.reduce(0) { $0 + (members[$1].isEligible ? members[$1].weight : 0) }
            let available = all == 0 ? 0 : min(1, Self.overprovisioning * eligible / all)
            loads.append(min(left, available))
            left -= loads[loads.count - 1]
            total += loads[loads.count - 1]
        }
        guard total > 0 else { return }
        for (index, tier) in tiers.enumerated() where loads[index] > 0 {
            let load = loads[index] / total
            let eligible = tier.filter { members[$0].isEligible }
            if index == 0, options.prefersZone {
                self.split(eligible, members, zone: home.zone, load: load)
            } else {
                self.add(load, eligible)
            }
        }
    }

    private mutating func split(_ eligible: [Int], _ members: [Member], zone: String, load: Double) {
        let own = eligible.filter { members[$0].locality.zone == zone }
        let others = eligible.filter { members[$0].locality.zone != zone }
        let all = eligible.reduce(0) { $0 + members[$1].weight }
        let zones = Double(Set(eligible.map { members[$0].locality.zone }).count)
        let local = all == 0 ? 0 : min(1, zones * own.reduce(0) { $0 + members[$1].weight } / all)
        self.add(load * local, own)
        self.add(load * (1 - local), others)
    }

    private mutating func add(_ share: Double, _ places: [Int]) {
        // What remains of a subtraction is no traffic.
        if share > 1e-9, !places.isEmpty { self.parts.append(Part(share: share, places: places)) }
    }

    /// The caller's region first, and endpoints that do not say where they are; then the listed ones; then the rest.
    private static func tier(of region: String, home: String, _ failover: [String]) -> Int {
        if region == home || region.isEmpty || home.isEmpty { return 0 }
        return (failover.firstIndex(of: region) ?? failover.count) + 1
    }
}
