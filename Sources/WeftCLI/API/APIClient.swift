internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
package import WeftModel

/// Calls the control plane's API.
package struct APIClient: Sendable {
    package let address: APIAddress
    private let token: String?
    private let client: HTTPClient

    /// Why a file has no certificates to offer; the TLS library says only that.
    private static func fault(inPEM file: String) -> String {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory) else {
            return "there is no such file"
        }
        if isDirectory.boolValue { return "it is a directory" }
        guard let data = FileManager.default.contents(atPath: file) else { return "this user may not read it" }
        return String(decoding: data, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----")
            ? "a certificate in it is damaged" : "it holds no certificate in PEM"
    }

    /// `token` is sent as a bearer token; `certificateAuthority` is a PEM file that an https server is checked against,
    /// the system's own where nil; `certificate` one with a client certificate, what stands between it and its root, and
    /// its key.
    package static func with<Result>(
        _ address: APIAddress, token: String? = nil, certificateAuthority: String? = nil, certificate: String? = nil,
        _ body: (APIClient) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(5)
        // Nobody there is an answer, and trying it for 5 s does not make another of it.
        configuration.connectionPool.retryConnectionEstablishment = false
        var tls = TLSConfiguration.makeClientConfiguration()
        if let certificateAuthority {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(certificateAuthority))
            } catch {
                throw CommandFailure(
                    "the certificate authority cannot be read", at: certificateAuthority,
                    because: Self.fault(inPEM: certificateAuthority),
                    remedy: "Give --api-ca a PEM file; `weft get trust-bundle` prints the mesh's.", exit: .usage)
            }
        }
        if let certificate {
            do {
                tls.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: certificate, format: .pem))
            } catch {
                throw CommandFailure(
                    "the client certificate cannot be read", at: certificate,
                    because: tls.certificateChain.isEmpty
                        ? Self.fault(inPEM: certificate) : "it holds no private key in PEM, or one that is damaged",
                    remedy: "Give --api-cert a PEM file with a certificate and its key.", exit: .usage)
            }
        }
        configuration.tlsConfiguration = tls
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let result = try await body(APIClient(address: address, token: token, client: client))
            try? await client.shutdown()
            return result
        } catch let error {
            try? await client.shutdown()
            throw error
        }
    }

    // MARK: Calls

    package func apply(_ request: ApplyRequest) async throws -> ApplyResponse {
        try await self.call(.POST, "/v1/apply", body: request)
    }

    package func resources(kind: ResourceKind?, namespace: String?) async throws -> ResourceList {
        var query: [String] = []
        if let kind { query.append("kind=\(kind.rawValue)") }
        if let namespace { query.append("namespace=\(Self.escaped(namespace))") }
        return try await self.call(.GET, "/v1/resources" + (query.isEmpty ? "" : "?" + query.joined(separator: "&")))
    }

    package func resource(_ key: ResourceKey) async throws -> ResourceView {
        try await self.call(.GET, Self.path(of: key))
    }

    /// `force` removes what others need; an admin may.
    package func delete(_ key: ResourceKey, force: Bool = false) async throws -> DeleteResponse {
        try await self.call(.DELETE, Self.path(of: key) + (force ? "?force=true" : ""))
    }

    package func status() async throws -> StatusReport { try await self.call(.GET, "/v1/status") }

    /// The golden metrics of the last `window`.
    package func stat(window: Duration) async throws -> StatReport {
        try await self.call(.GET, "/v1/stat?window=\(max(1, window.components.seconds))")
    }

    /// Golden signals of the edges, or groups of them, that a query names.
    package func edges(_ query: TelemetryQuery) async throws -> TelemetryEdges {
        let fields = query.fields.map { "\($0.name)=\(Self.escaped($0.value))" }
        return try await self.call(.GET, "/v1/telemetry/edges?" + fields.joined(separator: "&"))
    }

    /// How well the objectives are kept.
    package func objectives() async throws -> ObjectiveReport { try await self.call(.GET, "/v1/objectives") }

    package func createToken(_ request: TokenRequest) async throws -> CreatedToken {
        try await self.call(.POST, "/v1/tokens", body: request)
    }

    package func tokens() async throws -> TokenList { try await self.call(.GET, "/v1/tokens") }

    package func revokeToken(_ id: String) async throws {
        _ = try await self.send(.DELETE, "/v1/tokens/\(Self.escaped(id))", body: nil, timeout: .seconds(10))
    }

    /// The newest lines of the audit log, newest first.
    package func audit(_ query: AuditQuery) async throws -> AuditList {
        var fields = ["limit=\(query.limit)"]
        if let kind = query.kind { fields.append("kind=\(kind.rawValue)") }
        if let since = query.since { fields.append("since=\(since)") }
        return try await self.call(.GET, "/v1/audit?" + fields.joined(separator: "&"))
    }

    /// A way into the dashboard, for one browser and one time.
    package func createDashboardCode() async throws -> DashboardCode {
        try self.decoded(try await self.send(.POST, "/v1/dashboard/codes", body: nil, timeout: .seconds(10)))
    }

    /// Ends every session of the dashboard; how many there were.
    package func endDashboardSessions() async throws -> DashboardSessionsEnded {
        try await self.call(.DELETE, "/v1/dashboard/sessions")
    }

    package func identity() async throws -> IdentityReport { try await self.call(.GET, "/v1/identity") }

    package func rotate(_ request: RotationRequest) async throws -> IdentityReport {
        try await self.call(.POST, "/v1/identity/rotation", body: request)
    }

    package func revoke(_ request: RevocationRequest) async throws -> IdentityReport {
        try await self.call(.POST, "/v1/identity/revocations", body: request)
    }

    package func restore(_ identity: String) async throws -> IdentityReport {
        try await self.call(.DELETE, "/v1/identity/revocations?identity=\(Self.escaped(identity))")
    }

    package func trustBundle() async throws -> TrustBundleView { try await self.call(.GET, "/v1/trust-bundle") }

    package func plaintext() async throws -> PlaintextReport { try await self.call(.GET, "/v1/identity/plaintext") }

    package func checkAuthorization(_ request: AuthorizationCheckRequest) async throws -> AuthorizationCheckReport {
        try await self.call(.POST, "/v1/authorization/check", body: request)
    }

    package func authorizationCoverage() async throws -> AuthorizationCoverageReport {
        try await self.call(.GET, "/v1/authorization/coverage")
    }

    package func authorizationProposal(
        namespace: String?, service: String?, enforced: Bool
    ) async throws -> AuthorizationProposalReport {
        var query = ["enforced=\(enforced)"]
        if let namespace { query.append("namespace=\(Self.escaped(namespace))") }
        if let service { query.append("service=\(Self.escaped(service))") }
        return try await self.call(.GET, "/v1/authorization/proposal?" + query.joined(separator: "&"))
    }

    /// Whether it answers at all.
    package func isHealthy() async -> Bool {
        await (try? self.send(.GET, "/healthz", body: nil, timeout: .seconds(2))) != nil
    }

    // MARK: Transport

    func call<Answer: Decodable>(_ method: HTTPMethod, _ path: String) async throws -> Answer {
        try self.decoded(try await self.send(method, path, body: nil, timeout: .seconds(10)))
    }

    private func call<Answer: Decodable>(
        _ method: HTTPMethod, _ path: String, body: some Encodable
    ) async throws -> Answer {
        let data = try JSONEncoder().encode(body)
        return try self.decoded(try await self.send(method, path, body: data, timeout: .seconds(60)))
    }

    private func decoded<Answer: Decodable>(_ data: Data) throws -> Answer {
        do {
            return try JSONDecoder().decode(Answer.self, from: data)
        } catch let error {
            let mistake = JSONMistake(error)
            throw CommandFailure(
                "the control plane's answer was not understood", at: "\(self.address)",
                because: (mistake.location.map { "\($0): " } ?? "") + mistake.cause,
                remedy: "Use the same version of weft on both sides.")
        }
    }

    private func send(_ method: HTTPMethod, _ path: String, body: Data?, timeout: TimeAmount) async throws -> Data {
        var request = HTTPClientRequest(url: self.address.url(for: path))
        request.method = method
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response: HTTPClientResponse
        let bytes: ByteBuffer
        do {
            response = try await self.client.execute(request, timeout: timeout)
            bytes = try await response.body.collect(upTo: 64 << 20)
        } catch let error {
            throw self.unreachable(error)
        }
        let data = Data(bytes.readableBytesView)
        guard (200..<300).contains(response.status.code) else {
            throw self.failure(status: Int(response.status.code), data)
        }
        return data
    }

    /// Hands on what comes, piece by piece, until `body` answers false.
    func stream(_ path: String, _ body: (ByteBuffer) throws -> Bool) async throws {
        var request = HTTPClientRequest(url: self.address.url(for: path))
        request.method = .GET
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        let response: HTTPClientResponse
        do { response = try await self.client.execute(request, timeout: .hours(24 * 365)) } catch let error {
            throw self.unreachable(error)
        }
        guard (200..<300).contains(response.status.code) else {
            let bytes = try await response.body.collect(upTo: 1 << 20)
            throw self.failure(status: Int(response.status.code), Data(bytes.readableBytesView))
        }
        for try await chunk in response.body {
            let goesOn = try body(chunk)
            if !goesOn { return }
        }
    }

    private func unreachable(_ error: any Error) -> CommandFailure {
        let remedy =
            switch self.address {
            case .socket: "Is it running, and may you use its socket? `weft up FLEET` or `weft control` starts one."
            case .url: "Check the address, the network, and --api-ca against the server's certificate."
            }
        return CommandFailure(
            "the control plane does not answer", at: "\(self.address)", because: Self.cause(of: error), remedy: remedy)
    }

    /// What failed, without the names of our own calls.
    private static func cause(of error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { Self.cause(of: $0.error) } ?? "nobody of that name"
        case let error as HTTPClientError
        where [.connectTimeout, .deadlineExceeded, .readTimeout].contains(error):
            "no answer in time"
        case let error where error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError:
            Self.tlsCause(of: "\(error)")
        default: "\(error)"
        }
    }

    /// What a handshake failed of, from the words of the TLS library, which also name places in its source.
    static func tlsCause(of text: String) -> String {
        let alerts: [(String, String)] = [
            ("CERTIFICATE_VERIFY_FAILED", "its certificate was issued by an authority that is not trusted here"),
            ("failedToValidateHostname", "its certificate is for another name"),
            ("ALERT_CERTIFICATE_REQUIRED", "it wants a client certificate; give one with --api-cert"),
            ("ALERT_HANDSHAKE_FAILURE", "it refused the handshake"),
            ("ALERT_UNKNOWN_CA", "it does not trust the client certificate's authority"),
            ("ALERT_BAD_CERTIFICATE", "it refused the client certificate"),
            ("CERTIFICATE_EXPIRED", "it says that the client certificate has expired"),
            ("CERTIFICATE_REVOKED", "it says that the client certificate is revoked"),
            ("ACCESS_DENIED", "it refused the client certificate"),
            ("HTTP_REQUEST", "it speaks plain http, not TLS"),
            ("WRONG_VERSION_NUMBER", "it does not speak TLS"),
            ("uncleanShutdown", "it closed the connection in the middle of an answer"),
        ]
        return alerts.first { text.contains($0.0) }?.1 ?? "the TLS handshake failed"
    }

    private func failure(status: Int, _ data: Data) -> CommandFailure {
        guard let error = try? JSONDecoder().decode(APIError.self, from: data) else {
            return CommandFailure("the control plane answered \(status)", at: "\(self.address)")
        }
        return CommandFailure(
            error.message, at: error.location, because: error.cause, remedy: error.remedy,
            details: error.diagnostics.map(\.description))
    }

    private static func path(of key: ResourceKey) -> String {
        "/v1/resources/\(key.kind.rawValue)/\(self.escaped(key.namespace))/\(self.escaped(key.name))"
    }

    static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-._~")))
            ?? text
    }
}
