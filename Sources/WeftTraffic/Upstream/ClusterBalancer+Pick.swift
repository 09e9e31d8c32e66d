internal import WeftModel

/// What a request asks of balancing.
package struct PickHint: Hashable, Sendable {
    /// The hash that ring hash and Maglev follow; nil spreads at random.
    package var hash: UInt64?
    /// The endpoint that the caller's sticky cookie names; nil without one.
    package var sticky: UInt64?

    package init(hash: UInt64? = nil, sticky: UInt64? = nil) {
        self.hash = hash
        self.sticky = sticky
    }
}

extension ClusterBalancer {
    /// The endpoint for an attempt, outside `tried` while another is left; nil when the cluster has none.
    ///
    /// A first attempt may be given an endpoint that is to be probed; `started` then says so.
    package mutating func pick(
        _ hint: PickHint = PickHint(), excluding tried: [UpstreamEndpoint] = [],
        random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) -> UpstreamEndpoint? {
        if self.isStale || now >= self.staleAt { self.look(random: &random, now: now) }
        self.pickedBy = .onlyOne
        if self.endpoints.count <= 1 { return self.endpoints.first }
        if let sticky = hint.sticky, let place = self.place(ofKey: sticky), self.isFree(place, tried) {
            self.pickedBy = .sticky
            return self.endpoints[place]
        }
        if self.algorithm.isHashing, let hash = hint.hash {
            self.pickedBy = .hash
            return self.hashed(hash, tried, random: &random)
        }
        if tried.isEmpty, let place = self.due.first(where: { !self.endpoints[$0].isProbed }) {
            self.pickedBy = .probe
            return self.endpoints[place]
        }
        guard var group = self.drawGroup(random: &random) else { return self.anyone(but: tried, random: &random) }
        if !tried.isEmpty, !self.groups[group].places.contains(where: { self.isFree($0, tried) }) {
            // Everyone there has been tried: elsewhere, then.
            let other = self.groups.indices.first { index in
                self.groups[index].places.contains { self.isFree($0, tried) }
            }
            guard let other else { return self.anyone(but: tried, random: &random) }
            group = other
        }
        return self.endpoints[self.choose(in: group, tried, random: &random, now: now)]
    }

    /// Whether the endpoint that sticky cookies and sessions call `key` is there, and would be given a first attempt.
    package mutating func takesRequests(
        key: UInt64, random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) -> Bool {
        if self.isStale || now >= self.staleAt { self.look(random: &random, now: now) }
        return self.place(ofKey: key).map { self.isFree($0, []) } ?? false
    }

    // MARK: Steps

    private mutating func place(ofKey key: UInt64) -> Int? {
        if let known = self.placesByKey { return known[key] }
        var places: [UInt64: Int] = [:]
        for (place, endpoint) in self.endpoints.enumerated() where places[endpoint.key] == nil {
            places[endpoint.key] = place
        }
        self.placesByKey = places
        return places[key]
    }

    private func isFree(_ place: Int, _ tried: [UpstreamEndpoint]) -> Bool {
        let endpoint = self.endpoints[place]
        if tried.isEmpty { return endpoint.takesTraffic }
        return endpoint.standing == .serving && !tried.contains { $0 === endpoint }
    }

    private func drawGroup(random: inout some RandomNumberGenerator) -> Int? {
        if self.groups.count <= 1 { return self.groups.isEmpty ? nil : 0 }
        let ticket = Double(random.next() >> 11) * 0x1p-53
        return self.groups.firstIndex { ticket < $0.upperShare } ?? self.groups.count - 1
    }

    /// Nobody in the running is left untried: whoever is best of the others. One that was tried and serves goes before one
    /// that is out, and one that nobody probes before one that is being probed.
    private mutating func anyone(
        but tried: [UpstreamEndpoint], random: inout some RandomNumberGenerator
    ) -> UpstreamEndpoint? {
        self.pickedBy = .makeshift
        let count = self.endpoints.count
        let start = random.index(below: count)
        var best = (endpoint: self.endpoints[start], rank: Int.max)
        for offset in 0..<count {
            let endpoint = self.endpoints[(start + offset) % count]
            let wasTried = tried.contains { $0 === endpoint }
            let rank = endpoint.standing.rank(isProbed: endpoint.isProbed) * 2 + (wasTried ? 1 : 0)
            if rank < best.rank { best = (endpoint, rank) }
        }
        return best.endpoint
    }

    private mutating func choose(
        in group: Int, _ tried: [UpstreamEndpoint], random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) -> Int {
        let count = self.groups[group].count
        self.pickedBy = .onlyServing
        if count == 1 { return self.groups[group].places[0] }
        switch self.algorithm {
        case .peakEWMA, .leastRequest:
            self.pickedBy = self.algorithm == .peakEWMA ? .latency : .load
            let first = self.draw(in: group, tried, except: nil, random: &random)
            let second = self.draw(in: group, tried, except: first, random: &random)
            if self.isRamping {
                let firstSitsOut = self.sitsOut(first, random: &random)
                let secondSitsOut = self.sitsOut(second, random: &random)
                if firstSitsOut != secondSitsOut { return firstSitsOut ? second : first }
            }
            return self.cost(first, now: now) <= self.cost(second, now: now) ? first : second
        case .random, .ringHash, .maglev:
            self.pickedBy = .random
            for _ in 0..<8 {
                let place = self.groups[group].atRandom(&random)
                if tried.isEmpty || self.isFree(place, tried) { return place }
            }
            return self.scan(group, tried, except: nil, random: &random)
        case .roundRobin:
            self.pickedBy = .turn
            for _ in 0..<(tried.count + 8) {
                let place = self.groups[group].inTurn()
                if tried.isEmpty || self.isFree(place, tried) { return place }
            }
            return self.scan(group, tried, except: nil, random: &random)
        }
    }

    /// One of two random choices.
    private func draw(
        in group: Int, _ tried: [UpstreamEndpoint], except other: Int?, random: inout some RandomNumberGenerator
    ) -> Int {
        let places = self.groups[group].places
        if tried.isEmpty {
            guard let other else { return places[random.index(below: places.count)] }
            // The other lies somewhere in the order; passing it over keeps the choice even.
            let index = random.index(below: places.count - 1)
            return places[index] == other ? places[places.count - 1] : places[index]
        }
        for _ in 0..<16 {
            let place = places[random.index(below: places.count)]
            if place != other, self.isFree(place, tried) { return place }
        }
        return self.scan(group, tried, except: other, random: &random)
    }

    /// An endpoint that ramps up takes part in as many choices as it has of its weight. Its cost alone would not do: an
    /// endpoint with nothing in flight is the cheapest however little of its weight it has.
    private func sitsOut(_ place: Int, random: inout some RandomNumberGenerator) -> Bool {
        let ramp = self.endpoints[place].ramp
        return ramp < 1 && Double(random.next() >> 11) * 0x1p-53 >= ramp
    }

    /// The first free one from a random start; `other`, or any, when there is none.
    private func scan(
        _ group: Int, _ tried: [UpstreamEndpoint], except other: Int?, random: inout some RandomNumberGenerator
    ) -> Int {
        let places = self.groups[group].places
        let start = random.index(below: places.count)
        for offset in 0..<places.count {
            let place = places[(start + offset) % places.count]
            if place != other, self.isFree(place, tried) { return place }
        }
        return other ?? places[start]
    }

    /// While an endpoint ramps up, what it has in flight counts for as much more as it has less of its weight. The request
    /// to be placed does not: where nothing is in flight the ramping one would never get any.
    private func cost(_ place: Int, now: MonotonicInstant) -> Double {
        let endpoint = self.endpoints[place]
        let load = (Double(endpoint.inFlight) / endpoint.ramp + 1) / endpoint.weight
        if self.algorithm == .leastRequest { return load }
        if endpoint.latency.isFresh && endpoint.inFlight == 0 { return 0 }
        return endpoint.latency.estimate(now: now) * load
    }

    /// Where the hash leads; while that endpoint takes nothing, where the hash of the hash leads, and so on.
    private mutating func hashed(
        _ hash: UInt64, _ tried: [UpstreamEndpoint], random: inout some RandomNumberGenerator
    ) -> UpstreamEndpoint? {
        if self.table?.count != self.endpoints.count {
            self.table = HashTable(self.algorithm, self.endpoints.map(\.endpoint))
        }
        guard let table = self.table else { return self.anyone(but: tried, random: &random) }
        var hash = hash
        for _ in 0..<32 {
            let place = table.place(of: hash)
            if self.isFree(place, tried) { return self.endpoints[place] }
            hash = AffinityHash.mix(hash)
        }
        // Nearly everyone is out; the order from here on is still the hash's.
        let count = self.endpoints.count
        let start = Int(hash % UInt64(count))
        for offset in 0..<count where self.isFree((start + offset) % count, tried) {
            return self.endpoints[(start + offset) % count]
        }
        return self.anyone(but: tried, random: &random)
    }
}
