import NIOCore
import NIOPosix
import WeftHTTP
import WeftMessage

/// A client for tests: one connection for each request, HTTP/1.1 or HTTP/2 in the clear.
struct TestClient: Sendable {
    let group: any EventLoopGroup
    let port: Int
    var isHTTP2 = false

    struct Response: Sendable {
        var informational: [Int] = []
        var status = 0
        var headers = HeaderBlock()
        var body = ByteBuffer()
        var trailers: HeaderBlock?
        /// Why the response is not whole.
        var failure: StreamFailure?

        var text: String { String(buffer: self.body) }
        var reason: String? { self.headers[.weftReason] }
    }

    /// What one stream of a body sends, in order.
    enum Part: Sendable {
        case data(ByteBuffer)
        case trailers(HeaderBlock)
    }

    func get(
        _ path: String, authority: String = "billing", headers: HeaderBlock = HeaderBlock()
    ) async throws -> Response {
        try await self.send(RequestHead(method: .get, authority: authority, path: path, headers: headers), [])
    }

    func post(
        _ path: String, authority: String = "billing", headers: HeaderBlock = HeaderBlock(), _ parts: [Part]
    ) async throws -> Response {
        try await self.send(RequestHead(method: .post, authority: authority, path: path, headers: headers), parts)
    }

    func send(_ head: RequestHead, _ parts: [Part]) async throws -> Response {
        let eventLoop = self.group.next()
        let promise = eventLoop.makePromise(of: Response.self)
        let isHTTP2 = self.isHTTP2
        let connecting = ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let exchange = ClientExchange(head: head, parts: parts, promise: promise)
                    if isHTTP2 {
                        let codec = HTTP2ClientConnection(delegate: exchange)
                        exchange.codec = codec
                        try channel.pipeline.syncOperations.addHandler(codec)
                    } else {
                        let codec = HTTP1ClientConnection(delegate: exchange)
                        exchange.codec = codec
                        try channel.pipeline.syncOperations.addHandler(codec)
                    }
                }
            }
            .connect(host: "127.0.0.1", port: self.port)
        connecting.cascadeFailure(to: promise)
        let channel = try await connecting.get()
        let response = try await promise.futureResult.get()
        try? await channel.close()
        return response
    }
}

private final class ClientExchange: ClientConnectionDelegate, ClientStreamReceiver {
    var codec: (any ClientConnection)?
    private let head: RequestHead
    private let parts: [TestClient.Part]
    private let promise: EventLoopPromise<TestClient.Response>
    private var stream: (any ClientStream)?
    private var response = TestClient.Response()
    private var isOpen = false

    init(head: RequestHead, parts: [TestClient.Part], promise: EventLoopPromise<TestClient.Response>) {
        self.head = head
        self.parts = parts
        self.promise = promise
    }

    func connectionHasCapacity() {
        guard !self.isOpen, let codec = self.codec else { return }
        self.isOpen = true
        self.stream = codec.open(self.head, end: self.parts.isEmpty, receiver: self)
        for (index, part) in self.parts.enumerated() {
            switch part {
            case .data(let data): self.stream?.sendData(data, end: index == self.parts.count - 1)
            case .trailers(let trailers): self.stream?.sendTrailers(trailers)
            }
        }
    }

    func streamReceived(informational head: ResponseHead) { self.response.informational.append(head.status) }

    func streamReceived(response head: ResponseHead, end: Bool) {
        self.response.status = head.status
        self.response.headers = head.headers
        if end { self.finish() }
    }

    func streamReceived(data: ByteBuffer, end: Bool) {
        var data = data
        self.stream?.consumed(data.readableBytes)
        self.response.body.writeBuffer(&data)
        if end { self.finish() }
    }

    func streamReceived(trailers: HeaderBlock) {
        self.response.trailers = trailers
        self.finish()
    }

    func streamFailed(_ failure: StreamFailure) {
        self.response.failure = failure
        self.finish()
    }

    private func finish() { self.promise.succeed(self.response) }

    func connectionStoppedAccepting() {}
    func connectionClosed(_ reason: ConnectionEnd) {
        self.response.failure = .connectionClosed
        self.finish()
    }
    func streamSent(bytes: Int) {}
    func streamClosed() {}
}
