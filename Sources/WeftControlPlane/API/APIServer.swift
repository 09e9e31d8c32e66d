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
    let maxBodyBytes: Int
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
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: socket), serverName: "weft"),
            onServerRunning: running, logger: self.quiet)
    }

    /// The server over TLS: a bearer token, or a certificate of the account `admin` in the namespace `weft`.
    func remote(
        _ address: ControlPlaneConfiguration.Address, tls: OptionalMutualTLS,
        running: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<Responder> {
        Application(
            responder: CallbackResponder { request, context in
                await self.respond(to: request, caller: await self.caller(request, tls.peer(of: context.channel)))
            },
            server: HTTPServerBuilder { responder in
                SecuredChannel(base: HTTP1Channel(responder: responder), tls: tls)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: "weft"),
            onServerRunning: running, logger: self.quiet)
    }

    private func caller(_ request: Request, _ peer: SVIDVerifier.Peer?) async -> APICall.Caller {
        if let field = request.headers[.authorization], field.hasPrefix("Bearer "),
            let id = await self.authority.apiToken(String(field.dropFirst("Bearer ".count)), now: Date())
        {
            return .token(id: id)
        }
        if let peer, let workload = peer.id.workload, workload == ("weft", "admin") { return .peer(peer.id) }
        return .anonymous
    }

    private func respond(to request: Request, caller: APICall.Caller) async -> Response {
        var request = request
        let body: [UInt8]
        do {
            let buffer = try await request.collectBody(upTo: self.maxBodyBytes)
            body = Array(buffer.readableBytesView)
        } catch {
            return self.response(
                APIService.refusal(
                    APIError(
                        status: 413, code: .tooLarge, message: "the body was not taken",
                        cause: "it is larger than \(self.maxBodyBytes) bytes, or was cut off",
                        remedy: "apply fewer files at once")))
        }
        var query: [String: String] = [:]
        for (name, value) in request.uri.queryParameters { query[String(name)] = String(value) }
        let path = request.uri.path.split(separator: "/").map { String($0).removingPercentEncoding ?? String($0) }
        let call = APICall(
            method: request.method.rawValue, path: path, query: query, body: body, caller: caller)
        return self.response(await self.service.answer(call))
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
