import Crypto
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import NIOCore
import NIOPosix
import SwiftProtobuf
import Testing
import WeftIdentity
import WeftModel
import WeftProtos
import WeftProxy

@testable import WeftAgent

/// The socket with a gRPC client at its other end: this very process.
@Suite struct AgentSocketTests {
    private let mint = TestMint()
    private static let marked: GRPCCore.Metadata = ["workload.spiffe.io": "true"]

    private var mine: AgentEntry { .test("mine", [.uid(getuid()), .gid(getgid()), .path(Self.program)]) }
    private static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path

    private func snapshot(_ entries: [AgentEntry], generation: TimeInterval = 0) throws -> AgentSnapshot {
        let now = TestMint.now.addingTimeInterval(generation)
        return AgentSnapshot(
            entries: entries,
            identities: try Dictionary(
                uniqueKeysWithValues: entries.map {
                    ($0.id, try self.mint.identity($0.spiffeID, life: .seconds(100), now: now))
                }), trust: try self.mint.trust)
    }

    @Test func `a process is known by what the kernel says of it, and hears of every change`() async throws {
        let (first, second) = (try self.snapshot([self.mine]), try self.snapshot([self.mine], generation: 1))
        try await RunningAgent.with { agent in
            agent.feed.publish(first)
            try await agent.withClient { client in
                let api = SpiffeWorkloadAPI.Client(wrapping: client)
                try await api.fetchX509SVID(X509SVIDRequest(), metadata: Self.marked) { response in
                    var messages = response.messages.makeAsyncIterator()
                    let one = try await messages.next()
                    #expect(one?.svids.map(\.spiffeID) == ["spiffe://mesh.local/ns/default/sa/mine"])
                    agent.feed.publish(second)
                    let two = try await messages.next()
                    #expect(two?.svids.map(\.spiffeID) == one?.svids.map(\.spiffeID))
                    #expect(two?.svids.first?.x509Svid != one?.svids.first?.x509Svid)
                    // Withdrawn: the stream ends with the word for that.
                    agent.feed.publish(AgentSnapshot(trust: second.trust))
                    let refusal = await #expect(throws: RPCError.self) { _ = try await messages.next() }
                    #expect(refusal?.code == .permissionDenied)
                }
            }
            // A stream that has ended is not followed any more.
            try await awaiting { agent.feed.subscriberCount == 0 }
        }
    }

    @Test func `tokens of this trust domain and of federated ones are valid, each with its own keys`() async throws {
        let (own, foreign) = (JWTSVIDSigner(key: .init()), JWTSVIDSigner(key: .init()))
        let partner = try #require(TrustDomain("partner.example"))
        let stranger = try #require(TrustDomain("stranger.example"))
        var snapshot = try self.snapshot([self.mine])
        snapshot.trust?.own.keySet = JWTSVIDSigner.keySet([own.publicKey])
        snapshot.trust?.federated = [
            TrustedDomain(
                trustDomain: partner, roots: [], keySet: JWTSVIDSigner.keySet([foreign.publicKey]))
        ]
        let given = snapshot
        try await RunningAgent.with { agent in
            agent.feed.publish(given)
            try await agent.withClient { client in
                let api = SpiffeWorkloadAPI.Client(wrapping: client)
                let bundles = try await api.fetchJWTBundles(JWTBundlesRequest(), metadata: Self.marked) { response in
                    for try await message in response.messages { return message.bundles }
                    return [:]
                }
                #expect(bundles.keys.sorted() == ["spiffe://mesh.local", "spiffe://partner.example"])
                let theirs = String(decoding: bundles["spiffe://partner.example"] ?? Data(), as: UTF8.self)
                #expect(try JSONWebKeySet(theirs, requiresUse: true).keys.map(\.id) == [foreign.keyID])
                for (domain, signer, isValid) in [
                    (TrustDomain.standard, own, true), (partner, foreign, true),
                    // A trust domain's key proves no other's identities.
                    (.standard, foreign, false), (partner, own, false), (stranger, own, false),
                ] {
                    let id = SPIFFEID(trustDomain: domain, namespace: "default", account: "shop")
                    let token = try signer.issue(
                        subject: id, audiences: ["ledger"], lifetime: .seconds(60), now: Date())
                    func validate(_ audience: String) async -> Result<ValidateJWTSVIDResponse, RPCError> {
                        let request = ValidateJWTSVIDRequest.with {
                            $0.audience = audience
                            $0.svid = token
                        }
                        do throws(any Error) {
                            return .success(try await api.validateJWTSVID(request, metadata: Self.marked))
                        } catch {
                            return .failure(error as? RPCError ?? RPCError(code: .unknown, message: "\(error)"))
                        }
                    }
                    switch await validate("ledger") {
                    case .success(let answer):
                        #expect(isValid && answer.spiffeID == "\(id)")
                        #expect(answer.claims.fields["sub"]?.stringValue == "\(id)")
                    case .failure(let error): #expect(!isValid && error.code == .invalidArgument, "\(error)")
                    }
                    await #expect(throws: RPCError.self) { try await validate("another").get() }
                }
            }
        }
    }

    @Test func `an identity that is withdrawn is refused, while others of the same process go on`() async throws {
        let other = AgentEntry.test("other", [.uid(getuid())])
        let both = try self.snapshot([self.mine, other])
        let rest = try self.snapshot([other], generation: 1)
        try await RunningAgent.with { agent in
            agent.feed.publish(both)
            try await agent.withClient { client in
                let api = SpiffeWorkloadAPI.Client(wrapping: client)
                @Sendable func code(_ identity: String) async -> RPCError.Code? {
                    let request = JWTSVIDRequest.with {
                        $0.audience = ["ledger"]
                        $0.spiffeID = identity
                    }
                    do { _ = try await api.fetchJWTSVID(request, metadata: Self.marked) } catch {
                        return (error as? RPCError)?.code
                    }
                    return nil
                }
                try await api.fetchX509SVID(X509SVIDRequest(), metadata: Self.marked) { response in
                    var messages = response.messages.makeAsyncIterator()
                    #expect(try await messages.next()?.svids.count == 2)
                    // What the control plane tells when one is revoked: its entry is given no more.
                    agent.feed.publish(rest)
                    let left = try await messages.next()?.svids.map(\.spiffeID)
                    #expect(left == ["\(other.spiffeID)"])
                    #expect(await code("\(self.mine.spiffeID)") == .permissionDenied)
                    // Not refused: it is the control plane, to ask for a token, that is not there.
                    #expect(await code("\(other.spiffeID)") == .unavailable)
                }
                try await api.fetchX509Bundles(X509BundlesRequest(), metadata: Self.marked) { response in
                    for try await message in response.messages {
                        #expect(message.bundles.keys.sorted() == ["spiffe://mesh.local"])
                        break
                    }
                }
            }
        }
    }

    @Test func `who goes away is forgotten at once`() async throws {
        let snapshot = try self.snapshot([self.mine])
        try await RunningAgent.with { agent in
            agent.feed.publish(snapshot)
            try await agent.withClient { client in
                let api = SpiffeWorkloadAPI.Client(wrapping: client)
                try await api.fetchX509Bundles(X509BundlesRequest(), metadata: Self.marked) { response in
                    for try await _ in response.messages { break }
                }
            }
            try await awaiting { agent.feed.subscriberCount == 0 && agent.callers.count == 0 }
        }
    }

    @Test func `a call that is not marked, or of another profile, or too early is refused with its code`() async throws
    {
        let snapshot = try self.snapshot([self.mine])
        try await RunningAgent.with { agent in
            try await agent.withClient { client in
                let api = SpiffeWorkloadAPI.Client(wrapping: client)
                func code(_ call: () async throws -> Void) async -> RPCError.Code? {
                    do { try await call() } catch let error as RPCError { return error.code } catch {}
                    return nil
                }
                @Sendable func drain<Message>(_ response: StreamingClientResponse<Message>) async throws {
                    for try await _ in response.messages { return }
                }
                #expect(
                    await code { try await api.fetchX509SVID(X509SVIDRequest(), onResponse: drain) } == .invalidArgument
                )
                #expect(
                    await code {
                        try await api.fetchX509SVID(X509SVIDRequest(), metadata: Self.marked, onResponse: drain)
                    } == .permissionDenied)
                agent.feed.publish(snapshot)
                #expect(
                    await code {
                        try await api.fetchWITSVID(WITSVIDRequest(), metadata: Self.marked, onResponse: drain)
                    } == .unimplemented)
                #expect(
                    await code { _ = try await api.fetchJWTSVID(JWTSVIDRequest(), metadata: Self.marked) }
                        == .invalidArgument)
                let asked = JWTSVIDRequest.with { $0.audience = ["ledger"] }
                #expect(await code { _ = try await api.fetchJWTSVID(asked, metadata: Self.marked) } == .unavailable)
                let foreign = JWTSVIDRequest.with {
                    $0.audience = ["ledger"]
                    $0.spiffeID = "spiffe://mesh.local/ns/default/sa/other"
                }
                #expect(
                    await code { _ = try await api.fetchJWTSVID(foreign, metadata: Self.marked) } == .permissionDenied)
            }
        }
    }

    @Test func `a process has a bounded number of connections`() async throws {
        var limits = AgentConfiguration.Limits()
        limits.connectionsPerProcess = 2
        try await RunningAgent.with(limits: limits) { agent in
            let group = MultiThreadedEventLoopGroup.singleton
            var channels: [any Channel] = []
            for _ in 0..<3 {
                channels.append(
                    try await ClientBootstrap(group: group).connect(unixDomainSocketPath: agent.socket).get())
            }
            // The one too many is closed from the other side.
            try await awaiting { channels.contains { !$0.isActive } }
            try await awaiting { agent.callers.count == 2 }
            for channel in channels { try? await channel.close() }
            try await awaiting { agent.callers.count == 0 }
        }
    }
}

/// Waits until something is so.
private func awaiting(_ condition: () -> Bool) async throws {
    while !condition() { try await Task.sleep(for: .milliseconds(5)) }
}

/// An agent's socket in this process, whose snapshot a test writes.
private struct RunningAgent: Sendable {
    let feed: AgentFeed
    let callers: CallerTable
    let socket: String

    static func with(
        limits: AgentConfiguration.Limits = AgentConfiguration.Limits(),
        _ body: @Sendable @escaping (RunningAgent) async throws -> Void
    ) async throws {
        let directory = "/tmp/weft-s\(UInt32.random(in: .min ... .max))"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let storage = try PrivateDirectory(path: "\(directory)/data")
        let feed = AgentFeed()
        let keeper = AgentIdentityKeeper(
            connection: ControlPlaneConnection(access: ControlPlaneAccess(port: 1)), storage: storage, host: "test",
            logger: logger)
        let session = AgentSession(keeper: keeper, storage: storage, feed: feed, logger: logger)
        let callers = CallerTable(limits: limits)
        let transport = AgentTransport(
            AgentListener(socket: "\(directory)/agent.sock", mode: 0o600, callers: callers, logger: logger),
            limits: limits)
        let server = AgentRuntime.server(transport, feed: feed, session: session, limits: limits, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            #expect(await transport.isListening)
            let running = RunningAgent(feed: feed, callers: callers, socket: "\(directory)/agent.sock")
            do { try await body(running) } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
        }
    }

    func withClient(
        _ body: @Sendable @escaping (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Void
    ) async throws {
        try await withGRPCClient(
            transport: .http2NIOPosix(
                target: .unixDomainSocket(path: self.socket), transportSecurity: .plaintext)
        ) { client in try await body(client) }
    }
}
