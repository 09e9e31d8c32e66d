internal import Foundation
internal import GRPCCore
internal import Logging
internal import SwiftProtobuf
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

/// Serves the SPIFFE Workload API to the processes of this host.
///
/// Who calls is asked of the kernel at every call, and again before every message of a stream.
struct WorkloadAPIServer: SpiffeWorkloadAPI.SimpleServiceProtocol {
    let feed: AgentFeed
    let session: AgentSession
    let logger: Logger

    private static let (maxAudiences, maxAudienceBytes) = (16, 1024)

    func fetchX509SVID(
        request: X509SVIDRequest, response: RPCWriter<X509SVIDResponse>, context: ServerContext
    ) async throws {
        try await self.stream(response, context) { snapshot, process throws(WorkloadRefusal) in
            try snapshot.x509(for: process)
        }
    }

    func fetchX509Bundles(
        request: X509BundlesRequest, response: RPCWriter<X509BundlesResponse>, context: ServerContext
    ) async throws {
        try await self.stream(response, context) { snapshot, process throws(WorkloadRefusal) in
            try snapshot.x509Bundles(for: process)
        }
    }

    func fetchJWTBundles(
        request: JWTBundlesRequest, response: RPCWriter<JWTBundlesResponse>, context: ServerContext
    ) async throws {
        try await self.stream(response, context) { snapshot, process throws(WorkloadRefusal) in
            try snapshot.jwtBundles(for: process)
        }
    }

    func fetchJWTSVID(request: JWTSVIDRequest, context: ServerContext) async throws -> JWTSVIDResponse {
        guard (1...Self.maxAudiences).contains(request.audience.count),
            request.audience.allSatisfy({ (1...Self.maxAudienceBytes).contains($0.utf8.count) })
        else {
            throw RPCError(
                code: .invalidArgument,
                message: "1 to \(Self.maxAudiences) audiences of 1 to \(Self.maxAudienceBytes) bytes are needed")
        }
        let snapshot = self.feed.snapshot
        let process = try context.caller(wantsUser: snapshot.wantsUsers)
        let entries = snapshot.grants(of: process).map(\.entry)
        let wanted = request.spiffeID.isEmpty ? entries : entries.filter { "\($0.spiffeID)" == request.spiffeID }
        guard !wanted.isEmpty else {
            if entries.isEmpty { throw RPCError(WorkloadRefusal.noEntry(process), self.logger) }
            throw RPCError(
                code: .permissionDenied, message: "this process has not the identity \(request.spiffeID.prefix(256))")
        }
        var answer = JWTSVIDResponse()
        var refusal: RPCError?
        for entry in wanted {
            let token: String
            do throws(RPCError) {
                token = try await self.session.token(for: entry, audiences: request.audience)
            } catch {
                // One identity that is refused keeps nobody from the others.
                guard error.code == .permissionDenied else { throw error }
                refusal = error
                continue
            }
            answer.svids.append(
                .with {
                    $0.spiffeID = "\(entry.spiffeID)"
                    $0.svid = token
                    $0.hint = entry.hint
                })
        }
        if answer.svids.isEmpty, let refusal { throw refusal }
        return answer
    }

    func validateJWTSVID(
        request: ValidateJWTSVIDRequest, context: ServerContext
    ) async throws -> ValidateJWTSVIDResponse {
        guard !request.audience.isEmpty, !request.svid.isEmpty else {
            throw RPCError(code: .invalidArgument, message: "an audience and a token are needed")
        }
        let snapshot = self.feed.snapshot
        let process = try context.caller(wantsUser: snapshot.wantsUsers)
        let trust: WorkloadTrust
        do throws(WorkloadRefusal) { trust = try snapshot.trust(for: process) } catch {
            throw RPCError(error, self.logger)
        }
        do {
            let (id, claims) = try JWTSVID.validate(request.svid, audience: request.audience, now: Date()) { domain in
                guard let found = trust.all.first(where: { $0.trustDomain == domain }) else { return nil }
                return try? JSONWebKeySet(found.keySet, requiresUse: true)
            }
            return try .with {
                $0.spiffeID = "\(id)"
                $0.claims = try Google_Protobuf_Struct(jsonString: claims.members.text)
            }
        } catch let error as TokenError {
            throw RPCError(code: .invalidArgument, message: "the token is not valid: \(error)")
        }
    }

    func fetchWITSVID(
        request: WITSVIDRequest, response: RPCWriter<WITSVIDResponse>, context: ServerContext
    ) async throws {
        throw Self.unsupported
    }

    func fetchWITBundles(
        request: WITBundlesRequest, response: RPCWriter<WITBundlesResponse>, context: ServerContext
    ) async throws {
        throw Self.unsupported
    }

    private static let unsupported = RPCError(code: .unimplemented, message: "WIT-SVIDs are not issued here")

    /// Sends what the snapshot says, at once and whenever that changes, until the caller goes away or is entitled to
    /// nothing any more.
    private func stream<Message: Equatable & Sendable>(
        _ response: RPCWriter<Message>, _ context: ServerContext,
        _ answer: (AgentSnapshot, ProcessFacts) throws(WorkloadRefusal) -> Message
    ) async throws {
        let (id, wakeUps) = self.feed.subscribe()
        defer { self.feed.unsubscribe(id) }
        var last: Message?
        try await withRPCCancellationHandler {
            for await _ in wakeUps {
                let snapshot = self.feed.snapshot
                let process = try context.caller(wantsUser: snapshot.wantsUsers)
                let next: Message
                do throws(WorkloadRefusal) { next = try answer(snapshot, process) } catch {
                    // What is on its way is waited for; what has run out is told, and so is what was taken away.
                    if error == .notReady, last == nil, snapshot.trust != nil { continue }
                    throw RPCError(error, self.logger)
                }
                guard next != last else { continue }
                try await response.write(next)
                last = next
            }
        } onCancelRPC: { [feed = self.feed] in
            // The caller has gone; nothing else would end this before the next change.
            feed.unsubscribe(id)
        }
        throw RPCError(code: .unavailable, message: "the agent is stopping")
    }
}

extension ServerContext {
    /// The process that calls. Throws what it is to be told when that cannot be said any more.
    func caller(wantsUser: Bool) throws -> ProcessFacts {
        guard let process = (self.transportSpecific as? AgentCaller)?.process else {
            throw RPCError(code: .unavailable, message: "the connection has ended")
        }
        do { return try process.facts(wantsUser: wantsUser) } catch {
            throw RPCError(code: .permissionDenied, message: "\(error)")
        }
    }
}

extension RPCError {
    /// What the Workload API says of a refusal; logged, because an operator may be looking for why.
    init(_ refusal: WorkloadRefusal, _ logger: Logger) {
        switch refusal {
        case .noEntry(let process):
            logger.info("a process has no entry", metadata: ["pid": "\(process.pid)", "cause": "\(refusal)"])
            self.init(code: .permissionDenied, message: "\(refusal)")
        case .notReady: self.init(code: .unavailable, message: "\(refusal)")
        }
    }
}
