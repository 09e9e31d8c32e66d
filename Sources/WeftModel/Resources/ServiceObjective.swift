/// How well calls to a service, or along a route, are meant to go, over how long.
package struct ServiceObjective: Hashable, Sendable {
    package var metadata: Metadata
    package var target: Target
    /// The share of requests that must not fail, 0.5 to 0.99999; nil where none is demanded.
    package var successRatio: Double?
    /// Nil where nothing is demanded of latency; one of both is there.
    package var latency: Latency?
    /// What the error budget is for. Default 30 days; from 1 h.
    package var window: Duration

    /// 30 days.
    package static let standardWindow = Duration.seconds(30 * 86_400)

    package init(
        metadata: Metadata, target: Target, successRatio: Double? = nil, latency: Latency? = nil,
        window: Duration = Self.standardWindow
    ) {
        self.metadata = metadata
        self.target = target
        self.successRatio = successRatio
        self.latency = latency
        self.window = window
    }

    package enum Target: Hashable, Sendable {
        case service(ServiceName)
        /// Requests that an HTTPRoute or GRPCRoute took.
        case route(ResourceKey)
    }

    package struct Latency: Hashable, Sendable {
        /// How long a request may take; 1 ms to 10 s.
        package var threshold: Duration
        /// The share of requests that must take no longer, 0.5 to 0.99999.
        package var ratio: Double

        package init(threshold: Duration, ratio: Double) {
            self.threshold = threshold
            self.ratio = ratio
        }

        package var milliseconds: Double {
            Double(self.threshold.components.seconds) * 1000
                + Double(self.threshold.components.attoseconds) / 1_000_000_000_000_000
        }
    }
}
