import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Testing
import WeftModel

@testable import WeftControlPlane

/// Calls of the API by clients that announce a body and do not send it.
@Suite(.serialized) struct APIBodyTests {
    /// What the server says until it closes; `tls` or the Unix socket.
    private static func exchange(_ plane: RunningControlPlane, port: Int?, _ text: String) async throws -> String {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        @Sendable func wrap(
            _ channel: any Channel, tls: Bool
        ) -> EventLoopFuture<NIOAsyncChannel<ByteBuffer, ByteBuffer>> {
            channel.eventLoop.makeCompletedFuture {
                if tls {
                    var configuration = TLSConfiguration.makeClientConfiguration()
                    configuration.certificateVerification = .none
                    let context = try NIOSSLContext(configuration: configuration)
                    try channel.pipeline.syncOperations.addHandler(
                        try NIOSSLClientHandler(context: context, serverHostname: nil))
                }
                return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
            }
        }
        let channel =
            if let port {
                try await bootstrap.connect(host: "127.0.0.1", port: port) { wrap($0, tls: true) }
            } else {
                try await bootstrap.connect(unixDomainSocketPath: plane.listening.apiSocket) { wrap($0, tls: false) }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var answer = ""
            do {
                for try await part in inbound { answer += String(buffer: part) }
            } catch is NIOSSLError {
                // The server does not wait for a farewell.
            }
            return answer
        }
    }

    @Test(.timeLimit(.minutes(10))) func `who may not make a call is told so before its body comes, and is let go`()
        async throws
    {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) {
                $0.apiAddress = .init(host: "127.0.0.1", port: 0)
            } _: { plane in
                let head = "POST /v1/apply HTTP/1.1\r\nhost: a\r\ncontent-length: 30000000\r\n"
                let anonymous = try await Self.exchange(
                    plane, port: plane.listening.apiPort, head + "\r\n{")
                #expect(anonymous.hasPrefix("HTTP/1.1 401 "))
                #expect(anonymous.lowercased().contains("\r\nconnection: close\r\n"))
                let created = try await plane.call("POST", "/v1/tokens", body: TokenRequest(purpose: .api))
                let token = try JSONDecoder().decode(CreatedToken.self, from: created.body).token
                let viewer = try await Self.exchange(
                    plane, port: plane.listening.apiPort,
                    head + "authorization: bearer\t\(token)\r\n\r\n{")
                #expect(viewer.hasPrefix("HTTP/1.1 403 "))
                // Who may is told before it sends in vain.
                let large = try await Self.exchange(plane, port: nil, head + "\r\n{")
                #expect(large.hasPrefix("HTTP/1.1 413 "))
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a body has a time to come in`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) {
                $0.limits.apiBodyTime = .milliseconds(50)
            } _: { plane in
                let slow = try await Self.exchange(
                    plane, port: nil, "POST /v1/apply HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{")
                #expect(slow.hasPrefix("HTTP/1.1 408 "))
                #expect(slow.contains("had not come"))
            }
        }
    }
}
