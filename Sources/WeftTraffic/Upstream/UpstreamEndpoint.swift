package import WeftModel

/// One endpoint as one event loop knows it: what it is, how loaded and how fast it has been, and whether it is well.
///
/// It lives as long as the endpoint stays in its cluster, through every update, so that what was learned stays. A
/// request in flight holds it, so that it ends well after the endpoint has gone.
package final class UpstreamEndpoint {
    /// Changes only in weight, version and locality: another address, port or identity is another endpoint.
    package internal(set) var endpoint: Endpoint
    /// Attempts under way.
    package internal(set) var inFlight = 0
    /// The driver's own: the endpoint's connection pool.
    package var attachment: AnyObject?

    var latency = PeakEWMA()
    var reachability = Reachability()
    var window = OutlierWindow()
    var ejection = Ejection()
    /// Until when requests go elsewhere because a limit of ours left no room at it.
    var fullUntil = MonotonicInstant(nanoseconds: .min)
    /// What active health checks say; true where there are none.
    var isHealthy = true
    /// Since when it takes traffic, for slow start; nil while that does not matter.
    var rampsSince: MonotonicInstant?
    /// How much of its weight it has, 0.1–1.
    var ramp = 1.0
    /// As of the balancer's last look.
    var standing = Standing.serving
    /// One request is trying whether it is well again.
    var isProbed = false
    /// What sticky cookies call it.
    let key: UInt64

    init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
        self.key = HashTable.key(of: endpoint)
    }

    enum Standing {
        case serving
        /// Well, but a limit of ours has just left no room at it.
        case full
        /// Out, and its time has not come.
        case out
        /// Out, until a request has probed it.
        case due

        /// How little it is worth where nobody better is left; 0 is best.
        func rank(isProbed: Bool) -> Int {
            switch self {
            case .serving: 0
            case .full: 1
            case .due: isProbed ? 3 : 2
            case .out: 4
            }
        }
    }

    /// Whether nothing speaks against it: where an attempt that could be left undone may go.
    var isWell: Bool { self.isHealthy && !self.ejection.isEjected && !self.reachability.isSuspect }

    func hasRoom(now: MonotonicInstant) -> Bool { now >= self.fullUntil }

    var weight: Double { Double(max(1, self.endpoint.weight)) }

    /// Whether a first attempt may go to it.
    var takesTraffic: Bool {
        switch self.standing {
        case .serving: true
        case .due: !self.isProbed
        case .full, .out: false
        }
    }

    /// Whether `other` is this endpoint, perhaps with another weight.
    func stays(as other: Endpoint) -> Bool {
        self.endpoint.address == other.address && self.endpoint.port == other.port
            && self.endpoint.workload == other.workload && self.endpoint.identity == other.identity
    }
}
