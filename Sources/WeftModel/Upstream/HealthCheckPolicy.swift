/// How a proxy asks the endpoints of a cluster whether they are well; every value is set.
package struct HealthCheckPolicy: Hashable, Sendable {
    package var probe: Probe
    /// Between two checks of one endpoint, ±10 %. Default 10 s.
    package var interval: Duration = .seconds(10)
    /// What a check may take, the connection included. Default 1 s.
    package var timeout: Duration = .seconds(1)
    /// Failed checks one after another that take an endpoint out. Default 3.
    package var unhealthyThreshold = 3
    /// Passed checks one after another that bring it back. Default 2.
    package var healthyThreshold = 2

    package init(_ probe: Probe) { self.probe = probe }

    package enum Probe: Hashable, Sendable {
        /// GET of this path. Well is one of these statuses; any of 200–299 where the set is empty.
        case http(path: String, statuses: Set<Int>)
        /// `grpc.health.v1.Health/Check`; well is SERVING. An empty service asks about the server as a whole.
        case grpc(service: String)
        /// A TCP connection that is taken.
        case tcp
    }
}
