import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing
import WeftModel

@testable import WeftControlPlane

@Suite(.serialized) struct DashboardServingTests {
    private struct Answer {
        var status: Int
        var headers: HTTPHeaders
        var body: String
    }

    private func send(
        _ method: HTTPMethod, _ path: String, port: Int, fields: [(String, String)] = [], body: String? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = method
        for (name, value) in fields { request.headers.replaceOrAdd(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return Answer(
            status: Int(response.status.code), headers: response.headers, body: String(buffer: bytes))
    }

    /// With a control plane, and the fields of a session that a code of the socket's opened.
    private func withSession(
        _ body: @escaping @Sendable (RunningControlPlane, Int, [(String, String)]) async throws -> Void
    ) async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let port = try #require(plane.listening.dashboardPort)
                let made = try await plane.call("POST", "/v1/dashboard/codes")
                let code = try JSONDecoder().decode(DashboardCode.self, from: made.body)
                #expect(code.local == "http://127.0.0.1:\(port)/dashboard/")
                let login = try await self.send(
                    .POST, "/v1/dashboard/sessions", port: port, fields: [("content-type", "application/json")],
                    body: "{\"code\":\"\(code.code)\"}")
                #expect(login.status == 201)
                let session = try JSONDecoder().decode(DashboardSession.self, from: Data(login.body.utf8))
                let field = try #require(login.headers.first(name: "set-cookie"))
                #expect(field.contains("HttpOnly") && field.contains("SameSite=Strict"))
                let cookie = String(field.prefix { $0 != ";" })
                let again = try await self.send(
                    .POST, "/v1/dashboard/sessions", port: port, fields: [("content-type", "application/json")],
                    body: "{\"code\":\"\(code.code)\"}")
                #expect(again.status == 401)
                try await body(plane, port, [("cookie", cookie), ("x-weft-dashboard", session.key)])
            }
        }
    }

    @Test func `the page is there for everybody, guarded, and what it shows for a session only`() async throws {
        try await self.withSession { _, port, session in
            let page = try await self.send(.GET, "/dashboard/", port: port)
            #expect(page.status == 200 && page.body.hasPrefix("<!doctype html>"))
            let policy = page.headers.first(name: "content-security-policy") ?? ""
            for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
                #expect(policy.contains(part))
            }
            #expect(!policy.contains("unsafe"))
            #expect(page.headers.first(name: "x-content-type-options") == "nosniff")
            #expect(try await self.send(.GET, "/dashboard/../etc/passwd", port: port).status != 200)
            #expect(try await self.send(.GET, "/dashboard/none.js", port: port).status == 404)
            #expect(try await self.send(.GET, "/", port: port).status == 200)
            #expect(try await self.send(.GET, "/v1/status", port: port).status == 401)
            #expect(try await self.send(.GET, "/v1/status", port: port, fields: session).status == 200)
            for part in session {
                #expect(try await self.send(.GET, "/v1/status", port: port, fields: [part]).status == 401)
            }
        }
    }

    @Test func `a session looks and does nothing, and may not see what is for admins`() async throws {
        try await self.withSession { _, port, session in
            for (method, path) in [
                (HTTPMethod.POST, "/v1/apply"), (.POST, "/v1/authorization/check"), (.POST, "/v1/dashboard/codes"),
                (.GET, "/v1/audit"), (.GET, "/v1/tokens"),
            ] {
                let body = method == .POST ? "{}" : nil
                let answer = try await self.send(method, path, port: port, fields: session, body: body)
                #expect(answer.status == 403, "\(method) \(path)")
            }
        }
    }

    @Test func `a browser ends its own session, an admin those of all`() async throws {
        try await self.withSession { plane, port, session in
            let path = "/v1/dashboard/sessions"
            #expect(try await self.send(.DELETE, path, port: port).status == 401)
            for part in session {
                #expect(try await self.send(.DELETE, path, port: port, fields: [part]).status == 401)
            }
            let out = try await self.send(.DELETE, path, port: port, fields: session)
            #expect(out.status == 200 && out.body == "{\"ended\":1}")
            #expect(out.headers.first(name: "set-cookie")?.contains("Max-Age=0") == true)
            #expect(try await self.send(.GET, "/v1/status", port: port, fields: session).status == 401)
        }
        try await self.withSession { plane, port, session in
            let waiting = try JSONDecoder().decode(
                DashboardCode.self, from: try await plane.call("POST", "/v1/dashboard/codes").body)
            let ended = try await plane.call("DELETE", "/v1/dashboard/sessions")
            #expect(try JSONDecoder().decode(DashboardSessionsEnded.self, from: ended.body).ended == 1)
            #expect(try await self.send(.GET, "/v1/status", port: port, fields: session).status == 401)
            let late = try await self.send(
                .POST, "/v1/dashboard/sessions", port: port, fields: [("content-type", "application/json")],
                body: "{\"code\":\"\(waiting.code)\"}")
            #expect(late.status == 401)
        }
    }

    @Test func `other sites and other names are no way in`() async throws {
        try await self.withSession { plane, port, session in
            let made = try await plane.call("POST", "/v1/dashboard/codes")
            let code = try JSONDecoder().decode(DashboardCode.self, from: made.body).code
            let json = ("content-type", "application/json")
            for fields in [
                [("content-type", "text/plain")], [json, ("sec-fetch-site", "cross-site")],
                [json, ("sec-fetch-site", "same-site")],
            ] {
                let answer = try await self.send(
                    .POST, "/v1/dashboard/sessions", port: port, fields: fields, body: "{\"code\":\"\(code)\"}")
                #expect(answer.status == 403)
            }
            for name in ["weft.example", "127.0.0.1.example:\(port)", "evil@127.0.0.1x"] {
                let answer = try await self.send(.GET, "/v1/status", port: port, fields: session + [("host", name)])
                #expect(answer.status == 421)
            }
        }
    }

    @Test func `an API token opens a session that ends with it`() async throws {
        try await self.withSession { plane, port, _ in
            let made = try await plane.call("POST", "/v1/tokens", body: TokenRequest(purpose: .api, role: .viewer))
            let token = try JSONDecoder().decode(CreatedToken.self, from: made.body)
            let login = try await self.send(
                .POST, "/v1/dashboard/sessions", port: port, fields: [("content-type", "application/json")],
                body: "{\"token\":\"\(token.token)\"}")
            let key = try JSONDecoder().decode(DashboardSession.self, from: Data(login.body.utf8)).key
            let cookie = String((login.headers.first(name: "set-cookie") ?? "").prefix { $0 != ";" })
            let session = [("cookie", cookie), ("x-weft-dashboard", key)]
            #expect(try await self.send(.GET, "/v1/status", port: port, fields: session).status == 200)
            _ = try await plane.call("DELETE", "/v1/tokens/\(token.summary.id)")
            #expect(try await self.send(.GET, "/v1/status", port: port, fields: session).status == 401)
        }
    }

    @Test func `only this machine's own addresses may serve it without TLS`() {
        for host in ["127.0.0.1", "127.9.9.9", "localhost", "::1"] {
            var configuration = ControlPlaneConfiguration()
            configuration.dashboardAddress = .init(host: host, port: 0)
            #expect(throws: Never.self) { try configuration.validate() }
        }
        for host in ["0.0.0.0", "10.0.0.1", "::", "example.org", "127.example"] {
            var configuration = ControlPlaneConfiguration()
            configuration.dashboardAddress = .init(host: host, port: 0)
            #expect(throws: ControlPlaneError.self) { try configuration.validate() }
        }
    }
}
