import WeftMessage
import WeftModel

@testable import WeftTraffic

extension MonotonicInstant {
    /// A moment of simulated time.
    static func ms(_ milliseconds: Int) -> Self { Self(nanoseconds: Int64(milliseconds) * 1_000_000) }
}

extension Provenance {
    /// A TrafficPolicy of this name.
    static func policy(_ name: String) -> Self {
        Provenance(resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: name))
    }
}

func endpoint(_ name: String, weight: Int = 1, version: String = "") -> Endpoint {
    Endpoint(workload: "default/\(name)", address: "10.0.0.1", port: 80, weight: weight, version: version)
}

func endpoints(_ cluster: String, _ list: [Endpoint]) -> ClusterEndpoints {
    ClusterEndpoints(cluster: cluster, endpoints: list)
}

func request(
    _ method: HTTPMethod = .get, _ path: String = "/", authority: String = "billing", _ headers: HeaderBlock = [:]
) -> RequestHead {
    RequestHead(method: method, authority: authority, path: path, headers: headers)
}

func cluster(_ name: String = "billing.default:80", _ change: (inout Cluster) -> Void = { _ in }) -> Cluster {
    var cluster = Cluster(
        name: name, service: ServiceName(namespace: "default", name: "billing"),
        transport: .mutualTLS(
            peers: [SPIFFEID(trustDomain: .standard, namespace: "default", account: "billing")]))
    change(&cluster)
    return cluster
}

func table(_ routes: [Route], domains: [String] = ["*"]) -> RouteTable {
    RouteTable(
        RouteConfiguration(
            name: "billing.default:80", virtualHosts: [VirtualHost(name: "all", domains: domains, routes: routes)]))
}

/// A route to the cluster of `cluster()`.
func route(_ change: (inout Route) -> Void = { _ in }) -> Route {
    var route = Route(name: "default", action: .forward([WeightedCluster(cluster: "billing.default:80")]))
    change(&route)
    return route
}
