internal import NIOCore
internal import NIOPosix
internal import WeftHTTP

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What a listening socket is for.
enum ListenerRole: Hashable, Sendable {
    /// The application's HTTP proxy.
    case outbound
    /// A loopback port that stands for this service, by its canonical name.
    case upstream(name: String)
    /// Peers, for this port of the application.
    case inbound(appPort: Int)
}

/// A listening socket on every loop, all on one port.
///
/// Each loop accepts for itself (`SO_REUSEPORT`), so that a connection stays where it was accepted.
final class LoopListener: Sendable {
    let role: ListenerRole
    /// The real port, where a free one was asked for.
    let port: Int
    private let channels: [any Channel]

    private init(role: ListenerRole, port: Int, channels: [any Channel]) {
        self.role = role
        self.port = port
        self.channels = channels
    }

    /// Opens one socket per loop. Throws `ListenError` when the port is taken or not allowed.
    static func open(_ role: ListenerRole, at address: ListenAddress, loops: [LoopHandle]) async throws -> LoopListener
    {
        var port = address.port
        var channels: [any Channel] = []
        do {
            try Self.probe(address)
            for loop in loops {
                let channel = try await ServerBootstrap(group: loop.eventLoop)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .serverChannelOption(
                        .socketOption(NIOBSDSocket.Option(rawValue: SO_REUSEPORT)), value: loops.count > 1 ? 1 : 0
                    )
                    .serverChannelOption(.backlog, value: 1024)
                    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .childChannelOption(.allowRemoteHalfClosure, value: true)
                    .childChannelOption(.recvAllocator, value: ProxyLoop.receiveAllocator)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture { try loop.state.value.accept(channel, for: role) }
                    }
                    .bind(host: address.host, port: port).get()
                port = channel.localAddress?.port ?? port
                channels.append(channel)
            }
        } catch {
            for channel in channels { try? await channel.close() }
            throw ListenError(address: address, cause: error)
        }
        return LoopListener(role: role, port: port, channels: channels)
    }

    /// Fails when any program listens there already: two that both ask to share a port would each get some of the calls.
    private static func probe(_ address: ListenAddress) throws {
        guard address.port != 0 else { return }
        let target = try SocketAddress.makeAddressResolvingHost(address.host, port: address.port)
        let family: Int32 = target.protocol == .inet6 ? AF_INET6 : AF_INET
        #if canImport(Darwin)
            let descriptor = socket(family, SOCK_STREAM, 0)
        #else
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #endif
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        defer { _ = Self.closeDescriptor(descriptor) }
        var yes: Int32 = 1
        _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let result = target.withSockAddr { bind(descriptor, $0, socklen_t($1)) }
        guard result == 0 else { throw IOError(errnoCode: errno, reason: "bind") }
    }

    private static func closeDescriptor(_ descriptor: Int32) -> Int32 {
        #if canImport(Darwin)
            Darwin.close(descriptor)
        #else
            Glibc.close(descriptor)
        #endif
    }

    /// Takes no new connections; those accepted go on.
    func close() async {
        for channel in self.channels { try? await channel.close() }
    }
}

/// Why a port could not be listened on.
package struct ListenError: Error, CustomStringConvertible {
    package let address: ListenAddress
    package let description: String

    init(address: ListenAddress, cause: any Error) {
        self.address = address
        let remedy =
            switch (cause as? IOError)?.errnoCode {
            case .some(98), .some(48): "another program listens there; choose another port, or 0 for a free one"
            case .some(13): "that takes privileges this process lacks; choose a port above 1023"
            case .some(99), .some(49): "this machine has no such address"
            default: "\(cause)"
            }
        self.description = "cannot listen on \(address): \(remedy)"
    }
}

/// A loop's state, to be touched on its event loop only.
struct LoopHandle: Sendable {
    let eventLoop: any EventLoop
    let state: NIOLoopBound<ProxyLoop>
}
