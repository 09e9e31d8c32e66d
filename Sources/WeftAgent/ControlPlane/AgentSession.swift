internal import Crypto
internal import Foundation
internal import GRPCCore
internal import Logging
internal import SwiftProtobuf
internal import Synchronization
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos
internal import WeftProxy

/// The agent's side of the control plane: follows the entries, gets a certificate for each and renews it in time, and
/// asks for tokens. What it has stays in force while the control plane is away, until it truly runs out.
actor AgentSession {
    private let keeper: AgentIdentityKeeper
    private let storage: PrivateDirectory
    private let feed: AgentFeed
    private let logger: Logger
    private var plan = IssuancePlan()
    private var trust: WorkloadTrust?
    private var client: GRPCClient<ControlPlaneConnection.Transport>?
    private var absence = AbsenceNotice()
    /// Certificates asked for and not answered yet.
    private var inFlight = 0
    private let alarm = Alarm()

    /// Certificates asked for at once.
    private static let concurrency = 8
    /// What was last heard, for a start while the control plane is away: no keys, no secrets.
    private static let stateFile = "state.pb"

    init(keeper: AgentIdentityKeeper, storage: PrivateDirectory, feed: AgentFeed, logger: Logger) {
        self.keeper = keeper
        self.storage = storage
        self.feed = feed
        self.logger = logger
    }

    /// Runs until cancelled; throws `ControlPlaneRefusal` when there is no identity and none can be had.
    func run() async throws {
        var identity: WorkloadIdentity
        if let saved = try self.keeper.saved() { identity = saved } else { identity = try await self.keeper.attest() }
        self.restore(as: identity)
        while true { identity = try await self.serve(as: identity) }
    }

    // MARK: Tokens

    /// A token for an entry; unavailable while the control plane is away.
    func token(for entry: AgentEntry, audiences: [String]) async throws(RPCError) -> String {
        guard let client = self.client else {
            throw RPCError(code: .unavailable, message: "the control plane, which signs tokens, is not connected")
        }
        let request = Weft_V1_MintJWTRequest.with {
            $0.entry = entry.id
            $0.audiences = audiences
        }
        do {
            var options = CallOptions.defaults
            // A caller waits for this; better a clear answer soon than a late one.
            options.timeout = .seconds(5)
            options.waitForReady = false
            return try await Weft_V1_AgentService.Client(wrapping: client).mintJWT(request, options: options).token
        } catch {
            let refusal = RPCError(ofSigning: error)
            self.logger.notice(
                "a token was not signed",
                metadata: [
                    "entry": "\(entry.id)", "identity": "\(entry.spiffeID)", "cause": "\(refusal.message)",
                ])
            throw refusal
        }
    }

    // MARK: One connection

    /// Everything that happens under one identity of the agent; returns the next one.
    private func serve(as identity: WorkloadIdentity) async throws -> WorkloadIdentity {
        self.logger.info("using identity", metadata: ["identity": "\(identity)"])
        let domain = identity.id.trustDomain
        // Roots change while this identity lives: what was heard last counts.
        let transport = try self.keeper.connection.transport(as: identity) { [feed = self.feed] in
            guard let own = feed.snapshot.trust?.own, own.trustDomain == domain else { return nil }
            return (try? TrustBundle(trustDomain: domain, der: own.roots)).map { SVIDVerifier(bundles: [$0]) }
        }
        defer {
            self.client = nil
            self.plan.disconnected()
        }
        return try await withGRPCClient(transport: transport) { client in
            self.client = client
            return try await withThrowingTaskGroup(of: WorkloadIdentity?.self) { group in
                group.addTask {
                    try await self.follow(over: client)
                    return nil
                }
                group.addTask {
                    try await self.issue(over: client)
                    return nil
                }
                group.addTask { try await self.renew(identity, over: client) }
                while let next = try await group.next() {
                    if let next {
                        group.cancelAll()
                        return next
                    }
                }
                throw CancellationError()
            }
        }
    }

    /// Follows the entries, over one stream after another.
    private func follow(over client: GRPCClient<ControlPlaneConnection.Transport>) async throws {
        var backoff = ReconnectBackoff()
        while true {
            var cause = "the control plane ended the stream"
            let answers = AnswerCount()
            do {
                let request = Weft_V1_EntriesRequest.with { $0.version = WeftVersion.text }
                try await Weft_V1_AgentService.Client(wrapping: client).entries(
                    request, options: ControlPlaneConnection.options
                ) { response in
                    for try await state in response.messages {
                        answers.note()
                        await self.take(state)
                    }
                }
            } catch {
                cause = self.keeper.connection.refusal.take() ?? "\(error)"
            }
            try Task.checkCancellation()
            if answers.any { backoff.succeeded() }
            self.isAway(cause)
            try await Task.sleep(for: backoff.next())
        }
    }

    private func isAway(_ cause: String) {
        guard self.absence.failed(now: .now) else { return }
        let expiry = self.plan.nextExpiry(after: Date())
        self.logger.warning(
            "the control plane is away; what it gave stays in use until it runs out",
            metadata: ["cause": "\(cause)", "next to run out": "\(expiry.map { $0.formatted(.iso8601) } ?? "nothing")"])
    }

    private func take(_ state: Weft_V1_AgentState) {
        if let away = self.absence.returned(now: .now) {
            self.logger.warning("the control plane is back", metadata: ["after": "\(away)"])
        }
        do {
            try self.install(state)
        } catch {
            self.logger.error("what the control plane said is not followed", metadata: ["cause": "\(error)"])
            return
        }
        do { try self.storage.write(Self.stateFile, try state.serializedBytes()) } catch {
            self.logger.error("what the control plane said could not be saved", metadata: ["cause": "\(error)"])
        }
    }

    private func install(_ state: Weft_V1_AgentState) throws {
        let trust = try WorkloadTrust(state)
        let entries = state.entries.compactMap { message -> AgentEntry? in
            do { return try AgentEntry(message, trustDomain: trust.own.trustDomain) } catch {
                self.logger.error("an entry is left out", metadata: ["cause": "\(error)"])
                return nil
            }
        }
        let known = Set(entries.map(\.id))
        for entry in self.plan.entries where !known.contains(entry.id) {
            self.logger.notice(
                "an identity is not given any more: its entry is gone, or it is revoked",
                metadata: ["entry": "\(entry.id)", "identity": "\(entry.spiffeID)"])
        }
        var random = SystemRandomNumberGenerator()
        self.trust = trust
        self.plan.install(entries, demand: trust.renewBefore, now: Date(), random: &random)
        self.publish()
        self.alarm.ring()
    }

    /// Starts from what an earlier run heard.
    private func restore(as identity: WorkloadIdentity) {
        do {
            guard let bytes = try self.storage.read(Self.stateFile) else { return }
            let state = try Weft_V1_AgentState(serializedBytes: bytes)
            guard state.own.name == identity.id.trustDomain.name else { return }
            try self.install(state)
            self.logger.info("starting from the saved entries", metadata: ["entries": "\(state.entries.count)"])
        } catch {
            self.logger.warning("the saved entries are not used", metadata: ["cause": "\(error)"])
        }
    }

    private func publish() {
        let now = Date()
        self.feed.publish(
            AgentSnapshot(
                entries: self.plan.entries, identities: self.plan.identities(now: now),
                absent: self.plan.absent(now: now), trust: self.trust))
    }

    // MARK: Certificates

    /// Gets what is due, several at once, withdraws what has run out, and waits for what comes next.
    private func issue(over client: GRPCClient<ControlPlaneConnection.Transport>) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                for entry in self.plan.take(now: Date(), limit: Self.concurrency - self.inFlight) {
                    self.inFlight += 1
                    group.addTask {
                        await self.issue(entry, over: client)
                        await self.answered()
                    }
                }
                self.publish()
                try await self.alarm.wait(self.pause)
            }
        }
    }

    /// How long nothing is to be done: until something is due, unless enough is asked for already, or runs out.
    private var pause: Duration {
        let now = Date()
        var pause = Duration.seconds(60)
        if self.inFlight < Self.concurrency { pause = min(pause, self.plan.wait(now: now)) }
        if let expiry = self.plan.nextExpiry(after: now) {
            pause = min(pause, .seconds(expiry.timeIntervalSince(now)))
        }
        return pause
    }

    private func answered() {
        self.inFlight -= 1
        self.alarm.ring()
    }

    private func issue(_ entry: AgentEntry, over client: GRPCClient<ControlPlaneConnection.Transport>) async {
        var random = SystemRandomNumberGenerator()
        do {
            let key = P256.Signing.PrivateKey()
            let request = try Weft_V1_MintX509Request.with {
                $0.entry = entry.id
                $0.csrDer = Data(try SigningRequest.der(for: key))
            }
            var options = CallOptions.defaults
            options.timeout = .seconds(15)
            let response = try await Weft_V1_AgentService.Client(wrapping: client).mintX509(request, options: options)
            let identity = try WorkloadIdentity(
                key: key, chain: response.certificateChainDer.map { Array($0) },
                bundle: response.bundleDer.map { Array($0) }, expecting: entry.spiffeID, now: Date())
            if self.plan.issued(identity, for: entry, now: Date(), random: &random) {
                self.logger.debug("a certificate came", metadata: ["entry": "\(entry.id)", "identity": "\(identity)"])
                self.publish()
            }
        } catch {
            self.plan.failed(entry, now: Date(), random: &random)
            if !Task.isCancelled {
                self.logger.warning(
                    "no certificate came; the old one, where there is one, stays in use",
                    metadata: ["entry": "\(entry.id)", "cause": "\(error)"])
            }
        }
    }

    // MARK: The agent's own identity

    /// Waits until the agent's identity is due and renews it; one that has run out is made anew where a token allows it.
    private func renew(
        _ identity: WorkloadIdentity, over client: GRPCClient<ControlPlaneConnection.Transport>
    ) async throws -> WorkloadIdentity {
        var random = SystemRandomNumberGenerator()
        var schedule = RenewalSchedule(notBefore: identity.notBefore, notAfter: identity.notAfter, random: &random)
        while true {
            switch schedule.step(now: Date()) {
            case .wait(let duration): try await Task.sleep(for: duration)
            case .renew:
                do {
                    return try await self.keeper.renew(identity, over: client)
                } catch {
                    try Task.checkCancellation()
                    schedule.failed(now: Date(), random: &random)
                    if identity.notAfter >= Date() {
                        self.logger.warning(
                            "the agent's identity was not renewed; the old one stays in use",
                            metadata: ["cause": "\(error)", "until": "\(identity.notAfter.formatted(.iso8601))"])
                        continue
                    }
                    do { return try await self.keeper.attest() } catch let refusal {
                        try Task.checkCancellation()
                        self.logger.error(
                            "the agent's identity has run out; start again with a new token",
                            metadata: ["cause": "\(error)", "attesting": "\(refusal)"])
                    }
                }
            }
        }
    }
}

extension RPCError {
    /// What a caller of this host is told where the control plane did not sign. Nothing but the word and the reason is
    /// handed on: the metadata of one call, put into another, breaks the connection that carries it.
    init(ofSigning error: any Error) {
        let refusal = error as? RPCError
        let code = refusal?.code
        if let refusal, code == .permissionDenied || code == .invalidArgument || code == .resourceExhausted {
            self.init(code: refusal.code, message: refusal.message)
        } else {
            self.init(
                code: .unavailable,
                message: "the control plane did not sign the token: \(refusal?.message ?? "\(error)")")
        }
    }
}

/// Whether a stream was answered; asked for after it has ended.
private final class AnswerCount: Sendable {
    private let isAnswered = Mutex(false)

    var any: Bool { self.isAnswered.withLock { $0 } }
    func note() { self.isAnswered.withLock { $0 = true } }
}
