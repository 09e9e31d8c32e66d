import Foundation
import Testing
import WeftModel

extension InteroperabilityTests {
    /// What a gRPC call is, whichever way it travels.
    @Suite(.serialized) struct GRPCCallTests {
        @Test(arguments: Way.allCases)
        func `a unary call carries metadata both ways, and trailing metadata back`(way: Way) async throws {
            let result = try await TestMesh.running.call("describe", by: way)
            #expect(result.code == "OK")
            #expect(result.initial?["x-instance"] == "greeter")
            #expect(result.trailing?["x-received"] == "1")
            #expect(result.trailing?["x-digest-bin"] == "0001feff")
            let reply = try #require(result.reply)
            #expect(reply.metadata["x-plan"] == "beta")
            #expect(reply.metadata["x-token-bin"] == "00ff10")
        }

        @Test(arguments: Way.allCases)
        func `the service knows its caller by the identity that it proved`(way: Way) async throws {
            let result = try await TestMesh.running.call("describe", by: way)
            #expect(result.reply?.metadata["x-weft-peer"] == "spiffe://mesh.local/ns/default/sa/\(way.account)")
        }

        @Test(arguments: [Way.xds, .envoy])
        func `clients that are not ours report how their calls end, as who they proved to be`(way: Way) async throws {
            let mesh = try TestMesh.running
            try await eventually("a load report of \(way)") {
                _ = try await mesh.call("describe", by: way)
                let text = try await mesh.weft("edges", "--from", way.account, "--window", "60s", "-o", "json")
                let report = try JSONDecoder().decode(TelemetryEdges.self, from: Data(text.utf8))
                let isThere = report.edges.contains { edge in
                    edge.destination.hasPrefix("greeter") && edge.direction == .outbound
                        && edge.signals.requestsPerSecond > 0 && edge.signals.successRatio == 1
                        && edge.signals.p50 == nil
                }
                return isThere ? () : nil as Void?
            }
        }

        @Test(arguments: Way.allCases)
        func `the deadline is visible at the server, and without one there is none`(way: Way) async throws {
            let mesh = try TestMesh.running
            let limited = try #require(try await mesh.call("describe", by: way, ["timeout": "25"]).reply?.remaining)
            // The server's gRPC rounds what is left up.
            #expect(limited > 0 && limited < 26)
            // gRPC for Python says "none" with a number near the largest there is.
            let unlimited = try await mesh.call("describe", by: way).reply?.remaining ?? .infinity
            #expect(unlimited > 1e9)
        }

        @Test(arguments: Way.allCases)
        func `streams of either direction arrive whole and in order`(way: Way) async throws {
            let mesh = try TestMesh.running
            let sent = try await mesh.call("total", by: way)
            #expect(sent.code == "OK" && sent.complete == 1)
            #expect(sent.trailing?["x-received"] == "100")
            let received = try await mesh.call("count", by: way)
            #expect(received.code == "OK" && received.complete == 1)
            #expect(received.trailing?["x-received"] == "1")
        }

        @Test(arguments: Way.allCases)
        func `both sides of a conversation wait for each other`(way: Way) async throws {
            let result = try await TestMesh.running.call("converse", by: way, ["rounds": "50"])
            #expect(result.code == "OK" && result.complete == 1)
            #expect(result.trailing?["x-received"] == "50")
        }

        @Test(arguments: Way.allCases)
        func `conversations go on side by side`(way: Way) async throws {
            let result = try await TestMesh.running.call("converse_many", by: way, ["streams": "30"])
            #expect(result.complete == 30)
        }

        @Test(arguments: Way.allCases)
        func `a message larger than any window passes both ways`(way: Way) async throws {
            let result = try await TestMesh.running.call("echo", by: way, ["bytes": "4000000"])
            #expect(result.code == "OK" && result.complete == 1)
        }

        @Test(arguments: Way.allCases)
        func `a failure keeps its status, its text and its trailing metadata`(way: Way) async throws {
            let mesh = try TestMesh.running
            let text = "café 100% “späť” \u{1F9F5}"
            let result = try await mesh.call("fail", by: way, ["code": "9", "details": text])
            #expect(result.code == "FAILED_PRECONDITION")
            #expect(result.details == text)
            #expect(result.trailing?["x-digest-bin"] == "0001feff")
            let unknown = try await mesh.call("unknown", by: way)
            #expect(unknown.code == "UNIMPLEMENTED")
        }

        @Test(arguments: Way.allCases)
        func `a failure in the middle of a stream comes after its messages`(way: Way) async throws {
            let result = try await TestMesh.running.call("fail_late", by: way)
            #expect(result.replies == ["0", "1", "2"])
            #expect(result.code == "DATA_LOSS")
            #expect(result.details == "the rest is lost")
            #expect(result.trailing?["x-received"] == "1")
        }

        /// A declared retry waits as long as the server asks, and does not happen where it says no.
        @Test(arguments: [Way.proxy, .connect, .upstream], [("20", true), ("-1", false), ("soon", false)])
        func `a server's pushback decides about the retry`(
            way: Way, pushback: (text: String, isRetried: Bool)
        ) async throws {
            let mesh = try TestMesh.running
            try await mesh.apply(
                """
                apiVersion: weft.dev/v1
                kind: TrafficPolicy
                metadata: {name: greeter}
                spec:
                  targetRefs: [{group: "", kind: Service, name: greeter}]
                  retry: {attempts: 1, grpcCodes: [UNAVAILABLE]}
                """)
            let key = "\(way) \(pushback.text) \(UInt64.random(in: 0 ... .max))"
            // The policy has to get there first.
            if pushback.isRetried {
                try await eventually("a retry") {
                    let name = "first \(UInt64.random(in: 0 ... .max))"
                    let result = try await mesh.call("stumble", by: way, ["key": name, "pushback": "0"])
                    return result.code == "OK" ? () : nil
                }
            }
            let result = try await mesh.call("stumble", by: way, ["key": key, "pushback": pushback.text])
            #expect(result.code == (pushback.isRetried ? "OK" : "UNAVAILABLE"))
            #expect(result.trailing?["x-asked"] == "2", "\(result)")
        }

        @Test(arguments: Way.allCases)
        func `the server sees that its caller gave up`(way: Way) async throws {
            let result = try await TestMesh.running.call("cancel", by: way)
            #expect(result.code == "CANCELLED")
            #expect(result.server?.cancelled == true)
        }

        @Test(arguments: Way.allCases)
        func `a call whose time is over ends on both sides`(way: Way) async throws {
            let result = try await TestMesh.running.call("expire", by: way)
            // Client, Envoy and server each watch the time; where the server is first, Envoy hands on its reset, which
            // the client calls INTERNAL.
            #expect(result.code == "DEADLINE_EXCEEDED" || way == .envoy && result.code == "INTERNAL")
            #expect(result.server?.cancelled == true)
        }

        // A declared upstream is one that exists. gRPC's own xDS client gives a name 15 s to appear.
        @Test(arguments: [Way.proxy, .connect, .xds, .envoy])
        func `a service that the mesh does not have is an error before the deadline`(way: Way) async throws {
            let timeout = way == .xds ? "40" : "14"
            let result = try await TestMesh.running.call(
                "describe", by: way, ["service": "nobody", "timeout": timeout])
            #expect(result.code != "OK" && result.code != "DEADLINE_EXCEEDED", "\(result)")
        }
    }
}
