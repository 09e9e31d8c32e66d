import Testing
import WeftConfig
import WeftModel

@Suite struct AuthorizationReaderTests {
    private func policy(_ rule: String, _ more: String = "") -> Reading {
        read(
            """
            apiVersion: weft.dev/v1
            kind: AuthorizationPolicy
            metadata: {name: callers}
            spec: {rules: [\(rule)]\(more)}
            """)
    }

    private func errors(_ rule: String, _ more: String = "") -> [Diagnostic] {
        self.policy(rule, more).diagnostics.filter { $0.severity == .error }
    }

    @Test func `a policy is read with everything that it says`() throws {
        let reading = self.policy(
            """
            {from: [{identities: ["*"], networks: [10.0.0.0/8]}], to: [{methods: [GET], paths: ["/v1/*"]}], \
            when: [{header: X-Tenant, values: ["gold*"]}, {claim: realm.roles, notValues: [a]}]}
            """, ", action: DENY, audit: true")
        #expect(reading.diagnostics.map(\.description) == [])
        guard case .authorizationPolicy(let policy)? = reading.resources.first?.resource else {
            Issue.record("no policy")
            return
        }
        var source = AuthorizationSource()
        source.identities = [.any]
        source.networks = [try #require(NetworkPrefix("10.0.0.0/8"))]
        var operation = AuthorizationOperation()
        operation.methods = ["GET"]
        operation.paths = [.prefix("/v1/")]
        #expect(policy.action == .deny)
        #expect(policy.isAudit)
        #expect(policy.targets.isEmpty)
        #expect(
            policy.rules == [
                AuthorizationRule(
                    from: [source], to: [operation],
                    when: [
                        AuthorizationCondition(subject: .header("x-tenant"), values: [.prefix("gold")]),
                        AuthorizationCondition(subject: .claim(["realm", "roles"]), notValues: [.exact("a")]),
                    ])
            ])
    }

    static let refusedRules: [(rule: String, field: String)] = [
        ("{form: []}", "spec.rules[0].form"),
        ("{from: []}", "spec.rules[0].from"),
        ("{from: [{}]}", "spec.rules[0].from[0]"),
        ("{from: [{identities: []}]}", "spec.rules[0].from[0].identities"),
        ("{from: [{identities: [billing]}]}", "spec.rules[0].from[0].identities[0]"),
        ("{from: [{identities: [\"spiffe://mesh.lo*\"]}]}", "spec.rules[0].from[0].identities[0]"),
        ("{from: [{identities: [\"spiffe://mesh.local*\"]}]}", "spec.rules[0].from[0].identities[0]"),
        ("{from: [{identities: [\"spiffe://*\"]}]}", "spec.rules[0].from[0].identities[0]"),
        ("{from: [{identities: [\"spiffe://a/*/b\"]}]}", "spec.rules[0].from[0].identities[0]"),
        ("{from: [{identities: [\"*\", \"*\"]}]}", "spec.rules[0].from[0].identities[1]"),
        ("{from: [{namespaces: [\"def*\"]}]}", "spec.rules[0].from[0].namespaces[0]"),
        ("{from: [{networks: [10.0.0.1/8]}]}", "spec.rules[0].from[0].networks[0]"),
        ("{from: [{networks: [10.0.0/8]}]}", "spec.rules[0].from[0].networks[0]"),
        ("{from: [{networks: [\"::ffff:10.0.0.0/104\"]}]}", "spec.rules[0].from[0].networks[0]"),
        ("{to: [{methods: [get]}]}", "spec.rules[0].to[0].methods[0]"),
        ("{to: [{methods: [\"*\"]}]}", "spec.rules[0].to[0].methods[0]"),
        ("{to: [{paths: [v1]}]}", "spec.rules[0].to[0].paths[0]"),
        ("{to: [{paths: [/a/../b]}]}", "spec.rules[0].to[0].paths[0]"),
        ("{to: [{paths: [/a//b]}]}", "spec.rules[0].to[0].paths[0]"),
        ("{to: [{paths: [\"/a?b\"]}]}", "spec.rules[0].to[0].paths[0]"),
        ("{to: [{paths: [\"/a/*/b\"]}]}", "spec.rules[0].to[0].paths[0]"),
        ("{to: [{paths: [\"/%61\"]}]}", "spec.rules[0].to[0].paths[0]"),
        ("{to: [{paths: [\"/a%2*\"]}]}", "spec.rules[0].to[0].paths[0]"),
        ("{when: [{values: [a]}]}", "spec.rules[0].when[0]"),
        ("{when: [{header: a, claim: b}]}", "spec.rules[0].when[0]"),
        ("{when: [{header: x-weft-peer, values: [a]}]}", "spec.rules[0].when[0].header"),
        ("{when: [{header: host, values: [a]}]}", "spec.rules[0].when[0].header"),
        ("{when: [{header: \":path\", values: [a]}]}", "spec.rules[0].when[0].header"),
        ("{when: [{claim: a..b}]}", "spec.rules[0].when[0].claim"),
        ("{when: [{claim: \"https://a.example/roles\"}]}", "spec.rules[0].when[0].claim"),
        ("{when: [{claim: a, notClaims: [b]}]}", "spec.rules[0].when[0].notClaims"),
        ("{when: [{header: a, values: []}]}", "spec.rules[0].when[0].values"),
    ]

    @Test(arguments: refusedRules)
    func `what could not mean what it says is refused`(rule: String, field: String) {
        #expect(self.errors(rule).map(\.field) == [field])
    }

    @Test func `a path that no request has is refused with the form that requests have`() {
        #expect(self.errors("{to: [{paths: [\"/a/%7Eb/*\"]}]}").map(\.remedy) == ["Write /a/~b/*."])
        #expect(self.errors("{to: [{paths: [\"*%2f\"]}]}").map(\.remedy) == ["Write *%2F."])
    }

    @Test func `a network is refused with the address of the whole`() {
        #expect(self.errors("{from: [{networks: [10.1.2.3/8]}]}").map(\.remedy) == ["Write 10.0.0.0/8."])
    }

    @Test(arguments: [("ALLOW", "allows nobody"), ("DENY", "denies nobody")])
    func `a policy without rules is warned about with what it means`(action: String, meaning: String) {
        let reading = self.policy("", ", action: \(action)")
        #expect(reading.resources.count == 1)
        #expect(reading.diagnostics.map(\.severity) == [.warning])
        #expect(reading.diagnostics.first?.message.contains(meaning) == true)
    }

    static let refusedTargets: [(targets: String, field: String)] = [
        ("[]", "spec.targetRefs"),
        ("[{kind: Service, name: a, namespace: b}]", "spec.targetRefs[0].namespace"),
        ("[{kind: Gateway, name: a}]", "spec.targetRefs[0].kind"),
        ("[{kind: Service, group: x, name: a}]", "spec.targetRefs[0].group"),
        ("[{kind: Service, name: a}, {kind: Service, name: a}]", "spec.targetRefs[1]"),
        ("[{kind: HTTPRoute, name: a, sectionName: b}]", "spec.targetRefs[0].sectionName"),
        ("[{kind: Service, name: a, sectionName: 0}]", "spec.targetRefs[0].sectionName"),
    ]

    @Test func `a secret in an address is not repeated`() throws {
        let reading = read(
            """
            apiVersion: weft.dev/v1
            kind: RequestAuthentication
            metadata: {name: a}
            spec: {rules: [{issuer: a, jwksUri: "https://user:SECRET@id.example/keys?key=SECRET"}]}
            """)
        let finding = try #require(reading.diagnostics.first { $0.field == "spec.rules[0].jwksUri" })
        #expect(!finding.description.contains("SECRET"))
        #expect(finding.message.contains("https://…@id.example/keys?key=…"))
    }

    @Test(arguments: refusedTargets)
    func `targets that policies cannot act on are refused`(targets: String, field: String) {
        #expect(self.errors("{}", ", targetRefs: \(targets)").map(\.field) == [field])
    }

    // MARK: Tokens

    private func complaints(_ rule: String) -> [Diagnostic] {
        read(
            """
            apiVersion: weft.dev/v1
            kind: RequestAuthentication
            metadata: {name: users}
            spec: {rules: [\(rule)]}
            """
        ).diagnostics
    }

    static let refusedTokens: [(rule: String, field: String)] = [
        ("{jwksFile: /a}", "spec.rules[0]"),
        ("{issuer: a}", "spec.rules[0]"),
        ("{issuer: a, jwksFile: /a, jwks: '{}'}", "spec.rules[0]"),
        ("{issuer: a, jwksFile: a}", "spec.rules[0].jwksFile"),
        ("{issuer: a, jwksUri: http://id.example/keys}", "spec.rules[0].jwksUri"),
        ("{issuer: a, jwksUri: http://127.0.0.1.evil.example/keys}", "spec.rules[0].jwksUri"),
        ("{issuer: a, jwksUri: http://localhost@evil.example/keys}", "spec.rules[0].jwksUri"),
        ("{issuer: a, jwksUri: ftp://id.example/keys}", "spec.rules[0].jwksUri"),
        ("{issuer: a, jwks: 'hello'}", "spec.rules[0].jwks"),
        ("{issuer: a, jwks: '{\"keys\": []}'}", "spec.rules[0].jwks"),
        ("{issuer: a, jwks: '{\"keys\": [{\"kty\": \"oct\", \"k\": \"AA\"}]}'}", "spec.rules[0].jwks"),
        ("{issuer: a, jwks: '{\"keys\": [{\"kty\": \"EC\", \"d\": \"AA\"}]}'}", "spec.rules[0].jwks"),
        ("{issuer: a, jwksFile: /a, audiences: []}", "spec.rules[0].audiences"),
        ("{issuer: a, jwksFile: /a, from: [cookie]}", "spec.rules[0].from[0]"),
        ("{issuer: a, jwksFile: /a, from: [{prefix: x}]}", "spec.rules[0].from[0]"),
        ("{issuer: a, jwksFile: /a}, {issuer: a, jwksFile: /b}", "spec.rules[1]"),
    ]

    @Test(arguments: refusedTokens)
    func `rules that would believe nobody, or anybody, are refused`(rule: String, field: String) {
        #expect(self.complaints(rule).map(\.field) == [field])
    }

    // MARK: Peers

    @Test(arguments: [
        ("{}", "spec"), ("{mode: off}", "spec.mode"), ("{ports: {http: strict}}", "spec.ports"),
        ("{targetRefs: [{kind: Service, name: a}], ports: {HTTP: strict}}", "spec.ports.HTTP"),
        ("{targetRefs: [{kind: Service, name: a, sectionName: b}], ports: {http: strict}}", "spec.ports"),
        ("{targetRefs: [{kind: HTTPRoute, name: a}], mode: strict}", "spec.targetRefs[0].kind"),
    ])
    func `peer authentications that say nothing clear are refused`(spec: String, field: String) {
        let reading = read(
            "apiVersion: weft.dev/v1\nkind: PeerAuthentication\nmetadata: {name: a}\nspec: \(spec)\n")
        #expect(reading.diagnostics.map(\.field).contains(field))
        #expect(reading.resources.isEmpty)
    }
}
