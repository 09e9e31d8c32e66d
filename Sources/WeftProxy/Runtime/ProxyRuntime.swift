package import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization
internal import UnixSignals
internal import WeftIdentity
internal import WeftModel

/// A whole sidecar: the request path, what feeds it, and what watches the application.
///
/// Runs until it is told to stop (graceful shutdown: drains, then returns) or cancelled (returns soon).
package struct ProxyRuntime: ServiceLifecycle.Service {
    private let configuration: ProxyConfiguration
    private let logger: Logger
    private let ready: @Sendable (ProxyAddresses) -> Void
    private let applicationExited: ApplicationExit

    /// - Parameters:
    ///   - applicationExit: told when the application that this sidecar was started with has gone; without one the
    ///     drain does not wait for it.
    ///   - ready: called once, when every port listens and, for a sidecar of a control plane, identity and first
    ///     snapshot are there.
    package init(
        configuration: ProxyConfiguration, logger: Logger,
        applicationExit: ApplicationExit = ApplicationExit(exited: true),
        ready: @escaping @Sendable (ProxyAddresses) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.applicationExited = applicationExit
        self.ready = ready
    }

    /// Event loops this sidecar uses: as configured, else the cores, at most 2.
    private var loopCount: Int { self.configuration.loops ?? min(System.coreCount, 2) }

    package func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, self.loopCount))
        do {
            try await self.run(on: group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func run(on group: MultiThreadedEventLoopGroup) async throws {
        switch self.configuration.source {
        case .static(let files): try await self.runStatic(files, on: group)
        case .controlPlane(let access): try await self.runMeshed(access, on: group)
        }
    }

    // MARK: Without a control plane

    private func runStatic(_ files: StaticFiles, on group: MultiThreadedEventLoopGroup) async throws {
        let server = try await self.makeServer(on: group, source: NoConfigurationSource())
        let state = SidecarState(server: server, configuration: self.configuration)
        state.install(try StaticSnapshot(contentsOf: files.snapshot).snapshot())
        if let directory = files.identity {
            guard let identity = try WorkloadIdentity.load(from: PrivateDirectory(path: directory)) else {
                throw StaticConfigurationError(path: directory, cause: "there is no identity in this directory")
            }
            try state.install(identity: identity)
        }
        let listening = try await self.listen(server, state, on: group)
        state.started()
        self.ready(listening.addresses)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            self.watchApplication(on: group, in: &tasks) { state.applicationChanged(notReady: $0) }
            tasks.addTask { await server.resolveNames() }
            self.serveTelemetry(of: server, on: group, in: &tasks)
            tasks.addTask { try await self.settle() }
            tasks.addTask { try await self.stop(server, state, listening) {} }
            try await self.firstToEnd(&tasks)
        }
    }

    // MARK: With a control plane

    private func runMeshed(_ access: ControlPlaneAccess, on group: MultiThreadedEventLoopGroup) async throws {
        let client = ControlPlaneClient(configuration: self.configuration, logger: self.logger)
        let server = try await self.makeServer(on: group, source: client)
        let state = SidecarState(server: server, configuration: self.configuration)
        let listening = try await self.listen(server, state, on: group)
        let report = EdgeReport()
        let receiver = ControlPlaneClient.Receiver(
            install: { state.install($0) }, installIdentity: { try state.install(identity: $0, trust: $1) },
            stats: { report.stats },
            rateLimits: server.rateLimits, records: RecordResponder(server),
            ready: {
                state.started()
                self.ready(listening.addresses)
            }, connected: { state.connected($0) })
        if self.configuration.ports.isEmpty { client.applicationChanged(notReady: nil) }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await client.run(
                    access: access, inboundPorts: listening.inbound.ports, adminPort: self.scrapedPort(of: listening),
                    receiver: receiver)
            }
            self.watchApplication(on: group, in: &tasks) { cause in
                state.applicationChanged(notReady: cause)
                client.applicationChanged(notReady: cause)
            }
            tasks.addTask {
                while true {
                    report.update(
                        await server.edgeTotals(), plaintext: await server.plaintextCallers(),
                        policies: await server.policyUsage())
                    try await Task.sleep(for: .seconds(1))
                }
            }
            tasks.addTask { await server.resolveNames() }
            self.serveTelemetry(of: server, on: group, in: &tasks)
            tasks.addTask { try await self.settle() }
            tasks.addTask { try await self.stop(server, state, listening) { await client.announceDraining() } }
            try await self.firstToEnd(&tasks)
        }
    }

    // MARK: Parts

    private func makeServer(
        on group: MultiThreadedEventLoopGroup, source: any ConfigurationSource
    ) async throws -> ProxyServer {
        try await ProxyServer(
            configuration: self.configuration, group: group, source: source, logger: self.logger,
            telemetry: ProxyTelemetry(configuration: self.configuration))
    }

    /// The admin server's port where that is on `127.0.0.1`, so that whoever asks there finds it; nil elsewhere.
    private func scrapedPort(of listening: Listening) -> Int? {
        let host = self.configuration.admin?.host
        return host == "127.0.0.1" || host == "localhost" ? listening.admin?.address.port : nil
    }

    /// Follows the application's readiness; a workload without ports has nothing to follow.
    private func watchApplication(
        on group: MultiThreadedEventLoopGroup, in tasks: inout ThrowingTaskGroup<Void, any Error>,
        _ changed: @escaping @Sendable (_ notReady: String?) -> Void
    ) {
        let check = self.configuration.healthCheck ?? ApplicationHealthCheck(.tcp)
        guard let port = check.port ?? self.configuration.ports.first?.port else { return }
        let probe = ApplicationProbe(check: check, port: port, eventLoop: group.next())
        tasks.addTask {
            try await probe.run { change in
                switch change {
                case .ready:
                    self.logger.info("the application is ready")
                    changed(nil)
                case .notReady(let cause):
                    self.logger.info("the application is not ready", metadata: ["cause": "\(cause)"])
                    changed(cause)
                }
            }
        }
    }

    /// Sends what goes to a collector, and opens the access log's file anew when told to by a signal.
    private func serveTelemetry(
        of server: ProxyServer, on group: MultiThreadedEventLoopGroup,
        in tasks: inout ThrowingTaskGroup<Void, any Error>
    ) {
        tasks.addTask { try await server.telemetry.run(on: group, logger: self.logger) }
        guard server.telemetry.logsToFile else { return }
        tasks.addTask {
            for await _ in await UnixSignalsSequence(trapping: .sighup, .sigusr1) { server.telemetry.reopenLog() }
            while true { try await Task.sleep(for: .seconds(3600)) }
        }
    }

    /// Lets go of the start's memory once it is over, and of what first requests alone ran through; then there is nothing
    /// more to do but wait for the others.
    private func settle() async throws {
        for wait in [3, 27, 270] {
            try await Task.sleep(for: .seconds(wait))
            ResidentPages.giveBackCode()
        }
        while true { try await Task.sleep(for: .seconds(3600)) }
    }

    /// The first part to end, ends the others; what it threw is thrown.
    private func firstToEnd(_ tasks: inout ThrowingTaskGroup<Void, any Error>) async throws {
        defer { tasks.cancelAll() }
        try await tasks.next()
    }

    /// Waits for the order to stop, and drains.
    private func stop(
        _ server: ProxyServer, _ state: SidecarState, _ listening: Listening, announce: @Sendable () async -> Void
    ) async throws {
        try await gracefulShutdown()
        state.draining()
        await self.drain(server, listening, announce: announce)
    }

    // MARK: Listening

    /// What a sidecar has open.
    private struct Listening: Sendable {
        var inbound: InboundListeners
        var outbound: OutboundListeners
        var admin: AdminServer?
        var addresses: ProxyAddresses
    }

    private func listen(
        _ server: ProxyServer, _ state: SidecarState, on group: MultiThreadedEventLoopGroup
    ) async throws -> Listening {
        // When one cannot be opened the process ends, and the others with it.
        let inbound = try await server.openInbound()
        let outbound = try await server.openOutbound()
        var admin: AdminServer?
        if let address = self.configuration.admin {
            do {
                admin = try await AdminServer.start(
                    host: address.host, port: address.port, source: state, group: group)
            } catch {
                throw ListenError(address: address, cause: error)
            }
        }
        var addresses = ProxyAddresses(outbound: outbound.proxyAddress?.description)
        addresses.upstreams = outbound.upstreamAddresses.mapValues(\.description)
        addresses.inbound = inbound.ports.mapValues {
            ListenAddress(host: self.configuration.address, port: $0).description
        }
        if let port = admin?.address.port {
            addresses.admin = self.configuration.admin.map { ListenAddress(host: $0.host, port: port).description }
        }
        self.logger.info(
            "listening",
            metadata: [
                "outbound": "\(addresses.outbound ?? "none")",
                "inbound": "\(addresses.inbound.values.sorted().joined(separator: " "))",
            ])
        return Listening(inbound: inbound, outbound: outbound, admin: admin, addresses: addresses)
    }

    // MARK: Stopping

    /// Drains, step by step. `announce` deregisters.
    private func drain(_ server: ProxyServer, _ listening: Listening, announce: @Sendable () async -> Void) async {
        self.logger.info("draining")
        let clock = ContinuousClock()
        let start = clock.now
        await announce()
        var sequence = DrainSequence(self.configuration.drain)
        let hasDependents = await server.load(.inbound).connections > 0
        while true {
            let load = await server.load(.inbound)
            let calls = await server.load(.outbound).requests
            let step = sequence.next(
                DrainSequence.Observation(
                    elapsed: clock.now - start, inboundRequests: load.requests, inboundStreams: load.longLived,
                    outboundRequests: calls,
                    dependentsKnow: !hasDependents || load.connections == 0,
                    applicationExited: self.applicationExited.hasExited))
            switch step {
            case .wait:
                // Cancelled means at once.
                do { try await Task.sleep(for: .milliseconds(20)) } catch { return await self.close(server, listening) }
            case .drainInbound:
                await listening.inbound.close()
                await server.drain(.inbound)
            case .drainOutbound:
                await listening.outbound.close()
                await server.drain(.outbound)
            case .close:
                await self.close(server, listening)
                self.logger.info("stopped", metadata: ["after": "\(clock.now - start)"])
                return
            }
        }
    }

    private func close(_ server: ProxyServer, _ listening: Listening) async {
        await listening.inbound.close()
        await listening.outbound.close()
        await listening.admin?.stop()
        await server.closeAll()
        let lost = server.telemetry.linesLostAtStop
        if lost > 0 {
            self.logger.warning("lines of the access log were lost: nobody read it", metadata: ["lines": "\(lost)"])
        }
    }
}

/// Whether the application that a sidecar was started with has gone; until then its outbound side stays.
package final class ApplicationExit: Sendable {
    private let exited: Atomic<Bool>

    package init(exited: Bool = false) { self.exited = Atomic(exited) }

    package var hasExited: Bool { self.exited.load(ordering: .relaxed) }
    package func hasGone() { self.exited.store(true, ordering: .relaxed) }
}
