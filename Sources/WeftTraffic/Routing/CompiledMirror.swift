internal import WeftModel

/// Where copies of a route's requests go, made ready.
package final class CompiledMirror: Sendable {
    /// One route, which takes every request and tries once.
    package let routes: RouteTable
    private let fraction: Fraction

    init(_ mirror: MirroredCluster, of route: Route) {
        self.fraction = mirror.fraction
        var copy = Route(
            name: "\(route.name)/mirror", action: .forward([WeightedCluster(cluster: mirror.cluster)]),
            timeouts: route.timeouts, provenance: route.provenance)
        copy.retry.attempts = 0
        // Nobody waits for the answer, so somebody has to stop it.
        copy.timeouts.request = copy.timeouts.request.flatMap { $0 > .zero ? $0 : nil } ?? .seconds(15)
        self.routes = RouteTable(
            RouteConfiguration(
                name: copy.name, virtualHosts: [VirtualHost(name: "mirror", domains: ["*"], routes: [copy])]))
    }

    /// Whether this request is copied.
    func draws(random: inout some RandomNumberGenerator) -> Bool {
        if self.fraction.numerator >= self.fraction.denominator { return true }
        return random.index(below: max(1, self.fraction.denominator)) < self.fraction.numerator
    }
}
