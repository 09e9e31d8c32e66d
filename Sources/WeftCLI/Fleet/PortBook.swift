/// Which process of a fleet has which port. Ports stay with their owners over restarts, since others know them.
///
/// They come from below the range that the system gives to outgoing connections, so that a port is still free when
/// its owner comes back.
package struct PortBook: Hashable, Sendable, Codable {
    /// Port by owner, `billing-v1-2/inbound`.
    package private(set) var ports: [String: Int] = [:]
    /// Where the search begins; fleets begin at different places.
    private var next: Int

    package static let range = 20_000...29_999

    /// `seed` spreads fleets over the range.
    package init(seed: Int) { self.next = Self.range.lowerBound + abs(seed % Self.range.count) }

    /// The owner's port, or a new one that nobody here has and `isFree` holds for. Throws when none is left.
    package mutating func port(for owner: String, isFree: (Int) -> Bool) throws -> Int {
        if let port = self.ports[owner] { return port }
        let taken = Set(self.ports.values)
        for _ in Self.range {
            let port = self.next
            self.next = self.next == Self.range.upperBound ? Self.range.lowerBound : self.next + 1
            guard !taken.contains(port), isFree(port) else { continue }
            self.ports[owner] = port
            return port
        }
        throw CommandFailure(
            "no free port is left", because: "all of \(Self.range) are in use",
            remedy: "Stop other fleets, or processes listening there (`ss -ltnp`).")
    }

    /// Forgets the ports of owners that `isKept` does not hold for.
    package mutating func keep(_ isKept: (String) -> Bool) { self.ports = self.ports.filter { isKept($0.key) } }
}
