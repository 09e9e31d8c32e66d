import SwiftProtobuf
import WeftDiscovery
import WeftModel
import WeftProtos

/// A canary of billing, as the compiler makes it.
enum Samples {
    static let name = "billing.default:80"
    static let billing = ServiceName(namespace: "default", name: "billing")

    static func spiffe(_ account: String) -> SPIFFEID {
        SPIFFEID(trustDomain: .standard, namespace: "default", account: account)
    }

    /// Everything a policy can say about endpoints, none of it the default.
    static func fill(_ cluster: inout Cluster) {
        cluster.limits.retries = 0
        cluster.balancing.penalizesFailures = true
        cluster.balancing.hashKey = .cookie(name: "session", ttl: .seconds(60))
        cluster.balancing.stickyCookie = StickyCookie(name: "s", ttl: .seconds(5))
        cluster.balancing.slowStart = .seconds(30)
        cluster.balancing.prefersZone = false
        cluster.balancing.failover = ["b", "a"]
        cluster.balancing.panicThreshold = 20
        cluster.outliers.successRate = 0.7
        cluster.outliers.minRequests = 9
        cluster.outliers.consecutiveFailures = 4
        cluster.outliers.baseEjection = .milliseconds(1500)
        cluster.outliers.maxEjection = .seconds(90)
        cluster.outliers.maxEjectionPercent = 45
        cluster.outliers.cohort = OutlierPolicy.CohortDetector()
        cluster.outliers.cohort?.deviations = 2.5
        cluster.healthCheck = HealthCheckPolicy(.http(path: "/healthz", statuses: [200, 204]))
        cluster.healthCheck?.interval = .seconds(3)
        var admission = AdmissionPolicy()
        admission.aggression = 2
        admission.minRequestsPerSecond = 3
        cluster.admission = admission
    }

    static let listener = Listener.outbound(name: name, routeConfiguration: name)

    static let inbound = Listener.inbound(
        InboundListener(
            name: "inbound/default/billing-1/9000", service: billing, address: "127.0.0.1", port: 15006, appPort: 9000,
            appProtocol: .grpc, mtls: .strict))

    static let provenance = Provenance(
        resource: ResourceKey(kind: .httpRoute, namespace: "default", name: "billing"), revision: Revision(7),
        file: "mesh.yaml", line: 12)

    static func routes(to clusters: [String], name: String = name) -> RouteConfiguration {
        RouteConfiguration(
            name: name,
            virtualHosts: [
                VirtualHost(
                    name: "all", domains: ["*"],
                    routes: [Route(name: "default", action: .forward(clusters.map { WeightedCluster(cluster: $0) }))])
            ])
    }

    static let everyRoute: RouteConfiguration = {
        var retry = RetryPolicy()
        retry.attempts = 3
        retry.statuses = [500, 503]
        retry.grpcStatuses = [14]
        retry.nonIdempotent = true
        retry.backoffBase = .milliseconds(40)
        let modifier = HeaderModifier(
            set: [.init(name: "x-a", value: "50%")], add: [.init(name: "x-b", value: "")], remove: ["x-c"])
        return RouteConfiguration(
            name: name,
            virtualHosts: [
                VirtualHost(
                    name: "all", domains: ["*"],
                    routes: [
                        Route(
                            name: "default/billing/0",
                            match: RouteMatch(
                                path: .prefix("/v2"), method: "GET",
                                headers: [
                                    HeaderMatch(name: "x-user", value: .exact("a")),
                                    HeaderMatch(name: "x-any", value: .present),
                                    HeaderMatch(name: "x-re", value: .regularExpression("a.*")),
                                ],
                                queryParameters: [
                                    QueryParameterMatch(name: "q", value: .exact("1")),
                                    QueryParameterMatch(name: "r", value: .present),
                                ]),
                            action: .forward([
                                WeightedCluster(cluster: "billing-v1.default:80", weight: 90),
                                WeightedCluster(
                                    cluster: "billing-v2.default:80", weight: 10, requestHeaders: modifier,
                                    responseHeaders: modifier),
                            ]),
                            requestHeaders: modifier, responseHeaders: modifier,
                            timeouts: RouteTimeouts(request: .zero, perTry: .milliseconds(250), idle: .seconds(9)),
                            retry: retry, provenance: provenance),
                        Route(
                            name: "gone", match: RouteMatch(path: .exact("/gone")),
                            action: .respond(status: 500, body: "no backend")),
                        Route(
                            name: "re", match: RouteMatch(path: .regularExpression("/[a-z]+")),
                            action: .forward([WeightedCluster(cluster: "billing.default:80", weight: 5)])),
                        Route(name: "default", action: .forward([WeightedCluster(cluster: "billing.default:80")])),
                    ])
            ])
    }()

    static func cluster(_ name: String = name, connectTimeout: Duration = .seconds(1)) -> Cluster {
        Cluster(
            name: name, service: billing, connectTimeout: connectTimeout,
            transport: .mutualTLS(peers: [spiffe("billing")]))
    }

    static func endpoints(_ cluster: String = name, ports: [Int] = [20001]) -> ClusterEndpoints {
        ClusterEndpoints(
            cluster: cluster,
            endpoints: ports.map {
                Endpoint(
                    workload: "default/billing-\($0)", address: "127.0.0.1", port: $0, identity: spiffe("billing"),
                    version: "v1")
            })
    }

    /// What a control plane would serve Weft's proxy.
    static func view(
        _ version: String, listeners: [Listener] = [], routes: [RouteConfiguration] = [], clusters: [Cluster] = [],
        endpoints: [ClusterEndpoints] = [], dialect: Dialect = .weft
    ) throws -> ResourceTable {
        let encoder = XDSEncoder(dialect: dialect)
        var table = ResourceTable(version: version)
        for listener in listeners {
            if let body = try encoder.encode(listener) {
                table.resources[.listener, default: [:]][listener.name] = ServedResource(
                    name: listener.name, body: body)
            }
        }
        for route in routes {
            table.resources[.route, default: [:]][route.name] = ServedResource(
                name: route.name, body: try encoder.encode(route))
        }
        for cluster in clusters {
            table.resources[.cluster, default: [:]][cluster.name] = ServedResource(
                name: cluster.name, body: try encoder.encode(cluster))
        }
        for assignment in endpoints {
            table.resources[.endpoints, default: [:]][assignment.cluster] = ServedResource(
                name: assignment.cluster, body: try encoder.encode(assignment))
        }
        return table
    }
}
