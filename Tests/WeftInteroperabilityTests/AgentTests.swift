import Foundation
import Testing
import WeftModel

/// The host's agent with programs that others wrote: the `spiffe` package for Python, the verifiers of `cryptography` and
/// OpenSSL, PyJWT, and a stock Envoy that takes its certificate by SDS.
@Suite(
    .enabled(if: Peers.withoutSPIFFE == nil, Comment(rawValue: Peers.withoutSPIFFE ?? "")), .serialized,
    .timeLimit(.minutes(10)))
struct AgentTests {
    private static let id = "spiffe://mesh.local/ns/money/sa/billing"
    /// Meant for the Python that asks.
    private static let selectors = "selectors: [{uid: \(getuid())}, {path: \(TestAgent.program)}]"

    @Test func `a stock client gets identities that stock verifiers accept`() async throws {
        try await TestAgent.with { agent in
            try await agent.apply(entry: "billing", "{account: billing, ttl: 1h, \(Self.selectors)}")
            let svid = try await agent.workloadEventually("svid")
            #expect(svid["id"] == .text(Self.id))
            #expect(svid["chain"] == .number(2))
            #expect(svid["names"] == .list([.text(Self.id)]), "what cryptography verified")
            #expect(svid["key_fits"] == .truth(true))
            #expect(svid["seconds"] == .number(3660), "an hour, begun a minute ago")

            _ = try await agent.workload("save", agent.directory)
            let openssl = try await PeerProcess.run(
                [
                    "/usr/bin/env", "openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile",
                    "\(agent.directory)/bundle.pem", "-untrusted", "\(agent.directory)/svid.pem",
                    "\(agent.directory)/svid.pem",
                ])
            #expect(openssl.code == 0, "\(openssl.output)\(openssl.errors)")

            let jwt = try await agent.workload("jwt", "ledger")
            #expect(jwt["id"] == .text(Self.id) && jwt["local"] == .text(Self.id) && jwt["remote"] == .text(Self.id))
            let token = try #require(jwt["token"]?.string)
            #expect(try await agent.workload("validate", "ledger", token)["id"] == .text(Self.id))
            #expect(try await agent.workload("validate", "other", token)["refused"] != nil)
            #expect(
                try await agent.workload("validate", "ledger", String(token.dropLast(8)) + "AAAAAAAA")["refused"] != nil
            )
        }
    }

    @Test func `a process has what its entries say, and the kernel says who it is`() async throws {
        try await TestAgent.with { agent in
            #expect(try await agent.workload("refused")["code"] == .text("PERMISSION_DENIED"))
            #expect(try await agent.workload("unmarked")["code"] == .text("INVALID_ARGUMENT"))
            #expect(try await agent.workload("wit")["code"] == .text("UNIMPLEMENTED"))
            // Meant for others: another program, another user, another host.
            try await agent.apply(entry: "program", "{account: a, selectors: [{path: /usr/bin/env}]}")
            try await agent.apply(entry: "user", "{account: b, selectors: [{uid: \(getuid() + 1)}]}")
            try await agent.apply(
                entry: "host",
                "{account: c, hosts: [other], selectors: [{uid: \(getuid())}, {path: \(TestAgent.program)}]}")
            try await agent.apply(
                entry: "more", "{account: more, hint: second, selectors: [{path: \(TestAgent.program)}]}")
            try await agent.apply(entry: "billing", "{account: billing, hosts: [test-host], \(Self.selectors)}")
            try await eventually("both identities") {
                let svids = try await agent.workload("svids")["svids"]?.list ?? []
                let ids = svids.map { $0.object?["id"] }
                return ids == [.text(Self.id), .text("spiffe://mesh.local/ns/money/sa/more")] ? () : nil
            }
            for entry in ["billing", "more"] {
                try await agent.weft("delete", "RegistrationEntry", entry, "-n", "money")
            }
            try await eventually("the identities to be withdrawn") {
                try await agent.workload("refused")["code"] == .text("PERMISSION_DENIED") ? () : nil
            }
        }
    }

    @Test func `certificates are renewed on the stream that is open`() async throws {
        try await TestAgent.with { agent in
            try await agent.apply(entry: "billing", "{account: billing, ttl: 10s, \(Self.selectors)}")
            _ = try await agent.workloadEventually("svid")
            let rotation = try await agent.workload("rotation", "3")
            #expect(rotation["failures"] == .list([]))
            #expect(rotation["serials"]?.list?.count == 3)
        }
    }

    @Test func `an agent without its control plane goes on, and starts again by itself`() async throws {
        try await TestAgent.with { agent in
            try await agent.apply(entry: "billing", "{account: billing, \(Self.selectors)}")
            let before = try await agent.workloadEventually("svid")
            await agent.stop("control")
            #expect(try await agent.workload("svid")["serial"] == before["serial"])
            // Keys are held in memory only: an agent that starts anew knows who calls, and has to wait.
            await agent.stop("agent")
            _ = try await agent.startAgent("agent-again")
            try await agent.startControlPlane("control-again")
            let after = try await agent.workloadEventually("svid")
            #expect(after["id"] == before["id"] && after["serial"] != before["serial"])
        }
    }

    @Test func `a token admits one agent, of one host, once`() async throws {
        try await TestAgent.with { agent in
            let token = try await agent.weft("token", "create", "--agent", "--host", "elsewhere")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let stray = try await PeerProcess.run(
                [
                    Peers.weft, "agent", "--control", "127.0.0.1:\(agent.controlPort)", "--socket",
                    "\(agent.directory)/stray.sock", "--data-dir", "\(agent.directory)/stray", "--host", "test-host",
                    "--token", token,
                ], environment: ["HOME": agent.directory])
            #expect(stray.code == 1)
            #expect(stray.errors.contains("the token is for the host elsewhere"), "\(stray.errors)")
        }
    }

    @Test func `a stock Envoy serves with what it takes by SDS, and takes what is renewed`() async throws {
        try await TestAgent.with { agent in
            // What PyPI has is a program that becomes another.
            let found = try await PeerProcess.run([
                Peers.python, "-c", "import envoy, os; print(os.path.realpath(envoy.__path__[0]) + '/_bin/envoy')",
            ])
            let envoyPath = found.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let ports = (listener: try Ports.free(), admin: try Ports.free())
            try await agent.apply(
                entry: "web", "{account: web, ttl: 10s, dnsNames: [web.test], selectors: [{path: \(envoyPath)}]}")
            try await agent.apply(entry: "billing", "{account: billing, \(Self.selectors)}")
            _ = try await agent.workloadEventually("save", agent.directory)
            let file = "\(agent.directory)/envoy.yaml"
            try Self.envoy(agent, listener: ports.listener, admin: ports.admin).write(
                toFile: file, atomically: true, encoding: .utf8)
            let process = try PeerProcess(
                "envoy", [Peers.envoy, "-c", file, "--use-dynamic-base-id", "--concurrency", "1", "-l", "warning"],
                in: agent.directory)
            await agent.add(process)
            let target = ["\(ports.listener)", "web.test", agent.directory]
            let first = try await eventually("Envoy to answer") {
                guard process.isRunning else { throw NeverHappened(description: "Envoy ended") }
                let answer = try await agent.workload(["call"] + target)
                return answer["body"] == .text("hello \(Self.id)") ? answer : nil
            }
            let bare = try await agent.workload(["bare"] + target)
            #expect(bare["body"] == nil && bare["refused"] != nil, "a caller without a certificate: \(bare)")
            try await eventually("Envoy to serve with what was renewed") {
                let answer = try await agent.workload(["call"] + target)
                guard answer["body"] == .text("hello \(Self.id)") else { return nil as Void? }
                return answer["serial"] != first["serial"] ? () : nil
            }
            let refused = try await Web.get(port: ports.admin, "/stats?filter=sds.*update_rejected").body
            #expect(refused.contains("update_rejected: 0") && !refused.contains("update_rejected: 1"), "\(refused)")
        }
    }

    @Test func `a sidecar takes its identity from the agent, and keeps none of it`() async throws {
        try await TestAgent.with { agent in
            let weft = URL(fileURLWithPath: Peers.weft).resolvingSymlinksInPath().path
            try await agent.apply(
                entry: "billing", "{account: billing, service: billing, ttl: 10s, selectors: [{path: \(weft)}]}")
            let data = "\(agent.directory)/proxy"
            await agent.add(
                try PeerProcess(
                    "proxy",
                    [
                        Peers.weft, "proxy", "--service", "billing", "-n", "money", "--agent", agent.socket,
                        "--control-plane", "127.0.0.1:\(agent.controlPort)", "--outbound", "none", "--admin", "none",
                        "--app-port", "8080=0", "--health", "none", "--data-dir", data,
                    ], in: agent.directory))
            func certificate() async throws -> String? {
                let report = try await agent.status()
                return report.proxies.first { $0.identity == Self.id && $0.state == .ready }?.certificateSerial
            }
            let first = try await eventually("the sidecar to be ready") { try await certificate() }
            try await eventually("a renewed certificate") {
                guard let next = try await certificate() else { return nil as Void? }
                return next != first ? () : nil
            }
            #expect(!FileManager.default.fileExists(atPath: "\(data)/identity.pem"))
        }
    }

    /// An Envoy that answers with the identity of its caller; its certificate and roots come from the agent.
    private static func envoy(_ agent: TestAgent, listener: Int, admin: Int) -> String {
        let source =
            "{resource_api_version: V3, api_config_source: {api_type: GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: agent}}]}}"
        return """
            node: {id: web, cluster: web}
            admin: {address: {socket_address: {address: 127.0.0.1, port_value: \(admin)}}}
            static_resources:
              clusters:
              - name: agent
                type: STATIC
                typed_extension_protocol_options:
                  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                    explicit_http_config: {http2_protocol_options: {}}
                load_assignment:
                  cluster_name: agent
                  endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: \(agent.socket)}}}}]}]
              listeners:
              - name: web
                address: {socket_address: {address: 127.0.0.1, port_value: \(listener)}}
                filter_chains:
                - transport_socket:
                    name: envoy.transport_sockets.tls
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
                      require_client_certificate: true
                      common_tls_context:
                        tls_certificate_sds_secret_configs: [{name: default, sds_config: \(source)}]
                        combined_validation_context:
                          default_validation_context: {}
                          validation_context_sds_secret_config: {name: ROOTCA, sds_config: \(source)}
                  filters:
                  - name: envoy.filters.network.http_connection_manager
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                      stat_prefix: web
                      http_filters:
                      - name: envoy.filters.http.router
                        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
                      route_config:
                        virtual_hosts:
                        - name: all
                          domains: ["*"]
                          routes:
                          - match: {prefix: /}
                            direct_response:
                              status: 200
                              body_format:
                                text_format_source: {inline_string: "hello %DOWNSTREAM_PEER_URI_SAN%"}
            """
    }
}
