internal import NIOCore
internal import WeftMessage
internal import WeftTelemetry

/// What the admin server answers to a request.
struct AdminAnswer: Sendable {
    var status = 200
    var contentType = "text/plain; charset=utf-8"
    var body: [UInt8]
    /// Methods to name when the one used is not among them.
    var allow: String?

    static func text(_ text: String, status: Int = 200) -> AdminAnswer {
        AdminAnswer(status: status, body: Array("\(text)\n".utf8))
    }

    static func json(_ value: DumpValue) -> AdminAnswer {
        AdminAnswer(contentType: "application/json", body: Array(value.json.utf8))
    }
}

/// The admin server's pages. All only read, but for PUT of the access log's level.
enum AdminPages {
    static let index = """
        /metrics            counters and histograms, Prometheus or OpenMetrics text
        /ready              200 while this sidecar takes traffic, else 503 and why
        /healthz            200 while the process lives
        /config             what this sidecar knows, as JSON
        /config/listeners   parts of it, also routes, clusters, endpoints, identity
        /access-log         which requests are logged; PUT /access-log/all (off, errors, sampled, all) changes it
        """

    static func answer(
        _ head: RequestHead, source: any AdminSource, eventLoop: any EventLoop
    ) -> EventLoopFuture<AdminAnswer> {
        if head.method == .put, let answer = Self.put(head, source: source) {
            return eventLoop.makeSucceededFuture(answer)
        }
        guard head.method == .get || head.method == .head else {
            var answer = AdminAnswer.text("only GET and HEAD are answered here", status: 405)
            answer.allow = "GET, HEAD"
            return eventLoop.makeSucceededFuture(answer)
        }
        guard Self.isLocal(authority: head.authority) else {
            return eventLoop.makeSucceededFuture(
                .text("this server answers to localhost and IP addresses, not to names", status: 421))
        }
        let path = head.path.prefix { $0 != "?" }
        if path == "/metrics" {
            let format = MetricExposition(accept: head.headers[.accept])
            return source.exposition(format, on: eventLoop).map {
                AdminAnswer(contentType: format.contentType, body: $0)
            }
        }
        return eventLoop.makeSucceededFuture(Self.answer(String(path), source: source))
    }

    private static func answer(_ path: String, source: any AdminSource) -> AdminAnswer {
        let snapshot = source.snapshot
        switch path {
        case "/": return .text(Self.index)
        case "/healthz": return .text("ok")
        case "/ready":
            switch source.readiness {
            case .ready: return .text("ready")
            case .notReady(let cause): return .text("not ready: \(cause)", status: 503)
            }
        case "/access-log": return .text(source.accessLog.rawValue)
        case "/config": return .json(ConfigurationDump.all(snapshot, identity: source.identity))
        case "/config/listeners": return .json(ConfigurationDump.listeners(snapshot))
        case "/config/routes": return .json(ConfigurationDump.routes(snapshot))
        case "/config/clusters": return .json(ConfigurationDump.clusters(snapshot))
        case "/config/endpoints": return .json(ConfigurationDump.endpoints(snapshot))
        case "/config/identity":
            return source.identity.map { .json(ConfigurationDump.identity($0)) }
                ?? .text("this sidecar has no identity yet", status: 404)
        default: return .text("no such page; there are:\n\(Self.index)", status: 404)
        }
    }

    /// What PUT changes; nil for paths where nothing can be. Web pages cannot send one to another origin unasked, and what
    /// says that it comes from one is refused.
    private static func put(_ head: RequestHead, source: any AdminSource) -> AdminAnswer? {
        let path = head.path.prefix { $0 != "?" }
        guard path.hasPrefix("/access-log/"), Self.isLocal(authority: head.authority) else { return nil }
        if head.headers.contains(.origin) { return .text("not for web pages", status: 403) }
        guard let mode = AccessLogMode(rawValue: String(path.dropFirst("/access-log/".count))) else {
            let known = AccessLogMode.allCases.map(\.rawValue).joined(separator: ", ")
            return .text("no such level; there are: \(known)", status: 400)
        }
        source.setAccessLog(mode)
        return .text(mode.rawValue)
    }

    /// Whether an authority is `localhost` or an IP address. A web page whose name was pointed at this host could
    /// otherwise read the configuration through its visitor's browser.
    static func isLocal(authority: String) -> Bool {
        if authority.hasPrefix("[") { return true }
        let host = authority.prefix { $0 != ":" }
        return host.isEmpty || host == "localhost" || (try? SocketAddress(ipAddress: String(host), port: 0)) != nil
    }
}
