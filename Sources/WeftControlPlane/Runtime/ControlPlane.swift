internal import Foundation
internal import GRPCCore
internal import Hummingbird
package import Logging
internal import NIOCore
internal import ServiceLifecycle
internal import WeftIdentity
internal import WeftModel
internal import WeftStore

/// The control plane: configuration, registry, certificate authority, and what proxies are told. Never in the path of
/// a request.
///
/// Everything it acknowledges is on disk; a killed one loses nothing, and its proxies go on with what they have.
package struct ControlPlane: ServiceLifecycle.Service {
    private let configuration: ControlPlaneConfiguration
    private let logger: Logger
    private let ready: @Sendable (Listening) -> Void
    /// Called once, when it is put together and before it listens.
    var assembled: @Sendable (ControlPlaneParts) -> Void = { _ in }

    /// Where a running control plane answers; with the ports it was really given.
    package struct Listening: Hashable, Sendable {
        package var meshPort: Int
        package var apiSocket: String
        package var apiPort: Int?
        /// Where the bundle alone is served.
        package var bundlePort: Int?
        /// Where the dashboard answers on this machine.
        package var dashboardPort: Int?
    }

    /// - Parameter ready: called once, when proxies and operators are served.
    package init(
        _ configuration: ControlPlaneConfiguration, logger: Logger,
        ready: @escaping @Sendable (Listening) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.ready = ready
    }

    /// Runs until it is cancelled or asked to stop gracefully; throws `ControlPlaneError` when it cannot start.
    package func run() async throws {
        try self.configuration.validate()
        let directory = try DataDirectory(self.configuration.dataDirectory)
        let parts = try await ControlPlaneParts(self.configuration, directory: directory, logger: self.logger)
        self.assembled(parts)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await self.serve(parts)) } catch { outcome = .failure(error) }
        // A task of its own, because this one may be cancelled and the last save must not be.
        await Task { await parts.registry.save() }.value
        withExtendedLifetime(directory) {}
        try outcome.get()
        self.logger.info("stopped")
    }

    private func serve(_ parts: ControlPlaneParts) async throws {
        let gate = ListeningGate(
            expectsRemoteAPI: self.configuration.apiAddress != nil,
            expectsBundle: self.configuration.bundleAddress != nil,
            expectsDashboard: self.configuration.dashboardAddress != nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.serveMesh(parts) }
            group.addTask { await gate.mesh(port: parts.transport.listeningPort) }
            group.addTask { try await self.serveLocalAPI(parts, gate) }
            if let address = self.configuration.apiAddress {
                group.addTask { try await self.serveRemoteAPI(parts, address, gate) }
            }
            if let address = self.configuration.bundleAddress {
                group.addTask { try await self.serveBundle(parts, address, gate) }
            }
            if let address = self.configuration.dashboardAddress {
                group.addTask { try await self.serveDashboard(parts, address, gate) }
            }
            group.addTask { await parts.federation.run() }
            group.addTask { await parts.followFederation() }
            group.addTask { await parts.refusals.run() }
            group.addTask {
                guard let listening = await gate.wait(socket: self.configuration.resolvedAPISocket) else { return }
                self.logger.info(
                    "serving",
                    metadata: [
                        "mesh": "\(self.configuration.meshAddress.host):\(listening.meshPort)",
                        "api": "\(listening.apiSocket)", "trust_domain": "\(self.configuration.trustDomain)",
                    ])
                self.ready(listening)
            }
            group.addTask { await parts.registry.run() }
            group.addTask { await parts.reconciler.run() }
            group.addTask { await parts.keys.run { await parts.reconciler.changed(.policy) } }
            group.addTask { await parts.relay.run(parts.reconciler) }
            group.addTask { try await parts.followStore() }
            group.addTask { await parts.compactHistory() }
            group.addTask { await parts.rotateCertificate() }
            group.addTask { await parts.agents.run() }
            group.addTask { await AuthorityWatch.run(parts.authority, logger: self.logger) }
            group.addTask { await parts.rotateRoot() }
            group.addTask {
                // Returns when asked to stop; throws when cancelled.
                try await gracefulShutdown()
                self.logger.info("stopping")
                parts.hub.close()
                parts.agents.hub.close()
                await parts.registry.closeAll()
                parts.server.beginGracefulShutdown()
                try await Task.sleep(for: .milliseconds(500))
                throw Stopped()
            }
            do {
                while try await group.next() != nil {}
            } catch is Stopped {
                group.cancelAll()
            } catch {
                group.cancelAll()
                // Being cancelled is one way to be stopped; what breaks because of it is no failure.
                if !Task.isCancelled { throw error }
            }
        }
    }

    private struct Stopped: Error {}

    private func serveMesh(_ parts: ControlPlaneParts) async throws {
        do {
            try await parts.server.serve()
        } catch let error as RuntimeError {
            throw error.cause as? ControlPlaneError ?? error
        }
    }

    private func serveLocalAPI(_ parts: ControlPlaneParts, _ gate: ListeningGate) async throws {
        let socket = self.configuration.resolvedAPISocket
        let server = parts.api.local(socket: socket) { _ in
            // The directory keeps others out already; the socket does too.
            _ = chmod(socket, 0o600)
            await gate.localAPI()
        }
        do { try await server.run() } catch let error as IOError {
            throw ControlPlaneError.cannotListen(what: "the API's socket", address: socket, errnoCode: error.errnoCode)
        }
    }

    private func serveRemoteAPI(
        _ parts: ControlPlaneParts, _ address: ControlPlaneConfiguration.Address, _ gate: ListeningGate
    ) async throws {
        let server = parts.api.remote(address, tls: parts.apiTLS) { channel in
            await gate.remoteAPI(port: channel.localAddress?.port ?? address.port)
        }
        do { try await server.run() } catch let error as IOError {
            throw ControlPlaneError.cannotListen(
                what: "the API's port", address: "\(address)", errnoCode: error.errnoCode)
        }
    }
}

extension ControlPlane {
    private func serveBundle(
        _ parts: ControlPlaneParts, _ address: ControlPlaneConfiguration.Address, _ gate: ListeningGate
    ) async throws {
        let server = parts.api.bundleOnly(address, tls: parts.bundleTLS) { channel in
            await gate.bundle(port: channel.localAddress?.port ?? address.port)
        }
        do { try await server.run() } catch let error as IOError {
            throw ControlPlaneError.cannotListen(
                what: "the bundle's port", address: "\(address)", errnoCode: error.errnoCode)
        }
    }
}

extension ControlPlane {
    private func serveDashboard(
        _ parts: ControlPlaneParts, _ address: ControlPlaneConfiguration.Address, _ gate: ListeningGate
    ) async throws {
        let server = parts.api.dashboard(address) { channel in
            let port = channel.localAddress?.port ?? address.port
            let host = address.host.contains(":") ? "[\(address.host)]" : address.host
            await parts.api.service.dashboard.serves(at: "http://\(host):\(port)/dashboard/")
            await gate.dashboard(port: port)
        }
        do { try await server.run() } catch let error as IOError {
            throw ControlPlaneError.cannotListen(
                what: "the dashboard's port", address: "\(address)", errnoCode: error.errnoCode)
        }
    }
}

/// Waits until every listener is up.
private actor ListeningGate {
    private let expectsRemoteAPI: Bool
    private let expectsBundle: Bool
    private let expectsDashboard: Bool
    private var dashboardPort: Int?
    private var bundlePort: Int?
    private var meshPort: Int?
    private var hasLocalAPI = false
    private var apiPort: Int?
    private var waiting: CheckedContinuation<Void, Never>?
    private var isOver = false

    init(expectsRemoteAPI: Bool, expectsBundle: Bool, expectsDashboard: Bool) {
        self.expectsDashboard = expectsDashboard
        self.expectsRemoteAPI = expectsRemoteAPI
        self.expectsBundle = expectsBundle
    }

    func dashboard(port: Int) {
        self.dashboardPort = port
        self.check()
    }

    func bundle(port: Int) {
        self.bundlePort = port
        self.check()
    }

    func mesh(port: Int?) {
        // No port means that the listener failed, which its own task reports.
        guard let port else { return self.end() }
        self.meshPort = port
        self.check()
    }

    func localAPI() {
        self.hasLocalAPI = true
        self.check()
    }

    func remoteAPI(port: Int) {
        self.apiPort = port
        self.check()
    }

    /// Nil when it never came to be.
    func wait(socket: String) async -> ControlPlane.Listening? {
        if !self.isOver, !self.isUp {
            await withTaskCancellationHandler {
                await withCheckedContinuation { self.waiting = $0 }
            } onCancel: {
                // A cancellation handler cannot wait for the actor; this hop ends with the actor's one step.
                Task { await self.end() }
            }
        }
        guard self.isUp, let port = self.meshPort else { return nil }
        return ControlPlane.Listening(
            meshPort: port, apiSocket: socket, apiPort: self.apiPort, bundlePort: self.bundlePort,
            dashboardPort: self.dashboardPort)
    }

    private var isUp: Bool {
        self.meshPort != nil && self.hasLocalAPI && (!self.expectsRemoteAPI || self.apiPort != nil)
            && (!self.expectsBundle || self.bundlePort != nil)
            && (!self.expectsDashboard || self.dashboardPort != nil)
    }

    private func check() {
        if self.isUp { self.end() }
    }

    private func end() {
        self.isOver = true
        self.waiting?.resume()
        self.waiting = nil
    }
}
