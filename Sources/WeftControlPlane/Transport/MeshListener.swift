internal import GRPCNIOTransportHTTP2Posix
internal import NIOCore
internal import NIOPosix

/// Accepts the mesh's connections: TLS 1.3 and HTTP/2 only, with a client certificate that may be absent but not wrong.
struct MeshListener: HTTP2ServerTransport.ListenerFactory {
    let address: ControlPlaneConfiguration.Address
    let tls: OptionalMutualTLS

    var eventLoopGroup: any EventLoopGroup { MultiThreadedEventLoopGroup.singleton }

    func makeListeningChannel(
        listenerConfigurator: HTTP2ServerTransport.ListenerConfigurator,
        connectionConfigurator: HTTP2ServerTransport.ConnectionConfigurator
    ) async throws -> NIOAsyncChannel<HTTP2ServerTransport.ConnectionConfigurator.ConnectionChannel, Never> {
        do {
            return try await ServerBootstrap(group: self.eventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.backlog, value: 1024)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .serverChannelInitializer { listenerConfigurator.configure(channel: $0) }
                .bind(host: self.address.host, port: self.address.port) { channel in
                    self.tls.secure(channel).flatMap {
                        connectionConfigurator.configure(channel: channel, tls: .configured(requireALPN: true))
                    }
                }
        } catch let error as IOError {
            throw ControlPlaneError.cannotListen(
                what: "the proxies' port", address: "\(self.address)", errnoCode: error.errnoCode)
        }
    }
}
