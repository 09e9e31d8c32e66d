internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes
internal import WeftModel

/// Gives each request's body a total time, and ends the connection of a request that was answered before its body had
/// come: what nobody is going to read is not waited for.
final class BodyDeadline: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long an answer has to reach a peer that is still sending: closed at once, it might never read it.
    private static let linger = TimeAmount.seconds(2)

    private let limit: TimeAmount
    private var timeout: Scheduled<Void>?
    /// Requests that have begun and are not answered yet.
    private var open = 0
    /// Whether the newest of them has not all come.
    private var isReading = false
    /// Whether an answer has begun and not ended.
    private var isAnswering = false
    /// Nothing more is heard or said.
    private var isOver = false

    init(after limit: TimeAmount) { self.limit = limit }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = self.unwrapInboundIn(data)
        guard !self.isOver else {
            if case .end = part { context.close(promise: nil) }
            return
        }
        switch part {
        case .head:
            self.open += 1
            self.isReading = true
            self.schedule(context, after: self.limit) { $0.expire($1) }
        case .body: break
        case .end:
            self.isReading = false
            self.timeout?.cancel()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !self.isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch self.unwrapOutboundIn(data) {
        case .head(var head):
            self.isAnswering = true
            if self.isTooEarly { head.headerFields[.connection] = "close" }
            context.write(self.wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            self.isAnswering = false
            let isTooEarly = self.isTooEarly
            self.open -= 1
            context.write(data, promise: promise)
            if isTooEarly { self.end(context) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.timeout?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.timeout?.cancel() }

    /// Whether what is being answered has not all come.
    private var isTooEarly: Bool { self.isReading && self.open == 1 }

    private func expire(_ context: ChannelHandlerContext) {
        guard self.isReading, !self.isOver else { return }
        guard self.isTooEarly, !self.isAnswering else {
            self.isOver = true
            return context.close(promise: nil)
        }
        let reply = APIService.refusal(
            APIError(
                status: 408, code: .badRequest, message: "the body was not taken",
                cause: "it had not come within \(self.limit.nanoseconds / 1_000_000_000) s",
                remedy: "send less at once, or over a faster network"))
        let head = HTTPResponse(
            status: .requestTimeout,
            headerFields: [
                .contentType: reply.contentType, .contentLength: "\(reply.body.count)", .connection: "close",
            ])
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(ByteBuffer(bytes: reply.body))), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        self.end(context)
    }

    private func end(_ context: ChannelHandlerContext) {
        self.isOver = true
        self.schedule(context, after: Self.linger) { $1.close(promise: nil) }
    }

    private func schedule(
        _ context: ChannelHandlerContext, after delay: TimeAmount,
        _ body: @escaping @Sendable (BodyDeadline, ChannelHandlerContext) -> Void
    ) {
        self.timeout?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.timeout = context.eventLoop.scheduleTask(in: delay) {
            let (handler, context) = bound.value
            body(handler, context)
        }
    }
}
