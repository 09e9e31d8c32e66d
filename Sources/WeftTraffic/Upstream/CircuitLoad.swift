package import WeftModel

/// What one event loop has open towards one cluster, held against the cluster's limits.
///
/// Limits are the proxy's; each of its loops takes an equal share, rounded up.
package struct CircuitLoad: Sendable {
    /// Exchanges under way.
    package private(set) var requests = 0
    /// Exchanges waiting for a connection.
    package private(set) var pending = 0
    /// Retries under way.
    package private(set) var retries = 0
    /// Connections, those being opened included.
    package private(set) var connections = 0

    private var maxRequests: Int
    private var maxPending: Int
    private var maxRetries = Int.max
    private var maxConnections = Int.max

    package init(_ limits: CircuitLimits, loops: Int = 1) {
        self.maxRequests = .max
        self.maxPending = .max
        self.update(limits, loops: loops)
    }

    /// Takes new limits; what is open stays open.
    package mutating func update(_ limits: CircuitLimits, loops: Int) {
        func share(_ limit: Int) -> Int { limit <= 0 ? 0 : (limit - 1) / max(1, loops) + 1 }
        self.maxRequests = limits.requests.map(share) ?? .max
        self.maxPending = share(limits.pendingRequests)
        self.maxRetries = limits.retries.map(share) ?? .max
        self.maxConnections = limits.connections.map(share) ?? .max
    }

    /// Takes a place for a request; false when there is none.
    package mutating func admit() -> Bool {
        guard self.requests < self.maxRequests else { return false }
        self.requests += 1
        return true
    }

    package mutating func release() { self.requests -= 1 }

    /// Takes a place among those waiting for a connection; false when there is none.
    package mutating func startWaiting() -> Bool {
        guard self.pending < self.maxPending else { return false }
        self.pending += 1
        return true
    }

    package mutating func stopWaiting() { self.pending -= 1 }

    /// Whether there is a place for another retry.
    package var mayRetry: Bool { self.retries < self.maxRetries }

    /// Takes a place for a retry; false when there is none.
    package mutating func startRetry() -> Bool {
        guard self.mayRetry else { return false }
        self.retries += 1
        return true
    }

    package mutating func stopRetry() { self.retries -= 1 }

    /// Whether there is a place for another connection.
    package var mayConnect: Bool { self.connections < self.maxConnections }

    /// Takes a place for a connection; false when there is none.
    package mutating func openConnection() -> Bool {
        guard self.mayConnect else { return false }
        self.connections += 1
        return true
    }

    package mutating func closeConnection() { self.connections -= 1 }
}
