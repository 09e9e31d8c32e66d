import Foundation
import NIOCore
import NIOPosix

/// Sends text as it is and returns all that comes back until the other side closes.
enum RawClient {
    /// Each text is sent when something has come back for the one before.
    static func converse(on group: any EventLoopGroup, port: Int, _ texts: [String]) async throws -> String {
        let eventLoop = group.next()
        let promise = eventLoop.makePromise(of: String.self)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Conversation(texts, promise))
                }
            }
        do {
            _ = try await bootstrap.connect(host: "127.0.0.1", port: port).get()
        } catch let error as IOError where [ECONNRESET, ENOTCONN, EPIPE].contains(error.errnoCode) {
            // The other side accepted and hung up before this one had looked: nothing came back.
            promise.succeed("")
        } catch let error as NIOConnectionError
            where error.connectionErrors.contains(where: { ($0.error as? IOError)?.errnoCode == ECONNRESET })
        {
            // The same, noticed by the address that was tried.
            promise.succeed("")
        } catch {
            promise.fail(error)
        }
        return try await promise.futureResult.get()
    }

    private final class Conversation: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var texts: ArraySlice<String>
        private var answer = ""
        private let promise: EventLoopPromise<String>

        init(_ texts: [String], _ promise: EventLoopPromise<String>) {
            self.texts = texts[...]
            self.promise = promise
        }

        func channelActive(context: ChannelHandlerContext) { self.next(context) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.answer += String(buffer: Self.unwrapInboundIn(data))
            self.next(context)
        }

        func channelInactive(context: ChannelHandlerContext) { self.promise.succeed(self.answer) }

        private func next(_ context: ChannelHandlerContext) {
            guard let text = self.texts.popFirst() else { return }
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }
    }
}
