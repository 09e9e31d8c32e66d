import Crypto
import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftIdentity
import WeftMessage
import WeftModel

@testable import WeftProxy

/// Identities that are renewed while connections are open.
@Suite struct RotationTests {
    private func leafHash(_ identity: WorkloadIdentity) throws -> String {
        SHA256.hash(data: try #require(identity.chain.first)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    @Test func `a renewed certificate is shown to new callers, and connections that exist go on`() async throws {
        try await withLoops { group in
            let authority = try TestAuthority()
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("billing", on: group) {
                $0.ports = [ApplicationPort(port: app.port, inboundPort: 0)]
                $0.outbound = nil
            }
            let (old, new) = (try authority.identity("billing"), try authority.identity("billing"))
            let port = try #require(sidecar.inbound.ports[app.port])
            let caller = try authority.identity("shop")
            try sidecar.server.install(identity: old)
            let early = try await PeerClient.connect(to: port, as: caller, on: group)
            #expect(early.leafHash == (try self.leafHash(old)))
            #expect(try await early.ask("/").hasPrefix("HTTP/1.1 200"))

            try sidecar.server.install(identity: new)
            let late = try await PeerClient.connect(to: port, as: caller, on: group)
            #expect(late.leafHash == (try self.leafHash(new)))
            #expect(try await late.ask("/").hasPrefix("HTTP/1.1 200"))
            #expect(try await early.ask("/").hasPrefix("HTTP/1.1 200"))
            await early.close()
            await late.close()
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test
    func `a renewed certificate is proved by new connections to peers, and requests on old ones come to their end`()
        async throws
    {
        try await withLoops { group in
            let authority = try TestAuthority()
            let app = try await TestApplication.start(on: group)
            let callee = try await TestSidecar.start("billing", on: group) {
                $0.ports = [ApplicationPort(port: app.port, inboundPort: 0)]
                $0.outbound = nil
            }
            let caller = try await TestSidecar.start("shop", on: group)
            try callee.server.install(identity: authority.identity("billing"))
            let (old, new) = (try authority.identity("shop"), try authority.identity("shop"))
            try caller.server.install(identity: old)
            let billing = authority.id("billing")
            caller.server.install(
                snapshot(
                    endpoints: [
                        endpoint("billing-1", port: try #require(callee.inbound.ports[app.port]), identity: billing)
                    ], transport: .mutualTLS(peers: [billing]), route: { $0.retry.attempts = 0 }))
            let client = TestClient(group: group, port: caller.outboundPort)
            async let slow = client.get("/late")
            // Never answered, so that its connection is in use for as long as it likes.
            async let hanging = client.get("/hang")
            while app.heads.count < 2 { try await Task.sleep(for: .milliseconds(5)) }

            try caller.server.install(identity: new)
            #expect(try await client.get("/").status == 200)
            app.release()
            #expect(try await slow.status == 200)
            let shown = app.heads.map { $0.headers[.xForwardedClientCert] ?? "" }
            #expect(shown.prefix(2).allSatisfy { $0.contains("Hash=\((try? self.leafHash(old)) ?? "?");") })
            #expect(shown[2].contains("Hash=\(try self.leafHash(new));"))
            let open = await callee.server.load(.inbound)
            #expect(open.connections == 2 && open.requests == 1)
            await caller.stop()
            _ = try await hanging
            await callee.stop()
            await app.stop()
        }
    }
}
