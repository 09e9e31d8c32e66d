import Testing
import WeftConfig
import WeftModel

@Suite struct ConfigReaderTests {
    @Test func `several mistakes are reported at once, each with its place and remedy`() {
        let reading = read(
            """
            apiVersion: v1
            kind: Service
            metadata: {name: Billing}
            spec:
              ports:
              - port: 80000
                tragetPort: 8080
            ---
            apiVersion: weft.dev/v1
            kind: TrafficPolicy
            metadata: {name: billing}
            spec:
              targetRefs: [{group: "", kind: Service, name: billing}]
              timeouts: {request: 5}
              retry: {attempts: 11}
            """)
        #expect(reading.resources.isEmpty)
        let found = reading.diagnostics.map { "\($0.line ?? 0):\($0.column ?? 0) \($0.field ?? "")" }
        #expect(
            found == [
                "3:18 metadata.name", "6:11 spec.ports[0].port", "7:5 spec.ports[0].tragetPort",
                "14:23 spec.timeouts.request", "15:21 spec.retry.attempts",
            ])
        #expect(reading.diagnostics.allSatisfy { $0.file == "mesh.yaml" && $0.remedy?.isEmpty == false })
        #expect(reading.diagnostics[2].remedy?.contains("Did you mean `targetPort`?") == true)
        #expect(reading.diagnostics[3].resource == "TrafficPolicy/default/billing")
        #expect(reading.diagnostics[3].remedy == "Write 5s or 5ms.")
    }

    @Test func `the same resource twice in one apply is refused, across files`() {
        let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n"
        let reading = ConfigReader.read([
            SourceDocument(file: "a.yaml", text: text), SourceDocument(file: "b.yaml", text: "# again\n" + text),
        ])
        #expect(reading.resources.count == 1)
        #expect(reading.diagnostics.map(\.file) == ["b.yaml"])
        #expect(reading.diagnostics.first?.message.contains("a.yaml, line 1") == true)
    }

    @Test(arguments: ["Gateway", "Ingress", "GatewayClass"])
    func `kinds of the edge are refused with the boundary explained`(kind: String) throws {
        let diagnostic = try #require(read("apiVersion: x/v1\nkind: \(kind)\nmetadata: {name: a}\n").diagnostics.first)
        #expect(diagnostic.message.contains("from outside"))
        #expect(diagnostic.line == 2)
        #expect(diagnostic.field == "kind")
    }

    @Test func `unknown kinds are refused with the nearest one`() throws {
        let diagnostic = try #require(read("apiVersion: v1\nkind: Servce\nmetadata: {name: a}\n").diagnostics.first)
        #expect(diagnostic.remedy?.hasPrefix("Did you mean `Service`?") == true)
    }

    @Test(arguments: ["UDPRoute", "RateLimit", "Deployment", "VirtualService", "DestinationRule"])
    func `known kinds that are not taken say why`(kind: String) throws {
        let diagnostic = try #require(read("apiVersion: x/v1\nkind: \(kind)\n").diagnostics.first)
        #expect(diagnostic.message.hasPrefix("a \(kind) is not taken here"))
        #expect(diagnostic.remedy?.isEmpty == false)
    }

    @Test(arguments: ["hello", "- a\n- b", "kind: 3", "{}", "kind: Service", "42"])
    func `what is no resource is refused`(text: String) {
        let reading = read(text)
        #expect(reading.resources.isEmpty)
        #expect(reading.diagnostics.hasErrors)
    }

    @Test func `another version is refused with the right one`() throws {
        let text = "apiVersion: apps/v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n"
        let diagnostic = try #require(read(text).diagnostics.first)
        #expect(diagnostic.remedy == "Write apiVersion: v1.")
    }

    @Test func `what servers add to a document is passed over`() {
        let reading = read(
            """
            apiVersion: v1
            kind: List
            items:
            - apiVersion: v1
              kind: Service
              metadata:
                name: a
                uid: 123e4567
                creationTimestamp: "2026-01-01T00:00:00Z"
                resourceVersion: "7"
              spec: {clusterIP: 10.0.0.1, sessionAffinity: None, type: ClusterIP, ports: [{port: 80, protocol: TCP}]}
              status: {loadBalancer: {}}
            """)
        #expect(reading.diagnostics.isEmpty)
        #expect(reading.resources.map(\.resource.key.description) == ["Service/default/a"])
    }

    @Test func `a resource knows its file and line`() throws {
        let reading = read(
            "# one\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n")
        let parsed = try #require(reading.resources.first)
        #expect(parsed.provenance.description == "Service/default/a@0 (mesh.yaml:3)")
        #expect(parsed.resource.metadata.provenance == parsed.provenance)
    }

    @Test func `a diagnostic reads as place, subject, cause and remedy`() throws {
        let diagnostic = try #require(read(policy("timeouts: {request: 5}")).diagnostics.first)
        #expect(
            diagnostic.description == """
                mesh.yaml:6:23: error: TrafficPolicy/default/billing spec.timeouts.request: 5 is no duration: its unit is missing
                  Write 5s or 5ms.
                """)
    }

    @Test func `a stored document comes back with its provenance and age`() throws {
        let parsed = try #require(read(route(rule: "backendRefs: [{name: billing, port: 80}]")).resources.first)
        let provenance = Provenance(
            resource: parsed.resource.key, revision: Revision(7), file: "mesh.yaml", line: 1)
        let restored = try ConfigReader.restore(
            document: parsed.canonicalJSON, provenance: provenance, createdAt: 1234)
        #expect(restored.metadata.provenance == provenance)
        #expect(restored.metadata.createdAt == 1234)
        guard case .httpRoute(let route) = restored else { return #expect(Bool(false)) }
        #expect(route.rules.map(\.line) == [nil])
        #expect(throws: ConfigError.self) {
            try ConfigReader.restore(document: "{\"kind\": \"Nothing\"}", provenance: provenance, createdAt: 0)
        }
    }
}
