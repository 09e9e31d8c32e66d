internal import Foundation
internal import GRPCCore
internal import Logging
internal import SwiftProtobuf
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

/// Serves what sidecars need besides discovery: an identity, its renewal, and the stream that registers them.
struct WorkloadServer: Weft_V1_WorkloadService.SimpleServiceProtocol {
    let authority: Authority
    let door: JoinDoor
    let audit: any AuditLog
    /// Entries, too, let identities register for services.
    let agents: AgentHub
    let registry: RegistryDriver
    let records: RecordDesk
    let limits: ControlPlaneConfiguration.Limits
    let leases: Registry.Leases
    let quotas: QuotaBook
    let trust: TrustHub
    /// What is in force.
    let snapshot: @Sendable () -> MeshSnapshot
    let logger: Logger

    func join(request: Weft_V1_JoinRequest, context: ServerContext) async throws -> Weft_V1_SVIDResponse {
        let evidence = JoinEvidence(
            proof: request.kubernetesToken.isEmpty
                ? .joinToken(request.token) : .kubernetesToken(request.kubernetesToken),
            service: request.service, namespace: request.namespace, source: SourceAddress(context.remotePeer),
            now: Date())
        do throws(JoinDoor.Refusal) {
            return Weft_V1_SVIDResponse(
                try await self.door.join(evidence, csr: [UInt8](request.csrDer)), trust: self.trust.current.trust)
        } catch {
            switch error {
            case .tooFast(let wait):
                throw RPCError(
                    code: .resourceExhausted, message: "too many joins at once; try again in \(max(1, wait / 1000)) s")
            case .refused(let text): throw RPCError(code: .permissionDenied, message: text)
            case .badRequest(let cause):
                throw RPCError(code: .invalidArgument, message: "the certificate request: \(cause)")
            case .unavailable(let text): throw RPCError(code: .unavailable, message: text)
            }
        }
    }

    func renew(request: Weft_V1_RenewRequest, context: ServerContext) async throws -> Weft_V1_SVIDResponse {
        let peer = try context.requirePeer()
        if let cause = await self.audit.refusal() {
            throw RPCError(
                code: .unavailable, message: "the audit log cannot be written, and nothing is issued without: \(cause)")
        }
        do {
            return Weft_V1_SVIDResponse(
                try await self.authority.renew(
                    peer.id, handedOn: peer.isHandedOn, csr: [UInt8](request.csrDer), now: Date()),
                trust: self.trust.current.trust)
        } catch let refusal as IssuingRefusal {
            throw await self.refused(refusal, attestation: "renewal")
        } catch AuthorityError.refusedRequest(let cause) {
            throw RPCError(code: .invalidArgument, message: "the certificate request: \(cause)")
        } catch {
            self.logger.error("a renewal failed", metadata: ["identity": "\(peer.id)", "cause": "\(error)"])
            throw RPCError(code: .unavailable, message: "the control plane could not renew: \(error)")
        }
    }

    /// What is told to one who proved itself and gets no certificate, after taking it down.
    private func refused(_ refusal: IssuingRefusal, attestation: String) async -> RPCError {
        self.logger.warning("a certificate was refused", metadata: ["cause": "\(refusal)"])
        await self.authority.recordRefused(refusal, attestation: attestation, now: Date())
        return RPCError(
            code: refusal.isTransient ? .resourceExhausted : .permissionDenied, message: "\(refusal)")
    }

    func connect(
        request: RPCAsyncSequence<Weft_V1_WorkloadMessage, any Error>,
        response: RPCWriter<Weft_V1_ControlMessage>, context: ServerContext
    ) async throws {
        let peer = try context.requirePeer()
        let (outgoing, sender) = AsyncStream.makeStream(of: Outgoing.self, bufferingPolicy: .bufferingNewest(16))
        let connection = await self.registry.opened { sender.yield(.end(cause: $0)) }
        let subscription = self.trust.subscribe()
        try await self.finally {
            self.trust.unsubscribe(subscription.id)
            await self.records.left(connection)
            await self.registry.closed(connection)
        } do: {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await self.read(request, peer: peer, connection: connection, sender: sender)
                    sender.finish()
                }
                group.addTask {
                    while true {
                        try await Task.sleep(for: self.leases.lease / 3)
                        sender.yield(.message(.with { $0.heartbeat = Weft_V1_Heartbeat() }))
                    }
                }
                group.addTask { for await _ in subscription.wakeUps { sender.yield(.trustChanged) } }
                defer { group.cancelAll() }
                var isRegistered = false
                var told: Int?
                for await next in outgoing {
                    switch next {
                    case .message(let message):
                        try await response.write(message)
                        if case .registered? = message.message { isRegistered = true }
                    case .trustChanged: break
                    case .end(let cause):
                        throw RPCError(code: .aborted, message: cause)
                    case .failed(let error): throw error
                    }
                    // Looked at after every word, so that none which gave way to others is missed.
                    let current = self.trust.current
                    if current.trust.revoked.contains(peer.id) { throw RPCError(revoked: peer.id) }
                    if isRegistered, told != current.generation {
                        try await response.write(.with { $0.trust = Weft_V1_TrustUpdate(current.trust) })
                        told = current.generation
                    }
                }
            }
        }
    }

    private enum Outgoing: Sendable {
        case message(Weft_V1_ControlMessage)
        case trustChanged
        case end(cause: String)
        case failed(RPCError)
    }

    /// Takes what the proxy says until its stream ends.
    private func read(
        _ messages: RPCAsyncSequence<Weft_V1_WorkloadMessage, any Error>, peer: SVIDVerifier.Peer,
        connection: Registry.ConnectionID, sender: AsyncStream<Outgoing>.Continuation
    ) async throws {
        var workload: String?
        var listeners: [String] = []
        for try await message in messages {
            switch (message.message, workload) {
            case (.register(let register)?, _):
                do {
                    let name = try await self.registry.register(
                        Workload(register), identity: peer.id,
                        services: await self.authority.services(of: peer.id).union(self.agents.services(of: peer.id)),
                        grants: await self.authority.labels(of: peer.id).union(self.agents.labels(of: peer.id)),
                        proxyVersion: register.version, connection: connection,
                        adminPort: register.adminPort == 0 ? nil : Int(register.adminPort))
                    workload = name
                    await self.records.joined(connection, workload: name) { sender.yield(.message($0)) }
                    listeners = register.ports.map { port in
                        InboundListener.name(
                            namespace: register.namespace.isEmpty ? "default" : register.namespace,
                            workload: register.name, appPort: Int(port.port))
                    }
                    let lease = UInt32(clamping: self.leases.lease.components.seconds)
                    sender.yield(
                        .message(
                            .with {
                                $0.registered = .with {
                                    $0.workload = name
                                    $0.leaseSeconds = lease
                                }
                            }))
                } catch {
                    let cause = "\(error)"
                    self.logger.warning(
                        "a registration was refused", metadata: ["identity": "\(peer.id)", "cause": "\(cause)"])
                    sender.yield(.message(.with { $0.rejected = .with { $0.cause = cause } }))
                    // Nothing that follows on a stream without a workload could be taken.
                    if workload == nil {
                        let refusal: any Error = error
                        let isFinal = (refusal as? RegistrationRefusal)?.isFinal ?? false
                        sender.yield(
                            .failed(RPCError(code: isFinal ? .invalidArgument : .permissionDenied, message: cause)))
                        return
                    }
                }
            case (.readiness(let readiness)?, _?):
                await self.registry.report(
                    readiness.ready ? .ready : .notReady(String(readiness.cause.prefix(500))), from: connection)
            case (.draining?, _?): await self.registry.report(.draining, from: connection)
            case (.stats(let stats)?, let name?):
                let edges = stats.edges.map { (EdgeKey($0), EdgeCounters($0)) }
                let now = Int64(Date().timeIntervalSince1970 * 1000)
                await self.registry.report(clockOffset: stats.atUnixMs &- now, from: connection)
                await self.registry.report(edges, from: name, connection: connection)
                await self.registry.report(
                    stats.plaintext.prefix(PlaintextBook.perProxy).map(\.counted), from: name, connection: connection)
                if !stats.policies.isEmpty {
                    let policies = stats.policies.prefix(PolicyUsageBook.maxRules).map {
                        (PolicyUsageBook.Key($0), PolicyUsageBook.Counts($0))
                    }
                    await self.registry.report(
                        policies, from: name, connection: connection, in: self.snapshot())
                }
            case (.certificate(let state)?, _?):
                await self.registry.report(
                    Registry.CertificateState(state), from: connection)
            case (.quota(let report)?, let name?):
                if let grant = self.quotas.answer(report, from: name, listeners: listeners) {
                    sender.yield(.message(.with { $0.quota = grant }))
                }
            case (.records(let answer)?, _?): await self.records.answered(answer, from: connection)
            case (.tap(let events)?, _?): await self.records.tapped(events, from: connection)
            case (.heartbeat?, _): await self.registry.heard(from: connection)
            case (nil, _): break
            case (_, nil):
                sender.yield(
                    .failed(RPCError(code: .failedPrecondition, message: "the first message must be a registration")))
                return
            }
        }
    }

    /// Runs `cleanUp` however `body` ends, cancelled or not.
    private func finally(
        _ cleanUp: @Sendable @escaping () async -> Void, do body: () async throws -> Void
    ) async throws {
        do {
            try await body()
        } catch {
            await cleanUp()
            throw error
        }
        await cleanUp()
    }
}

extension Weft_V1_SVIDResponse {
    init(_ svid: SVID, trust: TrustState) {
        self.init()
        self.trust = Weft_V1_TrustUpdate(trust)
        self.certificateChainDer = svid.chain.map { Data($0) }
        self.bundleDer = svid.bundle.map { Data($0) }
        self.spiffeID = svid.identity.description
        self.expiresAtUnix = Int64(svid.notAfter.timeIntervalSince1970)
    }
}

extension RPCError {
    /// The answer to an identity that has been revoked.
    init(revoked identity: SPIFFEID) {
        self.init(
            code: .permissionDenied,
            message: "the identity \(identity) is revoked; restore it, or join with a token for another")
    }
}

extension ServerContext {
    /// The caller's proved identity; everything but joining needs one.
    func requirePeer() throws -> SVIDVerifier.Peer {
        guard let call = self.transportSpecific as? CallPeer, let peer = call.verified else {
            throw RPCError(
                code: .unauthenticated,
                message: "a client certificate of this mesh is needed; join with a token first")
        }
        if call.isRevoked { throw RPCError(revoked: peer.id) }
        // A connection outlives its handshake; the identity must not outlive its certificate by much.
        guard peer.notAfter.addingTimeInterval(60) > Date() else {
            throw RPCError(code: .unauthenticated, message: "the certificate of this connection has expired; reconnect")
        }
        return peer
    }
}
