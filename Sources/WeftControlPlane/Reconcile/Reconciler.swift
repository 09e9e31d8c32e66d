internal import Logging
internal import WeftCompiler
internal import WeftModel
internal import WeftTelemetry

/// Turns what operators wrote and who is there into the snapshot that proxies are given: waits as `Debounce` says,
/// compiles, publishes.
actor Reconciler {
    private let configurations: Configurations
    private let registry: RegistryDriver
    private let keys: TokenKeyBook
    private let hub: SnapshotHub
    private let cache: EncodingCache
    private let agents: AgentHub
    private let trustDomain: TrustDomain
    private let metrics: ControlPlaneMetrics
    private let logger: Logger
    private var debounce = Debounce()
    private var resources: [Resource] = []
    private var compilation: Compilation?
    /// Stored documents that this version cannot read.
    private var unreadable: [Diagnostic] = []
    /// Changes that are not compiled yet.
    private(set) var waiting = 0
    /// The store's revision that was compiled last.
    private(set) var revision = Revision.zero
    private let wakeUps: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(
        configurations: Configurations, registry: RegistryDriver, keys: TokenKeyBook, hub: SnapshotHub,
        cache: EncodingCache, agents: AgentHub, trustDomain: TrustDomain,
        metrics: ControlPlaneMetrics, logger: Logger
    ) {
        self.configurations = configurations
        self.registry = registry
        self.keys = keys
        self.hub = hub
        self.cache = cache
        self.agents = agents
        self.trustDomain = trustDomain
        self.metrics = metrics
        self.logger = logger
        (self.wakeUps, self.wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// What keeps the present configuration from being followed as it was meant.
    var problems: [Diagnostic] {
        get async { self.unreadable + (self.compilation?.diagnostics ?? []) + (await self.keys.problems) }
    }

    /// What became of each route.
    var routeStatuses: [ResourceKey: [RouteParentStatus]] { self.compilation?.routeStatuses ?? [:] }

    func changed(_ cause: Debounce.Cause) {
        self.debounce.changed(cause, now: .now)
        self.waiting += 1
        self.wake.yield()
    }

    /// Compiles everything, so that the first proxy to ask gets a whole answer.
    func start() async throws {
        try await self.reload()
        await self.compile([.policy])
    }

    /// Compiles what changes; until cancelled.
    func run() async {
        for await _ in self.wakeUps {
            while let wait = self.debounce.wait(now: .now) {
                if wait > .zero {
                    // In short steps, because endpoints may change meanwhile and do not wait.
                    guard (try? await Task.sleep(for: min(wait, .milliseconds(20)))) != nil else { return }
                    continue
                }
                let causes = self.debounce.take(now: .now)
                if causes.contains(.policy) {
                    do { try await self.reload() } catch {
                        self.logger.error("the configuration could not be read", metadata: ["cause": "\(error)"])
                        guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
                        self.debounce.changed(.policy, now: .now)
                        continue
                    }
                }
                await self.compile(causes)
            }
        }
    }

    private func reload() async throws {
        let loaded = try await self.configurations.load()
        self.resources = loaded.resources
        await self.keys.follow(loaded.resources)
        self.revision = loaded.revision
        self.unreadable = loaded.problems
        self.agents.publish(loaded.resources)
        for problem in loaded.problems {
            self.logger.error("a stored resource is left out", metadata: ["cause": "\(problem)"])
        }
    }

    private func compile(_ causes: Set<Debounce.Cause>) async {
        let counted = self.waiting
        let workloads = await self.registry.workloads
        let tokenKeys = await self.keys.keys
        let began = ContinuousClock.now
        let isFull = self.compilation == nil || causes.contains(.policy)
        let next: Compilation =
            if let compilation = self.compilation, !causes.contains(.policy) {
                Compiler.update(compilation, workloads: workloads)
            } else {
                Compiler.compile(
                    resources: self.resources, workloads: workloads, trustDomain: self.trustDomain,
                    revision: self.revision, tokenKeys: tokenKeys)
            }
        self.metrics.observe(
            .now - began, in: ControlPlaneMetricNames.compileDuration, [isFull ? "full" : "endpoints"])
        self.compilation = next
        // What came meanwhile waits for the next.
        self.waiting = max(self.waiting - counted, self.debounce.wait(now: .now) == nil ? 0 : 1)
        guard next.snapshot != self.hub.snapshot else { return }
        self.hub.publish(next.snapshot)
        self.metrics.count(ControlPlaneMetricNames.publications)
        self.cache.trim(to: next.snapshot)
        self.logger.debug(
            "published",
            metadata: ["revision": "\(self.revision)", "listeners": "\(next.snapshot.listeners.count)"])
    }
}
