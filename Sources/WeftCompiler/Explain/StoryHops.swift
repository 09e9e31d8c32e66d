internal import WeftModel

/// Joins what proxies recorded of one request into calls from service to service, in order of time.
struct StoryHops {
    private(set) var hops: [RequestStory.Hop] = []
    /// What each attempt became at its destination, by hop number: places in `Hop.inbound`.
    private(set) var arrivals: [Int: [Int: Int]] = [:]
    /// When the story begins, milliseconds since 1970.
    let start: Double

    init(_ records: [HopRecord]) {
        let records = Self.unique(records).map { record in
            var record = record
            record.numberAttempts()
            return record
        }
        var inbound = records.filter { $0.direction == .inbound }.sorted { $0.startedAtMs < $1.startedAtMs }
        let outbound = records.filter { $0.direction == .outbound }.sorted { $0.startedAtMs < $1.startedAtMs }
        var found: [(hop: RequestStory.Hop, arrivals: [Int: Int])] = []
        for record in outbound {
            var hop = RequestStory.Hop(
                number: 0, parent: nil, source: record.source, destination: record.destination,
                atMs: record.startedAtMs, durationMs: record.durationMs, outbound: record, inbound: [])
            var arrivals: [Int: Int] = [:]
            for (index, attempt) in record.attempts.enumerated() where attempt.connectedAfterMs != nil {
                let sent = record.startedAtMs + attempt.startedAfterMs
                let candidates = inbound.indices.filter {
                    inbound[$0].proxy == attempt.workload
                        && inbound[$0].path.prefix(while: { $0 != "?" }).isEmpty
                            == record.path.prefix(while: { $0 != "?" }).isEmpty
                        && inbound[$0].attempt == attempt.number ?? index + 1
                        && abs(inbound[$0].startedAtMs - sent) < max(2000, record.durationMs + 1000)
                }
                let nearest = candidates.min {
                    abs(inbound[$0].startedAtMs - sent) < abs(inbound[$1].startedAtMs - sent)
                }
                guard let nearest else { continue }
                var arrived = inbound.remove(at: nearest)
                // Clocks of two hosts differ: nothing arrives before it was sent, nor after it was given up.
                let latest = sent + max(attempt.durationMs, attempt.connectedAfterMs ?? 0)
                arrived.startedAtMs = min(
                    max(arrived.startedAtMs, sent + (attempt.connectedAfterMs ?? 0)), max(latest, sent))
                arrivals[index] = hop.inbound.count
                hop.inbound.append(arrived)
            }
            found.append((hop, arrivals))
        }
        // Callers without a proxy, and those whose proxy has forgotten or does not answer.
        for record in inbound {
            let hop = RequestStory.Hop(
                number: 0, parent: nil, source: record.source, destination: record.destination,
                atMs: record.startedAtMs, durationMs: record.durationMs, outbound: nil, inbound: [record])
            found.append((hop, [:]))
        }
        found.sort { $0.hop.atMs < $1.hop.atMs }
        let start = found.first?.hop.atMs ?? 0
        self.start = start
        for (index, entry) in found.enumerated() {
            var hop = entry.hop
            hop.number = index + 1
            hop.atMs -= start
            self.arrivals[hop.number] = entry.arrivals
            self.hops.append(hop)
        }
        for index in self.hops.indices { self.hops[index].parent = self.parent(of: self.hops[index]) }
    }

    /// The hop that `number` names.
    subscript(number: Int) -> RequestStory.Hop { self.hops[number - 1] }

    func children(of number: Int) -> [RequestStory.Hop] { self.hops.filter { $0.parent == number } }

    /// The calls that the destination made while it served one attempt.
    func calls(of hop: RequestStory.Hop, during arrived: HopRecord) -> [RequestStory.Hop] {
        self.children(of: hop.number).filter {
            $0.outbound?.proxy == arrived.proxy && self.isWithin($0.atMs, arrived)
        }
    }

    /// The calls that nothing joins to an earlier one.
    var roots: [RequestStory.Hop] { self.hops.filter { $0.parent == nil } }

    /// A call and all that followed from it, in order.
    func tree(of root: RequestStory.Hop) -> [RequestStory.Hop] {
        var numbers: Set<Int> = [root.number]
        // A parent stands before its children.
        return self.hops.filter { hop in
            if hop.number != root.number, !(hop.parent.map(numbers.contains) ?? false) { return false }
            numbers.insert(hop.number)
            return true
        }
    }

    /// Whether a moment of the story lies within what a proxy served; a millisecond is for clocks and rounding.
    private func isWithin(_ moment: Double, _ served: HopRecord) -> Bool {
        let at = served.startedAtMs - self.start
        return at <= moment + 1 && moment <= at + served.durationMs + 1
    }

    /// The call during which its caller made this one.
    private func parent(of hop: RequestStory.Hop) -> Int? {
        guard let proxy = hop.outbound?.proxy else { return nil }
        var best: (number: Int, at: Double)?
        for other in self.hops where other.number < hop.number {
            for served in other.inbound where served.proxy == proxy {
                guard self.isWithin(hop.atMs, served) else { continue }
                let at = served.startedAtMs - self.start
                if best == nil || at > best?.at ?? 0 { best = (other.number, at) }
            }
        }
        return best?.number
    }

    private static func unique(_ records: [HopRecord]) -> [HopRecord] {
        var seen: Set<HopRecord> = []
        return records.filter { seen.insert($0).inserted }
    }
}
