import Foundation
import Testing
import WeftCLI

extension InteroperabilityTests {
    /// Workloads and the control plane come and go; calls go on.
    @Suite(.serialized) struct ChangeTests {
        @Test func `replicas that come are used, those that go are not missed`() async throws {
            let mesh = try TestMesh.running
            try await mesh.apply(TestMesh.split("teller", v1: 1, v2: 0))
            func used(_ expected: Set<String>) async throws {
                for way in Way.allCases {
                    try await eventually("\(expected.sorted()) by \(way)") {
                        let result = try await mesh.call(
                            "describe_many", by: way, ["service": "teller", "times": "40"])
                        #expect(result.failures == [], "\(way)")
                        return Set((result.instances ?? [:]).keys) == expected ? () : nil
                    }
                }
            }
            try await used(["teller-v1"])
            try TestMesh.fleet(tellers: 2).write(toFile: mesh.file, atomically: true, encoding: .utf8)
            try await mesh.weft("up", mesh.file, "--detach")
            try await mesh.apply(TestMesh.split("teller", v1: 1, v2: 0))
            try await used(["teller-v1-1", "teller-v1-2"])
            try TestMesh.fleet(tellers: 1).write(toFile: mesh.file, atomically: true, encoding: .utf8)
            try await mesh.weft("up", mesh.file, "--detach")
            try await mesh.apply(TestMesh.split("teller", v1: 1, v2: 0))
            try await used(["teller-v1"])
        }

        @Test func `a killed control plane fails no call, and its successor is followed`() async throws {
            let mesh = try TestMesh.running
            try await mesh.apply(
                [TestMesh.split("teller", v1: 1, v2: 0), TestMesh.split("billing", v1: 1, v2: 0)].joined(
                    separator: "\n---\n"))
            for way in Way.allCases { _ = try await mesh.call("describe_many", by: way, ["service": "teller"]) }
            try await mesh.settled()
            let before = try #require(try mesh.process("control"))
            kill(before.pid, SIGKILL)
            for way in Way.allCases {
                let result = try await mesh.call("describe_many", by: way, ["service": "teller", "times": "30"])
                #expect(result.failures == [], "\(way)")
                #expect(result.instances?.keys.sorted() == ["teller-v1"], "\(way)")
            }
            try await eventually("another control plane") {
                guard let now = try mesh.process("control"), now != before else { return nil as Void? }
                _ = try await mesh.status()
                return ()
            }
            try await mesh.apply(
                [TestMesh.split("teller", v1: 0, v2: 1), TestMesh.split("billing", v1: 0, v2: 1)].joined(
                    separator: "\n---\n"))
            for way in Way.allCases {
                try await eventually("the new route by \(way)") {
                    let result = try await mesh.call("describe_many", by: way, ["service": "teller", "times": "20"])
                    #expect(result.failures == [], "\(way)")
                    return result.instances?.keys.sorted() == ["teller-v2"] ? () : nil
                }
            }
            for envoy in mesh.envoys.values {
                try await eventually("the new route in Envoy") {
                    let answer = try await Web.get(port: envoy.outbound, "/charge", headers: ["host": "billing"])
                    #expect(answer.status == 200)
                    return answer.body.contains(#""version":"v2""#) ? () : nil
                }
            }
            try await mesh.settled()
        }
    }
}
