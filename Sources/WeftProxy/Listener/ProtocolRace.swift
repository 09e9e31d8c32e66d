internal import NIOCore
internal import WeftHTTP

/// What a port's connections have turned out to be, so that the next need not be waited for as long.
enum LearnedProtocol: Hashable {
    /// Requests: the client speaks first, and soon.
    case http
    /// Bytes, of which the client's came first.
    case clientFirst
    /// Bytes, and the server greets.
    case serverFirst

    /// How long the client may be silent before the other side is listened to as well. 100 ms where nothing is known;
    /// never more than 1 s, so that a server which greets is heard even where none was expected.
    static func silence(_ learned: LearnedProtocol?) -> TimeAmount {
        switch learned {
        case nil: .milliseconds(100)
        case .http: .seconds(1)
        case .clientFirst, .serverFirst: .zero
        }
    }
}

/// Finds out what a connection speaks, by a race: the client's first bytes decide, and when it stays silent the other
/// side is connected to as well, so that a server which speaks first is heard.
///
/// While only silence has come, the connection upstream is a guess. It is given up when the client begins with a request.
final class ProtocolRaceHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// From the first byte to a decision.
    private static let limit = TimeAmount.seconds(1)

    private let connection: DownstreamConnection
    private let acceptsTLS: Bool
    private var collected = ByteBuffer()
    private var guess: RawServerConnection?
    private var timer: Scheduled<Void>?
    private var decided = false
    private var inputEnded = false

    /// - Parameter acceptsTLS: a handshake belongs to this proxy; otherwise it is passed on like any bytes.
    init(connection: DownstreamConnection, acceptsTLS: Bool) {
        self.connection = connection
        self.acceptsTLS = acceptsTLS
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.connection.isRacing = true
        let silence = LearnedProtocol.silence(self.connection.learnedProtocol)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        // Even without patience not from within: the pipeline is still being built.
        self.timer = context.eventLoop.scheduleTask(in: silence) {
            let (handler, context) = bound.value
            handler.silenceIsOver(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.timer = nil
        self.connection.isRacing = false
    }

    // MARK: The client

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.decided else { return context.fireChannelRead(data) }
        var bytes = Self.unwrapInboundIn(data)
        if self.collected.readableBytes == 0 {
            self.collected = bytes
            self.timer?.cancel()
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            self.timer = context.eventLoop.scheduleTask(in: Self.limit) {
                let (handler, context) = bound.value
                handler.look(context, isLast: true)
            }
        } else {
            self.collected.writeBuffer(&bytes)
        }
        self.look(context, isLast: self.inputEnded)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .some(.inputClosed) = event as? ChannelEvent, !self.decided else {
            return context.fireUserInboundEventTriggered(event)
        }
        self.inputEnded = true
        self.look(context, isLast: true)
    }

    private func look(_ context: ChannelHandlerContext, isLast: Bool) {
        guard !self.decided else { return }
        let found = self.collected.withUnsafeReadableBytes { ProtocolDetection.classify($0, isLast: isLast) }
        switch found {
        case .undecided: return
        case .http1, .http2:
            self.connection.learnedProtocol = .http
            self.dropGuess(context)
            self.decide(context, self.connection.makeSniffer())
        case .tls where self.acceptsTLS:
            self.decided = true
            self.dropGuess(context)
            self.connection.isRacing = false
            do {
                try self.connection.acceptTLS(context.pipeline.syncOperations)
            } catch {
                return context.close(promise: nil)
            }
            self.makeWay(context)
        case .tls, .bytes:
            if self.connection.learnedProtocol != .serverFirst { self.connection.learnedProtocol = .clientFirst }
            self.pass(context)
        }
    }

    // MARK: The other side

    private func silenceIsOver(_ context: ChannelHandlerContext) {
        guard !self.decided, self.guess == nil, self.collected.readableBytes == 0 else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let raw = self.connection.makeRaw()
        raw.onFirstBytes = {
            let (handler, context) = bound.value
            handler.connection.learnedProtocol = .serverFirst
            handler.pass(context)
        }
        // The service takes requests only: its client has merely not sent one yet.
        raw.keepsOpen = { bound.value.0.refusedByProtocol() }
        self.guess = raw
        do {
            try context.pipeline.syncOperations.addHandler(raw, position: .after(self))
        } catch {
            context.close(promise: nil)
        }
    }

    private func refusedByProtocol() -> Bool {
        guard !self.decided, self.connection.refusesBytes else { return false }
        self.guess = nil
        return true
    }

    // MARK: The decision

    private func pass(_ context: ChannelHandlerContext) {
        guard !self.decided else { return }
        if let guess = self.guess {
            self.decided = true
            self.connection.turnedOutToBeBytes()
            guess.keepsOpen = nil
            guess.onFirstBytes = nil
            self.makeWay(context)
        } else {
            self.decide(context, self.connection.makeRaw())
        }
    }

    private func decide(_ context: ChannelHandlerContext, _ handler: any ChannelHandler) {
        self.decided = true
        let pipeline = context.pipeline.syncOperations
        self.connection.isRacing = false
        do {
            try pipeline.addHandler(handler, position: .after(self))
        } catch {
            return context.close(promise: nil)
        }
        self.makeWay(context)
    }

    /// The client has spoken before the other side did. Comes before another codec is made: its end leaves none.
    private func dropGuess(_ context: ChannelHandlerContext) {
        guard let guess = self.guess else { return }
        self.guess = nil
        context.pipeline.syncOperations.removeHandler(guess, promise: nil)
    }

    /// Hands on what was collected and leaves.
    private func makeWay(_ context: ChannelHandlerContext) {
        let collected = self.collected
        self.collected = ByteBuffer()
        if collected.readableBytes > 0 {
            context.fireChannelRead(Self.wrapInboundOut(collected))
            context.fireChannelReadComplete()
        }
        if self.inputEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}

/// Reads whom a TLS client wants before its handshake is passed on unopened.
final class ServerNameHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: DownstreamConnection
    private let decide: (ClientHello?) -> (any ChannelHandler)?
    private var collected = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var decided = false
    private var inputEnded = false

    /// `decide` says what goes on with the connection; nil closes it. It gets nil for what is no ClientHello.
    init(connection: DownstreamConnection, decide: @escaping (ClientHello?) -> (any ChannelHandler)?) {
        self.connection = connection
        self.decide = decide
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.timer = context.eventLoop.scheduleTask(in: .seconds(10)) {
            let (handler, context) = bound.value
            if !handler.decided { context.close(promise: nil) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.timer?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.decided else { return context.fireChannelRead(data) }
        var bytes = Self.unwrapInboundIn(data)
        if self.collected.readableBytes == 0 { self.collected = bytes } else { self.collected.writeBuffer(&bytes) }
        switch self.collected.withUnsafeReadableBytes({ ClientHello.read($0) }) {
        case .needsMore: return
        case .complete(let hello): self.goOn(context, hello)
        case .malformed: self.goOn(context, nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent, !self.decided {
            self.inputEnded = true
            self.goOn(context, nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    private func goOn(_ context: ChannelHandlerContext, _ hello: ClientHello?) {
        self.decided = true
        guard let handler = self.decide(hello) else { return context.close(promise: nil) }
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(handler, position: .after(self))
        } catch {
            return context.close(promise: nil)
        }
        let collected = self.collected
        self.collected = ByteBuffer()
        if collected.readableBytes > 0 {
            context.fireChannelRead(Self.wrapInboundOut(collected))
            context.fireChannelReadComplete()
        }
        if self.inputEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        pipeline.removeHandler(context: context, promise: nil)
    }
}
