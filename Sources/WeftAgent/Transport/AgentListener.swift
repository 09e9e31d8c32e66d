internal import Foundation
internal import GRPCNIOTransportHTTP2Posix
internal import Logging
internal import NIOCore
internal import NIOPosix

/// Accepts the host's connections on a Unix socket, each with the process at its other end.
struct AgentListener: HTTP2ServerTransport.ListenerFactory {
    let socket: String
    /// The socket's permissions.
    let mode: UInt16
    let callers: CallerTable
    let logger: Logger

    var eventLoopGroup: any EventLoopGroup { MultiThreadedEventLoopGroup.singleton }

    func makeListeningChannel(
        listenerConfigurator: HTTP2ServerTransport.ListenerConfigurator,
        connectionConfigurator: HTTP2ServerTransport.ConnectionConfigurator
    ) async throws -> NIOAsyncChannel<HTTP2ServerTransport.ConnectionConfigurator.ConnectionChannel, Never> {
        try await self.prepare()
        let listening = try await self.bind(listenerConfigurator, connectionConfigurator)
        // Whoever may connect is told apart by the kernel, so that others may; before this, nobody can.
        guard chmod(self.socket, mode_t(self.mode)) == 0 else {
            throw AgentError.cannotListen(socket: self.socket, cause: String(cString: strerror(errno)))
        }
        return listening
    }

    private func bind(
        _ listenerConfigurator: HTTP2ServerTransport.ListenerConfigurator,
        _ connectionConfigurator: HTTP2ServerTransport.ConnectionConfigurator
    ) async throws -> NIOAsyncChannel<HTTP2ServerTransport.ConnectionConfigurator.ConnectionChannel, Never> {
        do {
            return try await ServerBootstrap(group: self.eventLoopGroup)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelInitializer { listenerConfigurator.configure(channel: $0) }
                .bind(unixDomainSocketPath: self.socket, cleanupExistingSocketFile: true) { channel in
                    self.accept(channel).flatMap {
                        connectionConfigurator.configure(channel: $0, tls: .none)
                    }
                }
        } catch let error as IOError {
            throw AgentError.cannotListen(socket: self.socket, cause: String(cString: strerror(error.errnoCode)))
        }
    }

    /// Notes who is calling; fails, so that the connection is closed, where that cannot be known or is too much.
    private func accept(_ channel: any Channel) -> EventLoopFuture<NumberedChannel> {
        channel.eventLoop.makeCompletedFuture {
            let caller: CallerProcess
            do { caller = try CallerProcess(channel) } catch {
                self.logger.info("a connection was refused", metadata: ["cause": "\(error)"])
                throw error
            }
            guard let number = self.callers.open(caller) else {
                self.logger.warning(
                    "too many connections; one refused", metadata: ["pid": "\(caller.pid)", "uid": "\(caller.uid)"])
                throw ChannelError.ioOnClosedChannel
            }
            channel.closeFuture.whenComplete { [callers = self.callers] _ in callers.close(number) }
            return NumberedChannel(channel, number: number)
        }
    }

    /// Makes the socket's directory where it is missing, and refuses a socket that another process answers on.
    private func prepare() async throws {
        let directory = URL(fileURLWithPath: self.socket).deletingLastPathComponent().path
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw AgentError.cannotListen(socket: self.socket, cause: error.localizedDescription)
        }
        let other = try? await ClientBootstrap(group: self.eventLoopGroup).connect(
            unixDomainSocketPath: self.socket
        ).get()
        if let other {
            try? await other.close()
            throw AgentError.cannotListen(socket: self.socket, cause: "another process answers there")
        }
    }
}
