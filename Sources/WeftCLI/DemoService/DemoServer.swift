package import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Serves a `DemoService` over HTTP/1.1.
package enum DemoServer {
    /// Listens; the service goes on until the channel is closed.
    package static func start(
        _ service: DemoService, host: String, port: Int, on group: any EventLoopGroup
    ) async throws -> any Channel {
        do {
            return try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                        try channel.pipeline.syncOperations.addHandler(DemoServiceHandler(service))
                    }
                }
                .bind(host: host, port: port).get()
        } catch let error {
            throw CommandFailure(
                "cannot listen", at: "\(host):\(port)", because: "\(error)",
                remedy: "Choose another --listen, or stop what has that port (`ss -ltnp`).")
        }
    }
}

/// One connection's requests, one after the other.
private final class DemoServiceHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let service: DemoService
    private var head: HTTPRequestHead?

    init(_ service: DemoService) { self.service = service }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head = self.head else { return }
            self.head = nil
            let service = self.service
            let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
            // The handler lives on the event loop and the answer takes its time; the task ends with the answer.
            let promise = context.eventLoop.makePromise(of: DemoService.Reply.self)
            promise.completeWithTask { await service.respond(to: head) }
            promise.futureResult.whenSuccess { reply in
                let (handler, context) = bound.value
                handler.write(reply, to: head, context: context)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func write(_ reply: DemoService.Reply, to head: HTTPRequestHead, context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        var response = HTTPResponseHead(version: .http1_1, status: reply.status)
        response.headers.add(name: "content-type", value: "application/json")
        response.headers.add(name: "content-length", value: "\(reply.body.count)")
        context.write(self.wrapOutboundOut(.head(response)), promise: nil)
        if head.method != .HEAD {
            context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: reply.body)))), promise: nil)
        }
        let written = context.writeAndFlush(self.wrapOutboundOut(.end(nil)))
        guard !head.isKeepAlive else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        written.whenComplete { _ in bound.value.close(promise: nil) }
    }
}
