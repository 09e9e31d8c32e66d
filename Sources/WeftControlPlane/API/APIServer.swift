internal import Foundation
internal import Hummingbird
internal import HummingbirdCore
internal import HTTPTypes
internal import Logging
internal import NIOCore
internal import NIOHTTPTypes
internal import NIOPosix
internal import WeftIdentity
internal import WeftModel

/// Serves the `APIService` over HTTP: on the Unix socket for its owner, and over TLS for those with credentials.
struct APIServer: Sendable {
    let service: APIService
    let authority: Authority
    /// What identities may do besides the account `admin` in the namespace `weft`.
    let roles: [SPIFFEID: APIRole]
    let refusals: RefusalWatch
    let maxBodyBytes: Int
    /// For a whole body.
    let bodyTime: Duration
    let maxConnections: Int
    let logger: Logger

    /// What hummingbird makes for each request.
    struct Context: InitializableFromSource, Sendable {
        let channel: any Channel

        init(source: ApplicationRequestContextSource) { self.channel = source.channel }
    }

    typealias Responder = CallbackResponder<Context>

    /// The server on the Unix socket: whoever can open it may do everything.
    func local(
        socket: String, running: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<Responder> {
        Application(
            responder: CallbackResponder { request, _ in await self.respond(to: request, caller: .local) },
            server: HTTPServerBuilder { HTTP1Channel(responder: $0, configuration: self.connection) },
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: socket), serverName: "weft",
                availableConnectionsDelegate: MaximumAvailableConnections(self.maxConnections, logger: self.quiet)),
            onServerRunning: running, logger: self.quiet)
    }

    /// The server over TLS: a bearer token, or a certificate of the account `admin` in the namespace `weft`.
    func remote(
        _ address: ControlPlaneConfiguration.Address, tls: OptionalMutualTLS,
        running: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<Responder> {
        Application(
            responder: CallbackResponder { request, context in
                let source = SourceAddress(context.channel.remoteAddress?.ipAddress ?? "")
                if let page = DashboardPage.answer(request) { return page }
                let caller = await self.caller(request, tls.peer(of: context.channel))
                if caller == .anonymous, request.headers[.authorization] != nil {
                    // Others behind the address, whose tokens are good, are not locked out by one who guesses.
                    guard !self.refusals.isTooFast(source) else {
                        return self.response(APIService.refusal(Self.tooFast))
                    }
                    self.refusals.failed(source, cause: "its API token is not known here, or has expired")
                }
                return DashboardPage.guarded(
                    await self.respond(to: request, caller: caller, source: source.description))
            },
            server: self.builder(tls),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: "weft"),
            onServerRunning: running, logger: self.quiet)
    }

    /// The dashboard on this machine, without TLS: its page for everybody, and what it shows for its sessions only.
    func dashboard(
        _ address: ControlPlaneConfiguration.Address, running: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<Responder> {
        Application(
            responder: CallbackResponder { request, context in
                // A name of somebody else's that leads here is no way in.
                guard DashboardPage.isLocal(request.head.authority) else {
                    return self.response(
                        APIService.refusal(
                            APIError(
                                status: 421, code: .badRequest, message: "the dashboard is not known by that name",
                                remedy: "use the address that `weft dashboard` prints")))
                }
                if let page = DashboardPage.answer(request) { return page }
                let source = SourceAddress(context.channel.remoteAddress?.ipAddress ?? "")
                return DashboardPage.guarded(
                    await self.respond(
                        to: request, caller: await self.dashboardCaller(request), source: source.description,
                        isTLS: false))
            },
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: "weft"),
            onServerRunning: running, logger: self.quiet)
    }

    /// The session that a browser's call belongs to.
    private func dashboardCaller(_ request: Request) async -> APICall.Caller {
        guard let key = DashboardPage.key(of: request), let cookie = DashboardPage.cookie(of: request) else {
            return .anonymous
        }
        return await self.service.dashboardCaller(cookie: cookie, key: key)
    }

    /// The server of the bundle alone, for other trust domains: no call of it needs credentials.
    func bundleOnly(
        _ address: ControlPlaneConfiguration.Address, tls: OptionalMutualTLS,
        running: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<Responder> {
        Application(
            responder: CallbackResponder { request, _ in
                let path = request.uri.path == "/" ? ["v1", "spiffe-bundle"] : Self.path(of: request)
                let call = APICall(
                    method: request.method.rawValue, path: path, query: [:], body: [], caller: .anonymous)
                guard path == ["v1", "spiffe-bundle"] else {
                    return self.response(
                        APIService.refusal(
                            APIError(
                                status: 404, code: .notFound, message: "only the bundle is here",
                                remedy: "ask for /v1/spiffe-bundle")))
                }
                return self.response(await self.service.answer(call))
            },
            server: self.builder(tls),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: "weft"),
            onServerRunning: running, logger: self.quiet)
    }

    private func builder(_ tls: OptionalMutualTLS) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            SecuredChannel(base: HTTP1Channel(responder: responder, configuration: self.connection), tls: tls)
        }
    }

    private var connection: HTTP1Channel.Configuration {
        let limit = TimeAmount(self.bodyTime)
        // Who connects and says nothing gives its place to another.
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: [BodyDeadline(after: limit)], idleTimeout: .seconds(60))
    }

    static let tooFast = APIError(
        status: 429, code: .exhausted, message: "your credentials are not taken",
        cause: "too many wrong ones came from your address",
        remedy: "check the token; wait a minute before the next try")

    private static func path(of request: Request) -> [String] {
        request.uri.path.split(separator: "/").map { String($0).removingPercentEncoding ?? String($0) }
    }

    /// What follows the scheme, which is written in either case (RFC 9110 §11.1).
    private static func bearer(_ field: String) -> String? {
        let parts = field.split(maxSplits: 1) { $0 == " " || $0 == "\t" }
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1].trimmingCharacters(in: .whitespaces)
    }

    private func caller(_ request: Request, _ peer: SVIDVerifier.Peer?) async -> APICall.Caller {
        if let field = request.headers[.authorization], let text = Self.bearer(field),
            let token = await self.authority.apiToken(text, now: Date())
        {
            return .token(id: token.id, role: token.role)
        }
        let dashboard = await self.dashboardCaller(request)
        if dashboard != .anonymous { return dashboard }
        guard let peer, peer.id.trustDomain == (await self.authority.trustDomain) else { return .anonymous }
        if ReservedIdentity(peer.id) == .admin { return .peer(peer.id, role: .admin) }
        return .peer(peer.id, role: self.roles[peer.id])
    }

    private func respond(
        to request: Request, caller: APICall.Caller, source: String = "local", isTLS: Bool = true
    ) async -> Response {
        var query: [String: String] = [:]
        for (name, value) in request.uri.queryParameters { query[String(name)] = String(value) }
        var call = APICall(
            method: request.method.rawValue, path: Self.path(of: request), query: query, body: [], caller: caller,
            source: source, accept: request.headers[.accept], host: source == "local" ? nil : request.head.authority)
        // Whoever may not make the call sends no body for it.
        if let refusal = self.service.refusal(of: call) { return self.response(refusal) }
        if call.method == "POST", call.path == ["v1", "dashboard", "sessions"], !DashboardPage.isOwn(request) {
            return self.response(
                APIService.refusal(
                    APIError(
                        status: 403, code: .forbidden, message: "the dashboard is opened from its own page only",
                        cause: "the call came from another site, or is not JSON")))
        }
        var request = request
        do {
            let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
            guard announced <= self.maxBodyBytes else { throw NIOTooManyBytesError(maxBytes: self.maxBodyBytes) }
            let buffer = try await request.collectBody(upTo: self.maxBodyBytes)
            call.body = Array(buffer.readableBytesView)
        } catch {
            return self.response(
                APIService.refusal(
                    APIError(
                        status: 413, code: .tooLarge, message: "the body was not taken",
                        cause: "it is larger than \(self.maxBodyBytes) bytes, or was cut off",
                        remedy: "apply fewer files at once")))
        }
        if call.method == "GET", call.path == ["v1", "tap"] { return await self.tap(call) }
        let reply = await self.service.answer(call)
        var response = self.response(reply)
        if let cookie = reply.cookie {
            response.headers[.setCookie] = DashboardPage.setCookie(cookie, isTLS: isTLS)
        }
        return response
    }

    /// Lines as requests end, and one every two seconds at least, so that a caller who has gone is noticed.
    private func tap(_ call: APICall) async -> Response {
        let lines: AsyncStream<TapLine>
        switch await self.service.tap(call) {
        case .success(let opened): lines = opened
        case .failure(let error):
            self.service.note(error, call)
            return self.response(APIService.refusal(error))
        }
        let body = ResponseBody { writer in
            try await TapFeed(lines: lines).run { try await writer.write(ByteBuffer(bytes: $0)) }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"], body: body)
    }

    private func response(_ reply: APIReply) -> Response {
        Response(
            status: HTTPResponse.Status(code: reply.status),
            headers: [.contentType: reply.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body)))
    }

    /// Hummingbird tells of every start and stop, and calls being stopped an error. What goes wrong with a call
    /// `APIService` logs, and what keeps a server from starting is thrown.
    private var quiet: Logger {
        var logger = self.logger
        logger.logLevel = .critical
        return logger
    }
}

/// An HTTP server's connections behind the mesh's TLS, whose certificate may change while it runs.
private struct SecuredChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let tls: OptionalMutualTLS

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        self.tls.secure(channel).flatMap { self.base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async {
        await self.base.handle(value: value, logger: logger)
    }
}
