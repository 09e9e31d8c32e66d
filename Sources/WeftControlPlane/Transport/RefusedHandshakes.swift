internal import Foundation
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import Synchronization
internal import WeftIdentity

/// Handshakes that one of the control plane's listeners refused: all are counted, by cause, and some are said.
final class RefusedHandshakes: Sendable {
    private struct State {
        var counts: [String: Int] = [:]
        var left = RefusedHandshakes.burst
        var since: ContinuousClock.Instant?
        var unsaid = 0
    }

    private static let burst: Int64 = 20
    private let state = Mutex(State())

    /// Since the start, by `HandshakeFailure.label`.
    var counts: [String: Int] { self.state.withLock { $0.counts } }

    /// Counts one. How many went unsaid before it, or nil when it is not to be said either: a burst of twenty is, then
    /// one a second, so that nobody can fill a disk by knocking.
    func note(_ failure: HandshakeFailure, now: ContinuousClock.Instant) -> Int? {
        self.state.withLock { state in
            state.counts[failure.label, default: 0] += 1
            let since = state.since ?? now
            let earned = max(0, (now - since).components.seconds)
            state.since = since + .seconds(earned)
            state.left = min(Self.burst, state.left + earned)
            guard state.left > 0 else {
                state.unsaid += 1
                return nil
            }
            state.left -= 1
            defer { state.unsaid = 0 }
            return state.unsaid
        }
    }
}

/// Stands behind the TLS handler until the handshake is over, and ends one that takes too long.
final class HandshakeWitness: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    /// How long a handshake may take, seconds.
    private static let limit = 10

    private let peer: ConnectionPeer
    private let generation: ServerCertificate.Generation
    private let trust: TrustHub
    private let remote: String
    private let refusals: RefusedHandshakes
    private let logger: Logger
    private var timeout: Scheduled<Void>?
    private var isDone = false
    /// Nothing that such a peer sends is heard.
    private var isRefused = false

    init(
        peer: ConnectionPeer, generation: ServerCertificate.Generation, trust: TrustHub, remote: String,
        refusals: RefusedHandshakes, logger: Logger
    ) {
        self.peer = peer
        self.generation = generation
        self.trust = trust
        self.remote = remote
        self.refusals = refusals
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.timeout = context.eventLoop.scheduleTask(in: .seconds(Int64(Self.limit))) {
            let (witness, context) = bound.value
            witness.refuse(.timedOut(after: Self.limit))
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.timeout?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent {
            do throws(SVIDError) { try self.judgeResumed(context) } catch {
                self.refuse(HandshakeFailure(error))
                return context.close(promise: nil)
            }
            self.end()
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// A session that is resumed is not judged by the library; whoever had a certificate when it began is, here.
    private func judgeResumed(_ context: ChannelHandlerContext) throws(SVIDError) {
        let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        guard self.peer.verified == nil, let leaf = handler?.peerCertificate else { return }
        let der = try? leaf.toDERBytes()
        self.peer.prove(try self.generation.proved.verify(leaf: der, by: self.trust.verifier, now: Date()))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !self.isRefused { context.fireChannelRead(data) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.refuse(HandshakeFailure(library: "\(error)"))
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.refuse(.closed)
        context.fireChannelInactive()
    }

    private func end() {
        self.isDone = true
        self.timeout?.cancel()
    }

    private func refuse(_ failure: HandshakeFailure) {
        guard !self.isDone else { return }
        self.end()
        self.isRefused = true
        let failure = self.peer.refusal.map { HandshakeFailure($0) } ?? failure
        guard let unsaid = self.refusals.note(failure, now: .now) else { return }
        self.logger.warning(
            "refused a peer",
            metadata: [
                "cause": "\(failure.cause)", "result": "\(failure.label)", "peer": "\(self.remote)",
                "unsaid": "\(unsaid)",
            ])
    }
}
