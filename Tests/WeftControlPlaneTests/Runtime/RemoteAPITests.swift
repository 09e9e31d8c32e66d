import AsyncHTTPClient
import Crypto
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import ServiceLifecycle
import Testing
import WeftIdentity
import WeftModel

@testable import WeftControlPlane

@Suite(.serialized) struct RemoteAPITests {
    private func status(
        of path: String, port: Int, token: String?, identity: WorkloadIdentity? = nil, maximumTLS: TLSVersion? = nil
    ) async throws -> Int {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        if let identity {
            tls.certificateChain = try identity.chain.map {
                .certificate(try NIOSSLCertificate(bytes: $0, format: .der))
            }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: identity.keyDER, format: .der))
        }
        tls.maximumTLSVersion = maximumTLS
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(configuration: configuration)
        do {
            var request = HTTPClientRequest(url: "https://127.0.0.1:\(port)\(path)")
            if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
            let response = try await client.execute(request, timeout: .seconds(10))
            _ = try await response.body.collect(upTo: 1 << 20)
            try await client.shutdown()
            return Int(response.status.code)
        } catch {
            try await client.shutdown()
            throw error
        }
    }

    @Test func `over TLS the API asks for a bearer token, and TLS below 1_3 is refused`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) {
                $0.apiAddress = .init(host: "127.0.0.1", port: 0)
            } _: { plane in
                let port = try #require(plane.listening.apiPort)
                let answer = try await plane.call("POST", "/v1/tokens", body: TokenRequest(purpose: .api))
                let token = try JSONDecoder().decode(CreatedToken.self, from: answer.body).token
                #expect(try await self.status(of: "/healthz", port: port, token: nil) == 200)
                #expect(try await self.status(of: "/v1/status", port: port, token: nil) == 401)
                #expect(try await self.status(of: "/v1/status", port: port, token: "weft1.x.y.z") == 401)
                #expect(try await self.status(of: "/v1/status", port: port, token: token) == 200)
                // A token for joining is none for the API.
                let join = try await plane.token("billing")
                #expect(try await self.status(of: "/v1/status", port: port, token: join) == 401)
                await #expect(throws: (any Error).self) {
                    try await self.status(of: "/healthz", port: port, token: nil, maximumTLS: .tlsv12)
                }
            }
        }
    }

    @Test func `over TLS the certificate of the account admin in namespace weft will do, and no other`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) {
                $0.apiAddress = .init(host: "127.0.0.1", port: 0)
            } _: { plane in
                let port = try #require(plane.listening.apiPort)
                func identity(_ service: String, namespace: String) async throws -> WorkloadIdentity {
                    let request = TokenRequest(service: service, namespace: namespace)
                    let answer = try await plane.call("POST", "/v1/tokens", body: request)
                    return try await plane.join(try JSONDecoder().decode(CreatedToken.self, from: answer.body).token)
                }
                for (service, namespace, expected) in [
                    ("admin", "weft", 200), ("admin", "default", 403), ("other", "weft", 403),
                ] {
                    let caller = try await identity(service, namespace: namespace)
                    #expect(
                        try await self.status(of: "/v1/status", port: port, token: nil, identity: caller) == expected)
                }
                // One that another authority made is not taken for nobody's: the connection ends.
                var random = SystemRandomNumberGenerator()
                let foreign = try CertificateAuthority(trustDomain: .standard, now: Date(), random: &random)
                let key = P256.Signing.PrivateKey()
                let svid = try foreign.issue(
                    csrDER: SigningRequest.der(for: key),
                    identity: SPIFFEID(trustDomain: .standard, namespace: "weft", account: "admin"), now: Date(),
                    random: &random)
                let forged = try WorkloadIdentity(key: key, chain: svid.chain, bundle: svid.bundle, now: Date())
                await #expect(throws: (any Error).self) {
                    try await self.status(of: "/v1/status", port: port, token: nil, identity: forged)
                }
            }
        }
    }

    @Test func `asked to stop, it ends though proxies are connected`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            let configuration = ControlPlaneConfiguration(
                dataDirectory: directory, meshAddress: .init(host: "127.0.0.1", port: 0))
            let (up, signal) = AsyncStream.makeStream(of: ControlPlane.Listening.self)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let group = ServiceGroup(
                services: [ControlPlane(configuration, logger: logger) { signal.yield($0) }], logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                for await listening in up {
                    let plane = RunningControlPlane(listening: listening, directory: directory)
                    let identity = try await plane.join(try await plane.token("billing"))
                    await #expect(throws: (any Error).self) {
                        try await plane.registered("billing", as: "billing-1", identity: identity) {
                            await group.triggerGracefulShutdown()
                            try await Task.sleep(for: .seconds(3600))
                        }
                    }
                    break
                }
                try await tasks.waitForAll()
            }
        }
    }
}
