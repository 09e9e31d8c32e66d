import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftIdentity
import WeftMessage
import WeftModel
import WeftTelemetry

@testable import WeftProxy

/// Policies on the request path: who is let in, what the others are told, and what becomes of what is open.
@Suite struct AuthorizationTests {
    @Test func `who is not allowed is refused, peers with the policies that applied`() async throws {
        try await GuardedSidecar.run(.http, [GuardedSidecar.policy("callers", from: "shop")]) { guarded in
            let shop = try await PeerClient.connect(
                to: guarded.port, as: guarded.authority.identity("shop"), on: guarded.group)
            #expect(try await shop.ask("/").hasPrefix("HTTP/1.1 200 "))
            await shop.close()
            let thief = try await PeerClient.connect(
                to: guarded.port, as: guarded.authority.identity("thief"), on: guarded.group)
            var refusal = try await thief.ask("/")
            if !refusal.contains("weft: denied") { refusal += await thief.more() }
            #expect(refusal.hasPrefix("HTTP/1.1 403 "))
            #expect(refusal.contains("x-weft-reason: denied\r\n"))
            #expect(
                refusal.contains(
                    "weft: denied: no ALLOW matched: TrafficPolicy/default/callers@12 (f.yaml:3)"))
            await thief.close()
            #expect(guarded.app.heads.count == 1)
            let decisions = try await guarded.metrics().families[MetricNames.authorizationDecisions]
            #expect(decisions?[["TrafficPolicy/default/callers", "1", "allowed"]] == .counter(1))
            #expect(decisions?[["no_allow", "", "denied"]] == .counter(1))
        }
    }

    @Test func `a rule that denies is told to peers by number, and counted under the same`() async throws {
        var policy = GuardedSidecar.policy("closed", .deny, path: "/a")
        policy.rules += GuardedSidecar.policy("closed", .deny, from: "thief").rules
        try await GuardedSidecar.run(.http, [policy]) { guarded in
            let thief = try await PeerClient.connect(
                to: guarded.port, as: guarded.authority.identity("thief"), on: guarded.group)
            var refusal = try await thief.ask("/b")
            if !refusal.contains("weft: denied") { refusal += await thief.more() }
            await thief.close()
            #expect(
                refusal.contains("weft: denied: denied by TrafficPolicy/default/closed@12 rule 2 (f.yaml:3)"),
                "\(refusal)")
            let decisions = try await guarded.metrics().families[MetricNames.authorizationDecisions]
            #expect(decisions == [["TrafficPolicy/default/closed", "2", "denied"]: .counter(1)])
        }
    }

    @Test func `callers outside the mesh learn nothing but that they are denied`() async throws {
        try await GuardedSidecar.run(.http, [GuardedSidecar.policy("secret", .deny, path: "/a/b")]) { guarded in
            #expect(try await guarded.ask("/a/c").hasPrefix("HTTP/1.1 200 "))
            for path in ["/a/b", "/a/./b", "/a//b", "/%61/b", "/x/../a/b?q=1", "/a/b#x"] {
                let refusal = try await guarded.ask(path)
                #expect(refusal.hasPrefix("HTTP/1.1 403 ") || refusal.hasPrefix("HTTP/1.1 400 "), "\(path)")
                #expect(!refusal.contains("secret"))
            }
            #expect(try await guarded.ask("/a/b").contains("weft: denied: access denied\n"))
            #expect(guarded.app.heads.count == 1)
        }
    }

    @Test func `gRPC callers get the statuses of their protocol`() async throws {
        let issuer = TestIssuer()
        try await GuardedSidecar.run(.grpc, [GuardedSidecar.policy("secret", .deny, path: "/s.S/M")]) { guarded in
            let client = TestClient(group: guarded.group, port: guarded.port, isHTTP2: true)
            let headers: HeaderBlock = ["content-type": "application/grpc", "te": "trailers"]
            let denied = try await client.post("/s.S/M", headers: headers, [.data(ByteBuffer(string: "x"))])
            #expect(denied.status == 200)
            #expect(denied.headers[.grpcStatus] == "7")
            try await guarded.install([], issuers: [issuer.issuer { $0.isRequired = true }])
            let refused = try await client.post("/s.S/M", headers: headers, [.data(ByteBuffer(string: "x"))])
            #expect(refused.headers[.grpcStatus] == "16")
            #expect(refused.headers[.wwwAuthenticate] == "Bearer")
        }
    }

    // MARK: Tokens

    @Test func `a wrong token is refused with a challenge, none passes where none is required`() async throws {
        let issuer = TestIssuer()
        try await GuardedSidecar.run(issuers: [issuer.issuer()]) { guarded in
            let token = try issuer.token()
            for (field, status) in [
                ("X-Other: 1", 200), ("Authorization: Basic dXNlcjpwYXNz", 200),
                ("Authorization: Bearer \(token)", 200),
                ("authorization: bearer  \(token)", 200), ("Authorization: Bearer\t\(token)", 200),
                ("Authorization: Bearer\tx.y.z", 401), ("Authorization: BearerToken", 200),
                ("Authorization: Bearer \(token)x", 401),
                ("Authorization: Bearer ", 200), ("Authorization: Bearer x.y.z", 401),
                ("Authorization: Bearer \(try issuer.token(lasting: -61))", 401),
                ("Authorization: Bearer \(try TestIssuer().token())", 401),
                // Two of them the codec refuses.
                ("Authorization: Bearer \(token)\r\nAuthorization: Bearer \(token)", 400),
                ("Authorization: Bearer \(String(repeating: "a", count: 16_385))", 401),
            ] {
                let answer = try await guarded.ask("/", field)
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(field)")
                if status == 401 {
                    #expect(answer.contains("www-authenticate: Bearer error=\"invalid_token\"\r\n"))
                    #expect(answer.contains("x-weft-reason: unauthenticated\r\n"))
                    #expect(answer.contains("a valid token is required"))
                }
            }
            let causes = try await guarded.metrics().families[MetricNames.tokensRefused]
            #expect(causes?[["expired"]] == .counter(1))
            #expect(causes?[["too_large"]] == .counter(1))
        }
    }

    @Test func `a required token must be there, and is kept from the application where asked`() async throws {
        let issuer = TestIssuer()
        let rule = issuer.issuer {
            $0.isRequired = true
            $0.isForwarded = false
            $0.locations = [.header(name: "x-token", prefix: "t:"), .bearer]
        }
        try await GuardedSidecar.run(issuers: [rule]) { guarded in
            let missing = try await guarded.ask("/")
            #expect(missing.hasPrefix("HTTP/1.1 401 "))
            #expect(missing.contains("www-authenticate: Bearer\r\n"))
            let token = try issuer.token()
            #expect(try await guarded.ask("/", "X-Token: t:\(token)").hasPrefix("HTTP/1.1 200 "))
            #expect(try await guarded.ask("/", "Authorization: Bearer \(token)").hasPrefix("HTTP/1.1 200 "))
            #expect(try await guarded.ask("/", "X-Token: \(token)").hasPrefix("HTTP/1.1 401 "))
            // Each that is shown must be good.
            #expect(
                try await guarded.ask("/", "X-Token: t:\(token)", "Authorization: Bearer a.b.c")
                    .hasPrefix("HTTP/1.1 401 "))
            for head in guarded.app.heads {
                #expect(head.headers["x-token"] == nil)
                #expect(head.headers[.authorization] == nil)
            }
            #expect(guarded.app.heads.count == 2)
        }
    }

    @Test func `claims count where they were proved, and only there`() async throws {
        let issuer = TestIssuer()
        let isAdmin = AuthorizationCondition(subject: .claim(["role"]), values: [.exact("admin")])
        try await GuardedSidecar.run(
            .http, [GuardedSidecar.policy("admins", when: [isAdmin])], issuers: [issuer.issuer()]
        ) { guarded in
            #expect(try await guarded.ask("/").hasPrefix("HTTP/1.1 403 "))
            let reader = try issuer.token(role: "reader")
            #expect(try await guarded.ask("/", "Authorization: Bearer \(reader)").hasPrefix("HTTP/1.1 403 "))
            let admin = try issuer.token()
            for _ in 0..<3 {
                #expect(try await guarded.ask("/", "Authorization: Bearer \(admin)").hasPrefix("HTTP/1.1 200 "))
            }
        }
    }

    @Test func `a name that applications take for a token's carries none to them`() async throws {
        let issuer = TestIssuer()
        for (isRequired, name) in [(true, "x-jwt-assertion"), (false, "x-jwt_assertion")] {
            let rule = issuer.issuer {
                $0.isRequired = isRequired
                $0.isForwarded = false
                $0.locations = [.header(name: name, prefix: "")]
            }
            try await GuardedSidecar.run(issuers: [rule]) { guarded in
                let fields =
                    ["X_Jwt_Assertion", "x-jwt_assertion", "X-JWT-Assertion", "X_JWT-ASSERTION"]
                    .filter { $0.lowercased() != name }.map { "\($0): forged.admin.token" }
                    + (isRequired ? ["\(name): \(try issuer.token())"] : []) + ["X-Jwt-Assertions: other"]
                #expect(try await guarded.ask("/", fields).hasPrefix("HTTP/1.1 200 "))
                #expect(guarded.app.heads.count == 1)
                for head in guarded.app.heads {
                    let names = (0..<head.headers.count).map { head.headers.name(at: $0) }
                    #expect(names.filter { $0.contains("jwt") } == ["x-jwt-assertions"])
                }
            }
        }
    }

    @Test func `what stands in a token's own field is read as applications read it, or taken away`() async throws {
        let issuer = TestIssuer()
        let rule = issuer.issuer {
            $0.isRequired = true
            $0.isForwarded = false
            $0.locations = [.bearer, .header(name: "x-user-token", prefix: "JWT ")]
        }
        try await GuardedSidecar.run(issuers: [rule]) { guarded in
            let good = "Authorization: Bearer \(try issuer.token())"
            for forged in ["jwt a.b.c", "JWT\ta.b.c", "Jwt  a.b.c"] {
                #expect(try await guarded.ask("/", good, "X-User-Token: \(forged)").hasPrefix("HTTP/1.1 401 "))
            }
            #expect(guarded.app.heads.isEmpty)
            for other in ["a.b.c", "JWTa.b.c", "other a.b.c"] {
                #expect(try await guarded.ask("/", good, "X-User-Token: \(other)").hasPrefix("HTTP/1.1 200 "))
            }
            let token = try issuer.token()
            #expect(try await guarded.ask("/", "X-User-Token: jwt\t\(token)").hasPrefix("HTTP/1.1 200 "))
            #expect(guarded.app.heads.count == 4)
            for head in guarded.app.heads { #expect(head.headers["x-user-token"] == nil) }
        }
    }

    // MARK: Bytes

    @Test func `a connection of bytes is judged by its caller alone`() async throws {
        let request = "GET / HTTP/1.1\r\nHost: billing\r\nConnection: close\r\n\r\n"
        try await GuardedSidecar.run(.tcp, [GuardedSidecar.policy("paths", path: "/")]) { guarded in
            let answer = try await RawClient.converse(on: guarded.group, port: guarded.port, [request])
            #expect(answer == "")
            #expect(guarded.app.heads.isEmpty)
        }
        try await GuardedSidecar.run(.tcp, [GuardedSidecar.policy("everybody")]) { guarded in
            let answer = try await RawClient.converse(on: guarded.group, port: guarded.port, [request])
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
        }
    }

    private static let connect = Array("CONNECT billing:80 HTTP/1.1\r\nHost: billing:80\r\n\r\n".utf8)

    @Test func `a handshake that comes late is still the sidecar's, not bytes for the application`() async throws {
        try await GuardedSidecar.run(.detect) { guarded in
            // To a caller that is silent the application might speak first.
            let app = guarded.app
            let peer = try await PeerClient.connect(
                to: guarded.port, as: guarded.authority.identity("shop"), on: guarded.group,
                onceOpen: { while app.connections == 0 { await Task.yield() } })
            #expect(try await peer.ask("/").hasPrefix("HTTP/1.1 200 "))
            await peer.close()
        }
    }

    /// Some applications split lines at bytes that are no spaces, and take any word for a method.
    @Test(arguments: [[0xa0], [0x85], [0x1f], [0x28, 0x4f, 0x20], [0x00, 0x20]] as [[UInt8]])
    func `no request hides in a tunnel to a port of unknown protocol`(space: [UInt8]) async throws {
        try await GuardedSidecar.run(.detect) { guarded in
            for pieces in [1, 3] {
                let peer = try await PeerClient.connect(
                    to: guarded.port, as: guarded.authority.identity("shop"), on: guarded.group)
                try await peer.send(Self.connect)
                #expect(await peer.more().hasPrefix("HTTP/1.1 200 "))
                let line = Array("GET".utf8) + space + Array("/secret HTTP/1.1\r\nHost: b\r\n\r\n".utf8)
                let size = line.count / pieces + 1
                for start in stride(from: 0, to: line.count, by: size) {
                    // What comes too late finds the connection closed.
                    try? await peer.send(line[start..<min(line.count, start + size)])
                }
                // The application may say that it understands nothing of what came before.
                while await !peer.more().isEmpty {}
            }
            #expect(guarded.app.heads.isEmpty)
            let requests = try await guarded.metrics().families[MetricNames.requests]?.keys
            #expect(requests?.filter { $0.contains("protocol_unknown") }.count == 1)
        }
    }

    @Test func `bytes carry no token, so that they are refused where one is required`() async throws {
        let issuer = TestIssuer()
        let route = issuer.issuer {
            $0.isRequired = true
            $0.scope = [RouteMatch(path: .prefix("/admin"))]
        }
        try await GuardedSidecar.run(.detect, issuers: [route]) { guarded in
            let peer = try await PeerClient.connect(
                to: guarded.port, as: guarded.authority.identity("shop"), on: guarded.group)
            try await peer.send(Self.connect)
            var refusal = await peer.more()
            if !refusal.contains("unauthenticated") { refusal += await peer.more() }
            #expect(refusal.hasPrefix("HTTP/1.1 401 "))
            #expect(refusal.contains("x-weft-reason: unauthenticated\r\n"))
            #expect(
                try await RawClient.converse(on: guarded.group, port: guarded.port, ["\0\0\0\u{8}hello\n"]) == "")
            #expect(try await guarded.ask("/").hasPrefix("HTTP/1.1 200 "))
            // Tunnels that are open end when a token comes to be required.
            try await guarded.install([], issuers: [issuer.issuer()])
            let open = try await PeerClient.connect(
                to: guarded.port, as: guarded.authority.identity("shop"), on: guarded.group)
            try await open.send(Self.connect)
            #expect(await open.more().hasPrefix("HTTP/1.1 200 "))
            try await guarded.install([], issuers: [route])
            #expect(await open.more() == "")
        }
    }

    // MARK: Changes

    @Test func `a change of policy ends the streams that it forbids`() async throws {
        try await GuardedSidecar.run(.http) { guarded in
            let (group, port) = (guarded.group, guarded.port)
            async let open = RawClient.converse(
                on: group, port: port, ["GET /hang HTTP/1.1\r\nHost: billing\r\nConnection: close\r\n\r\n"])
            try await guarded.heads(1)
            try await guarded.install([GuardedSidecar.policy("hung", .deny, path: "/hang")])
            #expect(try await open.hasPrefix("HTTP/1.1 403 "))
            #expect(try await guarded.ask("/").hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `what is open without a token that is required by now ends`() async throws {
        let issuer = TestIssuer()
        let required = issuer.issuer { $0.isRequired = true }
        try await GuardedSidecar.run(.http, issuers: [issuer.issuer { $0.isForwarded = false }]) { guarded in
            let token = "Authorization: Bearer \(try issuer.token())"
            async let without = guarded.ask("/hang")
            async let with = guarded.ask("/hang", token)
            try await guarded.heads(2)
            try await guarded.install([], issuers: [required])
            #expect(try await without.hasPrefix("HTTP/1.1 401 "))
            // Of the two the one that has shown a token goes on.
            async let next = guarded.ask("/hang", token)
            try await guarded.heads(3)
            // An issuer that is believed no more makes it one without.
            try await guarded.install(
                [],
                issuers: [
                    issuer.issuer {
                        $0.isRequired = true
                        $0.issuer = "https://other"
                    }
                ])
            #expect(try await with.hasPrefix("HTTP/1.1 401 "))
            #expect(try await next.hasPrefix("HTTP/1.1 401 "))
        }
    }

    @Test func `what was let in by claims ends when nobody is believed any more`() async throws {
        let issuer = TestIssuer()
        let isAdmin = AuthorizationCondition(subject: .claim(["role"]), values: [.exact("admin")])
        let policies = [GuardedSidecar.policy("admins", when: [isAdmin])]
        try await GuardedSidecar.run(.http, policies, issuers: [issuer.issuer()]) { guarded in
            async let open = guarded.ask("/hang", "Authorization: Bearer \(try issuer.token())")
            try await guarded.heads(1)
            try await guarded.install(policies)
            #expect(try await open.hasPrefix("HTTP/1.1 403 "))
        }
    }

    @Test func `a change of policy ends the tunnels that it forbids, and leaves others alone`() async throws {
        try await GuardedSidecar.run(.tcp) { guarded in
            let (group, port) = (guarded.group, guarded.port)
            async let open = RawClient.converse(
                on: group, port: port, ["GET /hang HTTP/1.1\r\nHost: billing\r\n\r\n"])
            try await guarded.heads(1)
            try await guarded.install([GuardedSidecar.policy("else", .deny, from: "somebody-else")])
            try await guarded.install([GuardedSidecar.policy("bytes", from: "nobody")])
            let answer = try await open
            #expect(answer == "")
            let reasons = try await guarded.metrics().families[MetricNames.requests]?.keys.filter {
                $0.contains("denied")
            }
            #expect(reasons?.count == 1)
        }
    }

    @Test func `an audited policy counts what it would have done, and does nothing`() async throws {
        try await GuardedSidecar.run(
            .http, [GuardedSidecar.policy("trial", .deny, path: "/a", isAudit: true)]
        ) { guarded in
            #expect(try await guarded.ask("/a").hasPrefix("HTTP/1.1 200 "))
            #expect(try await guarded.ask("/b").hasPrefix("HTTP/1.1 200 "))
            let audits = try await guarded.metrics().families[MetricNames.authorizationAudit]
            #expect(audits == [["TrafficPolicy/default/trial", "1", "DENY"]: .counter(1)])
        }
    }
}
