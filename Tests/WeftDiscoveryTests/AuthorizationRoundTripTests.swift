import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftModel
import WeftProtos

@Suite struct AuthorizationRoundTripTests {
    private func provenance(_ kind: ResourceKind, _ name: String) -> Provenance {
        Provenance(
            resource: ResourceKey(kind: kind, namespace: "default", name: name), revision: Revision(3),
            file: "mesh.yaml", line: 4)
    }

    /// Every field, none of it the default.
    private func full() throws -> InboundListener {
        guard case .inbound(var listener) = Samples.inbound else {
            throw CancellationError()
        }
        var source = AuthorizationSource()
        source.identities = [.any, .exact(Samples.spiffe("a")), .prefix("spiffe://mesh.local/ns/x/"), .suffix("/sa/b")]
        source.notIdentities = [.exact(Samples.spiffe("c"))]
        source.namespaces = ["default", "x"]
        source.notNamespaces = ["y"]
        source.networks = [try #require(NetworkPrefix("10.0.0.0/8")), try #require(NetworkPrefix("fd00::/8"))]
        source.notNetworks = [try #require(NetworkPrefix("::1"))]
        var operation = AuthorizationOperation()
        operation.methods = ["GET", "PURGE"]
        operation.notMethods = ["POST"]
        operation.paths = [.any, .exact("/a"), .prefix("/b/"), .suffix(".json")]
        operation.notPaths = [.exact("/c")]
        let scope = [
            RouteMatch(
                path: .exact("/a"), method: "GET",
                headers: [
                    HeaderMatch(name: "x-a", value: .exact("")), HeaderMatch(name: "x-b", value: .present),
                    HeaderMatch(name: "x-c", value: .regularExpression("a.*")),
                ], queryParameters: [QueryParameterMatch(name: "q", value: .exact("1"))]),
            RouteMatch(path: .prefix("/")), RouteMatch(path: .regularExpression("/[a-z]+")),
        ]
        listener.authorization.policies = [
            AuthorizationRules(
                source: self.provenance(.authorizationPolicy, "a"), action: .deny, isAudit: true, scope: scope,
                rules: [
                    AuthorizationRule(
                        from: [source], to: [operation],
                        when: [
                            AuthorizationCondition(
                                subject: .header("x-tenant"), values: [.prefix("gold")], notValues: [.any]),
                            AuthorizationCondition(subject: .claim(["realm", "a.b"]), values: [.exact("")]),
                        ]), AuthorizationRule(),
                ]),
            AuthorizationRules(source: self.provenance(.authorizationPolicy, "b"), action: .allow, rules: []),
        ]
        listener.authorization.unmatched = .deny
        listener.authorization.unmatchedSource = self.provenance(.meshSettings, "mesh")
        listener.authorization.issuers = [
            TokenIssuer(
                source: self.provenance(.requestAuthentication, "users"), issuer: "https://id.example",
                audiences: ["a", "b"], keys: "{\"keys\": []}",
                locations: [.header(name: "x-j", prefix: "J "), .bearer],
                isForwarded: false, isRequired: true, scope: scope),
            TokenIssuer(source: self.provenance(.requestAuthentication, "plain"), issuer: "i"),
        ]
        listener.mtls = .disabled
        listener.mtlsSource = self.provenance(.peerAuthentication, "p")
        return listener
    }

    private func roundTrip(_ listener: InboundListener) throws -> XDSDecoder.Resource {
        let body = try #require(try XDSEncoder(dialect: .weft).encode(.inbound(listener)))
        return try XDSDecoder.decode(.listener, body)
    }

    @Test func `who may call comes back as it went`() throws {
        let listener = try self.full()
        #expect(try self.roundTrip(listener) == .listener(.inbound(listener), inlineRoutes: nil))
    }

    @Test func `random rules come back as they went`() throws {
        var random = SeededGenerator(seed: 7)
        let full = try self.full()
        for _ in 0..<200 {
            var listener = full
            listener.authorization.policies.shuffle(using: &random)
            for index in listener.authorization.policies.indices {
                listener.authorization.policies[index].isAudit = .random(using: &random)
                if Bool.random(using: &random) {
                    listener.authorization.policies[index].scope.removeLast(
                        listener.authorization.policies[index].scope.isEmpty ? 0 : 1)
                }
                for rule in listener.authorization.policies[index].rules.indices where Bool.random(using: &random) {
                    listener.authorization.policies[index].rules[rule].when.shuffle(using: &random)
                    if Bool.random(using: &random) { listener.authorization.policies[index].rules[rule].to = [] }
                    if Bool.random(using: &random) { listener.authorization.policies[index].rules[rule].from = [] }
                }
            }
            listener.mtls = MTLSMode.allCases.randomElement(using: &random) ?? .strict
            if Bool.random(using: &random) { listener.mtlsSource = nil }
            if Bool.random(using: &random) { listener.authorization.unmatched = .allow }
            if Bool.random(using: &random) { listener.authorization.issuers.removeLast() }
            #expect(try self.roundTrip(listener) == .listener(.inbound(listener), inlineRoutes: nil))
        }
    }

    /// What a newer control plane might send.
    static let unknown: [@Sendable (inout Weft_V1_Authorization) -> Void] = [
        { $0.policies[0].action = "LOG" },
        { $0.policies[0].rules[0].from[0].identities[0].pattern = nil },
        { $0.policies[0].rules[0].from[0].identities[0].exact = "billing" },
        { $0.policies[0].rules[0].from[0].networks = ["10.0.0/8"] },
        { $0.policies[0].rules[0].from = [Weft_V1_AuthorizationSource()] },
        { $0.policies[0].rules[0].to = [Weft_V1_AuthorizationOperation()] },
        { $0.policies[0].rules[0].when[0].subject = nil },
        { $0.policies[0].rules[0].when[0].values[0].pattern = nil },
        { $0.policies[0].scope[0].path = nil },
        { $0.policies[0].scope[0].regularExpression = "(" },
        { $0.policies[0].scope[0].headers[0].value = nil },
        { $0.policies[0].source.kind = "Rule" },
        { $0.issuers[0].issuer = "" },
        { $0.issuers[0].locations = [] },
    ]

    @Test(arguments: unknown.indices)
    func `what this version does not understand is refused, never passed over`(index: Int) throws {
        let body = try #require(try XDSEncoder(dialect: .weft).encode(.inbound(try self.full())))
        var listener = try Envoy_Config_Listener_V3_Listener(serializedBytes: body.value)
        var inbound = try Weft_V1_InboundListener(
            serializedBytes: listener.filterChains[0].filters[0].typedConfig.value)
        Self.unknown[index](&inbound.authorization)
        listener.filterChains[0].filters[0].typedConfig.value = try inbound.serializedBytes()
        var changed = body
        changed.value = try listener.serializedBytes()
        #expect(throws: XDSDecodingError.self) { try XDSDecoder.decode(.listener, changed) }
    }
}

/// Repeats itself for a seed. SplitMix64.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
