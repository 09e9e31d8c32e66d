import Testing
import WeftConfig
import WeftModel

@Suite struct HTTPRouteReaderTests {
    private func rule(_ text: String) throws -> HTTPRoute.Rule {
        let reading = read(route(rule: text))
        #expect(reading.diagnostics.map(\.description) == [])
        guard case .httpRoute(let route)? = reading.resources.first?.resource else {
            throw ConfigError(diagnostic: reading.diagnostics.first ?? Diagnostic(.error, "no route"))
        }
        return try #require(route.rules.first)
    }

    @Test func `a match without a path is under the root, and a prefix ends without a slash`() throws {
        let rule = try self.rule("matches: [{method: GET}, {path: {value: /v2/}}, {path: {value: /}}]")
        #expect(rule.matches.map(\.path) == [.prefix("/"), .prefix("/v2"), .prefix("/")])
        #expect(rule.line == 7)
    }

    @Test func `header names are in lower case and a second condition on one is ignored`() throws {
        let reading = read(
            route(rule: "matches: [{headers: [{name: X-A, value: a}, {name: x-a, value: b}]}]"))
        guard case .httpRoute(let route)? = reading.resources.first?.resource else { return #expect(Bool(false)) }
        #expect(route.rules.first?.matches.first?.headers == [HeaderMatch(name: "x-a", value: .exact("a"))])
        #expect(reading.diagnostics.map(\.severity) == [.warning])
    }

    @Test func `an expression that would take too long to match is refused with what to write instead`() throws {
        let reading = read(route(rule: "matches: [{path: {type: RegularExpression, value: '.*a.{1000}b'}}]"))
        let diagnostic = try #require(reading.diagnostics.first)
        #expect(diagnostic.severity == .error && diagnostic.field == "spec.rules[0].matches[0].path.value")
        #expect(diagnostic.remedy?.contains("128 characters") == true)
    }

    @Test func `retries of a rule follow GEP-1731`() throws {
        let rule = try self.rule("retry: {attempts: 3, codes: [500, 429], backoff: 100ms}")
        #expect(rule.retry?.attempts == 3)
        #expect(rule.retry?.statuses == [500, 429])
        #expect(rule.retry?.backoffBase == .milliseconds(100))
    }

    @Test(arguments: [
        ("matches: [{path: {type: Prefix, value: /a}}]", "spec.rules[0].matches[0].path.type"),
        ("matches: [{path: {value: a}}]", "spec.rules[0].matches[0].path.value"),
        ("matches: [{path: {value: /a//b}}]", "spec.rules[0].matches[0].path.value"),
        ("matches: [{path: {value: /a/../b}}]", "spec.rules[0].matches[0].path.value"),
        ("matches: [{path: {value: /a%2Fb}}]", "spec.rules[0].matches[0].path.value"),
        ("matches: [{path: {value: \"/a#b\"}}]", "spec.rules[0].matches[0].path.value"),
        ("matches: [{path: {type: RegularExpression, value: \"(\"}}]", "spec.rules[0].matches[0].path.value"),
        ("matches: [{path: {type: RegularExpression}}]", "spec.rules[0].matches[0].path"),
        (
            "filters: [{type: RequestRedirect, requestRedirect: {port: 81}}, {type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}}}]",
            "spec.rules[0].filters"
        ),
        (
            "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x-a]}}, {type: RequestRedirect, requestRedirect: {port: 81}}]",
            "spec.rules[0].filters"
        ),
        ("matches: [{method: get}]", "spec.rules[0].matches[0].method"),
        ("matches: [{headers: [{name: \":path\", value: x}]}]", "spec.rules[0].matches[0].headers[0].name"),
        ("matches: [{headers: [{name: a}]}]", "spec.rules[0].matches[0].headers[0]"),
        ("matches: [{header: []}]", "spec.rules[0].matches[0].header"),
        ("filters: [{type: RequestRedirect, requestRedirect: {}}]", "spec.rules[0].filters[0].requestRedirect"),
        (
            "filters: [{type: RequestRedirect, requestRedirect: {port: 81, statusCode: 304}}]",
            "spec.rules[0].filters[0].requestRedirect.statusCode"
        ),
        (
            "filters: [{type: RequestRedirect, requestRedirect: {scheme: ftp}}]",
            "spec.rules[0].filters[0].requestRedirect.scheme"
        ),
        (
            "{filters: [{type: RequestRedirect, requestRedirect: {port: 81}}], backendRefs: [{name: a, port: 80}]}",
            "spec.rules[0].backendRefs"
        ),
        (
            "filters: [{type: RequestRedirect, requestRedirect: {port: 81}}, {type: URLRewrite, urlRewrite: {hostname: a.b}}]",
            "spec.rules[0].filters"
        ),
        (
            "filters: [{type: URLRewrite, urlRewrite: {hostname: a.b}}, {type: URLRewrite, urlRewrite: {hostname: a.c}}]",
            "spec.rules[0].filters[1].type"
        ),
        (
            "filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replacePrefixMatch: /a}}}]",
            "spec.rules[0].filters[0].urlRewrite.path.replacePrefixMatch"
        ),
        (
            "{matches: [{path: {type: Exact, value: /a}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]}",
            "spec.rules[0]"
        ),
        (
            "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}, percent: 101}}]",
            "spec.rules[0].filters[0].requestMirror.percent"
        ),
        (
            "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}, fraction: {numerator: 3, denominator: 2}}}]",
            "spec.rules[0].filters[0].requestMirror.fraction.numerator"
        ),
        (
            "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a}}}]",
            "spec.rules[0].filters[0].requestMirror.backendRef"
        ),
        ("filters: [{type: CORS, cors: {}}]", "spec.rules[0].filters[0].type"),
        (
            "backendRefs: [{name: a, port: 80, filters: [{type: RequestRedirect, requestRedirect: {port: 81}}]}]",
            "spec.rules[0].backendRefs[0].filters[0].type"
        ),
        ("backendRefs: [{name: a, port: 80, kind: ExternalService}]", "spec.rules[0].backendRefs[0]"),
        ("filters: [{type: RequestHeaderModifer}]", "spec.rules[0].filters[0].type"),
        (
            "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: te, value: x}]}}]",
            "spec.rules[0].filters[0].requestHeaderModifier.set[0].name"
        ),
        (
            "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x-weft-peer]}}]",
            "spec.rules[0].filters[0].requestHeaderModifier.remove[0]"
        ),
        (
            "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: a, value: \"x\\r\\ny: z\"}]}}]",
            "spec.rules[0].filters[0].requestHeaderModifier.add[0].value"
        ),
        ("backendRefs: [{name: billing}]", "spec.rules[0].backendRefs[0]"),
        ("backendRefs: [{name: billing, port: 80, weight: -1}]", "spec.rules[0].backendRefs[0].weight"),
        ("backendRefs: [{name: billing, port: 80, weight: 1000001}]", "spec.rules[0].backendRefs[0].weight"),
        ("backendRefs: [{name: billing, port: 80, kind: Pod}]", "spec.rules[0].backendRefs[0].kind"),
        ("timeouts: {request: 1s, backendRequest: 2s}", "spec.rules[0].timeouts.backendRequest"),
        ("sessionPersistence: {cookieConfig: {lifetimeType: Permanent}}", "spec.rules[0].sessionPersistence"),
        ("sessionPersistence: {idleTimeout: 1m}", "spec.rules[0].sessionPersistence.idleTimeout"),
        (
            "sessionPersistence: {type: Header, cookieConfig: {lifetimeType: Session}}",
            "spec.rules[0].sessionPersistence.cookieConfig"
        ),
        ("backends: []", "spec.rules[0].backends"),
    ])
    func `a rule that cannot stand is refused where it is wrong`(text: String, field: String) {
        let reading = read(route(rule: text))
        #expect(reading.resources.isEmpty)
        #expect(reading.diagnostics.filter { $0.severity == .error }.map(\.field) == [field])
        #expect(reading.diagnostics.allSatisfy { $0.resource == "HTTPRoute/default/billing" })
    }

    @Test func `a redirect may have its own answer's headers changed, and nothing that looks at a backend`() {
        let redirect = "{type: RequestRedirect, requestRedirect: {port: 81}}"
        let modifier = "{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-a, value: b}]}}"
        #expect(read(route(rule: "filters: [\(redirect), \(modifier)]")).diagnostics == [])
        let idle = read(
            route(
                rule:
                    "{filters: [\(redirect)], timeouts: {request: 1s}, retry: {attempts: 1}, sessionPersistence: {}}"))
        #expect(idle.diagnostics.allSatisfy { $0.severity == .warning })
        #expect(
            idle.diagnostics.compactMap(\.field) == [
                "spec.rules[0].timeouts", "spec.rules[0].retry", "spec.rules[0].sessionPersistence",
            ])
    }

    @Test func `a rule remembers the line of each of its values, and again when it is read from the store`() throws {
        let text = "backendRefs: [{name: billing, port: 80}]\ntimeouts:\n  request: 1s\nretry:\n  attempts: 2"
        let parsed = try #require(read(route(rule: text)).resources.first)
        func lines(_ resource: Resource) -> [TrafficSetting: Int]? {
            if case .httpRoute(let route) = resource { route.rules.first?.lines } else { nil }
        }
        #expect(lines(parsed.resource) == [.requestTimeout: 9, .retryAttempts: 11])
        let restored = try ConfigReader.restore(
            document: parsed.canonicalJSON, provenance: parsed.provenance, createdAt: 1, lines: parsed.resource.lines)
        #expect(lines(restored) == lines(parsed.resource))
    }

    private func parents(_ text: String) -> [Diagnostic] {
        read(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n  parentRefs: \(text)\n"
        ).diagnostics
    }

    @Test func `a gateway as a parent is refused with the boundary explained`() {
        #expect(self.parents("[{name: edge}]").first?.message.contains("governs the calls from outside") == true)
        #expect(self.parents("[{kind: Gateway, name: edge}]").first?.field == "spec.parentRefs[0].kind")
    }

    @Test func `a Service as a parent needs the empty group`() {
        #expect(self.parents("[{kind: Service, name: a}]").first?.remedy == "Write group: \"\".")
    }

    @Test func `a route may be a consumer's, for another namespace's service`() {
        #expect(self.parents("[{group: \"\", kind: Service, name: a, namespace: other}]").isEmpty)
    }

    @Test func `mirrors may stand side by side, with shares of their own`() throws {
        let rule = try self.rule(
            "{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}, percent: 5}}, {type: RequestMirror, requestMirror: {backendRef: {name: b, namespace: c, port: 81}, fraction: {numerator: 1, denominator: 3}}}], backendRefs: [{name: billing, port: 80}]}"
        )
        #expect(rule.mirrors.map(\.fraction) == [Fraction(5), Fraction(1, of: 3)])
        #expect(rule.mirrors.last?.backend.service == ServiceName(namespace: "c", name: "b"))
    }

    @Test func `a session has Gateway API's defaults`() throws {
        #expect(try self.rule("sessionPersistence: {}").session == SessionPersistence())
        let session = try self.rule(
            "sessionPersistence: {type: Header, sessionName: X-Session, absoluteTimeout: 1h}"
        ).session
        #expect(session?.name == "x-session" && session?.absoluteTimeout == .seconds(3600))
    }

    @Test func `the same parent twice is refused unless the ports differ`() {
        #expect(
            self.parents("[{group: \"\", kind: Service, name: a}, {group: \"\", kind: Service, name: a}]").hasErrors)
        #expect(
            self.parents(
                "[{group: \"\", kind: Service, name: a, port: 1}, {group: \"\", kind: Service, name: a, port: 2}]"
            )
            .isEmpty)
    }

    @Test func `limits on rules and matches hold`() {
        let match = "{path: {value: /a}}"
        let many = Array(repeating: match, count: 65).joined(separator: ", ")
        #expect(read(route(rule: "matches: [\(many)]")).diagnostics.first?.message.contains("at most 64") == true)
        let rule = "\n- matches: [\(Array(repeating: match, count: 60).joined(separator: ", "))]"
        let three = route(rule: "name: a" + rule + rule + rule)
        #expect(read(three).diagnostics.contains { $0.message.contains("at most 128") })
    }

    @Test func `host names on a route of the mesh are doubtful`() {
        let text = route(rule: "backendRefs: [{name: billing, port: 80}]") + "\n  hostnames: [a.example]"
        #expect(read(text).diagnostics.map(\.severity) == [.warning])
    }
}
