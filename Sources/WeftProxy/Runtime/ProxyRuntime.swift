package import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization
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
        case .controlPlane(let access):
            throw StaticConfigurationError(path: access.host, cause: "not yet")
        }
    }

    // MARK: Without a control plane

    private func runStatic(_ files: StaticFiles, on group: MultiThreadedEventLoopGroup) async throws {
        let telemetry = ProxyTelemetry(configuration: self.configuration)
        let server = try await ProxyServer(
            configuration: self.configuration, group: group, source: NoConfigurationSource(), logger: self.logger,
            telemetry: telemetry)
        server.install(try StaticSnapshot(contentsOf: files.snapshot).snapshot())
        if let directory = files.identity {
            guard let identity = try WorkloadIdentity.load(from: PrivateDirectory(path: directory)) else {
                throw StaticConfigurationError(path: directory, cause: "there is no identity in this directory")
            }
            try server.install(identity: identity)
        }
        let listening = try await self.listen(server)
        self.ready(listening.addresses)
        try await self.waitForStop()
        await self.drain(server, listening, announce: {})
    }

    // MARK: Listening

    /// What a sidecar has open.
    struct Listening: Sendable {
        var inbound: InboundListeners
        var outbound: OutboundListeners
        var addresses: ProxyAddresses
    }

    func listen(_ server: ProxyServer) async throws -> Listening {
        let inbound = try await server.openInbound()
        let outbound: OutboundListeners
        do {
            outbound = try await server.openOutbound()
        } catch {
            await inbound.close()
            throw error
        }
        var addresses = ProxyAddresses(outbound: outbound.proxyAddress?.description)
        addresses.upstreams = outbound.upstreamAddresses.mapValues(\.description)
        addresses.inbound = inbound.ports.mapValues {
            ListenAddress(host: self.configuration.address, port: $0).description
        }
        self.logger.info(
            "listening",
            metadata: [
                "outbound": "\(addresses.outbound ?? "none")",
                "inbound": "\(addresses.inbound.values.sorted().joined(separator: " "))",
            ])
        return Listening(inbound: inbound, outbound: outbound, addresses: addresses)
    }

    // MARK: Stopping

    /// Returns when the sidecar is told to stop; throws when cancelled.
    private func waitForStop() async throws { try await gracefulShutdown() }

    /// Drains, step by step. `announce` deregisters.
    func drain(_ server: ProxyServer, _ listening: Listening, announce: @Sendable () async -> Void) async {
        self.logger.info("draining")
        let clock = ContinuousClock()
        let start = clock.now
        await announce()
        var sequence = DrainSequence(self.configuration.drain)
        let hasDependents = await server.load(.inbound).connections > 0
        while true {
            let load = await server.load(.inbound)
            let step = sequence.next(
                DrainSequence.Observation(
                    elapsed: clock.now - start, inboundStreams: load.streams,
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
        await server.closeAll()
    }
}

/// Whether the application that a sidecar was started with has gone; until then its outbound side stays.
package final class ApplicationExit: Sendable {
    private let exited: Atomic<Bool>

    package init(exited: Bool = false) { self.exited = Atomic(exited) }

    package var hasExited: Bool { self.exited.load(ordering: .relaxed) }
    package func hasGone() { self.exited.store(true, ordering: .relaxed) }
}
