import Testing
import WeftConfig
import WeftModel

@Suite struct AuthorizationLintTests {
    private let billing = service(
        "billing", "{name: http, port: 80, appProtocol: http}, {name: raw, port: 9000, appProtocol: tcp}")

    private func authorization(
        _ rule: String, on targets: String? = nil, kind: String = "AuthorizationPolicy"
    ) -> String {
        let refs = targets.map { ", targetRefs: [\($0)]" } ?? ""
        return
            "apiVersion: weft.dev/v1\nkind: \(kind)\nmetadata: {name: callers}\nspec: {rules: [\(rule)]\(refs)}"
    }

    private func peers(_ name: String, _ spec: String) -> String {
        "apiVersion: weft.dev/v1\nkind: PeerAuthentication\nmetadata: {name: \(name)}\nspec: {\(spec)}"
    }

    private let onBilling = "{kind: Service, name: billing}"
    private let onHTTP = "{kind: Service, name: billing, sectionName: http}"
    private let tokens = "{issuer: a, jwksFile: /keys}"

    @Test(arguments: [
        "{to: [{methods: [GET]}]}", "{when: [{header: x-a}]}",
    ])
    func `a rule that needs requests is an error on a port of bytes, and names it`(rule: String) throws {
        for targets in [self.onBilling, nil] {
            let found = lint([self.billing, self.authorization(rule, on: targets)])
            #expect(found.map(\.severity) == [.error])
            #expect(found.first?.message.contains("billing.default:9000") == true)
            #expect(found.first?.resource == "AuthorizationPolicy/default/callers")
        }
        #expect(lint([self.billing, self.authorization(rule, on: self.onHTTP)]).isEmpty)
    }

    @Test func `who calls may be asked on any port`() {
        #expect(lint([self.billing, self.authorization("{from: [{namespaces: [default]}]}")]).isEmpty)
    }

    @Test func `tokens cannot be looked for in bytes`() {
        let kind = "RequestAuthentication"
        #expect(
            lint([self.billing, self.authorization(self.tokens, on: self.onBilling, kind: kind)]).map(\.severity)
                == [.error])
        #expect(lint([self.billing, self.authorization(self.tokens, on: self.onHTTP, kind: kind)]).isEmpty)
    }

    @Test func `a workload's word about its port counts where nobody declared the service`() {
        let registered = Workload(
            metadata: Metadata(name: "cache-1"), account: "cache", service: "cache", address: "127.0.0.1",
            ports: [Workload.Port(port: 6379, appProtocol: .tcp)])
        let found = lint([self.authorization("{to: [{methods: [GET]}]}")], registered: [registered])
        #expect(found.map(\.severity) == [.error, .error])
    }

    @Test func `callers of a port without mutual TLS prove nothing`() {
        let rule = "{from: [{identities: [\"*\"]}]}"
        let disabled = self.peers("open", "targetRefs: [\(self.onBilling)], ports: {raw: disabled}")
        let found = lint([self.billing, disabled, self.authorization(rule, on: self.onBilling)])
        #expect(found.map(\.severity) == [.error])
        #expect(found.first?.message.contains("billing.default:9000") == true)
        #expect(found.first?.message.contains("PeerAuthentication/default/open") == true)
        #expect(lint([self.billing, disabled, self.authorization(rule, on: self.onHTTP)]).isEmpty)
        let networks = self.authorization("{from: [{networks: [10.0.0.0/8]}]}", on: self.onBilling)
        #expect(lint([self.billing, disabled, networks]).isEmpty)
    }

    @Test func `a claim needs somebody whose tokens are believed there`() {
        let rule = "{when: [{claim: a, values: [b]}]}"
        let policy = self.authorization(rule, on: self.onHTTP)
        #expect(lint([self.billing, policy]).map(\.severity) == [.error])
        #expect(lint([self.billing, policy], scope: .documents).map(\.severity) == [.warning])
        for targets in [self.onHTTP, "{kind: Service, name: billing, sectionName: 80}"] {
            let believed = self.authorization(self.tokens, on: targets, kind: "RequestAuthentication")
            #expect(lint([self.billing, policy, believed]).isEmpty)
        }
    }

    @Test func `a policy for a namespace where nothing is guards nothing`() {
        let policy =
            "apiVersion: weft.dev/v1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: defualt}\nspec: {}"
        let found = lint([self.billing, policy])
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.message.contains("in the namespace defualt") == true)
        #expect(found.first?.field == "metadata.namespace")
        #expect(lint([self.billing, policy.replacing("defualt", with: "default")]).isEmpty)
    }

    @Test func `identities and namespaces that nobody has are warned about`() {
        let rule = """
            {from: [{identities: ["spiffe://mesh.local/ns/default/sa/biling", "spiffe://mesh.local/ns/x/*"], \
            notNamespaces: [defalt]}, {identities: ["spiffe://mesh.local/ns/default/sa/billing"]}]}
            """
        let found = lint([self.billing, self.authorization(rule)])
        #expect(found.map(\.severity) == [.warning, .warning, .warning])
        #expect(
            Set(found.compactMap(\.field)) == [
                "spec.rules[0].from[0].identities[0]", "spec.rules[0].from[0].identities[1]",
                "spec.rules[0].from[0].notNamespaces[0]",
            ])
    }

    @Test(arguments: [
        ("methods: [DELET, GET]", "methods[0]", "Did you mean DELETE?"),
        ("notMethods: [GTE]", "notMethods[0]", "Did you mean GET?"),
        ("paths: [/a, \"/a%2Fb/*\"]", "paths[1]", "escapedSlashes"),
        ("notPaths: [\"*%5C\"]", "notPaths[0]", "escapedSlashes"),
    ])
    func `what no request has is warned about`(part: String, field: String, remedy: String) throws {
        let found = lint([self.billing, self.authorization("{to: [{\(part)}]}", on: self.onHTTP)])
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.field == "spec.rules[0].to[0].\(field)")
        #expect(found.first?.remedy?.contains(remedy) == true)
    }

    @Test func `escaped slashes are fine where they are kept`() {
        let keeps = policy("keeps", "billing", "forwarding: {escapedSlashes: keep}")
        let rule = "{to: [{paths: [/a%2Fb], methods: [PURGE, M-SEARCH, PROPFIND]}]}"
        #expect(lint([self.billing, keeps, self.authorization(rule, on: self.onHTTP)]).isEmpty)
    }

    @Test(arguments: [
        ("spiffe://mesh.local/ns/default*", true), ("*billing", true),
        ("spiffe://mesh.local/ns/default/sa/bill*", true),
        ("spiffe://mesh.local/ns/default/*", false), ("spiffe://mesh.local/ns/default/sa/billing-*", false),
        ("*/sa/billing", false), ("*", false),
    ])
    func `an identity that is cut off within a name is warned about`(identity: String, isFound: Bool) {
        let found = lint([self.billing, self.authorization("{from: [{identities: [\"\(identity)\"]}]}")])
        #expect(found.contains { $0.message.contains("takes in other names") } == isFound)
    }

    @Test func `identities of trust domains that nobody believes are warned about`() {
        let rule =
            "{from: [{identities: [\"spiffe://mesh.locl/ns/default/sa/billing\", \"spiffe://other.example/*\"]}]}"
        let policy = self.authorization(rule)
        func fields(_ more: [String], _ own: TrustDomain?) -> [String] {
            lint([self.billing, policy] + more, trustDomain: own).filter { $0.message.contains("Federation") }
                .compactMap(\.field)
        }
        let place = "spec.rules[0].from[0].identities"
        #expect(fields([], .standard) == ["\(place)[0]", "\(place)[1]"])
        #expect(fields([], nil).isEmpty)
        let other = """
            apiVersion: weft.dev/v1
            kind: TrustDomainFederation
            metadata: {name: other}
            spec: {trustDomain: other.example, bundleEndpoint: {url: "https://other.example/", profile: https_web}}
            """
        #expect(fields([other], .standard) == ["\(place)[0]"])
    }

    @Test func `targets that are not there are warned about, and missing ports refused`() {
        let rule = "{from: [{identities: [\"*\"]}]}"
        let targets = "{kind: Service, name: biling}, {kind: HTTPRoute, name: a}"
        let absent = lint([self.billing, self.authorization(rule, on: targets)])
        #expect(absent.map(\.severity) == [.warning, .warning])
        #expect(absent.compactMap(\.remedy).contains("Did you mean billing?"))
        let port = "{kind: Service, name: billing, sectionName: htp}"
        let missing = lint([self.billing, self.authorization(rule, on: port)])
        #expect(missing.map(\.severity) == [.error])
        #expect(missing.first?.remedy?.hasPrefix("Did you mean `http`?") == true)
        let peer = self.peers("a", "targetRefs: [\(self.onBilling)], ports: {htp: strict}")
        #expect(lint([self.billing, peer]).map(\.field) == ["spec.ports.htp"])
    }

    private func route(
        _ rule: String, parent: String = "{group: \"\", kind: Service, name: billing, port: 80}"
    ) -> String {
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: r}
        spec: {parentRefs: [\(parent)], rules: [\(rule)]}
        """
    }

    @Test func `a route whose requests look otherwise where they arrive is no target`() {
        let policy = self.authorization("{from: [{identities: [\"*\"]}]}", on: "{kind: HTTPRoute, name: r}")
        let plain = "{backendRefs: [{name: billing, port: 80}]}"
        #expect(lint([self.billing, self.route(plain), policy]).isEmpty)
        let rewrites = """
            {backendRefs: [{name: billing, port: 80}], filters: [{type: URLRewrite, urlRewrite: {path: \
            {type: ReplaceFullPath, replaceFullPath: /x}}}]}
            """
        #expect(lint([self.billing, self.route(rewrites), policy]).map(\.severity) == [.error])
        let changes = """
            {matches: [{headers: [{name: x-a, value: b}]}], backendRefs: [{name: billing, port: 80}], filters: \
            [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [X-A]}}]}
            """
        #expect(lint([self.billing, self.route(changes), policy]).map(\.severity) == [.error])
    }

    @Test func `a route that leads into other namespaces is no target, one that does so in part is warned about`() {
        let money = """
            apiVersion: v1
            kind: Service
            metadata: {name: money, namespace: money}
            spec: {ports: [{name: http, port: 80, appProtocol: http}]}
            """
        let grant = """
            apiVersion: gateway.networking.k8s.io/v1beta1
            kind: ReferenceGrant
            metadata: {name: g, namespace: money}
            spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}], \
            to: [{group: "", kind: Service}]}
            """
        let (own, other) = ("{name: billing, port: 80}", "{name: money, namespace: money, port: 80}")
        for kind in ["AuthorizationPolicy", "RequestAuthentication"] {
            let rule = kind == "AuthorizationPolicy" ? "{}" : self.tokens
            let policy = self.authorization(rule, on: "{kind: HTTPRoute, name: r}", kind: kind)
            func findings(_ rules: String...) -> [Diagnostic] {
                lint([self.billing, money, grant, self.route(rules.joined(separator: ", ")), policy])
            }
            #expect(findings("{backendRefs: [\(own)]}").isEmpty)
            let found = findings("{backendRefs: [\(other)]}")
            #expect(found.map(\.severity) == [.error])
            #expect(found.first?.message.contains("arrive in other namespaces only") == true)
            for part in [
                ["{backendRefs: [\(own), \(other)]}"],
                ["{backendRefs: [\(own)]}", "{matches: [{path: {value: /m}}], backendRefs: [\(other)]}"],
            ] {
                let found = findings(part.joined(separator: ", "))
                #expect(found.map(\.severity) == [.warning])
                #expect(found.first?.message.contains("money.money") == true)
            }
        }
    }

    @Test func `of two peer authentications on one target the younger is warned about`() {
        let found = lint([
            self.billing, self.peers("a", "targetRefs: [\(self.onBilling)], mode: strict"),
            self.peers("b", "targetRefs: [\(self.onBilling)], mode: permissive"), self.peers("c", "mode: strict"),
        ])
        #expect(found.map(\.severity) == [.warning])
        #expect(found.map(\.resource) == ["PeerAuthentication/default/b"])
    }
}
