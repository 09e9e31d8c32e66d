import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import WeftIdentity
import WeftModel

/// An API server on loopback, with an authority of its own, that answers every TokenReview as it is told.
final class FakeKubernetes: Sendable {
    enum Answer: Sendable {
        case status(Int, String)
        /// Never.
        case silence
    }

    struct Seen: Sendable {
        var path: String
        var authorization: String?
        var body: String
    }

    private let answer = Mutex(Answer.silence)
    private let seen = Mutex<[Seen]>([])
    private let authority: CertificateAuthority
    private let group = MultiThreadedEventLoopGroup.singleton

    init() throws {
        var random = SystemRandomNumberGenerator()
        self.authority = try CertificateAuthority(
            trustDomain: TrustDomain("kubernetes.test") ?? .standard, now: Date(), random: &random)
    }

    var requests: [Seen] { self.seen.withLock { $0 } }

    func answers(_ answer: Answer) { self.answer.withLock { $0 = answer } }

    func answers(
        _ status: Int = 201, user: String = "system:serviceaccount:shop:billing", authenticated: Bool = true,
        audience: String = "weft"
    ) {
        self.answers(
            .status(
                status,
                #"{"status": {"authenticated": \#(authenticated), "user": {"username": "\#(user)", "groups": ["system:serviceaccounts"]}, "audiences": ["\#(audience)"]}}"#
            ))
    }

    /// The PEM of the authority that its certificate is by.
    var authorities: String { get throws { PEM.encode(try self.authority.bundle) } }

    /// Serves while `body` runs.
    func serving<Result>(_ body: (_ port: Int) async throws -> Result) async throws -> Result {
        var random = SystemRandomNumberGenerator()
        let identity = try self.authority.issueControlPlane(
            dnsNames: ["localhost"], ipAddresses: [[127, 0, 0, 1]], now: Date(), random: &random)
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: identity.chain.map { .certificate(try NIOSSLCertificate(bytes: $0, format: .der)) },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: identity.keyDER, format: .der))))
        let channel = try await ServerBootstrap(group: self.group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Handler(server: self))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            let result = try await body(channel.localAddress?.port ?? 0)
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let server: FakeKubernetes
        private var now = Seen(path: "", authorization: nil, body: "")

        init(server: FakeKubernetes) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                self.now = Seen(path: head.uri, authorization: head.headers["authorization"].first, body: "")
            case .body(let part): self.now.body += String(buffer: part)
            case .end:
                let seen = self.now
                self.server.seen.withLock { $0.append(seen) }
                guard case .status(let status, let text) = self.server.answer.withLock({ $0 }) else { return }
                let head = HTTPResponseHead(
                    version: .http1_1, status: .init(statusCode: status),
                    headers: ["content-length": "\(text.utf8.count)"])
                context.write(self.wrapOutboundOut(.head(head)), promise: nil)
                context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
                context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
