internal import GRPCCore
internal import Logging
internal import SwiftProtobuf
internal import Synchronization
internal import WeftDiscovery
internal import WeftModel
internal import WeftProtos

/// Carries the discovery client's requests onto streams and the answers back to it.
///
/// The machine lives as long as the sidecar; streams come and go beneath it. Its lock is held for one step of the machine
/// and never across a wait; what follows from a step is queued in the same order.
final class DiscoverySession: Sendable {
    private struct State {
        var client: DiscoveryClient
        var outgoing: AsyncStream<DiscoveryClient.Request>.Continuation?
        var revision = Revision.zero
    }

    /// What a step led to.
    struct Update: Sendable {
        var configuration: DiscoveredConfiguration
        var revision: Revision
    }

    /// Names that requests wait for and that are not asked for yet, in the order in which they were mentioned: what was
    /// mentioned last is the last to be given up.
    private struct Demand {
        private var order: [String] = []
        private var names: Set<String> = []

        var isEmpty: Bool { self.order.isEmpty }

        mutating func insert(_ name: String) -> Bool {
            guard self.order.count < DiscoverySession.maxDemand, self.names.insert(name).inserted else { return false }
            self.order.append(name)
            return true
        }

        mutating func next(_ count: Int) -> [String] {
            let batch = Array(self.order.prefix(count))
            self.order.removeFirst(batch.count)
            self.names.subtract(batch)
            return batch
        }
    }

    /// Configurations to use, the newest only.
    let updates: AsyncStream<Update>

    private let state: Mutex<State>
    private let demand = Mutex(Demand())
    private let (demanded, demands) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let published: AsyncStream<Update>.Continuation
    private let logger: Logger
    private let clock = ContinuousClock()

    /// Names that may wait to be asked for, and how many of them are asked for at once; a caller who makes names up
    /// costs the control plane one request in 20 ms.
    private static let maxDemand = 1024
    private static let demandsAtOnce = 64
    private static let pause = Duration.milliseconds(20)

    init(node: Envoy_Config_Core_V3_Node, limits: NameInterest.Limits, logger: Logger) {
        self.state = Mutex(State(client: DiscoveryClient(node: node, limits: limits)))
        (self.updates, self.published) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.logger = logger
    }

    /// Asks for a listener that a request waits for, soon; names beyond what may wait are left to be demanded again.
    func demand(listener name: String) {
        let isTaken = self.demand.withLock { $0.insert(name) }
        if isTaken { self.demands.yield() }
    }

    /// Asks for what is demanded, a batch at a time, until cancelled.
    func followDemand() async throws {
        for await _ in self.demanded {
            let (batch, isMore) = self.demand.withLock { demand in
                let batch = demand.next(Self.demandsAtOnce)
                return (batch, !demand.isEmpty)
            }
            self.step { client, now in client.demand(listeners: batch, now: now) }
            if isMore { self.demands.yield() }
            try await Task.sleep(for: Self.pause)
        }
    }

    func subscribe(listener name: String) {
        self.step { client, now in client.subscribe(listener: name, now: now) }
    }

    func restore(_ saved: Weft_V1_SavedConfiguration) {
        self.step { client, now in client.restore(saved, now: now) }
    }

    func saved(at seconds: Int64) -> Weft_V1_SavedConfiguration {
        self.state.withLock { $0.client.saved(at: seconds) }
    }

    private func step(
        revision: String? = nil, _ change: (inout DiscoveryClient, ContinuousClock.Instant) -> DiscoveryClient.Output
    ) {
        let refusals = self.state.withLock { state in
            let output = change(&state.client, self.clock.now)
            if let revision = revision.flatMap({ Int64($0) }), output.refusals.isEmpty {
                state.revision = max(state.revision, Revision(revision))
            }
            for request in output.requests { state.outgoing?.yield(request) }
            if let configuration = output.configuration {
                self.published.yield(Update(configuration: configuration, revision: state.revision))
            }
            return output.refusals
        }
        for cause in refusals { self.logger.error("configuration refused", metadata: ["cause": "\(cause)"]) }
    }

    // MARK: Streams

    /// Runs one stream until it ends; throws how it ended. `opened` is called once it is open, `answered` for all that the
    /// control plane says, which may be much later.
    func run(
        over client: GRPCClient<ControlPlaneConnection.Transport>, opened: @escaping @Sendable () -> Void = {},
        answered: @escaping @Sendable () -> Void
    ) async throws {
        let (requests, outgoing) = AsyncStream<DiscoveryClient.Request>.makeStream()
        self.state.withLock { $0.outgoing = outgoing }
        defer {
            outgoing.finish()
            self.state.withLock { state in
                state.outgoing = nil
                state.client.streamClosed()
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.watchDeadlines() }
            group.addTask { try await self.exchange(requests, over: client, opened: opened, answered: answered) }
            // The first to end ends the stream.
            try await group.next()
            group.cancelAll()
        }
    }

    private func exchange(
        _ requests: AsyncStream<DiscoveryClient.Request>, over client: GRPCClient<ControlPlaneConnection.Transport>,
        opened: @escaping @Sendable () -> Void, answered: @escaping @Sendable () -> Void
    ) async throws {
        let service = Envoy_Service_Discovery_V3_AggregatedDiscoveryService.Client(wrapping: client)
        switch self.state.withLock({ $0.client.variant }) {
        case .incremental:
            do {
                try await service.deltaAggregatedResources(options: ControlPlaneConnection.options) { writer in
                    opened()
                    self.step { $0.streamOpened(now: $1) }
                    for await case .incremental(let request) in requests { try await writer.write(request) }
                } onResponse: { response in
                    for try await message in response.messages {
                        answered()
                        self.step(revision: message.systemVersionInfo) { $0.received(message, now: $1) }
                    }
                }
            } catch let error as RPCError where error.code == .unimplemented {
                // The next stream speaks what every xDS server knows.
                self.logger.notice("no incremental discovery here; taking the state of the world")
                self.step { client, now in
                    client.streamClosed()
                    client.speak(.stateOfTheWorld)
                    return DiscoveryClient.Output()
                }
            }
        case .stateOfTheWorld:
            try await service.streamAggregatedResources(options: ControlPlaneConnection.options) { writer in
                opened()
                self.step { $0.streamOpened(now: $1) }
                for await case .stateOfTheWorld(let request) in requests { try await writer.write(request) }
            } onResponse: { response in
                for try await message in response.messages {
                    answered()
                    self.step(revision: message.versionInfo) { $0.received(message, now: $1) }
                }
            }
        }
    }

    /// Tells the machine that names have gone unanswered for too long.
    private func watchDeadlines() async throws {
        while true {
            let deadline = self.state.withLock { $0.client.deadline }
            let now = self.clock.now
            if let deadline, deadline <= now { self.step { $0.timedOut(now: $1) } }
            try await Task.sleep(for: .seconds(1))
        }
    }
}
