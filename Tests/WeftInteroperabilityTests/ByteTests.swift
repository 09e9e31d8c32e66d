import Foundation
import Testing

extension InteroperabilityTests {
    /// What is no HTTP crosses the mesh as it is, whichever side speaks first.
    @Suite(.serialized) struct ByteTests {
        struct Talk: Decodable {
            var greeting: String?
            var answer: String?
            var answers: [String]?
            var same: Bool?
            var text: String?
            var code: Int?
        }

        private func talk(_ what: String, to service: String) async throws -> Talk {
            let port = try TestMesh.running.port("caller/upstream/\(service)")
            let outcome = try await PeerProcess.run([Peers.python, Peers.program("talker.py"), what, "\(port)"])
            try #require(outcome.code == 0, "\(outcome.errors)")
            return try JSONDecoder().decode(Talk.self, from: Data(outcome.output.utf8))
        }

        @Test(arguments: ["greeting", "greeting-tcp"])
        func `a server that speaks first is heard, whether or not it was declared`(service: String) async throws {
            for _ in 0..<3 {
                let talk = try await self.talk("greet", to: service)
                #expect(talk.greeting == "220 ready\n")
                #expect(talk.answer == "quit\nreceived 5\n")
            }
        }

        @Test func `each direction ends by itself`() async throws {
            #expect(try await self.talk("echo", to: "echo").answer == "one two received 8\n")
        }

        @Test func `a client may take its time, whatever the port's last clients did`() async throws {
            #expect(try await self.talk("late", to: "echo").answers == Array(repeating: "late received 5\n", count: 3))
        }

        @Test func `a large stream arrives whole in both directions at once`() async throws {
            let talk = try await self.talk("large", to: "echo")
            #expect(talk.same == true)
            #expect(talk.answers == Array(repeating: "received \(16 << 20)\n", count: 4))
        }

        @Test(.enabled(if: Peers.redis != nil, "there is no redis-server: run `scripts/setup test`"))
        func `Redis is reached by its own client`() async throws {
            let port = try TestMesh.running.port("caller/upstream/cache")
            func redis(_ words: String...) async throws -> String {
                try await PeerProcess.run(["/usr/bin/env", "redis-cli", "-p", "\(port)"] + words).output
            }
            #expect(try await redis("SET", "greeting", "hello") == "OK\n")
            #expect(try await redis("GET", "greeting") == "hello\n")
            let load = try await PeerProcess.run(
                ["/usr/bin/env", "redis-benchmark", "-p", "\(port)", "-n", "4000", "-c", "20", "-t", "incr", "-q"])
            #expect(load.code == 0, "\(load.errors)")
            // Every increment has happened, and none twice.
            #expect(try await redis("GET", "counter:__rand_int__") == "4000\n")
        }

        @Test(.enabled(if: Peers.postgres != nil, "there is no PostgreSQL: run `scripts/setup test`"))
        func `PostgreSQL is reached by its own client`() async throws {
            let port = try TestMesh.running.port("caller/upstream/database")
            let programs = try #require(Peers.postgres)
            func run(_ program: String, _ words: [String]) async throws -> PeerProcess.Outcome {
                try await PeerProcess.run(
                    ["\(programs)/\(program)", "-h", "127.0.0.1", "-p", "\(port)", "-U", "postgres"] + words)
            }
            let answer = try await run("psql", ["-At", "-c", "select sum(n) from generate_series(1, 20000) n"])
            #expect(answer.output == "200010000\n", "\(answer.errors)")
            let prepared = try await run("pgbench", ["-i", "-q", "postgres"])
            try #require(prepared.code == 0, "\(prepared.errors)")
            let load = try await run("pgbench", ["-n", "-c", "4", "-t", "50", "postgres"])
            #expect(load.code == 0, "\(load.errors)")
            let history = try await run("psql", ["-At", "-c", "select count(*) from pgbench_history"])
            #expect(history.output == "200\n")
        }

        @Test(arguments: ["sockets", "sockets-http"])
        func `a WebSocket is opened, used and closed by Python's client`(service: String) async throws {
            let talk = try await self.talk("socket", to: service)
            #expect(talk.text == "hello")
            #expect(talk.same == true)
            #expect(talk.code == 1000)
        }

        @Test func `curl upgrades through the proxy's port`() async throws {
            let proxy = try TestMesh.running.port("caller/outbound")
            // It has no more to say and ends its side, once the answer is here.
            let outcome = try await PeerProcess.run([
                "/usr/bin/env", "curl", "-sS", "-i", "-m", "3", "-x", "http://127.0.0.1:\(proxy)",
                "http://sockets/room",
                "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13", "-H",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ])
            #expect(outcome.output.hasPrefix("HTTP/1.1 101 "))
            #expect(outcome.output.lowercased().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
        }

        @Test func `bytes to a service that takes requests are refused`() async throws {
            let answer = try #require(try await self.talk("noise", to: "billing").answer)
            #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("x-weft-reason: bad_request"), "\(answer)")
        }
    }
}
