package import NIOCore
internal import NIOPosix
internal import WeftHTTP
internal import WeftMessage

/// Serves the admin pages over HTTP/1.1 on one of the sidecar's event loops. Meant for loopback: it asks nobody who they
/// are.
package final class AdminServer: Sendable {
    /// Where it listens; a port that was asked for as zero has its real number.
    package let address: SocketAddress
    private let channel: any Channel

    private init(channel: any Channel, address: SocketAddress) {
        self.channel = channel
        self.address = address
    }

    /// Listens at `host:port`; port zero takes a free one. Throws `IOError` when the port is in use.
    package static func start(
        host: String, port: Int, source: any AdminSource, group: any EventLoopGroup
    ) async throws -> AdminServer {
        let channel = try await ServerBootstrap(group: group.next())
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 64)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Self.makeConnection(source, on: channel.eventLoop))
                }
            }
            .bind(host: host, port: port).get()
        guard let address = channel.localAddress else {
            try await channel.close()
            throw ChannelError.unknownLocalAddress
        }
        return AdminServer(channel: channel, address: address)
    }

    package func stop() async {
        do { try await self.channel.close() } catch {
            // Closed already, which is what was wanted.
        }
    }

    static func makeConnection(_ source: any AdminSource, on eventLoop: any EventLoop) -> HTTP1ServerConnection {
        var limits = HTTPLimits()
        limits.maxHeaderBytes = 16_384
        return HTTP1ServerConnection(delegate: AdminConnection(source: source, eventLoop: eventLoop), limits: limits)
    }
}

/// One connection to the admin server.
private final class AdminConnection: ServerConnectionDelegate {
    private let source: any AdminSource
    private let eventLoop: any EventLoop

    init(source: any AdminSource, eventLoop: any EventLoop) {
        self.source = source
        self.eventLoop = eventLoop
    }

    func connectionOpened(_ stream: any ServerStream) -> any ServerStreamReceiver {
        AdminRequest(stream, source: self.source, eventLoop: self.eventLoop)
    }

    func connectionClosed(_ reason: ConnectionEnd) {}
    func connectionRefused(
        _ refusal: MessageRefusal, of request: RefusedRequest
    ) -> (head: ResponseHead, body: [UInt8])? { nil }
}

/// One request: the head decides the answer, a body is read and dropped.
private final class AdminRequest: ServerStreamReceiver {
    private var stream: (any ServerStream)?
    private let source: any AdminSource
    private let eventLoop: any EventLoop

    init(_ stream: any ServerStream, source: any AdminSource, eventLoop: any EventLoop) {
        self.stream = stream
        self.source = source
        self.eventLoop = eventLoop
    }

    func streamReceived(request head: RequestHead, end: Bool) {
        let isHead = head.method == .head
        AdminPages.answer(head, source: self.source, eventLoop: self.eventLoop).assumeIsolated().whenComplete {
            switch $0 {
            case .success(let answer): self.send(answer, isHead: isHead)
            case .failure(let error): self.send(.text("\(error)", status: 500), isHead: isHead)
            }
        }
    }

    private func send(_ answer: AdminAnswer, isHead: Bool) {
        guard let stream = self.stream else { return }
        var head = ResponseHead(status: answer.status)
        head.headers.append(.contentType, answer.contentType)
        head.headers.append(.contentLength, answer.body.count)
        head.headers.append(.cacheControl, "no-store")
        if let allow = answer.allow { head.headers.append(.allow, allow) }
        let isEmpty = isHead || answer.body.isEmpty
        stream.sendResponse(head, end: isEmpty)
        if !isEmpty { stream.sendData(ByteBuffer(bytes: answer.body), end: true) }
    }

    func streamReceived(data: ByteBuffer, end: Bool) { self.stream?.consumed(data.readableBytes) }
    func streamReceived(trailers: HeaderBlock) {}
    func streamSent(bytes: Int) {}
    func streamFailed(_ failure: StreamFailure) { self.stream = nil }
    func streamClosed() { self.stream = nil }
}
