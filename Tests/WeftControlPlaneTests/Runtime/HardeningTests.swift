import AsyncHTTPClient
import Crypto
import Foundation
import GRPCCore
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization
import Testing
import WeftIdentity
import WeftModel
import WeftProtos

@testable import WeftControlPlane

@Suite(.serialized) struct HardeningTests {
    private let route = """
        apiVersion: v1
        kind: Service
        metadata: {name: billing}
        spec: {ports: [{port: 80}]}
        """
    private let settings = """
        apiVersion: weft.dev/v1
        kind: MeshSettings
        metadata: {name: mesh}
        spec: {mtls: {mode: permissive}}
        """

    /// One call over TLS.
    private func call(
        _ method: HTTPMethod, _ path: String, port: Int, token: String? = nil, body: (any Encodable)? = nil
    ) async throws -> (status: Int, body: String) {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        let client = HTTPClient(configuration: HTTPClient.Configuration(tlsConfiguration: tls))
        var request = HTTPClientRequest(url: "https://127.0.0.1:\(port)\(path)")
        request.method = method
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if let body { request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body))) }
        do {
            let response = try await client.execute(request, timeout: .seconds(20))
            let text = String(buffer: try await response.body.collect(upTo: 1 << 22))
            try await client.shutdown()
            return (Int(response.status.code), text)
        } catch {
            try await client.shutdown()
            throw error
        }
    }

    private func apiToken(_ plane: RunningControlPlane, _ role: APIRole) async throws -> String {
        let answer = try await plane.call("POST", "/v1/tokens", body: TokenRequest(purpose: .api, role: role))
        return try JSONDecoder().decode(CreatedToken.self, from: answer.body).token
    }

    private func apply(_ text: String) -> ApplyRequest {
        ApplyRequest(documents: [APIDocument(file: "test.yaml", text: text)])
    }

    /// The audit log once it has what is asked for.
    private func audit(
        _ plane: RunningControlPlane, _ query: String = "", until isThere: ([AuditEvent]) -> Bool
    ) async throws -> [AuditEvent] {
        while true {
            let events = try await plane.get(AuditList.self, "/v1/audit?limit=1000\(query)").events
            if isThere(events) { return events }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test(.timeLimit(.minutes(10))) func `viewers read, operators also apply, admins also decide who is trusted`()
        async throws
    {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) {
                $0.apiAddress = .init(host: "127.0.0.1", port: 0)
            } _: { plane in
                let port = try #require(plane.listening.apiPort)
                let calls: [(HTTPMethod, String, (any Encodable)?)] = [
                    (.GET, "/v1/status", nil), (.POST, "/v1/apply", self.apply(self.route)),
                    (.POST, "/v1/apply", self.apply(self.settings)), (.GET, "/v1/tokens", nil),
                    (.GET, "/v1/audit", nil), (.DELETE, "/v1/resources/MeshSettings/default/mesh", nil),
                ]
                for (role, expected) in [
                    (APIRole.viewer, [200, 403, 403, 403, 403, 403]), (.operator, [200, 200, 403, 403, 403, 403]),
                    (.admin, [200, 200, 200, 200, 200, 200]),
                ] {
                    let token = try await self.apiToken(plane, role)
                    var statuses: [Int] = []
                    for (method, path, body) in calls {
                        statuses.append(
                            try await self.call(method, path, port: port, token: token, body: body).status)
                    }
                    #expect(statuses == expected, "\(role)")
                }
                let events = try await self.audit(plane) { events in
                    events.contains { $0.kind == .login && $0.details["cause"]?.contains("operator") == true }
                        && events.contains { $0.subject == "MeshSettings/default/mesh" }
                }
                #expect(events.filter { $0.kind == .credential }.count == 3)
                #expect(events.contains { $0.subject == "Service/default/billing" && $0.actor.hasPrefix("token ") })
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a token bound to a network is of no use elsewhere, and looks unknown there`()
        async throws
    {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                func token(_ network: String) async throws -> String {
                    let request = TokenRequest(service: "billing", network: network)
                    let answer = try await plane.call("POST", "/v1/tokens", body: request)
                    return try JSONDecoder().decode(CreatedToken.self, from: answer.body).token
                }
                _ = try await plane.join(try await token("127.0.0.0/8"))
                let elsewhere = try await token("10.0.0.0/8")
                let error = await #expect(throws: RPCError.self) { try await plane.join(elsewhere) }
                #expect(error?.message == "\(JoinTokenRefusal.unknown)")
                let wrong = try await plane.call(
                    "POST", "/v1/tokens", body: TokenRequest(service: "billing", network: "10.0.0.0/33"))
                #expect(wrong.status == 400)
                let events = try await self.audit(plane, "&kind=attestation") { $0.count >= 2 }
                #expect(events.contains { $0.details["cause"]?.contains("10.0.0.0/8") == true })
                #expect(events.contains { $0.outcome == .done && $0.details["attestation"] == "join_token" })
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `whoever fails to join too often must wait`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) {
                $0.limits.joinBurst = 12
                $0.limits.joinRate = 0.001
            } _: { plane in
                let good = try await plane.token("billing")
                let parts = good.split(separator: ".")
                let bad = "\(parts[0]).\(parts[1]).\(String(repeating: "0", count: 32)).\(parts[3])"
                var codes: [RPCError.Code] = []
                for token in [bad, bad, good] {
                    let error = await #expect(throws: RPCError.self) { try await plane.join(token) }
                    codes.append(error?.code ?? .unknown)
                }
                #expect(codes == [.permissionDenied, .permissionDenied, .resourceExhausted])
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `wrong API tokens are taken down as one, and slow down nobody else`()
        async throws
    {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) {
                $0.apiAddress = .init(host: "127.0.0.1", port: 0)
                $0.limits.failedLogins = 5
            } _: { plane in
                let port = try #require(plane.listening.apiPort)
                var statuses: [Int] = []
                while statuses.last != 429 {
                    statuses.append(
                        try await self.call(.GET, "/v1/status", port: port, token: "weft1.wrong.wrong.wrong").status)
                }
                #expect(statuses.dropLast().allSatisfy { $0 == 401 })
                #expect(statuses.count > 5)
                // Whoever has a good token is not locked out with the one who guesses.
                let good = try await self.apiToken(plane, .viewer)
                #expect(try await self.call(.GET, "/v1/status", port: port, token: good).status == 200)
                // What needs no credentials goes on.
                #expect(try await self.call(.GET, "/v1/trust-bundle", port: port).status == 200)
                let events = try await self.audit(plane, "&kind=login") { !$0.isEmpty }
                #expect(events.count < statuses.count)
                #expect(events.allSatisfy { $0.outcome == .refused })
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `no secret is in the log, the audit log, the history or an answer`()
        async throws
    {
        let lines = LogLines()
        let elsewhere = try NewRootTests.Elsewhere()
        let key = String(repeating: "5a", count: 32)
        try await RunningControlPlane.withDirectory { directory in
            let keyFile = "\(directory)-key"
            defer { try? FileManager.default.removeItem(atPath: keyFile) }
            try Data(key.utf8).write(to: URL(fileURLWithPath: keyFile))
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: keyFile)
            let configuration = {
                var configuration = ControlPlaneConfiguration(
                    dataDirectory: directory, meshAddress: .init(host: "127.0.0.1", port: 0))
                configuration.apiAddress = .init(host: "127.0.0.1", port: 0)
                configuration.authorityKeyFile = keyFile
                return configuration
            }()
            var logger = Logger(label: "test") { _ in lines }
            logger.logLevel = .trace
            let (up, signal) = AsyncStream.makeStream(of: ControlPlane.Listening.self)
            let control = ControlPlane(configuration, logger: logger) { signal.yield($0) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await control.run() }
                for await listening in up {
                    let plane = RunningControlPlane(listening: listening, directory: directory)
                    let port = try #require(listening.apiPort)
                    let api = try await self.apiToken(plane, .admin)
                    let join = try await plane.token("billing")
                    let spent = try await plane.token("billing")
                    let identity = try await plane.join(spent)
                    await #expect(throws: (any Error).self) { try await plane.join(spent) }
                    let broken = String(join.dropLast(64)) + String(repeating: "0", count: 64)
                    _ = try? await plane.join(broken)
                    _ = try await self.call(.GET, "/v1/status", port: port, token: join)
                    _ = try await self.call(.POST, "/v1/apply", port: port, token: api, body: self.apply(self.route))
                    let rotated = try await plane.call(
                        "POST", "/v1/identity/rotation",
                        body: RotationRequest(action: .root, newRoot: elsewhere.newRoot))
                    #expect(rotated.status == 200)
                    _ = try await self.audit(plane, "&kind=login") { !$0.isEmpty }
                    var texts = [lines.text, String(decoding: rotated.body, as: UTF8.self)]
                    for path in ["status", "audit", "tokens", "history", "resources", "trust-bundle", "spiffe-bundle"] {
                        texts.append(String(decoding: try await plane.call("GET", "/v1/\(path)").body, as: UTF8.self))
                    }
                    texts.append(try String(contentsOfFile: "\(directory)/audit.log", encoding: .utf8))
                    let secrets =
                        [api, join, spent].map { String($0.split(separator: ".")[2]) } + [
                            "PRIVATE KEY", Data(identity.keyDER).base64EncodedString(), elsewhere.secret, key,
                        ]
                    for secret in secrets {
                        for (index, text) in texts.enumerated() {
                            #expect(!text.contains(secret), "text \(index) has a secret")
                        }
                    }
                    #expect(texts[0].contains("joined"))
                    // A key that others can read is worth a word, whatever it is.
                    #expect(texts[0].contains("\(keyFile) has the mode 0644; its owner alone should read it"))
                    break
                }
                group.cancelAll()
                while await group.nextResult() != nil {}
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `two meshes that federate believe each other's identities until one withdraws`()
        async throws
    {
        let (west, east) = (try #require(TrustDomain("west.test")), try #require(TrustDomain("east.test")))
        try await RunningControlPlane.withDirectory { westDirectory in
            try await RunningControlPlane.withDirectory { eastDirectory in
                try await RunningControlPlane.with(directory: westDirectory) {
                    $0.trustDomain = west
                    $0.bundleAddress = .init(host: "127.0.0.1", port: 0)
                } _: { [eastDirectory] westPlane in
                    try await RunningControlPlane.with(directory: eastDirectory) {
                        $0.trustDomain = east
                        $0.apiAddress = .init(host: "127.0.0.1", port: 0)
                    } _: { eastPlane in
                        try await self.federate(
                            westPlane, with: east, port: try #require(eastPlane.listening.apiPort), of: eastPlane)
                        try await self.federate(
                            eastPlane, with: west, port: try #require(westPlane.listening.bundlePort), of: westPlane)
                        for (here, there, domain) in [(westPlane, eastPlane, east), (eastPlane, westPlane, west)] {
                            let roots = try await self.federated(of: here, domain) { $0 != nil }
                            let foreign = try await there.join(try await there.token("billing"))
                            let verifier = SVIDVerifier(bundles: [
                                try TrustBundle(trustDomain: domain, der: roots ?? [])
                            ])
                            let peer = try verifier.verify(foreign.chain, now: Date())
                            #expect(peer.id.trustDomain == domain)
                            // Believed by workloads, which is no way into the control plane.
                            await #expect(throws: (any Error).self) {
                                try await here.registered("billing", as: "foreign", identity: foreign) {}
                            }
                        }
                        // The bundle's own port serves nothing else, to nobody.
                        let port = try #require(westPlane.listening.bundlePort)
                        for path in ["/v1/status", "/v1/trust-bundle", "/openapi.json", "/v1/tokens"] {
                            #expect(try await self.call(.GET, path, port: port).status == 404)
                        }
                        #expect(
                            try await westPlane.call("DELETE", "/v1/resources/TrustDomainFederation/default/other")
                                .status == 200)
                        #expect(try await self.federated(of: westPlane, east) { $0 == nil } == nil)
                    }
                }
            }
        }
    }

    /// Applies a federation whose first bundle is what the other serves now.
    private func federate(
        _ plane: RunningControlPlane, with domain: TrustDomain, port: Int, of other: RunningControlPlane
    ) async throws {
        let bundle = try await self.call(.GET, "/v1/spiffe-bundle", port: port)
        #expect(bundle.status == 200)
        let document = try SPIFFEBundleDocument(Array(bundle.body.utf8), of: domain)
        #expect(document.sequence == 1)
        let text = """
            apiVersion: weft.dev/v1
            kind: TrustDomainFederation
            metadata: {name: other}
            spec:
              trustDomain: \(domain)
              bundleEndpoint:
                url: https://127.0.0.1:\(port)/v1/spiffe-bundle
                profile: https_spiffe
                spiffeID: \(CertificateAuthority.controlPlaneID(in: domain))
              bundle: |
                \(bundle.body)
            """
        let answer = try await plane.apply(text)
        #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
    }

    /// The roots of another domain that a control plane believes, once they are as wanted.
    private func federated(
        of plane: RunningControlPlane, _ domain: TrustDomain, until isThere: ([[UInt8]]?) -> Bool
    ) async throws -> [[UInt8]]? {
        while true {
            let view = try await plane.get(TrustBundleView.self, "/v1/trust-bundle")
            let roots = try view.federated?.first { $0.trustDomain == domain.name }.map { found in
                try found.roots.flatMap { try PEM.decode($0).map(\.der) }
            }
            if isThere(roots) { return roots }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test(.timeLimit(.minutes(10))) func `neither port speaks TLS 1_2`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) {
                $0.apiAddress = .init(host: "127.0.0.1", port: 0)
            } _: { plane in
                for port in [plane.listening.meshPort, try #require(plane.listening.apiPort)] {
                    #expect(try Self.openssl(port, "-tls1_3").contains("TLSv1.3"))
                    let old = try Self.openssl(port, "-tls1_2")
                    #expect(old.contains("alert") || old.contains("no peer certificate available"))
                    #expect(!old.contains("BEGIN CERTIFICATE"))
                }
            }
        }
    }

    /// What `openssl s_client` says of a port.
    private static func openssl(_ port: Int, _ version: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "s_client", "-connect", "127.0.0.1:\(port)", version, "-alpn", "h2,http/1.1",
        ]
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}

/// Everything that is logged, at every level.
private final class LogLines: LogHandler, Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { self.lines.withLock { $0.joined(separator: "\n") } }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        self.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
    }
}
