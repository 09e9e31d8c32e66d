import Foundation
import Testing

extension InteroperabilityTests {
    /// HTTP as curl, nghttp and h2load speak it, to an application that shows what reached it.
    @Suite(.serialized) struct HTTPClientTests {
        struct Seen: Decodable {
            var method: String
            var target: String
            var version: String
            var fields: [[String]]
            var body: Int
            var trailers: [String: String]

            func values(_ name: String) -> [String] {
                self.fields.filter { $0[0].lowercased() == name }.map { $0[1] }
            }
        }

        private func curl(_ words: String..., path: String) async throws -> PeerProcess.Outcome {
            let port = try TestMesh.running.port("caller/upstream/pages")
            return try await PeerProcess.run(
                ["/usr/bin/env", "curl", "-sS", "-m", "20"] + words + ["http://127.0.0.1:\(port)\(path)"])
        }

        private func seen(_ outcome: PeerProcess.Outcome) throws -> Seen {
            try #require(outcome.code == 0, "\(outcome.errors)")
            let body = outcome.output.components(separatedBy: "\r\n\r\n").last ?? ""
            return try JSONDecoder().decode(Seen.self, from: Data(body.utf8))
        }

        @Test(arguments: ["--http1.0", "--http1.1", "--http2", "--http2-prior-knowledge"])
        func `curl in each version gets the page, and the application sees HTTP/1.1`(version: String) async throws {
            let seen = try self.seen(try await self.curl(version, path: "/page?q=%20a"))
            #expect(seen.method == "GET" && seen.target == "/page?q=%20a" && seen.version == "HTTP/1.1")
            #expect(seen.values("host") == ["pages.default"])
            #expect(seen.values("upgrade").isEmpty && seen.values("http2-settings").isEmpty)
        }

        @Test func `HTTP/1.0 is answered in a way it understands`() async throws {
            let outcome = try await self.curl("--http1.0", "-i", path: "/trailers")
            #expect(!outcome.output.lowercased().contains("transfer-encoding"))
            #expect(try self.seen(outcome).method == "GET")
        }

        @Test(arguments: ["--http1.1", "--http2-prior-knowledge"])
        func `chunks with extensions become one body, and trailers follow it`(version: String) async throws {
            let outcome = try await self.curl(version, "-i", "-H", "TE: trailers", "--raw", path: "/trailers")
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.output.lowercased().contains("x-sum: "), "\(outcome.output)")
            #expect(!outcome.output.contains("note="))
        }

        @Test(arguments: ["--http1.1", "--http2-prior-knowledge"])
        func `an upload waits for the application's word`(version: String) async throws {
            let file = try self.upload()
            let accepted = try self.seen(
                try await self.curl(version, "-H", "Expect: 100-continue", "--data-binary", "@\(file)", path: "/page"))
            #expect(accepted.body == 200_000)
            let refused = try await self.curl(
                version, "-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "-H", "Expect: 100-continue",
                "--data-binary", "@\(file)", path: "/refuse")
            #expect(refused.output.hasPrefix("413 "), "\(refused.output) \(refused.errors)")
        }

        @Test(arguments: ["--http1.1", "--http2-prior-knowledge"])
        func `a body without length arrives whole`(version: String) async throws {
            let file = try self.upload()
            let seen = try self.seen(
                try await self.curl(
                    version, "-H", "Expect:", "-H", "Transfer-Encoding: chunked", "-X", "PUT", "-T", file, path: "/page"
                ))
            #expect(seen.method == "PUT" && seen.body == 200_000)
        }

        @Test func `names of fields keep their case between applications of HTTP/1.1`() async throws {
            let outcome = try await self.curl(
                "-i", "-H", "X-MiXeD: 1", "-H", "x-lower: 2", "-H", "ETag: 3", "-H", "X-Train-Case: 4", path: "/page")
            let names = try self.seen(outcome).fields.map { $0[0] }
            for name in ["Host", "User-Agent", "Accept", "X-MiXeD", "x-lower", "ETag", "X-Train-Case"] {
                #expect(names.contains(name), "\(names)")
            }
            #expect(!names.contains { $0.lowercased() == "x-weft-case" })
            // As the application writes them.
            #expect(outcome.output.contains("\r\nContent-Type: application/json\r\n"), "\(outcome.output)")
            let trailers = try await self.curl("-i", "--raw", "-H", "TE: trailers", path: "/trailers")
            #expect(trailers.output.contains("\r\nX-Sum: "), "\(trailers.output)")
        }

        @Test func `a path has one form, whichever way it is written`() async throws {
            let outcome = try await self.curl("--path-as-is", path: "/a/../b//%2e/%70age?x=/../y")
            #expect(try self.seen(outcome).target == "/b/page?x=/../y")
            let refused = try await self.curl("-o", "/dev/null", "-w", "%{http_code}", path: "/a%2fb")
            #expect(refused.output == "400")
        }

        private func upload() throws -> String {
            let file = "\(try TestMesh.running.directory)/upload"
            try String(repeating: "x", count: 200_000).write(toFile: file, atomically: true, encoding: .utf8)
            return file
        }

        @Test func `HEAD has the length and no body, 204 has neither`() async throws {
            let head = try await self.curl("-I", path: "/page")
            #expect(head.output.contains("200 OK") && head.output.lowercased().contains("content-length: "))
            let nothing = try await self.curl("-i", path: "/nothing")
            #expect(
                nothing.output.contains("204 No Content") && !nothing.output.lowercased().contains("content-length"))
        }

        @Test(arguments: ["--http1.1", "--http2-prior-knowledge"])
        func `early hints come before the answer`(version: String) async throws {
            let outcome = try await self.curl(version, "-i", path: "/hints")
            let hints = try #require(outcome.output.firstRange(of: " 103"), "\(outcome.output)")
            let answer = try #require(outcome.output.firstRange(of: " 200"))
            #expect(hints.lowerBound < answer.lowerBound)
            #expect(outcome.output.lowercased().contains("link: </a.css>; rel=preload"))
        }

        @Test func `an answer of HTTP/1.0 without a length ends where its connection does`() async throws {
            #expect(try self.seen(try await self.curl(path: "/old")).target == "/old")
        }

        @Test func `a connection is kept for several requests`() async throws {
            let port = try TestMesh.running.port("caller/upstream/pages")
            let url = "http://127.0.0.1:\(port)/page"
            let outcome = try await PeerProcess.run([
                "/usr/bin/env", "curl", "-sS", "-m", "20", "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null",
                "-w",
                "%{http_code}:%{num_connects} ", url, url, url,
            ])
            #expect(outcome.output == "200:1 200:0 200:0 ")
        }

        @Test(.enabled(if: Peers.nghttp, "there is no nghttp: run `scripts/setup test`"))
        func `nghttp gets several pages on one connection, with priorities`() async throws {
            let port = try TestMesh.running.port("caller/upstream/pages")
            let url = "http://127.0.0.1:\(port)"
            let outcome = try await PeerProcess.run([
                "/usr/bin/env", "nghttp", "-nv", "--no-dep", "-p", "7", "\(url)/page", "\(url)/trailers",
                "\(url)/nothing",
            ])
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.output.components(separatedBy: ":status: 200").count == 3, "\(outcome.output)")
            #expect(outcome.output.contains("x-sum: "))
        }

        @Test(.enabled(if: Peers.nghttp, "there is no h2load: run `scripts/setup test`"), arguments: [true, false])
        func `h2load's requests are all answered`(http1: Bool) async throws {
            let port = try TestMesh.running.port("caller/upstream/billing")
            let outcome = try await PeerProcess.run(
                ["/usr/bin/env", "h2load", "-n", "3000", "-c", "10"] + (http1 ? ["--h1"] : ["-m", "10"])
                    + ["http://127.0.0.1:\(port)/charge"])
            #expect(
                outcome.output.contains("3000 total, 3000 started, 3000 done, 3000 succeeded, 0 failed"),
                "\(outcome.output)")
        }
    }
}
