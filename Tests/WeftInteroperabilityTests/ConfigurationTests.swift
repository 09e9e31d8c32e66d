import Foundation
import Testing
import WeftModel

extension InteroperabilityTests {
    /// What the control plane sends, and what its clients make of it.
    @Suite(.serialized) struct ConfigurationTests {
        @Test func `every client accepts everything it is given, and says which version it is`() async throws {
            let mesh = try TestMesh.running
            _ = try await mesh.call("describe", by: .xds)
            try await mesh.settled()
            let proxies = try await mesh.status().proxies
            let envoys = proxies.filter { $0.client == .envoy }
            #expect(envoys.count == Envoy.Variant.allCases.count)
            for envoy in envoys {
                #expect(envoy.proxyVersion.split(separator: ".").count == 3, "\(envoy)")
                // Listeners, routes, clusters and endpoints.
                #expect(envoy.discovery.count == 4)
            }
            #expect(proxies.contains { $0.client == .grpc && $0.proxyVersion.contains("C-core") })
            let sidecars = proxies.filter { $0.client == .weft }
            #expect(sidecars.count == TestMesh.workloadCount)
            #expect(sidecars.allSatisfy { $0.proxyVersion == WeftVersion.text })
            for envoy in mesh.envoys.values {
                let refused = try await envoy.statistics("update_rejected")
                #expect(!refused.isEmpty && refused.values.allSatisfy { $0 == 0 }, "\(refused)")
            }
        }

        /// Each setting that resources know, on services of either protocol.
        @Test func `every setting of a route and a policy is accepted by every client`() async throws {
            let mesh = try TestMesh.running
            try await mesh.apply(["billing", "teller"].map(Self.everything).joined(separator: "\n---\n"))
            var failure: (any Error)?
            do { try await self.everythingIsFollowed(in: mesh) } catch { failure = error }
            for service in ["billing", "teller"] {
                for (kind, name) in [
                    ("HTTPRoute", "\(service)-paths"), ("TrafficPolicy", service),
                    ("TrafficPolicy", "\(service)-paths"),
                ] {
                    try await mesh.weft("delete", kind, name)
                }
            }
            if let failure { throw failure }
        }

        private func everythingIsFollowed(in mesh: TestMesh) async throws {
            for way in Way.allCases {
                try await eventually("a call by \(way)") {
                    try await mesh.call("describe", by: way, ["service": "teller"]).code == "OK" ? () : nil
                }
            }
            try await mesh.settled()
            for envoy in mesh.envoys.values {
                let refused = try await envoy.statistics("update_rejected")
                #expect(refused.values.allSatisfy { $0 == 0 }, "\(refused)")
                let answer = try await Web.get(
                    port: envoy.outbound, "/preview/x?plan=beta", headers: ["host": "billing"])
                #expect(answer.status == 200 && answer.headers["x-version"] == "100% v2", "\(answer)")
            }
        }

        private static func everything(of service: String) -> String {
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: {name: \(service)-paths}
            spec:
              parentRefs: [{group: "", kind: Service, name: \(service), port: 80}]
              rules:
              - name: exact
                matches:
                - path: {type: Exact, value: /exact}
                  method: GET
                  headers: [{name: x-a, value: b}, {name: x-c, type: RegularExpression, value: "d+"}]
                  queryParams: [{name: q, value: "1"}, {name: r, type: RegularExpression, value: "[a-z]*"}]
                backendRefs: [{name: \(service)-v1, port: 80}]
                timeouts: {request: 2s, backendRequest: 500ms}
                retry: {attempts: 2, codes: [500, 503], backoff: 50ms}
              - name: expression
                matches: [{path: {type: RegularExpression, value: "/re/[0-9]+(/.*)?"}}]
                backendRefs: [{name: \(service)-v1, port: 80, weight: 0}, {name: \(service)-v2, port: 80, weight: 7}]
                timeouts: {request: 0s}
                retry: {attempts: 0}
              - name: prefix
                matches: [{path: {type: PathPrefix, value: /preview/}}]
                filters:
                - type: RequestHeaderModifier
                  requestHeaderModifier:
                    set: [{name: x-route, value: "100%"}]
                    add: [{name: x-seen-by, value: weft}]
                    remove: [x-debug]
                backendRefs:
                - name: \(service)-v2
                  port: 80
                  filters:
                  - type: ResponseHeaderModifier
                    responseHeaderModifier: {set: [{name: x-version, value: "100% v2"}]}
              - name: nowhere
                matches: [{path: {type: Exact, value: /nowhere}}]
                backendRefs: [{name: \(service)-v9, port: 80}]
              - name: nothing
                matches: [{path: {type: Exact, value: /nothing}}]
              - name: rest
                backendRefs: [{name: \(service)-v1, port: 80, weight: 3}, {name: \(service)-v2, port: 80, weight: 1}]
            ---
            apiVersion: weft.dev/v1
            kind: TrafficPolicy
            metadata: {name: \(service)}
            spec:
              targetRefs: [{group: "", kind: Service, name: \(service)}, {group: "", kind: Service, name: \(service)-v1}]
              timeouts: {request: 30s, perTry: 10s, connect: 500ms, idle: 1m}
              retry:
                attempts: 3
                codes: [500, 429]
                grpcCodes: [UNAVAILABLE, RESOURCE_EXHAUSTED, DATA_LOSS]
                nonIdempotent: true
                backoff: 10ms
                budget: {percent: 50, minRetryRate: 5}
              loadBalancing: {algorithm: random}
              limits: {connections: 100, pendingRequests: 1024, requests: 500}
            ---
            apiVersion: weft.dev/v1
            kind: TrafficPolicy
            metadata: {name: \(service)-paths}
            spec:
              targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: \(service)-paths}]
              retry: {attempts: 1, grpcCodes: [ABORTED]}
            """
        }
    }
}
