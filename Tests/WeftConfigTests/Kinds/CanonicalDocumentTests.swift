import Testing
import WeftConfig
import WeftModel

@Suite struct CanonicalDocumentTests {
    static let documents: [String] = [
        """
        apiVersion: v1
        kind: Service
        metadata: {name: billing, namespace: money, labels: {team: a, weft.dev/tier: ""}, annotations: {note: "ä \\"q\\" \\u2028 \\x07 \\U0001F600 é\\n"}}
        spec:
          ports:
          - {name: web, port: 80, targetPort: http}
          - {name: rpc, port: 50051, targetPort: 8081, appProtocol: grpc}
          - {name: h2, port: 81, appProtocol: kubernetes.io/h2c}
          selector: {app: billing, version: "1"}
        """,
        """
        apiVersion: weft.dev/v1
        kind: Workload
        metadata: {name: legacy-1.old}
        spec:
          address: fd00::1
          ports: [{name: http, port: 8080, inboundPort: 15006}, {port: 9090, appProtocol: grpc}]
          locality: {zone: a}
          weight: 5
        """,
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: all.of-it}
        spec:
          parentRefs:
          - {group: "", kind: Service, name: billing, port: 80}
          - {group: "", kind: Service, name: billing, sectionName: rpc}
          rules:
          - name: first
            matches:
            - path: {type: Exact, value: /a%20b}
              method: POST
              headers: [{name: X-Version, value: "2"}, {type: RegularExpression, name: x-user, value: "a.*"}]
              queryParams: [{name: Q, value: ""}]
            - path: {type: RegularExpression, value: '/v\\d+/.*'}
            - path: {value: /v2/}
            filters:
            - type: RequestHeaderModifier
              requestHeaderModifier: {set: [{name: X-A, value: "1"}], add: [{name: x-b, value: ""}], remove: [x-c]}
            - type: ResponseHeaderModifier
              responseHeaderModifier: {remove: [server]}
            backendRefs:
            - {name: billing-v1, port: 80, weight: 90}
            - name: billing-v2
              namespace: other
              port: 80
              weight: 0
              filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-side, value: canary}]}}]
            timeouts: {request: 1s500ms, backendRequest: 1s}
            retry: {attempts: 2, codes: [503, 500], backoff: 10ms}
          - backendRefs: [{name: billing, port: 80}]
          - matches: [{path: {value: /old}}]
            filters:
            - {type: RequestRedirect, requestRedirect: {scheme: https, hostname: a.example, port: 8443, statusCode: 308, path: {type: ReplacePrefixMatch, replacePrefixMatch: ""}}}
          - filters:
            - {type: URLRewrite, urlRewrite: {hostname: b.example, path: {type: ReplaceFullPath, replaceFullPath: /whole}}}
            - {type: RequestMirror, requestMirror: {backendRef: {name: shadow, port: 80}, percent: 10}}
            - {type: RequestMirror, requestMirror: {backendRef: {group: weft.dev, kind: ExternalService, name: out, port: 80}, fraction: {numerator: 1, denominator: 7}}}
            backendRefs:
            - name: billing
              port: 80
              filters: [{type: URLRewrite, urlRewrite: {hostname: c.example}}]
            sessionPersistence: {type: Cookie, sessionName: Plan, absoluteTimeout: 1h, cookieConfig: {lifetimeType: Permanent}}
        """,
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: GRPCRoute
        metadata: {name: ledger}
        spec:
          parentRefs: [{group: "", kind: Service, name: ledger, namespace: money}]
          rules:
          - name: post
            matches:
            - method: {service: money.v1.Ledger, method: Post}
              headers: [{name: x-a, value: b}]
            - method: {type: RegularExpression, service: 'money[.].*'}
            - method: {method: Get}
            filters: [{type: RequestMirror, requestMirror: {backendRef: {name: shadow, port: 80}}}]
            backendRefs: [{name: ledger, port: 80, weight: 3}]
            sessionPersistence: {type: Header, sessionName: x-s}
          - {}
        """,
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: TCPRoute
        metadata: {name: cache}
        spec:
          parentRefs: [{group: "", kind: Service, name: cache}]
          rules: [{name: all, backendRefs: [{name: a, port: 1, weight: 2}, {name: b, port: 1}]}]
        """,
        """
        apiVersion: gateway.networking.k8s.io/v1alpha3
        kind: TLSRoute
        metadata: {name: db}
        spec:
          parentRefs: [{group: "", kind: Service, name: db}]
          hostnames: [a.example, "*.b.example"]
          rules: [{backendRefs: [{name: a, port: 1}]}]
        """,
        """
        apiVersion: gateway.networking.k8s.io/v1beta1
        kind: ReferenceGrant
        metadata: {name: g}
        spec:
          from: [{group: gateway.networking.k8s.io, kind: GRPCRoute, namespace: shop}]
          to: [{group: "", kind: Service}, {group: weft.dev, kind: ExternalService, name: out}]
        """,
        """
        apiVersion: weft.dev/v1
        kind: ExternalService
        metadata: {name: out}
        spec:
          host: API.example.com
          ports:
          - {name: web, port: 80, targetPort: 443, tls: {serverName: edge.example.com, subjectAltNames: [a.example, b.example], rootsFile: /etc/roots.pem}}
          - {port: 8080, appProtocol: grpc}
        """,
        """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: billing}
        spec:
          targetRefs: [{kind: Service, name: billing}]
          timeouts: {request: 2s, perTry: 500ms, connect: 250ms, idle: 0s}
          retry: {attempts: 0, codes: [], grpcCodes: [UNAVAILABLE, 8], nonIdempotent: true, backoff: 5ms, budget: {percent: 33.3, minRetryRate: 0}}
          loadBalancing: {algorithm: least-request}
          limits: {connections: 1, pendingRequests: 0, requests: 100, retries: 0}
        """,
        """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: endpoints}
        spec:
          targetRefs: [{kind: Service, name: billing}]
          loadBalancing:
            algorithm: maglev
            hashOn: {cookie: session, ttl: 1h}
            stickiness: {cookie: s, ttl: 0s}
            slowStart: 30s
            zones: {prefer: false, failover: [eu-west, eu-north]}
            panicThreshold: 0
          outliers:
            enabled: true
            successRate: 66.6
            minRequests: 3
            consecutiveFailures: 0
            ejection: {base: 500ms, max: 1m, maxPercent: 50}
            cohort: {deviations: 2.5}
          healthCheck: {http: {path: /healthz, statuses: [204, 200]}, interval: 5s, timeout: 500ms, healthyThreshold: 1}
          overload:
            concurrency: {percentile: 90, minRTT: {requests: 10}}
            admission: {aggression: 1.5, successRate: 99.5}
        """,
        """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: checks}
        spec:
          targetRefs: [{kind: Service, name: billing}]
          loadBalancing: {algorithm: peak-ewma, penalizeFailures: true}
          outliers: {enabled: false}
          healthCheck: {grpc: {service: billing.Billing}}
          overload: {concurrency: {}}
        """,
        """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: source}
        spec:
          targetRefs: [{kind: Service, name: billing}]
          loadBalancing: {algorithm: ring-hash, hashOn: {source: true}}
          healthCheck: {tcp: {}}
        """,
        """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: cohort}
        spec:
          targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: all.of-it}]
          stickyCohort: {header: X-User}
        """,
        """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: route}
        spec:
          targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: all.of-it}]
          timeouts: {request: 0s}
        """,
        """
        apiVersion: weft.dev/v1
        kind: MeshSettings
        metadata: {name: mesh}
        spec:
          mtls: {mode: permissive}
          authorization: {default: deny}
          egress: {unknown: allow}
          routes: {crossNamespaceBackends: granted}
          traffic: {timeouts: {request: 10s}}
        """,
        """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: out}
        spec:
          targetRefs: [{group: weft.dev, kind: ExternalService, name: out}]
          loadBalancing: {algorithm: random}
        """,
        """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: rpc}
        spec:
          targetRefs: [{group: gateway.networking.k8s.io, kind: GRPCRoute, name: ledger}]
          timeouts: {request: 1s}
        """,
        """
        apiVersion: weft.dev/v1
        kind: AuthorizationPolicy
        metadata: {name: callers.of-billing, namespace: money}
        spec:
          targetRefs:
          - {kind: Service, name: billing, sectionName: http}
          - {group: "", kind: Service, name: billing, sectionName: 8080}
          - {kind: HTTPRoute, name: billing.v1}
          - {group: gateway.networking.k8s.io, kind: GRPCRoute, name: ledger}
          action: DENY
          audit: true
          rules:
          - from:
            - identities: ["spiffe://mesh.local/ns/default/sa/a", "spiffe://mesh.local/ns/x/*", "*/sa/b"]
              notIdentities: ["spiffe://other/y"]
              namespaces: [default]
              notNamespaces: [kube-system]
              networks: [10.0.0.0/8, 127.0.0.1, "fd00::/8"]
              notNetworks: ["::1"]
            - identities: ["*"]
            to:
            - methods: [GET, PURGE]
              notMethods: [POST]
              paths: [/v1/*, /exact, "*.json", "*", "/.well-known/*"]
              notPaths: ["/v1/admin/*"]
            when:
            - {header: X-Tenant, values: ["gold*", "*silver", iron], notValues: ["*"]}
            - {claim: realm.roles, values: [billing]}
            - {claim: ["https://example.com/roles", a]}
          - {}
        """,
        """
        apiVersion: weft.dev/v1
        kind: RequestAuthentication
        metadata: {name: users}
        spec:
          targetRefs: [{kind: Service, name: billing}]
          rules:
          - issuer: https://idp.example
            audiences: [billing, "urn:x"]
            jwksUri: https://idp.example/.well-known/jwks.json?a=b
            from: [{header: X-JWT, prefix: "JWT "}, bearer, {header: x-plain}]
            forward: false
            required: true
          - {issuer: local, jwksUri: "http://127.0.0.1:9000/keys"}
          - {issuer: six, jwksUri: "http://[::1]:9000/keys"}
          - {issuer: file, jwksFile: /etc/keys.json}
          - {issuer: inline, jwks: '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "1"}]}'}
        """,
        """
        apiVersion: weft.dev/v1
        kind: PeerAuthentication
        metadata: {name: billing}
        spec:
          targetRefs: [{kind: Service, name: billing}]
          mode: permissive
          ports: {http: strict, "8080": disabled}
        """,
        "{\"apiVersion\": \"weft.dev/v1\", \"kind\": \"PeerAuthentication\", \"metadata\": {\"name\": \"all\"}, \"spec\": {\"mode\": \"disabled\"}}",
        """
        apiVersion: weft.dev/v1
        kind: TrustDomainFederation
        metadata: {name: partner}
        spec:
          trustDomain: partner.example
          bundleEndpoint: {url: "https://partner.example:8443/b", profile: https_spiffe, spiffeID: spiffe://partner.example/x}
          bundle: '{"keys": []}'
        """,
        """
        apiVersion: weft.dev/v1
        kind: TrustDomainFederation
        metadata: {name: web}
        spec: {trustDomain: web.example, bundleEndpoint: {url: "https://[::1]/", profile: https_web}}
        """,
        "{\"apiVersion\": \"weft.dev/v1\", \"kind\": \"MeshSettings\", \"metadata\": {\"name\": \"mesh\"}, \"spec\": {}}",
    ]

    @Test(arguments: documents)
    func `canonical JSON reads back equal and is its own canonical form`(text: String) throws {
        let reading = read(text)
        #expect(reading.diagnostics.map(\.description) == [])
        let parsed = try #require(reading.resources.first)
        let again = read(parsed.canonicalJSON, file: "")
        #expect(again.diagnostics.map(\.description) == [])
        let second = try #require(again.resources.first)
        #expect(second.canonicalJSON == parsed.canonicalJSON)
        let provenance = Provenance(resource: parsed.resource.key)
        let left = try ConfigReader.restore(document: text, provenance: provenance, createdAt: 1)
        let right = try ConfigReader.restore(document: parsed.canonicalJSON, provenance: provenance, createdAt: 1)
        #expect(left == right)
    }
}
