internal import Foundation
internal import GRPCCore
internal import Logging
internal import WeftConfig
internal import WeftIdentity
internal import WeftModel
internal import WeftStore
internal import WeftTelemetry

/// A control plane put together: opened, restored and compiled, but not yet listening.
struct ControlPlaneParts: Sendable {
    let configuration: ControlPlaneConfiguration
    let store: SQLiteStore
    let authority: Authority
    let agents: AgentAuthority
    let registry: RegistryDriver
    let configurations: Configurations
    let reconciler: Reconciler
    let keys: TokenKeyBook
    let hub: SnapshotHub
    let streams: DiscoveryStreams
    let transport: MeshTransport
    let server: GRPCServer<MeshTransport>
    let api: APIServer
    let apiTLS: OptionalMutualTLS
    /// Serves the bundle alone, where that has an address of its own.
    let bundleTLS: OptionalMutualTLS
    let relay: EndpointRelay
    let trust: TrustHub
    let federation: FederationDriver
    let audit: any AuditLog
    let refusals: RefusalWatch
    private let fleet: @Sendable () async -> FleetTrust
    private let names: ServerNames
    private let meshCertificate: ServerCertificate
    private let apiCertificate: ServerCertificate
    private let logger: Logger

    init(_ configuration: ControlPlaneConfiguration, directory: DataDirectory, logger: Logger) async throws {
        let started = Int64(Date().timeIntervalSince1970)
        let metrics = ControlPlaneMetrics()
        let store = try Self.openStore(directory, metrics)
        let hub = SnapshotHub()
        let streams = DiscoveryStreams()
        var auditSettings = FileAuditLog.Settings()
        auditSettings.isRequired = configuration.auditRequired
        let auditFile = try FileAuditLog(directory: directory.path, settings: auditSettings, logger: logger)
        let audit = CountingAuditLog(log: auditFile, metrics: metrics)
        let limits = configuration.limits
        let refusals = RefusalWatch(
            limits: AttemptThrottle.Limits(
                rate: 1, burst: limits.failedLogins, totalRate: 1, totalBurst: limits.failedLogins, failureCost: 1),
            audit: audit, metrics: metrics, logger: logger)
        let cache = EncodingCache()
        let authority = try await Authority(
            storage: try directory.authority,
            tables: Authority.Tables(
                tokens: StoreRecords(store: store, table: "join-tokens"),
                apiTokens: StoreRecords(store: store, table: "api-tokens"),
                admissions: StoreRecords(store: store, table: "admissions"),
                revocations: StoreRecords(store: store, table: "revoked-identities"),
                trust: StoreRecords(store: store, table: "trust")),
            configuration: configuration, audit: audit, logger: logger)
        let names = ServerNames(configuration)
        let identity = try await authority.serverIdentity(names: names, now: Date())
        let trust = authority.trust
        let agents = try await AgentAuthority(
            authority: authority, trust: trust, tokens: StoreRecords(store: store, table: "agent-tokens"),
            limits: configuration.limits, audit: audit,
            refusals: refusals, logger: logger)
        let relay = EndpointRelay()
        let registry = try await RegistryDriver(
            configuration: configuration, table: StoreRecords(store: store, table: "registry"), metrics: metrics,
            logger: logger, endpointsChanged: { relay.changed() })
        let records = RecordDesk()
        let configurations = Configurations(
            store: store,
            lint: {
                Linter.lint($0, registered: $1, now: $2, trustDomain: configuration.trustDomain)
                    + FederationBook.lint($0, ownDomain: configuration.trustDomain)
            })
        let federation = try await FederationDriver(
            configurations: configurations, table: StoreRecords(store: store, table: "federation"),
            trustDomain: configuration.trustDomain, webRoots: configuration.federationRoots, audit: audit,
            logger: logger)
        let keys = TokenKeyBook(table: StoreRecords(store: store, table: "token-keys"), logger: logger)
        await keys.restore()
        let reconciler = Reconciler(
            configurations: configurations, registry: registry, keys: keys, hub: hub, cache: cache,
            agents: agents.hub, trustDomain: configuration.trustDomain, metrics: metrics, logger: logger)
        try await reconciler.start()
        try await federation.reload()
        let believed = await federation.believed
        try await authority.federate(believed.roots)
        await agents.federate(believed.keySets)

        let meshCertificate = try ServerCertificate(identity, alpn: ["h2"])
        let apiCertificate = try ServerCertificate(identity, alpn: ["http/1.1"])
        let (meshRefusals, apiRefusals) = (RefusedHandshakes(), RefusedHandshakes())
        let revokedCallers = RevokedCallers()
        let transport = MeshTransport(
            MeshListener(
                address: configuration.meshAddress,
                tls: OptionalMutualTLS(
                    certificate: meshCertificate, trust: trust, peers: ConnectionPeers(),
                    maxConnections: configuration.limits.connections, refusals: meshRefusals, logger: logger,
                    watch: refusals, revoked: revokedCallers)),
            limits: configuration.limits)
        let workloads = WorkloadServer(
            authority: authority,
            door: JoinDoor(
                authority: authority,
                attestors: [JoinTokenAttestor(authority: authority)]
                    + (configuration.kubernetes.map {
                        [KubernetesTokenAttestor($0, trustDomain: configuration.trustDomain)]
                    } ?? []), audit: audit, refusals: refusals,
                limits: AttemptThrottle.Limits(
                    rate: limits.joinRate, burst: limits.joinBurst, totalRate: limits.totalJoinRate,
                    totalBurst: limits.totalJoinBurst, failureCost: 10)), audit: audit, agents: agents.hub,
            registry: registry, records: records, limits: configuration.limits, leases: configuration.leases,
            quotas: QuotaBook(hub: hub), trust: trust, snapshot: { hub.snapshot }, logger: logger)
        let discovery = DiscoveryServer(
            hub: hub, trust: trust, registry: registry, streams: streams, cache: cache, limits: configuration.limits,
            metrics: metrics, logger: logger)
        let fleet: @Sendable () async -> FleetTrust = {
            FleetTrust(entries: await registry.entries, streams: streams.all, watchedSince: started)
        }
        let status: @Sendable () async throws -> StatusReport = {
            StatusReport(
                version: WeftVersion.text, revision: try await configurations.revision,
                publishedRevision: hub.snapshot.revision, trustDomain: configuration.trustDomain.name,
                startedAt: started, now: Int64(Date().timeIntervalSince1970),
                authority: try await authority.status,
                proxies: StatusAssembly.proxies(
                    entries: await registry.entries, streams: streams.all, snapshot: hub.snapshot,
                    revoked: trust.current.trust.revoked,
                    knocking: revokedCallers.recent(
                        of: trust.current.trust.revoked, now: Int64(Date().timeIntervalSince1970))),
                problems: await reconciler.problems + federation.problems,
                refusedHandshakes: ["mesh": meshRefusals.counts, "api": apiRefusals.counts])
        }
        let telemetry = ControlPlaneTelemetry(
            metrics: metrics, address: configuration.apiAddress.flatMap { $0.port == 0 ? nil : $0.description },
            status: status,
            queues: {
                ["changes": await reconciler.waiting, "pushes": hub.waiting, "audit": auditFile.depth]
            }, dropped: { ["audit": Int(clamping: auditFile.lost)] },
            serverExpiry: { apiCertificate.generation.identity.notAfter.timeIntervalSince1970 },
            objectives: { try await ObjectiveJudge.all(configurations, registry) })
        let service = APIService(
            configurations: configurations, authority: authority, agents: agents, registry: registry,
            records: records, federation: federation,
            audit: auditFile, refusals: refusals,
            dashboard: await DashboardDesk(
                table: StoreRecords(store: store, table: "dashboard-sessions"), logger: logger), fleet: fleet,
            status: status,
            snapshot: { hub.snapshot }, routeStatuses: { await reconciler.routeStatuses },
            problems: { await reconciler.problems + federation.problems }, telemetry: telemetry, logger: logger)

        self.configuration = configuration
        self.store = store
        self.authority = authority
        self.agents = agents
        self.registry = registry
        self.configurations = configurations
        self.reconciler = reconciler
        self.keys = keys
        self.hub = hub
        self.streams = streams
        self.transport = transport
        self.server = GRPCServer(
            transport: transport,
            services: [
                workloads, discovery, AgentServer(agents: agents, trust: trust, logger: logger),
                LoadReportServer(hub: hub, trust: trust, registry: registry, logger: logger),
            ])
        self.api = APIServer(
            service: service, authority: authority, roles: configuration.apiRoles, refusals: refusals,
            maxBodyBytes: configuration.limits.apiBodyBytes,
            bodyTime: configuration.limits.apiBodyTime, maxConnections: configuration.limits.apiConnections,
            logger: logger)
        self.apiTLS = OptionalMutualTLS(
            certificate: apiCertificate, trust: trust, peers: ConnectionPeers(),
            maxConnections: configuration.limits.apiConnections, refusals: apiRefusals, logger: logger, watch: refusals)
        self.bundleTLS = OptionalMutualTLS(
            certificate: apiCertificate, trust: trust, peers: ConnectionPeers(), maxConnections: 256, logger: logger,
            watch: refusals)
        self.federation = federation
        self.audit = audit
        self.refusals = refusals
        self.relay = relay
        self.trust = trust
        self.fleet = fleet
        self.names = names
        self.meshCertificate = meshCertificate
        self.apiCertificate = apiCertificate
        self.logger = logger
    }

    /// Has the mesh believe other trust domains as they are followed; until cancelled.
    func followFederation() async {
        for await believed in self.federation.updates {
            do { try await self.authority.federate(believed.roots) } catch {
                self.logger.error("other trust domains were not taken up", metadata: ["cause": "\(error)"])
            }
            await self.agents.federate(believed.keySets)
        }
    }

    /// Tells the reconciler of every change of the store; until cancelled, or until the store closes.
    func followStore() async throws {
        var position = await self.reconciler.revision
        while !Task.isCancelled {
            do throws(StoreError) {
                for try await set in self.configurations.changes(after: position) {
                    position = set.revision
                    await self.reconciler.changed(.policy)
                    try? await self.federation.reload()
                }
                return
            } catch {
                switch error {
                case .compacted(_, let through):
                    // The reconciler lists anew, so that nothing of what was forgotten is missed.
                    position = through
                    await self.reconciler.changed(.policy)
                    try? await self.federation.reload()
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

    /// Goes on with a rotation of the root, and serves under whichever root issues; until cancelled.
    func rotateRoot() async {
        let subscription = self.trust.subscribe()
        defer { self.trust.unsubscribe(subscription.id) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while (try? await Task.sleep(for: .seconds(2))) != nil {
                    do {
                        try await self.authority.stepRotation(fleet: await self.fleet(), now: Date())
                    } catch {
                        self.logger.error("the root's rotation did not go on", metadata: ["cause": "\(error)"])
                    }
                }
            }
            group.addTask {
                var (roots, demand) = (self.meshCertificate.generation.identity.bundle, Int64?.none)
                for await _ in subscription.wakeUps {
                    let trust = self.trust.current.trust
                    guard trust.roots != roots || trust.renewBefore != demand else { continue }
                    (roots, demand) = (trust.roots, trust.renewBefore)
                    do {
                        let serving = try await self.authority.serverIdentity(names: self.names, now: Date())
                        try self.meshCertificate.replace(serving)
                        try self.apiCertificate.replace(serving)
                        self.logger.info(
                            "serving under the roots that changed", metadata: ["serial": "\(serving.serial)"])
                    } catch {
                        self.logger.error("the server's certificate was not renewed", metadata: ["cause": "\(error)"])
                    }
                }
            }
        }
    }

    private static func openStore(
        _ directory: DataDirectory, _ metrics: ControlPlaneMetrics
    ) throws -> SQLiteStore {
        do {
            return try SQLiteStore(path: directory.database) { operation, duration, hasFailed in
                let labels = [operation.rawValue]
                metrics.observe(duration, in: ControlPlaneMetricNames.storeDuration, labels)
                if hasFailed { metrics.count(ControlPlaneMetricNames.storeFailures, labels) }
            }
        } catch {
            throw ControlPlaneError.store("\(error)")
        }
    }
}
