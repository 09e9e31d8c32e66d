internal import Foundation
internal import GRPCCore
package import Logging
internal import ServiceLifecycle
internal import WeftIdentity
internal import WeftProtos
internal import WeftProxy

/// A host's agent: proves itself to the control plane, and gives the processes of its host the identities that entries
/// mean for them.
package struct AgentRuntime: ServiceLifecycle.Service {
    private let configuration: AgentConfiguration
    private let logger: Logger
    private let ready: @Sendable () -> Void

    /// - Parameter ready: called once, when the socket answers.
    package init(
        configuration: AgentConfiguration, logger: Logger, ready: @escaping @Sendable () -> Void = {}
    ) {
        self.configuration = configuration
        self.logger = logger
        self.ready = ready
    }

    /// Runs until it is cancelled or asked to stop gracefully; throws `AgentError` when it cannot serve, and
    /// `ControlPlaneRefusal` when it has no identity and can get none.
    package func run() async throws {
        try self.configuration.validate()
        let storage = try PrivateDirectory(path: self.configuration.dataDirectory)
        let lock = try Self.hold(storage)
        defer { withExtendedLifetime(lock) {} }
        let feed = AgentFeed()
        let session = AgentSession(
            keeper: AgentIdentityKeeper(
                connection: ControlPlaneConnection(access: self.configuration.access), storage: storage,
                host: self.configuration.host, logger: self.logger),
            storage: storage, feed: feed, logger: self.logger)
        let limits = self.configuration.limits
        let transport = AgentTransport(
            AgentListener(
                socket: self.configuration.socket, mode: self.configuration.socketMode,
                callers: CallerTable(limits: limits), logger: self.logger), limits: limits)
        let server = Self.server(transport, feed: feed, session: session, limits: limits, logger: self.logger)
        defer { unlink(self.configuration.socket) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await session.run() }
            group.addTask { try await Self.serve(server) }
            group.addTask {
                guard await server.transport.isListening else { return }
                self.logger.info("serving", metadata: ["socket": "\(self.configuration.socket)"])
                self.ready()
            }
            group.addTask {
                // Returns when asked to stop; throws when cancelled.
                try await gracefulShutdown()
                self.logger.info("stopping")
                feed.close()
                server.beginGracefulShutdown()
                try await Task.sleep(for: .milliseconds(200))
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
        self.logger.info("stopped")
    }

    private struct Stopped: Error {}

    /// What answers on the socket.
    static func server(
        _ transport: AgentTransport, feed: AgentFeed, session: AgentSession, limits: AgentConfiguration.Limits,
        logger: Logger
    ) -> GRPCServer<AgentTransport> {
        GRPCServer(
            transport: transport,
            services: [
                WorkloadAPIServer(feed: feed, session: session, logger: logger),
                SecretServer(feed: feed, maxNames: limits.secretsPerStream, logger: logger),
            ],
            interceptorPipeline: [.apply(WorkloadMark(), to: .services([SpiffeWorkloadAPI.descriptor]))])
    }

    private static func serve(_ server: GRPCServer<AgentTransport>) async throws {
        do { try await server.serve() } catch let error as RuntimeError {
            throw error.cause as? AgentError ?? error
        }
    }

    /// Keeps a second agent from the identity of this one.
    private static func hold(_ directory: PrivateDirectory) throws -> DirectoryLock {
        do {
            return try DirectoryLock(directory)
        } catch .unusable(let error) {
            throw error
        } catch .held(let process) {
            throw CredentialStorageError(
                path: directory.path,
                cause: "in use by another weft agent" + (process.map { " (process \($0))" } ?? ""),
                remedy: "stop that one, or give this one another --data-dir")
        }
    }
}
