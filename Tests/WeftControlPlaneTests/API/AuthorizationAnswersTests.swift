import Testing
import WeftModel

@testable import WeftControlPlane

/// What `weft authz check` answers, whatever the names in the question lead to.
@Suite struct AuthorizationAnswersTests {
    private static func source(_ name: String, _ kind: ResourceKind = .authorizationPolicy) -> Provenance {
        Provenance(resource: ResourceKey(kind: kind, namespace: "default", name: name), revision: Revision(3))
    }

    private static func entry(
        _ service: String, _ name: String, namespace: String = "default", account: String? = nil,
        labels: [String: String] = [:]
    ) -> Registry.Entry {
        let account = account ?? service
        return Registry.Entry(
            workload: Workload(
                metadata: Metadata(name: name, namespace: namespace, labels: labels), account: account,
                service: service, address: "10.0.0.1", ports: [Workload.Port(port: 8080, inboundPort: 8081)]),
            identity: SPIFFEID(trustDomain: .standard, namespace: namespace, account: account),
            grants: LabelGrants(labels), readiness: .ready,
            proxyVersion: "test", leaseEnds: .now)
    }

    /// The port of one workload of billing.
    private static func listener(
        _ authorization: Authorization, of workload: String = "billing-1",
        service: ServiceName = ServiceName(namespace: "default", name: "billing"), appProtocol: AppProtocol = .http
    ) -> InboundListener {
        var listener = InboundListener(
            name: InboundListener.name(namespace: "default", workload: workload, appPort: 8080), service: service,
            address: "10.0.0.1", port: 8081, appPort: 8080, appProtocol: appProtocol, mtls: .permissive)
        listener.authorization = authorization
        return listener
    }

    private static func answers(_ listeners: [InboundListener], _ entries: [Registry.Entry]) -> AuthorizationAnswers {
        AuthorizationAnswers(
            snapshot: MeshSnapshot(
                listeners: Dictionary(
                    listeners.map { ($0.name, Listener.inbound($0)) }, uniquingKeysWith: { first, _ in first })),
            entries: entries, trustDomain: .standard)
    }

    /// Lets in whoever is of `accounts`, each by a rule of its own.
    private static func allowing(_ accounts: String...) -> Authorization {
        var authorization = Authorization()
        authorization.policies = [
            AuthorizationRules(
                source: self.source("callers"), action: .allow,
                rules: accounts.map { account in
                    var from = AuthorizationSource()
                    from.identities = [.suffix("/\(account)")]
                    return AuthorizationRule(from: [from])
                })
        ]
        return authorization
    }

    private func check(
        _ answers: AuthorizationAnswers, from: String?, to: String = "billing", path: String? = "/",
        claims: [String: [String]]? = nil
    ) throws -> (verdict: AuthorizationCheckReport.Verdict, remarks: [String]?) {
        let report = try answers.check(
            AuthorizationCheckRequest(from: from, to: to, method: path == nil ? nil : "GET", path: path, claims: claims)
        )
        try #require(report.verdicts.count == 1)
        return (report.verdicts[0], report.remarks)
    }

    @Test func `the rule that decided is named by the number that proxies and metrics name it by`() throws {
        let answers = Self.answers(
            [Self.listener(Self.allowing("ns/default/sa/web", "ns/default/sa/shop"))], [Self.entry("shop", "shop-1")])
        let (verdict, remarks) = try self.check(answers, from: "shop")
        #expect(verdict.isAllowed && remarks == nil)
        #expect(verdict.because == "rule 2 of AuthorizationPolicy/default/callers allows it")
        #expect(verdict.decidedBy == Self.source("callers").ofRule(2))
        #expect(verdict.findings.first?.rule == 2)
    }

    @Test func `an identity that is nowhere is answered for, with the doubt about it`() throws {
        let answers = Self.answers([Self.listener(Self.allowing("ns/default/sa/shop"))], [Self.entry("web", "web-1")])
        var (verdict, remarks) = try self.check(answers, from: "spiffe://mesh.local/ns/default/sa/shop")
        #expect(verdict.isAllowed)
        #expect(
            remarks == ["no workload that is registered has the identity spiffe://mesh.local/ns/default/sa/shop"])
        (verdict, remarks) = try self.check(answers, from: "shpo")
        #expect(!verdict.isAllowed && verdict.reason == "denied")
        #expect(verdict.identity == "spiffe://mesh.local/ns/default/sa/shpo")
        #expect(
            remarks == ["no workload that is registered has the identity spiffe://mesh.local/ns/default/sa/shpo"])
        let error = #expect(throws: APIError.self) { try self.check(answers, from: "spiffe://mesh.local") }
        #expect(error?.location == "from" && error?.status == 400)
    }

    @Test func `a caller of another namespace is found there, and named as what may have been meant`() throws {
        let answers = Self.answers(
            [Self.listener(Self.allowing("ns/money/sa/books"))],
            [Self.entry("shop", "shop-1", namespace: "money", account: "books")])
        var (verdict, remarks) = try self.check(answers, from: "shop.money")
        #expect(verdict.isAllowed && remarks == nil)
        #expect(verdict.identity == "spiffe://mesh.local/ns/money/sa/books", "by its account, not by its name")
        (verdict, remarks) = try self.check(answers, from: "shop")
        #expect(!verdict.isAllowed)
        #expect(verdict.identity == "spiffe://mesh.local/ns/default/sa/shop")
        #expect(remarks?.first?.hasSuffix("; did you mean shop.money?") == true)
    }

    @Test func `a service with several accounts is answered for each`() throws {
        let answers = Self.answers(
            [Self.listener(Self.allowing("ns/default/sa/old"))],
            [Self.entry("shop", "shop-1", account: "old"), Self.entry("shop", "shop-2", account: "young")])
        let report = try answers.check(AuthorizationCheckRequest(from: "shop", to: "billing", method: "GET"))
        #expect(report.verdicts.map(\.isAllowed) == [true, false])
    }

    @Test func `a declared service is found by what it selects`() throws {
        let legacy = Self.entry("legacy", "legacy-1", labels: ["tier": "money"])
        let entries = [legacy, Self.entry("legacy", "legacy-2"), Self.entry("shop", "shop-1")]
        let named = ServiceName(namespace: "default", name: "legacy")
        var answers = Self.answers(
            [
                Self.listener(Self.allowing("ns/default/sa/shop"), of: "legacy-1", service: named),
                Self.listener(Self.allowing("ns/default/sa/web"), of: "legacy-2", service: named),
            ], entries)
        let unknown = #expect(throws: APIError.self) { try self.check(answers, from: "shop") }
        #expect(unknown?.status == 404 && unknown?.location == "to")
        let billing = ServiceName(namespace: "default", name: "billing")
        answers.selectors[billing] = ["tier": "money"]
        #expect(try self.check(answers, from: "shop").verdict.isAllowed)
        // `app` is the service's name where no label says otherwise; an empty selector selects nobody.
        answers.selectors[billing] = ["app": "legacy"]
        #expect(
            try answers.check(AuthorizationCheckRequest(from: "shop", to: "billing", method: "GET")).verdicts.map(
                \.isAllowed) == [true, false])
        answers.selectors[billing] = [:]
        #expect(throws: APIError.self) { try self.check(answers, from: "shop") }
    }

    @Test func `a token that a route requires is required of its requests, and of bytes`() throws {
        var authorization = Authorization()
        authorization.issuers = [
            TokenIssuer(
                source: Self.source("tokens", .requestAuthentication), issuer: "https://issuer.example",
                isRequired: true, scope: [RouteMatch(path: .prefix("/admin"))])
        ]
        let entries = [Self.entry("shop", "shop-1")]
        let answers = Self.answers([Self.listener(authorization)], entries)
        #expect(try self.check(answers, from: "shop", path: "/public").verdict.isAllowed)
        for path in ["/admin", "/admin/users?x=1", "/%61dmin", "/public/../admin"] {
            let verdict = try self.check(answers, from: "shop", path: path).verdict
            #expect(!verdict.isAllowed && verdict.reason == "unauthenticated", "\(path)")
            #expect(
                verdict.because
                    == "RequestAuthentication/default/tokens requires a token, and the request has none")
            #expect(verdict.decidedBy?.resource.name == "tokens")
        }
        #expect(try self.check(answers, from: "shop", path: "/admin", claims: ["sub": ["ada"]]).verdict.isAllowed)
        let bytes = Self.answers([Self.listener(authorization, appProtocol: .tcp)], entries)
        let verdict = try self.check(bytes, from: "shop", path: nil).verdict
        #expect(!verdict.isAllowed && verdict.because.hasSuffix("and bytes carry none"))
    }
}
