import AsyncHTTPClient
import Crypto
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import SwiftProtobuf
import WeftIdentity
import WeftModel
import WeftProtos

@testable import WeftControlPlane

typealias MeshClient = GRPCClient<HTTP2ClientTransport.Posix>

/// A control plane in this process, on free ports and a directory of its own.
struct RunningControlPlane: Sendable {
    let listening: ControlPlane.Listening
    let directory: String
    var hub: TrustHub?

    /// What it trusts.
    var trust: TrustHub {
        get throws {
            guard let hub = self.hub else { throw NeverUp() }
            return hub
        }
    }

    /// Runs a control plane on `directory` while `body` runs.
    static func with<Result: Sendable>(
        directory: String, configure: (inout ControlPlaneConfiguration) -> Void = { _ in },
        _ body: @Sendable @escaping (RunningControlPlane) async throws -> Result
    ) async throws -> Result {
        var configuration = ControlPlaneConfiguration(
            dataDirectory: directory, meshAddress: .init(host: "127.0.0.1", port: 0))
        // Streams that tests hold open say nothing, and a busy machine may take its time.
        configuration.leases.lease = .seconds(600)
        configure(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (up, signal) = AsyncStream.makeStream(of: ControlPlane.Listening.self)
        var plane = ControlPlane(configuration, logger: logger) { signal.yield($0) }
        let trust = Assembled()
        plane.assembled = { parts in trust.hub.withLock { $0 = parts.trust } }
        let running = plane
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                defer { signal.finish() }
                try await running.run()
                return nil
            }
            group.addTask {
                for await listening in up {
                    guard let hub = trust.hub.withLock({ $0 }) else { break }
                    return try await body(
                        RunningControlPlane(listening: listening, directory: directory, hub: hub))
                }
                throw NeverUp()
            }
            defer { group.cancelAll() }
            var failure: (any Error)?
            while let next = await group.nextResult() {
                switch next {
                case .success(let result?):
                    group.cancelAll()
                    // The data directory is free again only when it has ended.
                    await group.waitForAllQuietly()
                    return result
                case .success(nil): continue
                case .failure(let error):
                    if failure == nil || failure is NeverUp { failure = error }
                    group.cancelAll()
                }
            }
            throw failure ?? NeverUp()
        }
    }

    struct NeverUp: Error {}

    private final class Assembled: Sendable {
        let hub = Mutex<TrustHub?>(nil)
    }

    /// A directory that is removed afterwards; short, because sockets' paths are.
    static func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let path = "/tmp/weft-\(UInt32.random(in: .min ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }

    // MARK: API

    /// One call of the API over the socket.
    func call(_ method: String, _ path: String, body: (any Encodable)? = nil) async throws -> (status: Int, body: Data)
    {
        let socket = self.listening.apiSocket.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        var request = HTTPClientRequest(url: "http+unix://\(socket)\(path)")
        request.method = .init(rawValue: method)
        if let body { request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body))) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let bytes = try await response.body.collect(upTo: 1 << 24)
        return (Int(response.status.code), Data(bytes.readableBytesView))
    }

    func get<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value {
        try JSONDecoder().decode(type, from: try await self.call("GET", path).body)
    }

    func apply(_ text: String, dryRun: Bool = false) async throws -> (status: Int, body: Data) {
        try await self.call(
            "POST", "/v1/apply",
            body: ApplyRequest(documents: [APIDocument(file: "test.yaml", text: text)], dryRun: dryRun))
    }

    func token(_ service: String, uses: Int = 1) async throws -> String {
        let answer = try await self.call("POST", "/v1/tokens", body: TokenRequest(service: service, uses: uses))
        return try JSONDecoder().decode(CreatedToken.self, from: answer.body).token
    }

    // MARK: Mesh

    /// A client with this identity; without one it can only join.
    func client<Result: Sendable>(
        _ identity: WorkloadIdentity? = nil, _ body: @Sendable @escaping (MeshClient) async throws -> Result
    ) async throws -> Result {
        let security: HTTP2ClientTransport.Posix.TransportSecurity =
            if let identity {
                .mTLS(
                    certificateChain: identity.chain.map { .bytes($0, format: .der) },
                    privateKey: .bytes(identity.keyDER, format: .der)
                ) {
                    $0.serverCertificateVerification = .noHostnameVerification
                    $0.trustRoots = .certificates(identity.bundle.map { .bytes($0, format: .der) })
                }
            } else {
                .tls { $0.serverCertificateVerification = .noVerification }
            }
        return try await withGRPCClient(
            transport: .http2NIOPosix(
                target: .ipv4(address: "127.0.0.1", port: self.listening.meshPort), transportSecurity: security)
        ) { try await body($0) }
    }

    /// Joins with a token.
    func join(_ token: String) async throws -> WorkloadIdentity {
        let key = P256.Signing.PrivateKey()
        let csr = try SigningRequest.der(for: key)
        let answer = try await self.client { client in
            try await Weft_V1_WorkloadService.Client(wrapping: client).join(
                .with {
                    $0.token = token
                    $0.csrDer = Data(csr)
                })
        }
        return try WorkloadIdentity(
            key: key, chain: answer.certificateChainDer.map { [UInt8]($0) },
            bundle: answer.bundleDer.map { [UInt8]($0) }, now: Date())
    }

    /// Registers a ready workload and keeps it while `body` runs.
    func registered<Result: Sendable>(
        _ service: String, as name: String, identity: WorkloadIdentity, port: Int = 8080, adminPort: Int = 0,
        labels: [String: String] = [:], stats: Weft_V1_Stats? = nil,
        _ body: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        try await self.client(identity) { client in
            let (ready, signal) = AsyncStream.makeStream(of: String.self)
            return try await withThrowingTaskGroup(of: Result?.self) { group in
                group.addTask {
                    try await Weft_V1_WorkloadService.Client(wrapping: client).connect { writer in
                        try await writer.write(
                            .with {
                                $0.register = .with {
                                    $0.service = service
                                    $0.namespace = "default"
                                    $0.account = service
                                    $0.name = name
                                    $0.address = "127.0.0.1"
                                    $0.version = "test"
                                    $0.adminPort = UInt32(adminPort)
                                    $0.labels = labels
                                    $0.ports = [
                                        .with {
                                            $0.port = UInt32(port)
                                            $0.inboundPort = UInt32(port + 1)
                                        }
                                    ]
                                }
                            })
                        try await writer.write(.with { $0.readiness = .with { $0.ready = true } })
                        if let stats { try await writer.write(.with { $0.stats = stats }) }
                        try? await Task.sleep(for: .seconds(3600))
                    } onResponse: { response in
                        for try await message in response.messages {
                            switch message.message {
                            case .registered(let registered)?: signal.yield(registered.workload)
                            case .rejected(let rejected)?:
                                throw RPCError(code: .permissionDenied, message: rejected.cause)
                            case .heartbeat?, .quota?, .trust?, .records?, .tap?, nil: break
                            }
                        }
                    }
                    return nil
                }
                group.addTask {
                    for await _ in ready { return try await body() }
                    return nil
                }
                defer { group.cancelAll() }
                while let next = try await group.next() {
                    if let next { return next }
                }
                throw CancellationError()
            }
        }
    }
}

extension ThrowingTaskGroup {
    fileprivate mutating func waitForAllQuietly() async {
        while await self.nextResult() != nil {}
    }
}
