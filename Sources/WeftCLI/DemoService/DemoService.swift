package import AsyncHTTPClient
internal import Foundation
internal import NIOCore
package import NIOHTTP1

/// The service that plays all parts of the demo: answers after a while, fails sometimes, and calls others.
package struct DemoService: Sendable {
    /// What it is told when it starts.
    package struct Configuration: Sendable {
        package var name: String
        package var version = ""
        package var instance: String
        package var calls: [ServiceCall] = []
        /// Request headers passed on besides `traceparent`, `tracestate` and `x-request-id`, in lower case.
        package var propagated: [String] = []
        package var environment: [String: String] = [:]

        package init(name: String) {
            self.name = name
            self.instance = name
        }
    }

    /// A response with its JSON body.
    package struct Reply: Sendable {
        package var status: HTTPResponseStatus
        package var body: [UInt8]
    }

    private let configuration: Configuration
    private let behaviour: Guarded<ServiceBehaviour>
    private let client: HTTPClient
    /// Headers that make one request of many hops recognizable. Deadlines are the sidecars' business.
    private let propagated: Set<String>

    package init(_ configuration: Configuration, behaviour: ServiceBehaviour, client: HTTPClient) {
        self.configuration = configuration
        self.behaviour = Guarded(behaviour)
        self.client = client
        self.propagated = Set(["traceparent", "tracestate", "x-request-id"] + configuration.propagated)
    }

    /// A client for the service's calls.
    package static func client() -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(2)
        configuration.connectionPool.idleTimeout = .seconds(2)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Answers one request.
    package func respond(to head: HTTPRequestHead) async -> Reply {
        let (path, query) = Self.split(head.uri)
        switch path {
        case "/healthz": return Reply(status: .ok, body: Array("{\"status\":\"ok\"}\n".utf8))
        case "/_behave": return self.behave(query, head)
        default: return await self.serve(head)
        }
    }

    /// The runtime control, for this machine's operator only: what came through a sidecar carries the caller's
    /// identity and is refused.
    private func behave(_ query: String, _ head: HTTPRequestHead) -> Reply {
        let fromMesh = ["x-weft-peer", "x-forwarded-client-cert", "x-weft-attempt"].contains {
            head.headers.contains(name: $0)
        }
        guard !fromMesh else { return self.reply(.forbidden, error: "/_behave is not for callers through the mesh") }
        do {
            let behaviour = try self.behaviour.with { behaviour in
                try behaviour.apply(query: query)
                return behaviour
            }
            return Reply(status: .ok, body: Self.json(behaviour))
        } catch let error {
            return self.reply(.badRequest, error: "\(error)")
        }
    }

    private func serve(_ head: HTTPRequestHead) async -> Reply {
        var random = SystemRandomNumberGenerator()
        let behaviour = self.behaviour.with { $0 }
        let (delay, fails) = behaviour.decide(using: &random)
        if delay > .zero { try? await Task.sleep(for: delay) }
        if fails { return self.reply(HTTPResponseStatus(statusCode: behaviour.status), error: "failing as told") }

        let headers = self.passedOn(head.headers)
        var answer = self.answer(path: head.uri)
        guard !self.configuration.calls.isEmpty else { return Reply(status: .ok, body: Self.json(answer)) }
        let calls = await withTaskGroup(of: (Int, ServiceAnswer.Call).self) { group in
            for (index, call) in self.configuration.calls.enumerated() {
                group.addTask { (index, await self.perform(call, headers: headers)) }
            }
            var calls: [(Int, ServiceAnswer.Call)] = []
            for await call in group { calls.append(call) }
            return calls.sorted { $0.0 < $1.0 }.map(\.1)
        }
        answer.answers = calls
        let failed = calls.filter { !(200..<400).contains($0.status) }
        if !failed.isEmpty { answer.error = "no good answer from " + failed.map(\.service).joined(separator: ", ") }
        return Reply(status: failed.isEmpty ? .ok : .badGateway, body: Self.json(answer))
    }

    private func perform(_ call: ServiceCall, headers: HTTPHeaders) async -> ServiceAnswer.Call {
        var request = HTTPClientRequest(url: call.url(environment: self.configuration.environment))
        request.headers = headers
        request.headers.replaceOrAdd(name: "host", value: call.target)
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let response = try await self.client.execute(request, timeout: .seconds(30))
            let body = try await response.body.collect(upTo: 1 << 20)
            let data = Data(body.readableBytesView)
            let status = Int(response.status.code)
            let answer = try? JSONDecoder().decode(ServiceAnswer.self, from: data)
            let error =
                (200..<400).contains(status)
                ? nil : response.headers.first(name: "x-weft-reason") ?? answer?.error ?? "status \(status)"
            return ServiceAnswer.Call(
                service: call.target, status: status, milliseconds: Self.milliseconds(since: start),
                answer: answer, error: error)
        } catch let error {
            return ServiceAnswer.Call(
                service: call.target, status: 0, milliseconds: Self.milliseconds(since: start), answer: nil,
                error: "\(error)")
        }
    }

    /// What goes on to the services called; a request that comes without trace or id gets them here.
    private func passedOn(_ headers: HTTPHeaders) -> HTTPHeaders {
        var passed = HTTPHeaders()
        for (name, value) in headers where self.propagated.contains(name.lowercased()) {
            passed.add(name: name, value: value)
        }
        func random(_ bytes: Int) -> String {
            (0..<bytes).map { _ in String(format: "%02x", UInt8.random(in: 0...255)) }.joined()
        }
        if !passed.contains(name: "traceparent") {
            passed.add(name: "traceparent", value: "00-\(random(16))-\(random(8))-00")
        }
        if !passed.contains(name: "x-request-id") { passed.add(name: "x-request-id", value: random(16)) }
        return passed
    }

    private func answer(path: String) -> ServiceAnswer {
        ServiceAnswer(
            service: self.configuration.name, version: self.configuration.version,
            instance: self.configuration.instance, path: path)
    }

    private func reply(_ status: HTTPResponseStatus, error: String) -> Reply {
        var answer = self.answer(path: "")
        answer.error = error
        return Reply(status: status, body: Self.json(answer))
    }

    private static func split(_ uri: String) -> (path: String, query: String) {
        let parts = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts.first ?? "/"), parts.count > 1 ? String(parts[1]) : "")
    }

    private static func milliseconds(since start: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = start.duration(to: .now).components
        return ((Double(seconds) * 1e3 + Double(attoseconds) / 1e15) * 100).rounded() / 100
    }

    private static func json(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array((try? encoder.encode(value)) ?? Data("{}".utf8)) + [UInt8(ascii: "\n")]
    }
}
