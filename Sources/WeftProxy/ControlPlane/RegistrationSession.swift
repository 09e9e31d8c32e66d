internal import FoundationEssentials
internal import GRPCCore
internal import Logging
internal import SwiftProtobuf
internal import Synchronization
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

/// The control plane does not take the workload as it announces itself.
struct RegistrationRefused: Error, CustomStringConvertible {
    let cause: String
    /// Whether it will be refused again however often it is tried.
    var isFinal = false

    var description: String { "the registration was refused: \(self.cause)" }
}

/// Registers the workload, and reports its readiness and its numbers for as long as the stream lasts.
final class RegistrationSession: Sendable {
    private struct State {
        var register = Weft_V1_Register()
        var readiness = Weft_V1_Readiness.with { $0.cause = "the application has not been probed yet" }
        var isDraining = false
        /// What is told of the certificate in use.
        var certificate = Weft_V1_CertificateState()
        var outgoing: AsyncStream<Message>.Continuation?
        /// Who waits until the others know that the workload drains.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private typealias Message = Weft_V1_WorkloadMessage

    private let state = Mutex(State())
    private let stats: @Sendable () -> Weft_V1_Stats
    private let rateLimits: RateLimitBook
    private let records: RecordResponder
    private let logger: Logger

    /// How often numbers are sent.
    private static let interval = PlaintextReport.interval
    /// How often demand for shared limits is told, and slices are taken.
    private static let quotaInterval = Duration.seconds(1)

    init(
        stats: @escaping @Sendable () -> Weft_V1_Stats, rateLimits: RateLimitBook, records: RecordResponder = .none,
        logger: Logger
    ) {
        self.records = records
        self.stats = stats
        self.rateLimits = rateLimits
        self.logger = logger
    }

    func announce(_ register: Weft_V1_Register) { self.state.withLock { $0.register = register } }

    func set(_ readiness: Weft_V1_Readiness) {
        self.state.withLock { state in
            state.readiness = readiness
            guard !state.isDraining else { return }
            state.outgoing?.yield(.with { $0.readiness = readiness })
        }
    }

    /// Tells of another certificate, or that others are trusted now.
    func set(_ certificate: Weft_V1_CertificateState) {
        self.state.withLock { state in
            state.certificate = certificate
            state.outgoing?.yield(.with { $0.certificate = certificate })
        }
    }

    /// Says that the workload takes no more requests; returns when that has left, or at once without a stream.
    func drain() async {
        await withCheckedContinuation { continuation in
            let isLeaving = self.state.withLock { state in
                state.isDraining = true
                guard let outgoing = state.outgoing,
                    case .enqueued = outgoing.yield(.with { $0.draining = Weft_V1_Draining() })
                else { return false }
                state.waiting.append(continuation)
                return true
            }
            if !isLeaving { continuation.resume() }
        }
    }

    private func drained() {
        let waiting = self.state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Runs one stream until it ends.
    func run(
        over client: GRPCClient<ControlPlaneConnection.Transport>, opened: @escaping @Sendable () -> Void = {},
        registered: @escaping @Sendable () -> Void,
        trustChanged: @escaping @Sendable (Weft_V1_TrustUpdate) -> Void
    ) async throws {
        let (messages, outgoing) = AsyncStream<Message>.makeStream()
        self.state.withLock { state in
            outgoing.yield(.with { $0.register = state.register })
            outgoing.yield(
                .with {
                    if state.isDraining { $0.draining = Weft_V1_Draining() } else { $0.readiness = state.readiness }
                })
            outgoing.yield(.with { $0.certificate = state.certificate })
            state.outgoing = outgoing
        }
        defer {
            self.state.withLock { $0.outgoing = nil }
            outgoing.finish()
            // What has not left by now never will.
            self.drained()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.report(to: outgoing) }
            group.addTask { try await self.reportQuotas(to: outgoing) }
            group.addTask {
                try await self.exchange(
                    messages, outgoing, over: client, opened: opened, registered: registered, trustChanged: trustChanged
                )
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func exchange(
        _ messages: AsyncStream<Message>, _ outgoing: AsyncStream<Message>.Continuation,
        over client: GRPCClient<ControlPlaneConnection.Transport>,
        opened: @escaping @Sendable () -> Void, registered: @escaping @Sendable () -> Void,
        trustChanged: @escaping @Sendable (Weft_V1_TrustUpdate) -> Void
    ) async throws {
        let service = Weft_V1_WorkloadService.Client(wrapping: client)
        let refusal = SaidRefusal()
        do {
            try await self.exchange(messages, outgoing, with: service, opened, registered, trustChanged) { cause in
                refusal.cause.withLock { $0 = cause }
            }
        } catch {
            guard let cause = refusal.cause.withLock({ $0 }) else { throw error }
            // The word that the stream ends with tells what may change from what will not.
            throw RegistrationRefused(cause: cause, isFinal: (error as? RPCError)?.code == .invalidArgument)
        }
        if let cause = refusal.cause.withLock({ $0 }) { throw RegistrationRefused(cause: cause) }
    }

    private func exchange(
        _ messages: AsyncStream<Message>, _ outgoing: AsyncStream<Message>.Continuation,
        with service: Weft_V1_WorkloadService.Client<ControlPlaneConnection.Transport>,
        _ opened: @escaping @Sendable () -> Void, _ registered: @escaping @Sendable () -> Void,
        _ trustChanged: @escaping @Sendable (Weft_V1_TrustUpdate) -> Void,
        refused: @escaping @Sendable (_ cause: String) -> Void
    ) async throws {
        let taps = TapBook()
        try await service.connect(options: ControlPlaneConnection.options) { writer in
            opened()
            for await message in messages {
                try await writer.write(message)
                switch message.message {
                case .draining: self.drained()
                case .tap(let events): taps.sent(events.size)
                default: break
                }
            }
        } onResponse: { response in
            try await withThrowingDiscardingTaskGroup { answers in
                defer {
                    taps.endAll()
                    answers.cancelAll()
                }
                for try await message in response.messages {
                    switch message.message {
                    case .registered(let accepted):
                        self.logger.info("registered", metadata: ["workload": "\(accepted.workload)"])
                        registered()
                    case .rejected(let refusal): refused(refusal.cause)
                    case .trust(let trust): trustChanged(trust)
                    case .quota(let grant): self.rateLimits.take(grant)
                    case .records(let query):
                        answers.addTask {
                            let answer = await self.records.answer(query)
                            outgoing.yield(.with { $0.records = answer })
                        }
                    case .tap(let request) where request.stop: taps.end(request.id)
                    case .tap(let request):
                        guard taps.begin(request.id) else { continue }
                        answers.addTask {
                            await self.records.tap(request) {
                                taps.isWanted(request.id)
                            } _: { events in
                                guard taps.enqueue(events.size) else { return false }
                                outgoing.yield(.with { $0.tap = events })
                                return true
                            }
                            taps.end(request.id)
                        }
                    case .heartbeat, nil: break
                    }
                }
            }
        }
    }

    /// Tells what is asked of shared limits; costs nothing on the wire where there is none.
    private func reportQuotas(to outgoing: AsyncStream<Message>.Continuation) async throws {
        let clock = ContinuousClock()
        var last = clock.now
        while true {
            let now = clock.now
            let uses = self.rateLimits.uses(over: now - last)
            last = now
            if !uses.isEmpty { outgoing.yield(.with { $0.quota.uses = uses }) }
            try await Task.sleep(for: Self.quotaInterval)
        }
    }

    private func report(to outgoing: AsyncStream<Message>.Continuation) async throws {
        // The first report tells where counting begins, even when nothing has been counted.
        var isFirst = true
        while true {
            let stats = self.stats()
            outgoing.yield(
                .with {
                    if stats.edges.isEmpty, stats.plaintext.isEmpty, stats.policies.isEmpty, !isFirst {
                        $0.heartbeat = Weft_V1_Heartbeat()
                    } else {
                        $0.stats = stats
                        $0.stats.atUnixMs = Int64(Date().timeIntervalSince1970 * 1000)
                    }
                })
            isFirst = false
            try await Task.sleep(for: Self.interval)
        }
    }
}

/// Why a stream's registration was refused; nil while it was not.
private final class SaidRefusal: Sendable {
    let cause = Mutex<String?>(nil)
}
