package import NIOCore

/// Looks at the first bytes of a connection, puts the HTTP/1 or HTTP/2 codec in its own place, and hands the bytes on.
///
/// Behind TLS it serves as well: a client that negotiated `h2` begins with the same preface.
package final class ProtocolSniffer: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer

    private static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    private let makeHTTP1: () -> any ChannelHandler
    private let makeHTTP2: () -> any ChannelHandler
    private let makeTLS: (() -> any ChannelHandler)?
    private let timeout: TimeAmount?
    private var collected = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var decided = false

    /// - Parameters:
    ///   - makeTLS: the handler of connections that begin with a TLS handshake; nil lets HTTP/1 refuse them.
    ///   - timeout: closes the connection when the first bytes do not come within it; nil waits for
    ///     ever.
    package init(
        makeHTTP1: @escaping () -> any ChannelHandler, makeHTTP2: @escaping () -> any ChannelHandler,
        makeTLS: (() -> any ChannelHandler)? = nil, timeout: TimeAmount? = .seconds(60)
    ) {
        self.makeHTTP1 = makeHTTP1
        self.makeHTTP2 = makeHTTP2
        self.makeTLS = makeTLS
        self.timeout = timeout
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        guard let timeout = self.timeout else { return }
        let channel = context.channel
        self.timer = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.timer?.cancel()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.decided else { return context.fireChannelRead(data) }
        var bytes = Self.unwrapInboundIn(data)
        if self.collected.readableBytes == 0 { self.collected = bytes } else { self.collected.writeBuffer(&bytes) }
        let count = Self.preface.utf8CodeUnitCount
        let isPreface = self.collected.withUnsafeReadableBytes { bytes in
            bytes.prefix(count).elementsEqual(
                UnsafeRawBufferPointer(start: Self.preface.utf8Start, count: min(count, bytes.count)))
        }
        if isPreface, self.collected.readableBytes < count { return }
        self.decided = true
        let begins = self.collected.getInteger(at: self.collected.readerIndex, as: UInt8.self)
        let codec: any ChannelHandler =
            if begins == 22, let makeTLS = self.makeTLS { makeTLS() } else {
                isPreface ? self.makeHTTP2() : self.makeHTTP1()
            }
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(codec, position: .after(self))
        } catch {
            return context.close(promise: nil)
        }
        let first = self.collected
        self.collected = ByteBuffer()
        context.fireChannelRead(Self.wrapInboundOut(first))
        context.fireChannelReadComplete()
        pipeline.removeHandler(context: context, promise: nil)
    }
}
