package import WeftMessage
package import WeftModel

/// What is sent to ask an endpoint about its health, and how its answer is read.
package struct HealthQuestion: Sendable {
    package let probe: HealthCheckPolicy.Probe
    private let authority: String

    /// - Parameter authority: the name by which callers know the service.
    package init(_ probe: HealthCheckPolicy.Probe, authority: String) {
        self.probe = probe
        self.authority = authority
    }

    /// The request; nil where a connection is all that is asked for.
    package var request: (head: RequestHead, body: [UInt8])? {
        switch self.probe {
        case .tcp: return nil
        case .http(let path, _):
            return (
                RequestHead(
                    method: .get, authority: self.authority, path: path, headers: ["user-agent": "weft-health-check"]),
                []
            )
        case .grpc(let service):
            let head = RequestHead(
                method: .post, authority: self.authority, path: "/grpc.health.v1.Health/Check",
                headers: ["content-type": "application/grpc", "te": "trailers", "user-agent": "weft-health-check"])
            return (head, Self.message(service))
        }
    }

    /// `HealthCheckRequest`: the service as field 1, in gRPC's frame.
    private static func message(_ service: String) -> [UInt8] {
        var message: [UInt8] = []
        if !service.isEmpty {
            message.append(1 << 3 | 2)
            var count = service.utf8.count
            while count >= 0x80 {
                message.append(UInt8(truncatingIfNeeded: count) | 0x80)
                count >>= 7
            }
            message.append(UInt8(truncatingIfNeeded: count))
            message.append(contentsOf: service.utf8)
        }
        let length = UInt32(truncatingIfNeeded: message.count)
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + message
    }
}

/// An answer to a health check as it comes in.
package struct HealthAnswer: Sendable {
    /// No answer that says SERVING is longer.
    private static let maxBytes = 256

    private let probe: HealthCheckPolicy.Probe
    private let isFromPeer: Bool
    private var body: [UInt8] = []
    /// Whether the check passed; nil while that is open, or where it `wasRefused`.
    package private(set) var passed: Bool?
    /// The endpoint's proxy refused the question: it lives, and its application has not been asked. The check is over, and
    /// has told nothing.
    package private(set) var wasRefused = false

    /// - Parameter isFromPeer: Whether a proxy of the mesh answers that has proved itself; only such a one can say that it
    ///   refused.
    package init(_ probe: HealthCheckPolicy.Probe, isFromPeer: Bool = false) {
        self.probe = probe
        self.isFromPeer = isFromPeer
    }

    package var isOver: Bool { self.passed != nil || self.wasRefused }

    package mutating func received(_ head: borrowing ResponseHead, end: Bool) {
        guard !self.isOver else { return }
        if self.isFromPeer, let reason = head.headers[.weftReason].flatMap(Reason.init(rawValue:)),
            EndpointOutcome(status: head.status, grpcStatus: nil, peerReason: reason) == nil
        {
            self.wasRefused = true
            return
        }
        switch self.probe {
        case .tcp: self.passed = true
        case .http(_, let statuses):
            self.passed = statuses.isEmpty ? (200..<300).contains(head.status) : statuses.contains(head.status)
        case .grpc: if head.status != 200 || end { self.passed = false }
        }
    }

    package mutating func received(_ bytes: some Sequence<UInt8>, end: Bool) {
        guard !self.isOver else { return }
        self.body.append(contentsOf: bytes)
        // gRPC ends with trailers.
        if end || self.body.count > Self.maxBytes { self.passed = false }
    }

    package mutating func received(trailers: borrowing HeaderBlock) {
        guard !self.isOver else { return }
        self.passed = trailers.number(.grpcStatus) == 0 && self.isServing
    }

    package mutating func failed() { if !self.isOver { self.passed = false } }

    /// `HealthCheckResponse` with its field 1, the status, being 1.
    private var isServing: Bool { self.body == [0, 0, 0, 0, 2, 1 << 3, 1] }
}
