import Foundation
import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftMessage
import WeftModel

@testable import WeftProxy

/// What a proxy answers itself can be asked about: by an id that is in the answer, the log and the records.
@Suite struct RequestIDTests {
    private func log(_ body: (String) async throws -> Void) async throws -> [String] {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("weft-id-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
        return String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    private func id(in answer: String) -> String? {
        answer.split(separator: "\r\n").first { $0.hasPrefix("x-request-id: ") }.map { String($0.dropFirst(14)) }
    }

    @Test(arguments: [
        ("GET /a\u{1}?token=secret HTTP/1.1\r\nHost: billing\r\nx-request-id: mine\r\n\r\n", Reason.badRequest, "GET"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .badRequest, "GET"),
        ("GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nHost: a\r\n\r\n", .headersTooLarge, "GET"),
        ("GET https://billing/ HTTP/1.1\r\nHost: billing\r\nConnection: close\r\n\r\n", .badRequest, "GET"),
        ("POST / HTTP/1.1\r\nHost: billing\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", .badRequest, "POST"),
    ])
    func `a refused request has an id, a line and a record`(
        text: String, reason: Reason, method: String
    ) async throws {
        let lines = try await self.log { path in
            try await withLoops { group in
                let app = try await TestApplication.start(on: group)
                let sidecar = try await TestSidecar.start("shop", on: group) {
                    $0.accessLog = .errors
                    $0.telemetry.accessLogOutput = .file(path: path)
                }
                sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
                let answer = try await RawClient.converse(on: group, port: sidecar.outboundPort, [text])
                #expect(answer.contains("x-weft-reason: \(reason.rawValue)\r\n"), "\(answer)")
                let id = try #require(self.id(in: answer))
                #expect(text.contains("mine") == (id == "mine"))
                let record = try #require(await sidecar.server.records(of: id).records.first)
                #expect(record.reason == reason)
                #expect(record.method == method)
                #expect(record.source == "shop.default")
                #expect(record.isFailed)
                #expect(!record.path.contains("secret"))
                await sidecar.stop()
                await app.stop()
            }
        }
        let line = try #require(lines.first)
        #expect(lines.count == 1)
        #expect(line.contains("\"reason\":\"\(reason.rawValue)\""))
        #expect(line.contains("\"method\":\"\(method)\""))
        #expect(line.contains("\"request_id\":\""))
        #expect(!line.contains("secret"))
    }

    @Test func `what a port of an application refuses is recorded with its service and its caller`() async throws {
        try await GuardedSidecar.run { guarded in
            let text = "GET / HTTP/1.9\r\nHost: billing\r\nx-request-id: r-9\r\n\r\n"
            let answer = try await RawClient.converse(on: guarded.group, port: guarded.port, [text])
            #expect(answer.hasPrefix("HTTP/1.1 505 "), "\(answer)")
            #expect(self.id(in: answer) == "r-9")
            let record = try #require(await guarded.sidecar.server.records(of: "r-9").records.first)
            #expect(record.direction == .inbound)
            #expect(record.destination == "billing.default")
            #expect(record.source == "unknown")
            #expect(record.sourceAddress == "127.0.0.1")
            #expect(record.status == 505)
        }
    }

    @Test(arguments: [false, true])
    func `an answer of the proxy has the id that the caller sent, or the one that was made`(isHTTP2: Bool) async throws
    {
        try await withLoops { group in
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: []))
            let client = TestClient(group: group, port: sidecar.outboundPort, isHTTP2: isHTTP2)
            let own = try await client.get("/", headers: ["x-request-id": "mine"])
            #expect(own.reason == "no_endpoints")
            #expect(own.headers.values(of: "x-request-id") == ["mine"])
            let made = try #require(try await client.get("/").headers[.xRequestID])
            #expect(await sidecar.server.records(of: made).records.map(\.reason) == [.noEndpoints])
            let call = try await client.get("/s/M", headers: ["content-type": "application/grpc"])
            #expect(call.headers[.grpcStatus] == "14")
            let called = try #require(call.headers[.xRequestID])
            #expect(await sidecar.server.records(of: called).records.count == 1)
            await sidecar.stop()
        }
    }

    @Test func `an answer of the proxy before an application has the id, and the caller's proxy passes it on`()
        async throws
    {
        try await GuardedSidecar.run(mtls: .strict) { guarded in
            let answer = try await RawClient.converse(
                on: guarded.group, port: guarded.port, ["GET / HTTP/1.1\r\nHost: billing\r\n\r\n"])
            #expect(answer.contains("x-weft-reason: plaintext_refused\r\n"))
            let id = try #require(self.id(in: answer))
            #expect(await guarded.sidecar.server.records(of: id).records.map(\.reason) == [.plaintextRefused])
        }
    }

    @Test func `a forwarded answer is left as it is`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            let answer = try await TestClient(group: group, port: sidecar.outboundPort).get("/")
            #expect(answer.status == 200)
            #expect(answer.headers[.xRequestID] == nil)
            await sidecar.stop()
            await app.stop()
        }
    }
}
