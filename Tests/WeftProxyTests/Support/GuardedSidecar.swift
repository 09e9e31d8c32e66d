import Crypto
import Foundation
import NIOCore
import NIOPosix
import WeftIdentity
import WeftMessage
import WeftModel
import WeftTelemetry

@testable import WeftProxy

/// A sidecar before an application, whose port has policies.
struct GuardedSidecar {
    let group: MultiThreadedEventLoopGroup
    let authority: TestAuthority
    let app: TestApplication
    let sidecar: TestSidecar
    let appProtocol: AppProtocol
    let mtls: MTLSMode

    /// - Parameter mtls: nil is `permissive`, and `disabled` for a port of bytes: where a handshake might come, what looks
    ///   like a request is one.
    static func run(
        _ appProtocol: AppProtocol = .http, _ policies: [AuthorizationRules] = [], issuers: [TokenIssuer] = [],
        mtls: MTLSMode? = nil, _ body: (GuardedSidecar) async throws -> Void
    ) async throws {
        try await withLoops(2) { group in
            let authority = try TestAuthority()
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("billing", on: group) {
                $0.ports = [ApplicationPort(port: app.port, inboundPort: 0, appProtocol: appProtocol)]
                $0.outbound = nil
            }
            try sidecar.server.install(identity: authority.identity("billing"))
            let guarded = GuardedSidecar(
                group: group, authority: authority, app: app, sidecar: sidecar, appProtocol: appProtocol,
                mtls: mtls ?? (appProtocol == .tcp ? .disabled : .permissive))
            try await guarded.install(policies, issuers: issuers)
            try await body(guarded)
            await sidecar.stop()
            await app.stop()
        }
    }

    var port: Int { self.sidecar.inbound.ports[self.app.port] ?? 0 }

    /// Puts other policies in force: on every loop, when it returns.
    func install(
        _ policies: [AuthorizationRules], issuers: [TokenIssuer] = [], mtls: MTLSMode? = nil
    ) async throws {
        var listener = InboundListener(
            name: InboundListener.name(namespace: "default", workload: "billing", appPort: self.app.port),
            service: ServiceName(namespace: "default", name: "billing"), address: "127.0.0.1", port: 0,
            appPort: self.app.port, appProtocol: self.appProtocol, mtls: mtls ?? self.mtls)
        listener.authorization.policies = policies
        listener.authorization.issuers = issuers
        self.sidecar.server.install(
            ProxySnapshot(listeners: [listener.name: .inbound(listener)], isComplete: true))
        // Each loop answers after what it was told before.
        _ = try await self.metrics()
    }

    /// What a caller in the clear gets over HTTP/1.1, as text.
    func ask(_ path: String, _ fields: String...) async throws -> String { try await self.ask(path, fields) }

    func ask(_ path: String, _ fields: [String]) async throws -> String {
        let lines = ["GET \(path) HTTP/1.1", "Host: billing", "Connection: close"] + fields
        return try await RawClient.converse(
            on: self.group, port: self.port, [lines.joined(separator: "\r\n") + "\r\n\r\n"])
    }

    func metrics() async throws -> MetricSnapshot {
        try await self.sidecar.server.metrics(on: self.group.next()).get()
    }

    /// What a kept connection in the clear gets for each of these paths.
    func askKept(_ paths: String...) async throws -> String {
        try await RawClient.converse(
            on: self.group, port: self.port, paths.map { "GET \($0) HTTP/1.1\r\nHost: billing\r\n\r\n" })
    }

    /// Until so many requests in the clear have been counted.
    func plaintext(_ count: UInt64) async throws -> [PlaintextCallers.Count] {
        while true {
            let callers = await self.sidecar.server.plaintextCallers()
            if callers.reduce(0, { $0 + $1.requests }) >= count { return callers }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Until the application has seen so many requests.
    func heads(_ count: Int) async throws {
        while self.app.heads.count < count { try await Task.sleep(for: .milliseconds(2)) }
    }

    static func source(_ name: String) -> Provenance {
        Provenance(
            resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: name), revision: Revision(12),
            file: "f.yaml", line: 3)
    }

    /// A policy with one rule.
    static func policy(
        _ name: String, _ action: AuthorizationAction = .allow, from account: String? = nil, path: String? = nil,
        when conditions: [AuthorizationCondition] = [], isAudit: Bool = false
    ) -> AuthorizationRules {
        var rule = AuthorizationRule(when: conditions)
        if let account {
            var source = AuthorizationSource()
            source.identities = [.suffix("/sa/\(account)")]
            rule.from = [source]
        }
        if let path {
            var operation = AuthorizationOperation()
            operation.paths = [.exact(path)]
            rule.to = [operation]
        }
        return AuthorizationRules(source: self.source(name), action: action, isAudit: isAudit, rules: [rule])
    }
}

/// Whoever signs tokens in a test.
struct TestIssuer {
    private let key = P256.Signing.PrivateKey()

    func issuer(_ change: (inout TokenIssuer) -> Void = { _ in }) -> TokenIssuer {
        var issuer = TokenIssuer(
            source: GuardedSidecar.source("tokens"), issuer: "https://issuer.example",
            keys: JWTSVIDSigner.keySet([self.key.publicKey]))
        change(&issuer)
        return issuer
    }

    func token(role: String = "admin", lasting seconds: Double = 300) throws -> String {
        try JSONWebToken.sign(
            claims: .object([
                "iss": .string("https://issuer.example"), "sub": .string("ada"), "role": .string(role),
                "exp": .integer(Int64(Date().timeIntervalSince1970 + seconds)),
            ]), key: self.key, keyID: JWTSVIDSigner.keyID(of: self.key.publicKey))
    }
}
