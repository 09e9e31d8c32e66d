internal import Logging
internal import WeftHTTP
internal import WeftIdentity
internal import WeftMessage
internal import WeftModel
internal import WeftTraffic

/// What peers do wrong: counted always, and logged as often as `NoteLimiter` lets it.
extension ProxyLoop {
    /// Answers what is known of the request's head, with the caller's id or one made for it.
    @discardableResult
    func noteRefusal(
        _ refusal: MessageRefusal, of request: RefusedRequest = RefusedRequest(), on connection: DownstreamConnection
    ) -> RequestHead {
        let now = Self.clock()
        var head = RequestHead(refused: request)
        RequestFields.ensureRequestID(&head.headers, random: &self.traffic.random)
        self.telemetry.record(
            refusal, of: head, from: connection, service: self.service(of: connection.role),
            now: MonotonicInstant(nanoseconds: now))
        guard let left = self.notes.admit(now: now) else { return head }
        self.logger.info(
            "refused a malformed request",
            metadata: [
                "status": "\(refusal.status)", "reason": "\(refusal.reason.rawValue)", "cause": "\(refusal.cause)",
                "peer": "\(connection.peerAddress)", "unsaid": "\(left)",
            ])
        return head
    }

    /// What a request that nobody could read was for; empty when only the request knew.
    private func service(of role: ListenerRole) -> String {
        switch role {
        case .inbound(let port): self.applicationInForce(port: port).service.description
        case .upstream(let name): name
        case .outbound: ""
        }
    }

    func noteHandshake(of connection: DownstreamConnection, failure: HandshakeFailure?) {
        self.telemetry.handshake(inbound: true, result: failure?.label ?? "ok")
        guard let failure, let left = self.notes.admit(now: Self.clock()) else { return }
        self.logger.warning(
            "refused a peer",
            metadata: [
                "cause": "\(failure.cause)", "result": "\(failure.label)",
                "reason": "\(failure.reason.rawValue)", "peer": "\(connection.peerAddress)", "unsaid": "\(left)",
            ])
    }

    func noteConnectFailure(_ failure: ConnectFailure, to target: UpstreamTarget) {
        if failure.reason == .draining { return }
        if let label = failure.handshake { self.telemetry.handshake(inbound: false, result: label) }
        self.telemetry.connectFailed(failure.reason)
        guard let left = self.notes.admit(now: Self.clock()) else { return }
        // That an endpoint is not what it should be is worth more attention than that it is not there.
        self.logger.log(
            level: failure.handshake == nil ? .info : .warning, "no connection to an endpoint",
            metadata: [
                "endpoint": "\(target.address):\(target.port)", "reason": "\(failure.reason.rawValue)",
                "result": "\(failure.handshake ?? failure.reason.rawValue)", "cause": "\(failure.cause)",
                "unsaid": "\(left)",
            ])
    }
}

extension RequestHead {
    /// As far as it is known, for records.
    fileprivate init(refused request: RefusedRequest) {
        var headers = HeaderBlock()
        if !request.method.isEmpty { headers.append(.method, request.method) }
        if !request.authority.isEmpty { headers.append(.authority, request.authority) }
        if !request.path.isEmpty { headers.append(.path, request.path) }
        if !request.id.isEmpty { headers.append(.xRequestID, request.id) }
        self.init(method: HTTPMethod(request.method), headers: headers)
    }
}
