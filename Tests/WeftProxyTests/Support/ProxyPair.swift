import Crypto
import Foundation
import Logging
import NIOCore
import NIOPosix
import WeftIdentity
import WeftModel

@testable import WeftProxy

/// A certificate authority for tests.
struct TestAuthority {
    private let authority: CertificateAuthority

    init(trustDomain: TrustDomain = .standard) throws {
        var random = SystemRandomNumberGenerator()
        self.authority = try CertificateAuthority(trustDomain: trustDomain, now: Date(), random: &random)
    }

    func id(_ account: String) -> SPIFFEID {
        SPIFFEID(trustDomain: self.authority.trustDomain, namespace: "default", account: account)
    }

    func identity(_ account: String) throws -> WorkloadIdentity {
        var random = SystemRandomNumberGenerator()
        let key = P256.Signing.PrivateKey()
        let svid = try self.authority.issue(
            csrDER: SigningRequest.der(for: key), identity: self.id(account), now: Date(), random: &random)
        return try WorkloadIdentity(key: key, chain: svid.chain, bundle: svid.bundle, now: Date())
    }
}

/// A sidecar in this process.
struct TestSidecar {
    let server: ProxyServer
    let inbound: InboundListeners
    let outbound: OutboundListeners
    let telemetry: ProxyTelemetry

    static func start(
        _ service: String, on group: MultiThreadedEventLoopGroup,
        source: any ConfigurationSource = NoConfigurationSource(), names: NameResolver = NameResolver(),
        logger: Logger = .quiet, configure: (inout ProxyConfiguration) -> Void = { _ in }
    ) async throws -> TestSidecar {
        var configuration = ProxyConfiguration(
            service: ServiceName(namespace: "default", name: service), workload: "\(service)-1",
            source: .static(StaticFiles(snapshot: "")))
        configuration.outbound = .loopback(0)
        configuration.admin = nil
        configuration.accessLog = .off
        // No test is about how soon a name is found by a machine with other things to do, nor about connections that such
        // a machine leaves unused for seconds.
        configuration.limits.upstreamIdleTimeout = .seconds(600)
        configuration.limits.discoveryTimeout = .seconds(120)
        configure(&configuration)
        let telemetry = ProxyTelemetry(configuration: configuration)
        let server = try await ProxyServer(
            configuration: configuration, group: group, source: source, logger: logger, telemetry: telemetry,
            names: names)
        return TestSidecar(
            server: server, inbound: try await server.openInbound(), outbound: try await server.openOutbound(),
            telemetry: telemetry)
    }

    var outboundPort: Int { self.outbound.proxyAddress?.port ?? 0 }

    func stop() async {
        await self.inbound.close()
        await self.outbound.close()
        await self.server.closeAll()
    }
}

/// A snapshot with one service, `billing.default:80`.
func snapshot(
    endpoints: [Endpoint], transport: Cluster.Transport = .plaintext, appProtocol: AppProtocol = .http,
    route: (inout Route) -> Void = { _ in }, cluster edit: (inout Cluster) -> Void = { _ in }
) -> ProxySnapshot {
    let name = "billing.default:80"
    let service = ServiceName(namespace: "default", name: "billing")
    var rule = Route(name: "default", action: .forward([WeightedCluster(cluster: name)]))
    route(&rule)
    var cluster = Cluster(name: name, service: service, transport: transport, appProtocol: appProtocol)
    edit(&cluster)
    return ProxySnapshot(
        listeners: [name: .outbound(name: name, routeConfiguration: name)],
        routes: [
            name: RouteConfiguration(
                name: name, virtualHosts: [VirtualHost(name: name, domains: ["*"], routes: [rule])])
        ],
        clusters: [name: cluster], endpoints: [name: ClusterEndpoints(cluster: name, endpoints: endpoints)])
}

func endpoint(_ workload: String, port: Int, identity: SPIFFEID? = nil) -> Endpoint {
    Endpoint(workload: "default/\(workload)", address: "127.0.0.1", port: port, identity: identity)
}

/// Loops for one test, closed at its end.
func withLoops<Result>(
    _ count: Int = 1, _ body: (MultiThreadedEventLoopGroup) async throws -> Result
) async throws -> Result {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
    do {
        let result = try await body(group)
        try await group.shutdownGracefully()
        return result
    } catch {
        try? await group.shutdownGracefully()
        throw error
    }
}

extension Logger {
    /// Tells of errors only.
    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        return logger
    }
}
