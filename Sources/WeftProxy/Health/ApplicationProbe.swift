internal import NIOCore
internal import NIOPosix
internal import WeftHTTP
internal import WeftMessage

/// Probes the application beside the sidecar, again and again, and says when its readiness changes.
struct ApplicationProbe: Sendable {
    let check: ApplicationHealthCheck
    /// The port on loopback.
    let port: Int
    let eventLoop: any EventLoop

    /// Runs until cancelled.
    func run(_ changed: @Sendable (ApplicationReadiness.Change) async -> Void) async throws {
        var readiness = ApplicationReadiness(unhealthyAfter: self.check.unhealthyAfter)
        while true {
            let failure = await self.probe()
            if let change = readiness.probed(failure: failure) { await changed(change) }
            // What is not ready yet is asked more often, so that a start is not delayed by the interval.
            let pause = readiness.current == .ready ? self.check.interval : min(self.check.interval, .milliseconds(100))
            try await Task.sleep(for: pause)
        }
    }

    /// One probe; nil when it succeeded, else why not.
    func probe() async -> String? {
        switch self.check.method {
        case .none: return nil
        case .tcp:
            do {
                let channel = try await self.bootstrap().connect(host: "127.0.0.1", port: self.port).get()
                try? await channel.close()
                return nil
            } catch {
                return "the application does not listen on port \(self.port)"
            }
        case .http(let path): return await self.probe(path: path)
        }
    }

    private func bootstrap() -> ClientBootstrap {
        ClientBootstrap(group: self.eventLoop).connectTimeout(self.timeout)
    }

    private var timeout: TimeAmount {
        .milliseconds(Int64(self.check.timeout / .milliseconds(1)))
    }

    private func probe(path: String) async -> String? {
        let verdict = self.eventLoop.makePromise(of: String?.self)
        let port = self.port
        let timeout = self.timeout
        let limit = self.eventLoop.scheduleTask(in: timeout) {
            verdict.succeed("GET \(path) was not answered within \(timeout.nanoseconds / 1_000_000) ms")
        }
        self.bootstrap()
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ProbeExchange(path: path, port: port, verdict).codec)
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .whenComplete { result in
                switch result {
                case .success(let channel): verdict.futureResult.whenComplete { _ in channel.close(promise: nil) }
                case .failure: verdict.succeed("the application does not listen on port \(port)")
                }
            }
        let outcome = try? await verdict.futureResult.get()
        limit.cancel()
        return outcome ?? nil
    }
}

/// One GET over one connection.
private final class ProbeExchange: ClientConnectionDelegate, ClientStreamReceiver {
    private(set) lazy var codec = HTTP1ClientConnection(delegate: self)
    private let path: String
    private let port: Int
    private let verdict: EventLoopPromise<String?>
    private var isSent = false

    init(path: String, port: Int, _ verdict: EventLoopPromise<String?>) {
        self.path = path
        self.port = port
        self.verdict = verdict
    }

    func connectionHasCapacity() {
        guard !self.isSent else { return }
        self.isSent = true
        let head = RequestHead(
            method: .get, authority: "127.0.0.1:\(self.port)", path: self.path,
            headers: ["user-agent": "weft-health-check"])
        _ = self.codec.open(head, end: true, receiver: self)
    }

    func streamReceived(response head: ResponseHead, end: Bool) {
        self.verdict.succeed(
            (200..<400).contains(head.status) ? nil : "GET \(self.path) answered \(head.status)")
    }

    func connectionStoppedAccepting() {}
    func connectionClosed(_ reason: ConnectionEnd) { self.verdict.succeed("GET \(self.path) got no answer") }
    func streamReceived(informational head: ResponseHead) {}
    func streamReceived(data: ByteBuffer, end: Bool) {}
    func streamReceived(trailers: HeaderBlock) {}
    func streamSent(bytes: Int) {}
    func streamFailed(_ failure: StreamFailure) { self.verdict.succeed("GET \(self.path) got no answer") }
    func streamClosed() {}
}
