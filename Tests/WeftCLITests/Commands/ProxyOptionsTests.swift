import ArgumentParser
import Testing
import WeftProxy

@testable import WeftCLI

@Suite struct ProxyOptionsTests {
    private func configuration(_ arguments: [String]) throws -> ProxyConfiguration {
        let options = try ProxyOptions.parse(["--service", "billing"] + arguments)
        var settings = Settings(environment: [:])
        return try options.configuration(&settings)
    }

    @Test(arguments: ["0.0.0.0:15000", "10.0.0.1:15000", "[::]:15000", "example.com:15000"])
    func `the admin server is for this host alone`(address: String) {
        let failure = #expect(throws: CommandFailure.self) { try self.configuration(["--admin", address]) }
        #expect(failure?.exit == .usage)
    }

    @Test(arguments: ["127.0.0.1:15000", "127.1.2.3:1", "localhost:15000", "none"])
    func `on loopback, or nowhere, it is taken`(address: String) throws {
        #expect(throws: Never.self) { try self.configuration(["--admin", address]) }
    }

    @Test func `a service-account token comes with the root that the control plane must hold`() throws {
        let hex = String(repeating: "ab", count: 32)
        let configuration = try self.configuration([
            "--kubernetes-token-file", "/var/token", "--root-fingerprint", hex.uppercased(),
        ])
        guard case .controlPlane(let access) = configuration.source else {
            Issue.record("it is fed by no control plane")
            return
        }
        #expect(access.kubernetesTokenFile == "/var/token")
        #expect(access.rootFingerprint == hex)
        #expect(throws: CommandFailure.self) { try self.configuration(["--root-fingerprint", "abc"]) }
    }
}
