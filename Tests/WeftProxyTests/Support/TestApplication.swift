import NIOCore
import NIOPosix
import Synchronization
import WeftHTTP
import WeftMessage

/// An application for tests: answers over HTTP/1.1 or HTTP/2 by the path it is asked for, and keeps the heads it saw.
///
/// `/echo` sends the body and trailers back, `/status/N` answers N, `/hang` never answers, `/cut` closes after the head, `/half` after its own head,
/// `/early` sends 103 first, `/flood/N` sends N bytes at once, `/pour/N` as they are taken, `/late` answers when `release` says so;
/// everything else is 200 with the application's name.
final class TestApplication: Sendable {
    let port: Int
    private let channel: any Channel
    private let log: Log

    final class Log: Sendable {
        let name: String
        let heads = Mutex<[RequestHead]>([])
        let connections = Atomic<Int>(0)
        let poured = Atomic<Int>(0)
        let held = Mutex<[EventLoopPromise<Void>]>([])

        init(name: String) { self.name = name }
    }

    private init(port: Int, channel: any Channel, log: Log) {
        self.port = port
        self.channel = channel
        self.log = log
    }

    static func start(name: String = "app", on group: any EventLoopGroup, port: Int = 0) async throws -> TestApplication
    {
        let log = Log(name: name)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    log.connections.add(1, ordering: .relaxed)
                    let connection = Connection(log: log)
                    try channel.pipeline.syncOperations.addHandler(
                        ProtocolSniffer(
                            makeHTTP1: {
                                HTTP1ServerConnection(delegate: connection, limits: HTTPLimits(), scheme: "http")
                            },
                            makeHTTP2: { HTTP2ServerConnection(delegate: connection, limits: HTTPLimits()) }))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        return TestApplication(port: channel.localAddress?.port ?? 0, channel: channel, log: log)
    }

    /// The heads of all requests so far.
    var heads: [RequestHead] { self.log.heads.withLock { $0 } }
    var connections: Int { self.log.connections.load(ordering: .relaxed) }

    /// Answers every `/late` that has come.
    func release() {
        let held = self.log.held.withLock { held in
            defer { held = [] }
            return held
        }
        for promise in held { promise.succeed() }
    }

    /// Bytes of `/pour` responses that have left the application.
    var poured: Int { self.log.poured.load(ordering: .relaxed) }

    /// Stops listening; connections go on.
    func stop() async { try? await self.channel.close() }

    private final class Connection: ServerConnectionDelegate {
        private let log: Log
        init(log: Log) { self.log = log }
        func connectionOpened(_ stream: any ServerStream) -> any ServerStreamReceiver {
            Request(stream: stream, log: self.log)
        }
        func connectionClosed(_ reason: ConnectionEnd) {}
        func connectionRefused(
            _ refusal: MessageRefusal, of request: RefusedRequest
        ) -> (head: ResponseHead, body: [UInt8])? { nil }
    }

    private final class Request: ServerStreamReceiver {
        private let stream: any ServerStream
        private let log: Log
        private var echoes = false
        private var consumes = true
        private var toPour = 0

        init(stream: any ServerStream, log: Log) {
            self.stream = stream
            self.log = log
        }

        func streamReceived(request head: RequestHead, end: Bool) {
            self.log.heads.withLock { $0.append(head) }
            let path = head.path
            if path == "/echo" {
                self.echoes = true
                var response = ResponseHead(status: 200)
                if let type = head.headers[.contentType] { response.headers.append(.contentType, type) }
                self.stream.sendResponse(response, end: end)
            } else if path == "/hang" {
                self.consumes = false
            } else if path == "/half" {
                self.stream.sendResponse(ResponseHead(status: 200), end: false)
                self.stream.reset(.internalError)
            } else if path == "/cut" {
                self.stream.reset(.internalError)
            } else if let status = path.wholeNumber(after: "/status/") {
                self.answer(status)
            } else if let count = path.wholeNumber(after: "/flood/") {
                self.stream.sendResponse(ResponseHead(status: 200), end: false)
                self.stream.sendData(ByteBuffer(repeating: UInt8(ascii: "x"), count: count), end: true)
            } else if let count = path.wholeNumber(after: "/pour/") {
                self.stream.sendResponse(ResponseHead(status: 200), end: false)
                self.toPour = count
                self.pour()
            } else if path == "/late", let eventLoop = MultiThreadedEventLoopGroup.currentEventLoop {
                let bound = NIOLoopBound(self, eventLoop: eventLoop)
                let released = eventLoop.makePromise(of: Void.self)
                released.futureResult.whenSuccess { bound.value.answer(200) }
                self.log.held.withLock { $0.append(released) }
            } else {
                if path == "/early" { self.stream.sendInformational(ResponseHead(status: 103)) }
                self.answer(200)
            }
        }

        private func answer(_ status: Int) {
            let body = ByteBuffer(string: self.log.name)
            var head = ResponseHead(status: status)
            head.headers.append(.contentLength, body.readableBytes)
            self.stream.sendResponse(head, end: false)
            self.stream.sendData(body, end: true)
        }

        func streamReceived(data: ByteBuffer, end: Bool) {
            if self.echoes { self.stream.sendData(data, end: end) }
            if self.consumes { self.stream.consumed(data.readableBytes) }
        }

        func streamReceived(trailers: HeaderBlock) {
            if self.echoes { self.stream.sendTrailers(trailers) }
        }

        private func pour() {
            let chunk = min(self.toPour, 65536)
            guard chunk > 0 else { return }
            self.toPour -= chunk
            self.stream.sendData(ByteBuffer(repeating: UInt8(ascii: "z"), count: chunk), end: self.toPour == 0)
        }

        func streamSent(bytes: Int) {
            guard self.toPour > 0 || self.log.poured.load(ordering: .relaxed) > 0 else { return }
            self.log.poured.add(bytes, ordering: .relaxed)
            // Not from within: a codec may call this while it is being given the last chunk.
            guard self.toPour > 0, let eventLoop = MultiThreadedEventLoopGroup.currentEventLoop else { return }
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.execute { bound.value.pour() }
        }

        func streamFailed(_ failure: StreamFailure) {}
        func streamClosed() {}
    }
}

extension String {
    /// The number that follows `prefix`, when this begins with it.
    fileprivate func wholeNumber(after prefix: String) -> Int? {
        self.hasPrefix(prefix) ? Int(self.dropFirst(prefix.count)) : nil
    }
}
