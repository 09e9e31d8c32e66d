internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import WeftIdentity
internal import WeftModel

/// One bounded call of an https server: no redirect is followed, nothing is kept.
struct HTTPSFetch: Sendable {
    /// From beginning to end.
    let timeout: Duration
    /// Of the reply's body.
    let maxBytes: Int

    struct Request: Sendable {
        var address: HTTPSAddress
        /// In place of the address's own.
        var path: String
        var method = HTTPMethod.GET
        var headers: [(String, String)] = []
        var body: [UInt8] = []
    }

    /// Whom the server must prove to be.
    enum Trust: Sendable {
        /// The address's host, by an authority of a PEM file; nil: one that this host trusts.
        case web(roots: String?)
        case spiffe(SPIFFEID, SVIDVerifier)
    }

    struct Reply: Hashable, Sendable {
        let status: Int
        let body: [UInt8]
    }

    enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case timedOut(Duration)
        case tooLarge(limit: Int)
        case roots(path: String, cause: String)
        case untrusted(String)
        case failed(String)

        var description: String {
            switch self {
            case .timedOut(let time): "no answer within \(time)"
            case .tooLarge(let limit): "the answer is larger than \(limit) bytes"
            case .roots(let path, let cause): "the authorities in \(path) cannot be read: \(cause)"
            case .untrusted(let cause): "the server is not who it must be: \(cause)"
            case .failed(let cause): cause
            }
        }
    }

    /// Throws `Failure`.
    func send(_ request: Request, trusting trust: Trust) async throws -> Reply {
        let context = try Self.context(trust)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: Reply.self)
        let deadline = loop.scheduleTask(in: Self.amount(self.timeout)) { promise.fail(Failure.timedOut(self.timeout)) }
        let connecting = ClientBootstrap(group: loop)
            .connectTimeout(Self.amount(self.timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(Self.handler(context, request.address, trust, promise))
                    try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                    try pipeline.addHandler(HTTPSExchange(request, maxBytes: self.maxBytes, promise: promise))
                }
            }
            .connect(host: request.address.host, port: request.address.port)
        connecting.whenFailure { promise.fail(Failure.failed("it cannot be reached: \(Self.cause($0))")) }
        promise.futureResult.whenComplete { _ in
            deadline.cancel()
            connecting.whenSuccess { $0.close(promise: nil) }
        }
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            promise.fail(CancellationError())
        }
    }

    private static func context(_ trust: Trust) throws -> NIOSSLContext {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.applicationProtocols = ["http/1.1"]
        switch trust {
        case .web(let path?):
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
            } catch {
                throw Failure.roots(path: path, cause: "\(error)")
            }
        case .web(nil): break
        case .spiffe: tls.certificateVerification = .noHostnameVerification
        }
        do { return try NIOSSLContext(configuration: tls) } catch { throw Failure.failed("\(error)") }
    }

    private static func handler(
        _ context: NIOSSLContext, _ address: HTTPSAddress, _ trust: Trust, _ reply: EventLoopPromise<Reply>
    ) throws -> NIOSSLClientHandler {
        let name = NetworkPrefix.address(address.host) == nil ? address.host : nil
        guard case .spiffe(let id, let verifier) = trust else {
            return try NIOSSLClientHandler(context: context, serverHostname: name)
        }
        return try NIOSSLClientHandler(
            context: context, serverHostname: name,
            customVerificationCallback: { certificates, promise in
                do {
                    let shown = try certificates.map { try $0.toDERBytes() }
                    _ = try verifier.verify(shown, expecting: [id], now: Date())
                    promise.succeed(.certificateVerified)
                } catch {
                    reply.fail(Failure.untrusted("\(error)"))
                    promise.succeed(.failed)
                }
            })
    }

    private static func amount(_ duration: Duration) -> TimeAmount {
        .milliseconds(max(1, Int64(duration / .milliseconds(1))))
    }

    static func cause(_ error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { Self.cause($0.error) } ?? "nobody of that name"
        default: "\(error)"
        }
    }
}

/// Sends one request and collects one reply; belongs to its connection.
private final class HTTPSExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: HTTPSFetch.Request
    private let maxBytes: Int
    private let promise: EventLoopPromise<HTTPSFetch.Reply>
    private var status = 0
    private var body: [UInt8] = []

    init(_ request: HTTPSFetch.Request, maxBytes: Int, promise: EventLoopPromise<HTTPSFetch.Reply>) {
        self.request = request
        self.maxBytes = maxBytes
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        var headers = HTTPHeaders([("host", self.request.address.authority), ("connection", "close")])
        headers.add(name: "accept", value: "application/json")
        for (name, value) in self.request.headers { headers.add(name: name, value: value) }
        if !self.request.body.isEmpty { headers.add(name: "content-length", value: "\(self.request.body.count)") }
        let head = HTTPRequestHead(
            version: .http1_1, method: self.request.method, uri: self.request.path, headers: headers)
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        if !self.request.body.isEmpty {
            context.write(
                self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: self.request.body)))), promise: nil)
        }
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head): self.status = Int(head.status.code)
        case .body(let part):
            guard self.body.count + part.readableBytes <= self.maxBytes else {
                self.promise.fail(HTTPSFetch.Failure.tooLarge(limit: self.maxBytes))
                return context.close(promise: nil)
            }
            self.body.append(contentsOf: part.readableBytesView)
        case .end:
            self.promise.succeed(HTTPSFetch.Reply(status: self.status, body: self.body))
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.promise.fail(HTTPSFetch.Failure.failed(HTTPSFetch.cause(error)))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.promise.fail(HTTPSFetch.Failure.failed("it closed the connection"))
        context.fireChannelInactive()
    }
}
