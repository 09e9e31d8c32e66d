import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Testing
import WeftIdentity
import WeftModel

@testable import WeftControlPlane

@Suite struct ServerCertificateTests {
    private func identity() throws -> WorkloadIdentity {
        var random = SystemRandomNumberGenerator()
        return try CertificateAuthority(trustDomain: .standard, now: Date(), random: &random)
            .issueControlPlane(dnsNames: ["localhost"], ipAddresses: [], now: Date(), random: &random)
    }

    @Test func `a replaced certificate is shown to new connections, and old ones go on`() async throws {
        let (old, new) = (try self.identity(), try self.identity())
        let group = MultiThreadedEventLoopGroup.singleton
        let certificate = try ServerCertificate(old, alpn: ["h2"])
        let tls = try OptionalMutualTLS(
            certificate: certificate, trust: TrustHub(TrustState(trustDomain: .standard, roots: old.bundle)),
            peers: ConnectionPeers(), maxConnections: 10, logger: Logger(label: "test"))
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                tls.secure(channel).flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(EchoHandler())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)

        let early = try await Caller.connect(to: port, on: group)
        #expect(try await early.says("one") == "one")
        #expect(try await early.leaf == old.chain.first)
        try certificate.replace(new)
        let late = try await Caller.connect(to: port, on: group)
        #expect(try await late.says("two") == "two")
        #expect(try await late.leaf == new.chain.first)
        #expect(try await early.says("three") == "three")
        await early.close()
        await late.close()
        try await server.close()
    }

    private final class EchoHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }
    }

    /// A client that believes everybody, and notes whom it met.
    private struct Caller {
        private let shown: EventLoopFuture<[UInt8]>
        private let channel: any Channel
        private let answers: AsyncStream<String>

        var leaf: [UInt8]? { get async throws { try await self.shown.get() } }

        static func connect(to port: Int, on group: any EventLoopGroup) async throws -> Caller {
            let eventLoop = group.next()
            let shown = eventLoop.makePromise(of: [UInt8].self)
            let (answers, heard) = AsyncStream.makeStream(of: String.self)
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .noHostnameVerification
            let context = try NIOSSLContext(configuration: configuration)
            let connecting = ClientBootstrap(group: eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(
                            try NIOSSLClientHandler(context: context, serverHostname: nil) { chain, verdict in
                                shown.succeed((try? chain.first?.toDERBytes()) ?? [])
                                verdict.succeed(.certificateVerified)
                            })
                        try pipeline.addHandler(Listener(heard))
                    }
                }
                .connect(host: "127.0.0.1", port: port)
            connecting.cascadeFailure(to: shown)
            let channel = try await connecting.get()
            return Caller(shown: shown.futureResult, channel: channel, answers: answers)
        }

        func says(_ word: String) async throws -> String? {
            try await self.channel.writeAndFlush(ByteBuffer(string: word))
            for await answer in self.answers { return answer }
            return nil
        }

        func close() async { try? await self.channel.close() }
    }

    private final class Listener: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let heard: AsyncStream<String>.Continuation

        init(_ heard: AsyncStream<String>.Continuation) { self.heard = heard }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.heard.yield(String(buffer: Self.unwrapInboundIn(data)))
        }

        func channelInactive(context: ChannelHandlerContext) { self.heard.finish() }
    }
}
