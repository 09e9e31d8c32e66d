internal import FoundationEssentials
internal import GRPCCore
package import Logging
internal import SwiftProtobuf
internal import Synchronization
package import WeftIdentity
internal import WeftDiscovery
package import WeftModel
package import WeftProtos

/// The sidecar's side of the control plane: gets its identity and renews it, registers its workload, follows the
/// configuration of what its application calls, and hands both on. With the control plane away, all that was given
/// stays in force, and a new start goes on from what was saved.
package final class ControlPlaneClient: ConfigurationSource {
    /// What the request path takes from here. Called in order, from one task at a time.
    package struct Receiver: Sendable {
        package var install: @Sendable (ProxySnapshot) -> Void
        /// The certificate to show, and who is believed; called for a change of either.
        package var installIdentity: @Sendable (WorkloadIdentity, TrustState) throws -> Void
        /// The counters since the start.
        package var stats: @Sendable () -> Weft_V1_Stats
        /// The limits of which slices are leased.
        package var rateLimits: RateLimitBook
        /// What is remembered of requests.
        package var records: RecordResponder
        /// Called once, when the workload can do its work: it has its identity, and it is registered or started from
        /// what was saved.
        package var ready: @Sendable () -> Void
        /// Called when the workload's registration begins and when it ends.
        package var connected: @Sendable (Bool) -> Void

        package init(
            install: @escaping @Sendable (ProxySnapshot) -> Void,
            installIdentity: @escaping @Sendable (WorkloadIdentity, TrustState) throws -> Void,
            stats: @escaping @Sendable () -> Weft_V1_Stats = { Weft_V1_Stats() },
            rateLimits: RateLimitBook = RateLimitBook(), records: RecordResponder = .none,
            ready: @escaping @Sendable () -> Void = {},
            connected: @escaping @Sendable (Bool) -> Void = { _ in }
        ) {
            self.install = install
            self.installIdentity = installIdentity
            self.stats = stats
            self.rateLimits = rateLimits
            self.records = records
            self.ready = ready
            self.connected = connected
        }
    }

    private let configuration: ProxyConfiguration
    private let logger: Logger
    private let discovery: DiscoverySession
    private let registration: Mutex<RegistrationSession?> = Mutex(nil)
    private let readiness = Mutex<Weft_V1_Readiness?>(nil)
    private let isReady = Atomic(false)
    /// Who is believed by what was installed last.
    private let installed = Mutex<TrustState?>(nil)
    /// Whether what is held differs from what is on disk.
    private let isUnsaved = Atomic(false)
    /// Wakes whoever saves.
    private let (dirty, changed) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    private static let snapshotFile = "snapshot.pb"

    package init(configuration: ProxyConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        var limits = NameInterest.Limits()
        limits.names = configuration.limits.maxNames
        limits.absent = min(limits.absent, limits.names)
        self.discovery = DiscoverySession(node: Self.node(configuration), limits: limits, logger: logger)
    }

    // MARK: What the rest of the sidecar says

    package func want(listener name: String) { self.discovery.demand(listener: name) }

    /// The application's readiness; nil is ready, else why not.
    package func applicationChanged(notReady cause: String?) {
        let readiness = Weft_V1_Readiness.with {
            $0.ready = cause == nil
            $0.cause = cause ?? ""
        }
        self.readiness.withLock { $0 = readiness }
        self.registration.withLock { $0 }?.set(readiness)
    }

    /// Tells the mesh that the workload takes no more requests; returns when that has left this process.
    package func announceDraining() async { await self.registration.withLock { $0 }?.drain() }

    // MARK: Running

    /// Runs until cancelled. Throws `ControlPlaneRefusal` when there is no identity and none can be had.
    ///
    /// - Parameters:
    ///   - inboundPorts: where peers connect, by application port.
    ///   - adminPort: where metrics are read on `127.0.0.1`; nil where they are not.
    package func run(
        access: ControlPlaneAccess, inboundPorts: [Int: Int], adminPort: Int? = nil, receiver: Receiver
    ) async throws {
        let storage = try self.configuration.dataDirectory.map { try PrivateDirectory(path: $0) }
        let lock = try storage.map(Self.hold)
        defer { withExtendedLifetime(lock) {} }
        let keeper = IdentityKeeper(
            connection: ControlPlaneConnection(access: access), storage: storage, service: self.configuration.service,
            account: self.configuration.account, trust: TrustKeeper(storage: storage, logger: self.logger),
            logger: self.logger)
        let agent = access.agentSocket.map { socket in
            AgentIdentitySource(
                socket: socket, namespace: self.configuration.service.namespace, account: self.configuration.account,
                logger: self.logger)
        }
        let registration = RegistrationSession(
            stats: receiver.stats, rateLimits: receiver.rateLimits, records: receiver.records, logger: self.logger)
        if let readiness = self.readiness.withLock({ $0 }) { registration.set(readiness) }
        registration.announce(self.register(inboundPorts: inboundPorts, adminPort: adminPort))
        self.registration.withLock { $0 = registration }
        for port in self.configuration.ports {
            self.discovery.subscribe(
                listener: InboundListener.name(
                    namespace: self.configuration.service.namespace, workload: self.configuration.workload,
                    appPort: port.port))
        }
        let restored = self.restore(from: storage)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.publish(to: receiver, saving: storage) }
            group.addTask { try await self.discovery.followDemand() }
            group.addTask { try await self.watchClock() }
            group.addTask {
                var identity: WorkloadIdentity
                if let agent {
                    identity = try await agent.next(after: nil)
                    try keeper.trust.restore(for: identity)
                } else if let saved = keeper.saved() {
                    identity = saved
                } else {
                    identity = try await keeper.join()
                }
                try self.install(identity, keeper.trust, registration, receiver)
                if restored { self.becameReady(receiver) }
                while true {
                    let next = try await self.serve(
                        as: identity, keeper: keeper, agent: agent, registration, receiver)
                    try self.install(next, keeper.trust, registration, receiver)
                    identity = next
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Keeps a second proxy from the identity and the snapshot of this one.
    private static func hold(_ directory: PrivateDirectory) throws -> DirectoryLock {
        do {
            return try DirectoryLock(directory)
        } catch .unusable(let error) {
            throw error
        } catch .held(let process) {
            throw CredentialStorageError(
                path: directory.path,
                cause: "in use by another weft proxy" + (process.map { " (process \($0))" } ?? ""),
                remedy: "stop that one, or give this one another --data-dir")
        }
    }

    private func becameReady(_ receiver: Receiver) {
        if !self.isReady.exchange(true, ordering: .relaxed) { receiver.ready() }
    }

    /// Everything that happens under one identity; returns the next one. The machines above keep what they hold, so
    /// a new connection only says what differs.
    private func serve(
        as identity: WorkloadIdentity, keeper: IdentityKeeper, agent: AgentIdentitySource?,
        _ registration: RegistrationSession, _ receiver: Receiver
    ) async throws -> WorkloadIdentity {
        self.logger.info("using identity", metadata: ["identity": "\(identity)"])
        let transport = try keeper.connection.transport(as: identity, trusting: keeper.trust)
        return try await withGRPCClient(transport: transport) { client in
            try await withThrowingTaskGroup(of: WorkloadIdentity?.self) { group in
                group.addTask {
                    try await self.repeating("discovery", over: keeper.connection) { opened, answered in
                        try await self.discovery.run(over: client, opened: opened, answered: answered)
                    }
                    return nil
                }
                group.addTask {
                    try await self.repeating("registration", over: keeper.connection) { opened, answered in
                        defer { receiver.connected(false) }
                        try await self.register(registration, over: client, opened: opened) {
                            answered()
                            receiver.connected(true)
                            // Of a workload that calls nobody yet, too: nothing is what it starts from.
                            self.mustSave()
                            self.becameReady(receiver)
                        } trustChanged: { update in
                            self.trustChanged(update, of: identity, keeper.trust, registration, receiver)
                        }
                    }
                    return nil
                }
                group.addTask {
                    if let agent { return try await agent.next(after: identity) }
                    return try await self.renew(identity, keeper: keeper, over: client)
                }
                group.addTask {
                    try await ExpiryWatch(identity: identity, logger: self.logger).run()
                    return nil
                }
                while let next = try await group.next() {
                    if let next {
                        group.cancelAll()
                        return next
                    }
                }
                throw CancellationError()
            }
        }
    }

    /// Opens a stream again and again, with growing waits until one is answered.
    private func repeating(
        _ name: String, over connection: ControlPlaneConnection,
        _ stream:
            @Sendable (
                _ opened: @escaping @Sendable () -> Void, _ answered: @escaping @Sendable () -> Void
            ) async throws -> Void
    ) async throws {
        let backoff = SharedBackoff()
        let absence = SharedAbsence()
        while true {
            var cause = "the control plane ended the stream"
            do {
                try await stream {
                    absence.value.withLock { $0.opened(now: .now) }
                } _: {
                    backoff.value.withLock { $0.succeeded() }
                    if let away = absence.value.withLock({ $0.returned(now: .now) }) {
                        self.logger.warning(
                            "the control plane is back", metadata: ["stream": "\(name)", "after": "\(away)"])
                    }
                }
            } catch let refusal as ControlPlaneRefusal {
                throw refusal
            } catch {
                cause = connection.refusal.take() ?? "\(error)"
            }
            try Task.checkCancellation()
            let wait = backoff.value.withLock { $0.next() }
            if absence.value.withLock({ $0.failed(now: .now) }) {
                self.logger.warning(
                    "the control plane is away; what it said last stays in force",
                    metadata: ["stream": "\(name)", "cause": "\(cause)"])
            } else {
                self.logger.info("\(name) stream ended", metadata: ["cause": "\(cause)", "again after": "\(wait)"])
            }
            try await Task.sleep(for: wait)
        }
    }

    /// Runs one stream of the registration. Throws `ControlPlaneRefusal` where a start is refused and will be for ever; a
    /// workload that was taken once, or started from what was saved, goes on.
    private func register(
        _ registration: RegistrationSession, over client: GRPCClient<ControlPlaneConnection.Transport>,
        opened: @escaping @Sendable () -> Void, registered: @escaping @Sendable () -> Void,
        trustChanged: @escaping @Sendable (Weft_V1_TrustUpdate) -> Void
    ) async throws {
        do {
            try await registration.run(over: client, opened: opened, registered: registered, trustChanged: trustChanged)
        } catch let refusal as RegistrationRefused where refusal.isFinal && !self.isReady.load(ordering: .relaxed) {
            throw ControlPlaneRefusal(cause: "\(refusal)", remedy: "change what this workload says of itself")
        }
    }

    // MARK: Identity and trust

    /// Uses a certificate and what is trusted now, and tells the control plane of both.
    private func install(
        _ identity: WorkloadIdentity, _ trust: TrustKeeper, _ registration: RegistrationSession, _ receiver: Receiver
    ) throws {
        guard let held = trust.held else { throw TrustStateError.noRoots(identity.id.trustDomain) }
        try receiver.installIdentity(identity.trusting(held.state.roots), held.state)
        self.installed.withLock { $0 = held.state }
        registration.set(Weft_V1_CertificateState(identity, held, now: Date()))
    }

    /// The control plane said whom the mesh trusts.
    private func trustChanged(
        _ update: Weft_V1_TrustUpdate, of identity: WorkloadIdentity, _ trust: TrustKeeper,
        _ registration: RegistrationSession, _ receiver: Receiver
    ) {
        do {
            if case .stale(let held) = try trust.take(try TrustState(update)) {
                self.logger.warning(
                    "the control plane trusts by an older state than this sidecar, which keeps its own",
                    metadata: ["said": "\(update.version)", "held": "\(held)"])
            }
            // What came with a certificate that was then refused is not in force yet either.
            guard let held = trust.held, held.state != self.installed.withLock({ $0 }) else { return }
            try self.install(identity, trust, registration, receiver)
            self.logger.info(
                "trusting anew",
                metadata: [
                    "version": "\(held.state.version)", "roots": "\(held.state.roots.count)",
                    "federated": "\(held.state.federated.count)", "revoked": "\(held.state.revoked.count)",
                ])
            if held.rootFingerprint(of: identity, now: Date()) == nil {
                self.logger.warning(
                    "this sidecar's certificate leads to no root that is trusted; it is renewed",
                    metadata: ["identity": "\(identity)"])
            }
        } catch {
            self.logger.error(
                "what the control plane trusts is not taken; what was trusted stays in force",
                metadata: ["version": "\(update.version)", "cause": "\(error)"])
        }
    }

    /// Says when somebody sets the machine's clock.
    private func watchClock() async throws {
        var watch = ClockWatch()
        let start = ContinuousClock.now
        while true {
            let wall = Duration.milliseconds(Int64(Date().timeIntervalSince1970 * 1000))
            if let step = watch.look(wall: wall, steady: ContinuousClock.now - start) {
                self.logger.warning("clock stepped by \(step)")
            }
            try await Task.sleep(for: .seconds(10))
        }
    }

    /// Waits until the identity is due and renews it; an identity that has run out joins again where a token allows it.
    private func renew(
        _ identity: WorkloadIdentity, keeper: IdentityKeeper,
        over client: GRPCClient<ControlPlaneConnection.Transport>
    ) async throws -> WorkloadIdentity {
        var random = SystemRandomNumberGenerator()
        var schedule = RenewalSchedule(notBefore: identity.notBefore, notAfter: identity.notAfter, random: &random)
        let trust = keeper.trust
        var wasWanted = false
        while true {
            if !wasWanted, trust.wantsRenewal(of: identity, now: Date()) {
                wasWanted = true
                schedule.renewSoon(now: Date(), random: &random)
                self.logger.info(
                    "renewing before its time, since the control plane asks for it",
                    metadata: ["identity": "\(identity)"])
            }
            switch schedule.step(now: Date()) {
            case .wait(let duration):
                let known = wasWanted
                try await trust.wait(duration) { !known && trust.wantsRenewal(of: identity, now: Date()) }
            case .renew:
                do {
                    return try await keeper.renew(identity, over: client)
                } catch {
                    try Task.checkCancellation()
                    schedule.failed(now: Date(), random: &random)
                    if identity.notAfter >= Date() {
                        self.logger.warning(
                            "renewal failed; the old certificate stays in use",
                            metadata: ["cause": "\(error)", "until": "\(identity.notAfter)"])
                        continue
                    }
                    do { return try await keeper.join() } catch let refusal {
                        try Task.checkCancellation()
                        self.logger.error(
                            "the identity has run out, and no peer takes it any more; start again with a new token",
                            metadata: ["cause": "\(error)", "joining": "\(refusal)", "since": "\(identity.notAfter)"])
                    }
                }
            }
        }
    }

    // MARK: Snapshots

    private func mustSave() {
        self.isUnsaved.store(true, ordering: .relaxed)
        self.changed.yield()
    }

    /// Starts from what an earlier run saved. False when there was none.
    private func restore(from storage: PrivateDirectory?) -> Bool {
        do {
            guard let bytes = try storage?.read(Self.snapshotFile) else { return false }
            let saved = try Weft_V1_SavedConfiguration(serializedBytes: bytes)
            self.discovery.restore(saved)
            self.logger.info(
                "starting from the saved configuration", metadata: ["resources": "\(saved.resources.count)"])
            return true
        } catch {
            self.logger.warning("the saved configuration is not used", metadata: ["cause": "\(error)"])
            return false
        }
    }

    /// Hands on every configuration and saves it; a burst is saved once.
    private func publish(to receiver: Receiver, saving storage: PrivateDirectory?) async throws {
        // The last of a burst may come just before the end.
        defer { if let storage { self.save(to: storage) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var previous: ProxySnapshot?
                for await update in self.discovery.updates {
                    let configuration = update.configuration
                    let snapshot = ProxySnapshot(
                        revision: update.revision, listeners: configuration.listeners, routes: configuration.routes,
                        clusters: configuration.clusters, endpoints: configuration.endpoints,
                        absent: configuration.absent, previous: previous)
                    receiver.install(snapshot)
                    previous = snapshot
                    self.mustSave()
                }
            }
            group.addTask {
                guard let storage else { return }
                for await _ in self.dirty {
                    self.save(to: storage)
                    try await Task.sleep(for: .milliseconds(500))
                }
            }
            try await group.waitForAll()
        }
    }

    private func save(to storage: PrivateDirectory) {
        guard self.isUnsaved.exchange(false, ordering: .relaxed) else { return }
        do {
            let saved = self.discovery.saved(at: Int64(Date().timeIntervalSince1970))
            try storage.write(Self.snapshotFile, try saved.serializedBytes())
        } catch {
            self.logger.error("the configuration could not be saved", metadata: ["cause": "\(error)"])
        }
    }

    // MARK: Who this is

    private static func node(_ configuration: ProxyConfiguration) -> Envoy_Config_Core_V3_Node {
        .with {
            $0.id = "\(configuration.service.namespace)/\(configuration.workload)"
            $0.cluster = configuration.service.description
            $0.userAgentName = Dialect.weftUserAgentName
            $0.userAgentVersion = WeftVersion.text
            $0.locality.region = configuration.locality.region
            $0.locality.zone = configuration.locality.zone
            $0.locality.subZone = configuration.locality.subZone
        }
    }

    private func register(inboundPorts: [Int: Int], adminPort: Int?) -> Weft_V1_Register {
        let configuration = self.configuration
        return .with {
            $0.service = configuration.service.name
            $0.namespace = configuration.service.namespace
            $0.account = configuration.account
            $0.name = configuration.workload
            $0.address = configuration.address
            $0.labels = configuration.labels
            $0.weight = UInt32(clamping: configuration.weight)
            $0.version = WeftVersion.text
            $0.adminPort = UInt32(clamping: adminPort ?? 0)
            $0.locality.region = configuration.locality.region
            $0.locality.zone = configuration.locality.zone
            $0.locality.subZone = configuration.locality.subZone
            $0.ports = configuration.ports.map { port in
                .with {
                    $0.name = port.name
                    $0.port = UInt32(clamping: port.port)
                    $0.inboundPort = UInt32(clamping: inboundPorts[port.port] ?? port.inboundPort)
                    $0.appProtocol = port.appProtocol.rawValue
                }
            }
        }
    }
}

/// A backoff that the stream's own task and its answers both reach.
private final class SharedBackoff: Sendable {
    let value = Mutex(ReconnectBackoff())
}

/// The same for what is said of its absence.
private final class SharedAbsence: Sendable {
    let value = Mutex(AbsenceNotice())
}
