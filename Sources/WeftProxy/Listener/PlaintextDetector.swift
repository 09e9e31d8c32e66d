internal import NIOCore

/// Looks at the first byte of a connection from a peer: a TLS handshake begins with 22, and no HTTP request does.
final class PlaintextDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: DownstreamConnection
    private var timer: Scheduled<Void>?

    init(connection: DownstreamConnection) { self.connection = connection }

    /// Whoever connects and says nothing must not hold a place for ever. A peer begins its handshake at once; other
    /// callers may connect ahead of their first request.
    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        let patience: TimeAmount = self.connection.refusesPlaintext ? .seconds(10) : .seconds(60)
        self.timer = context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.timer?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Self.unwrapInboundIn(data)
        guard let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { return }
        do {
            let pipeline = context.pipeline.syncOperations
            if first == 22 {
                try self.connection.acceptTLS(pipeline)
            } else {
                self.connection.loop.telemetry.plaintextConnection()
                try pipeline.addHandler(self.connection.makeSniffer())
            }
        } catch {
            context.fireErrorCaught(error)
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(Self.wrapInboundOut(bytes))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
