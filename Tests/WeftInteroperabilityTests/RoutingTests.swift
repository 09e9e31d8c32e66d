import Foundation
import Testing

extension InteroperabilityTests {
    /// The same routes mean the same to Weft's sidecar, to Envoy and to gRPC's own client.
    @Suite(.serialized) struct RoutingTests {
        /// How many of `total` calls v2 may get at `percent`, so that chance alone fails one run in 10⁹.
        private func bounds(_ percent: Double, of total: Int) -> ClosedRange<Int> {
            let mean = Double(total) * percent / 100
            let spread = 6.2 * (Double(total) * percent / 100 * (1 - percent / 100)).squareRoot()
            return max(0, Int(mean - spread))...min(total, Int(mean + spread) + 1)
        }

        @Test(arguments: Envoy.Variant.allCases)
        func `Envoy routes to billing by weight, and follows the weights while it runs`(
            variant: Envoy.Variant
        ) async throws {
            let mesh = try TestMesh.running
            let envoy = try #require(mesh.envoys[variant])
            func toV2(of count: Int) async throws -> Int {
                var number = 0
                for _ in 0..<count {
                    let answer = try await Web.get(port: envoy.outbound, "/charge", headers: ["host": "billing"])
                    try #require(answer.status == 200, "\(answer.body)")
                    if answer.body.contains(#""version":"v2""#) { number += 1 }
                }
                return number
            }
            for (v1, v2) in [(90, 10), (50, 50), (0, 100), (100, 0)] {
                try await mesh.apply(TestMesh.split("billing", v1: v1, v2: v2))
                try await mesh.settled()
                let count = v1 * v2 == 0 ? 30 : 300
                let number = try await toV2(of: count)
                #expect(self.bounds(Double(v2), of: count).contains(number), "\(v1)/\(v2): \(number) of \(count)")
            }
        }

        @Test(arguments: Envoy.Variant.allCases)
        func `Envoy routes by header and knows each name that callers use`(variant: Envoy.Variant) async throws {
            let mesh = try TestMesh.running
            let envoy = try #require(mesh.envoys[variant])
            try await mesh.apply(TestMesh.split("billing", v1: 1, v2: 0))
            try await mesh.settled()
            for name in ["billing", "billing.default", "billing.default.mesh", "billing:80", "Billing.default:80"] {
                let usual = try await Web.get(port: envoy.outbound, "/charge", headers: ["host": name])
                #expect(usual.body.contains(#""version":"v1""#), "\(name): \(usual)")
                let beta = try await Web.get(
                    port: envoy.outbound, "/charge", headers: ["host": name, "x-plan": "beta"])
                #expect(beta.body.contains(#""version":"v2""#), "\(name): \(beta)")
            }
            let unknown = try await Web.get(port: envoy.outbound, "/", headers: ["host": "nobody"])
            #expect(unknown.status == 404)
        }

        @Test(arguments: Way.allCases)
        func `gRPC calls follow weights and headers while they change`(way: Way) async throws {
            let mesh = try TestMesh.running
            for (v1, v2) in [(1, 0), (50, 50), (0, 1)] {
                try await mesh.apply(TestMesh.split("teller", v1: v1, v2: v2))
                try await mesh.settled()
                let count = v1 * v2 == 0 ? 20 : 200
                let percent = Double(v2) / Double(v1 + v2) * 100
                // What has been acknowledged is in use from the next call on; gRPC's client takes a moment more.
                try await eventually("\(v1)/\(v2) by \(way)") {
                    let result = try await mesh.call(
                        "describe_many", by: way, ["service": "teller", "times": "\(count)"])
                    #expect(result.failures == [])
                    let number = result.instances?["teller-v2"] ?? 0
                    return self.bounds(percent, of: count).contains(number) ? () : nil
                }
            }
            try await mesh.apply(TestMesh.split("teller", v1: 1, v2: 0))
            try await mesh.settled()
            // `describe` says that it is for the beta.
            let beta = try await eventually("the beta by \(way)") {
                let result = try await mesh.call("describe", by: way, ["service": "teller"])
                return result.code == "OK" ? result : nil
            }
            #expect(beta.reply?.instance == "teller-v2")
        }
    }
}
