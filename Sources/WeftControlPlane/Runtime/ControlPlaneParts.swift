internal import Foundation
internal import GRPCCore
internal import Logging
internal import WeftConfig
internal import WeftIdentity
internal import WeftModel
internal import WeftStore

/// A control plane put together: opened, restored and compiled, but not yet listening.
struct ControlPlaneParts: Sendable {
    let configuration: ControlPlaneConfiguration
    let store: SQLiteStore
    let authority: Authority
    let agents: AgentAuthority
    let registry: RegistryDriver
    let configurations: Configurations
    let reconciler: Reconciler
    let hub: SnapshotHub
    let streams: DiscoveryStreams
    let transport: MeshTransport
    let server: GRPCServer<MeshTransport>
    let api: APIServer
    let apiTLS: OptionalMutualTLS
    let relay: EndpointRelay
    let trust: TrustHub
    private let names: ServerNames
    private let meshCertificate: ServerCertificate
    private let apiCertificate: ServerCertificate
    private let logger: Logger

    init(_ configuration: ControlPlaneConfiguration, directory: DataDirectory, logger: Logger) async throws {
        let started = Int64(Date().timeIntervalSince1970)
        let store = try Self.openStore(directory)
        let hub = SnapshotHub()
        let streams = DiscoveryStreams()
        let cache = EncodingCache()
        let authority = try await Authority(
            storage: try directory.authority,
            tables: Authority.Tables(
                tokens: StoreRecords(store: store, table: "join-tokens"),
                apiTokens: StoreRecords(store: store, table: "api-tokens"),
                admissions: StoreRecords(store: store, table: "admissions")),
            configuration: configuration, logger: logger)
        let names = ServerNames(configuration)
        let identity = try await authority.serverIdentity(names: names, now: Date())
        let trust = try TrustHub(
            TrustState(trustDomain: configuration.trustDomain, roots: try await authority.bundle, version: 1))
        let agents = try await AgentAuthority(
            authority: authority, trust: trust, storage: try directory.authority,
            tokens: StoreRecords(store: store, table: "agent-tokens"), maxTokens: configuration.limits.tokens,
            logger: logger)
        let relay = EndpointRelay()
        let registry = try await RegistryDriver(
            configuration: configuration, table: StoreRecords(store: store, table: "registry"), logger: logger,
            endpointsChanged: { relay.changed() })
        let configurations = Configurations(store: store, lint: { Linter.lint($0, registered: $1, now: $2) })
        let reconciler = Reconciler(
            configurations: configurations, registry: registry, hub: hub, cache: cache,
            agents: agents.hub, trustDomain: configuration.trustDomain, logger: logger)
        try await reconciler.start()

        let meshCertificate = try ServerCertificate(identity, alpn: ["h2"])
        let apiCertificate = try ServerCertificate(identity, alpn: ["http/1.1"])
        let (meshRefusals, apiRefusals) = (RefusedHandshakes(), RefusedHandshakes())
        let transport = MeshTransport(
            MeshListener(
                address: configuration.meshAddress,
                tls: OptionalMutualTLS(
                    certificate: meshCertificate, trust: trust, peers: ConnectionPeers(),
                    maxConnections: configuration.limits.connections, refusals: meshRefusals, logger: logger)),
            limits: configuration.limits)
        let workloads = WorkloadServer(
            authority: authority, agents: agents.hub, registry: registry, limits: configuration.limits,
            leases: configuration.leases, quotas: QuotaBook(hub: hub), trust: trust, logger: logger)
        let discovery = DiscoveryServer(
            hub: hub, trust: trust, registry: registry, streams: streams, cache: cache, limits: configuration.limits,
            logger: logger)
        let service = APIService(
            configurations: configurations, authority: authority, agents: agents, registry: registry,
            status: {
                StatusReport(
                    version: WeftVersion.text, revision: try await configurations.revision,
                    publishedRevision: hub.snapshot.revision, trustDomain: configuration.trustDomain.name,
                    startedAt: started, now: Int64(Date().timeIntervalSince1970),
                    authority: try await authority.status,
                    proxies: StatusAssembly.proxies(
                        entries: await registry.entries, streams: streams.all, snapshot: hub.snapshot),
                    problems: await reconciler.problems,
                    refusedHandshakes: ["mesh": meshRefusals.counts, "api": apiRefusals.counts])
            }, snapshot: { hub.snapshot }, routeStatuses: { await reconciler.routeStatuses }, logger: logger)

        self.configuration = configuration
        self.store = store
        self.authority = authority
        self.agents = agents
        self.registry = registry
        self.configurations = configurations
        self.reconciler = reconciler
        self.hub = hub
        self.streams = streams
        self.transport = transport
        self.server = GRPCServer(transport: transport, services: [workloads, discovery, AgentServer(agents: agents, trust: trust, logger: logger)])
        self.api = APIServer(
            service: service, authority: authority, maxBodyBytes: configuration.limits.apiBodyBytes, logger: logger)
        self.apiTLS = OptionalMutualTLS(
            certificate: apiCertificate, trust: trust, peers: ConnectionPeers(), maxConnections: 1024,
            refusals: apiRefusals, logger: logger)
        self.relay = relay
        self.trust = trust
        self.names = names
        self.meshCertificate = meshCertificate
        self.apiCertificate = apiCertificate
        self.logger = logger
    }

    /// Tells the reconciler of every change of the store; until cancelled, or until the store closes.
    func followStore() async throws {
        var position = await self.reconciler.revision
        while !Task.isCancelled {
            do throws(StoreError) {
                for try await set in self.configurations.changes(after: position) {
                    position = set.revision
                    await self.reconciler.changed(.policy)
                }
                return
            } catch {
                switch error {
                case .compacted(_, let through):
                    // The reconciler lists anew, so that nothing of what was forgotten is missed.
                    position = through
                    await self.reconciler.changed(.policy)
                case _ where error.isTransient:
                    self.logger.error("the store could not be read", metadata: ["cause": "\(error)"])
                    try await Task.sleep(for: .seconds(1))
                default: throw error
                }
            }
        }
    }

    /// Forgets what is not kept of the configuration's past, now and every ten minutes; until cancelled.
    func compactHistory() async {
        var retention = HistoryRetention()
        retention.sets = self.configuration.history.changes
        retention.age = self.configuration.history.age
        repeat {
            let now = Int64(Date().timeIntervalSince1970)
            do {
                let through = try await self.store.compact(retention, now: now)
                self.logger.debug("compacted", metadata: ["through": "\(through)"])
            } catch {
                if Task.isCancelled { return }
                self.logger.error("the history was not compacted", metadata: ["cause": "\(error)"])
            }
        } while (try? await Task.sleep(for: .seconds(600))) != nil
    }

    /// Replaces the certificate that the listeners serve with, in time; until cancelled.
    func rotateCertificate() async {
        var random = SystemRandomNumberGenerator()
        var serving = self.meshCertificate.generation.identity
        var schedule = RenewalSchedule(notBefore: serving.notBefore, notAfter: serving.notAfter, random: &random)
        while !Task.isCancelled {
            switch schedule.step(now: Date()) {
            case .wait(let wait):
                guard (try? await Task.sleep(for: wait)) != nil else { return }
            case .renew:
                do {
                    serving = try await self.authority.serverIdentity(names: self.names, now: Date())
                    try self.meshCertificate.replace(serving)
                    try self.apiCertificate.replace(serving)
                    schedule = RenewalSchedule(
                        notBefore: serving.notBefore, notAfter: serving.notAfter, random: &random)
                    self.logger.info("serving with a new certificate", metadata: ["serial": "\(serving.serial)"])
                } catch {
                    schedule.failed(now: Date(), random: &random)
                    self.logger.error("the server's certificate was not renewed", metadata: ["cause": "\(error)"])
                }
            }
        }
    }

    private static func openStore(_ directory: DataDirectory) throws -> SQLiteStore {
        do {
            return try SQLiteStore(path: directory.database)
        } catch {
            throw ControlPlaneError.store("\(error)")
        }
    }
}
