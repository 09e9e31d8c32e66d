internal import Foundation
internal import GRPCCore
internal import Logging
internal import SwiftProtobuf
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

/// Serves the hosts' agents. What an agent gets is decided by its proved identity and the entries, never by what it asks
/// to be called.
struct AgentServer: Weft_V1_AgentService.SimpleServiceProtocol {
    let agents: AgentAuthority
    let trust: TrustHub
    let logger: Logger

    /// Audiences of one token, and bytes of one, at most.
    private static let (maxAudiences, maxAudienceBytes) = (16, 1024)
    /// Streams of all agents together.
    private static let maxStreams = 20_000

    func attest(request: Weft_V1_AttestRequest, context: ServerContext) async throws -> Weft_V1_SVIDResponse {
        do {
            return Weft_V1_SVIDResponse(
                try await self.agents.attest(
                    token: request.token, csr: [UInt8](request.csrDer), host: request.host,
                    source: SourceAddress(context.remotePeer), now: Date()), trust: self.trust.current.trust)
        } catch let refusal as AgentTokenRefusal {
            if case .tooFast = refusal { throw RPCError(code: .resourceExhausted, message: "\(refusal)") }
            self.logger.warning(
                "an agent was refused", metadata: ["peer": "\(context.remotePeer)", "cause": "\(refusal)"])
            throw RPCError(code: .permissionDenied, message: "\(refusal)")
        } catch {
            throw self.failure("an agent could not be admitted", error, ["peer": "\(context.remotePeer)"])
        }
    }

    func renew(request: Weft_V1_RenewRequest, context: ServerContext) async throws -> Weft_V1_SVIDResponse {
        let (identity, _) = try context.requireAgent()
        do {
            return Weft_V1_SVIDResponse(
                try await self.agents.renew(identity, csr: [UInt8](request.csrDer), now: Date()),
                trust: self.trust.current.trust)
        } catch {
            throw self.failure("an agent could not renew", error, ["identity": "\(identity)"])
        }
    }

    func entries(
        request: Weft_V1_EntriesRequest, response: RPCWriter<Weft_V1_AgentState>, context: ServerContext
    ) async throws {
        let (identity, host) = try context.requireAgent()
        let hub = self.agents.hub
        guard hub.subscriberCount < Self.maxStreams else {
            throw RPCError(code: .resourceExhausted, message: "there are \(Self.maxStreams) agents' streams already")
        }
        let (id, wakeUps) = hub.subscribe()
        defer { hub.unsubscribe(id) }
        self.logger.info(
            "an agent is connected",
            metadata: ["identity": "\(identity)", "version": "\(request.version.prefix(64))"])
        var last: Weft_V1_AgentState?
        func send() async throws {
            let state = Weft_V1_AgentState(hub.entries(for: host), trust: hub.trust)
            guard state != last else { return }
            last = state
            try await response.write(state)
        }
        try await send()
        try await withRPCCancellationHandler {
            for await _ in wakeUps { try await send() }
        } onCancelRPC: {
            // The agent has gone; nothing else would end this before the next change.
            hub.unsubscribe(id)
        }
        throw RPCError(code: .unavailable, message: "the control plane is stopping")
    }

    func mintX509(request: Weft_V1_MintX509Request, context: ServerContext) async throws -> Weft_V1_SVIDResponse {
        let (identity, entry) = try self.entry(request.entry, context)
        do {
            let svid = try await self.agents.certificate(
                for: entry, csr: [UInt8](request.csrDer), agent: identity, now: Date())
            self.logger.info(
                "a certificate was issued through an agent",
                metadata: [
                    "identity": "\(svid.identity)", "agent": "\(identity)", "entry": "\(entry.id)",
                    "serial": "\(svid.serial)",
                ])
            return Weft_V1_SVIDResponse(svid, trust: self.trust.current.trust)
        } catch {
            throw self.failure(
                "a certificate could not be issued", error, ["agent": "\(identity)", "entry": "\(entry.id)"])
        }
    }

    func mintJWT(request: Weft_V1_MintJWTRequest, context: ServerContext) async throws -> Weft_V1_MintJWTResponse {
        let (identity, entry) = try self.entry(request.entry, context)
        let audiences = request.audiences
        guard (1...Self.maxAudiences).contains(audiences.count),
            audiences.allSatisfy({ (1...Self.maxAudienceBytes).contains($0.utf8.count) })
        else {
            throw RPCError(
                code: .invalidArgument,
                message: "1 to \(Self.maxAudiences) audiences of 1 to \(Self.maxAudienceBytes) bytes are needed")
        }
        do {
            let token = try await self.agents.token(
                for: entry, audiences: audiences, agent: identity, now: Date())
            return .with {
                $0.token = token.text
                $0.expiresAtUnix = token.expiresAt
            }
        } catch {
            throw self.failure("a token could not be signed", error, ["agent": "\(identity)", "entry": "\(entry.id)"])
        }
    }

    /// The entry asked for, provided that the caller is the agent of one of its hosts.
    private func entry(_ id: String, _ context: ServerContext) throws -> (agent: SPIFFEID, entry: RegistrationEntry) {
        let (identity, host) = try context.requireAgent()
        guard let entry = self.agents.hub.entry(id, for: host) else {
            self.logger.warning(
                "an agent asked for an entry that it has not",
                metadata: ["agent": "\(identity)", "entry": "\(id.prefix(320))"])
            throw RPCError(
                code: .permissionDenied, message: "there is no entry \(id.prefix(320)) for the host \(host)")
        }
        return (identity, entry)
    }

    private func failure(_ what: String, _ error: any Error, _ metadata: Logger.Metadata) -> RPCError {
        if case AuthorityError.refusedRequest(let cause) = error {
            return RPCError(code: .invalidArgument, message: "the certificate request: \(cause)")
        }
        if let refusal = error as? IssuingRefusal {
            return RPCError(code: refusal.isTransient ? .resourceExhausted : .permissionDenied, message: "\(refusal)")
        }
        if error is RevokedIdentity { return RPCError(code: .permissionDenied, message: "\(error)") }
        self.logger.error("\(what)", metadata: metadata.merging(["cause": "\(error)"]) { $1 })
        return RPCError(code: .unavailable, message: "\(what): \(error)")
    }
}

extension ServerContext {
    /// The agent that calls, and its host.
    fileprivate func requireAgent() throws -> (identity: SPIFFEID, host: String) {
        let peer = try self.requirePeer()
        guard let host = peer.id.agentHost else {
            throw RPCError(code: .permissionDenied, message: "\(peer.id) is no agent")
        }
        return (peer.id, host)
    }
}

extension Weft_V1_AgentState {
    init(_ entries: [RegistrationEntry], trust: WorkloadTrust) {
        self.init()
        self.entries = entries.map { entry in
            .with {
                $0.id = entry.id
                $0.spiffeID =
                    "\(SPIFFEID(trustDomain: trust.own.trustDomain, namespace: entry.metadata.namespace, account: entry.account))"
                $0.selectors = entry.selectors.map(Weft_V1_AgentEntry.Selector.init)
                $0.hint = entry.hint
                $0.ttlSeconds = UInt32(clamping: entry.ttl?.components.seconds ?? 0)
                $0.dnsNames = entry.dnsNames
            }
        }
        self.own = Weft_V1_TrustedDomain(trust.own)
        self.federated = trust.federated.map(Weft_V1_TrustedDomain.init)
        self.renewBeforeUnix = trust.renewBefore ?? 0
    }
}

extension Weft_V1_AgentEntry.Selector {
    init(_ selector: ProcessSelector) {
        self.init()
        switch selector {
        case .uid(let number): self.uid = number
        case .gid(let number): self.gid = number
        case .path(let path): self.path = path
        case .unit(let unit): self.unit = unit
        case .user(let user): self.user = user
        }
    }
}

extension Weft_V1_TrustedDomain {
    init(_ domain: TrustedDomain) {
        self.init()
        self.name = domain.trustDomain.name
        self.rootsDer = domain.roots.map { Data($0) }
        self.jwks = Data(domain.keySet.utf8)
    }
}
