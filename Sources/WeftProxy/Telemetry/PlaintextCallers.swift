internal import WeftModel

/// Who called this loop's inbound ports in the clear. Belongs to its loop; bounded.
struct PlaintextCallers {
    /// Addresses beyond this many are counted together, as `other`.
    static let limit = 256

    /// Calls from one address to one port. Kept by its connections, so that a request costs no lookup.
    final class Caller {
        private(set) var count: Count
        private var connections = 0

        init(_ count: Count) { self.count = count }

        func connected() { self.connections += 1 }

        func disconnected() { self.connections -= 1 }

        func called(refused: Bool, at seconds: Int64) {
            self.count.requests &+= 1
            if refused { self.count.refused &+= 1 }
            self.count.lastSeen = seconds
        }

        /// What is open is seen.
        func look(at seconds: Int64) -> Count {
            if self.connections > 0 { self.count.lastSeen = max(seconds, self.count.lastSeen) }
            return self.count
        }
    }

    struct Count: Hashable, Sendable {
        let address: String
        let service: ServiceName
        let port: Int
        var requests: UInt64 = 0
        /// Those of them that the port's mode refused.
        var refused: UInt64 = 0
        /// Seconds since 1970: when its last request began, or as long as a connection is open.
        var lastSeen: Int64 = 0
    }

    private struct Key: Hashable {
        let address: String
        let port: Int
    }

    private var callers: [Key: Caller] = [:]

    /// - Parameter seconds: now, since 1970.
    func counts(at seconds: Int64) -> [Count] { self.callers.values.map { $0.look(at: seconds) } }

    mutating func caller(_ address: String, _ service: ServiceName, port: Int) -> Caller {
        let isKnown = self.callers[Key(address: address, port: port)] != nil
        let key = Key(address: isKnown || self.callers.count < Self.limit ? address : "other", port: port)
        if let caller = self.callers[key], caller.count.service == service { return caller }
        let caller = Caller(Count(address: key.address, service: service, port: port))
        self.callers[key] = caller
        return caller
    }
}
