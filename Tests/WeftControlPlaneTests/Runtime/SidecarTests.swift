import Crypto
import Foundation
import GRPCCore
import Logging
import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftIdentity
import WeftModel
import WeftProtos
import WeftProxy

@testable import WeftControlPlane

/// The sidecar's side of the control plane against a real one.
@Suite(.serialized) struct SidecarTests {
    private static let billing = "billing.default:80"

    /// What a sidecar was given.
    private enum Given: Sendable {
        case snapshot(ProxySnapshot)
        case identity(WorkloadIdentity, TrustState)
        case ready
        case ended(any Error)
    }

    private func configuration(
        _ access: ControlPlaneAccess, directory: String, account: String? = nil
    ) -> ProxyConfiguration {
        var configuration = ProxyConfiguration(
            service: ServiceName(namespace: "default", name: "front"), account: account, workload: "front-1",
            source: .controlPlane(access))
        configuration.dataDirectory = "\(directory)/sidecar"
        return configuration
    }

    /// Runs a sidecar's control-plane side until `isEnough` says so of what it was given.
    private func run(
        _ access: ControlPlaneAccess, directory: String, wanting names: [String] = [billing],
        account: String? = nil, until isEnough: @Sendable ([Given]) -> Bool
    ) async throws -> [Given] {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let client = ControlPlaneClient(
            configuration: self.configuration(access, directory: directory, account: account), logger: logger)
        for name in names { client.want(listener: name) }
        client.applicationChanged(notReady: nil)
        let (events, given) = AsyncStream.makeStream(of: Given.self)
        let receiver = ControlPlaneClient.Receiver(
            install: { given.yield(.snapshot($0)) }, installIdentity: { given.yield(.identity($0, $1)) },
            ready: { given.yield(.ready) })
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await client.run(access: access, inboundPorts: [:], receiver: receiver) } catch {
                    given.yield(.ended(error))
                }
                given.finish()
            }
            var all: [Given] = []
            for await event in events {
                all.append(event)
                if isEnough(all) { break }
            }
            group.cancelAll()
            return all
        }
    }

    private static func knowsBilling(_ given: [Given]) -> Bool {
        let isReady = given.contains { if case .ready = $0 { true } else { false } }
        let knows = given.contains {
            guard case .snapshot(let snapshot) = $0 else { return false }
            return snapshot.endpoints[Self.billing]?.endpoints.map(\.workload) == ["default/billing-1"]
        }
        return isReady && knows
    }

    @Test(.timeLimit(.minutes(10)))
    func `a sidecar joins, follows a name, and starts again without any control plane`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            let port = try await RunningControlPlane.with(directory: directory) { plane in
                let identity = try await plane.join(try await plane.token("billing"))
                let access = ControlPlaneAccess(
                    port: plane.listening.meshPort, joinToken: try await plane.token("front"))
                let given = try await plane.registered("billing", as: "billing-1", identity: identity) {
                    try await self.run(access, directory: directory, until: Self.knowsBilling)
                }
                #expect(Self.knowsBilling(given))
                #expect(
                    given.contains {
                        if case .identity(let identity, _) = $0 {
                            identity.id == SPIFFEID(trustDomain: .standard, namespace: "default", account: "front")
                        } else {
                            false
                        }
                    })
                return plane.listening.meshPort
            }
            let cold = try await self.run(
                ControlPlaneAccess(port: port), directory: directory, wanting: [], until: Self.knowsBilling)
            #expect(Self.knowsBilling(cold))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `what a sidecar started from gives way to what a returning control plane says`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            let service = "apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {ports: [{port: 80}]}\n"
            let names = ["cart.default:80", Self.billing]
            let port = try await RunningControlPlane.with(directory: directory) { plane in
                #expect(try await plane.apply(service).status == 200)
                let identity = try await plane.join(try await plane.token("billing"))
                let access = ControlPlaneAccess(
                    port: plane.listening.meshPort, joinToken: try await plane.token("front"))
                _ = try await plane.registered("billing", as: "billing-1", identity: identity) {
                    try await self.run(access, directory: directory, wanting: names) { given in
                        Self.knowsBilling(given) && Self.newest(given)?.listeners["cart.default:80"] != nil
                    }
                }
                return plane.listening.meshPort
            }
            let (started, start) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    // Serves from what was saved first; only then is there a control plane again.
                    let given = try await self.run(
                        ControlPlaneAccess(port: port), directory: directory, wanting: []
                    ) { given in
                        if Self.knowsBilling(given) { start.yield() }
                        return Self.newest(given)?.absent.contains("cart.default:80") == true
                    }
                    #expect(Self.knowsBilling(given))
                }
                group.addTask {
                    for await _ in started { break }
                    try await RunningControlPlane.with(directory: directory) {
                        $0.meshAddress.port = port
                    } _: { plane in
                        #expect(try await plane.call("DELETE", "/v1/resources/Service/default/cart").status == 200)
                        try await Task.sleep(for: .seconds(60))
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a sidecar that calls nobody starts without a control plane too`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            let isReady: @Sendable ([Given]) -> Bool = { given in
                if case .ready = given.last { true } else { false }
            }
            let port = try await RunningControlPlane.with(directory: directory) { plane in
                let access = ControlPlaneAccess(
                    port: plane.listening.meshPort, joinToken: try await plane.token("front"))
                _ = try await self.run(access, directory: directory, wanting: [], until: isReady)
                return plane.listening.meshPort
            }
            let cold = try await self.run(
                ControlPlaneAccess(port: port), directory: directory, wanting: [], until: isReady)
            #expect(isReady(cold))
        }
    }

    private static func newest(_ given: [Given]) -> ProxySnapshot? {
        given.reversed().lazy.compactMap { if case .snapshot(let snapshot) = $0 { snapshot } else { nil } }.first
    }

    @Test(.timeLimit(.minutes(10)))
    func `a name that the mesh does not have is known to be absent`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let access = ControlPlaneAccess(
                    port: plane.listening.meshPort, joinToken: try await plane.token("front"))
                let given = try await self.run(access, directory: directory, wanting: ["nobody.default:80"]) { given in
                    if case .snapshot(let snapshot) = given.last { !snapshot.absent.isEmpty } else { false }
                }
                guard case .snapshot(let snapshot) = given.last else {
                    Issue.record("no snapshot: \(given)")
                    return
                }
                #expect(snapshot.absent == ["nobody.default:80"])
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a saved certificate that is due is used, and renewed at once`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                // Only who joined may renew.
                _ = try await plane.join(try await plane.token("front"))
                // In the last tenth of its life; clocks may differ by more than it has left.
                let saved = try self.identity(from: plane, issued: Date() - 55, lifetime: .seconds(60))
                try saved.save(to: PrivateDirectory(path: "\(directory)/sidecar"))
                let given = try await self.run(
                    ControlPlaneAccess(port: plane.listening.meshPort), directory: directory, wanting: []
                ) { given in
                    Set(given.compactMap { if case .identity(let one, _) = $0 { one.serial } else { nil } }).count == 2
                }
                let used = given.compactMap { if case .identity(let identity, _) = $0 { identity } else { nil } }
                #expect(used.first?.serial == saved.serial)
                #expect(used.last?.id == saved.id)
                #expect((used.last?.notAfter ?? .distantPast) > saved.notAfter)
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a caller who makes names up burdens neither sidecar nor control plane, and real names are still found`()
        async throws
    {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) {
                // Of all types together.
                $0.limits.subscriptionsPerStream = 400
            } _: { plane in
                let identity = try await plane.join(try await plane.token("billing"))
                let access = ControlPlaneAccess(
                    port: plane.listening.meshPort, joinToken: try await plane.token("front"))
                let invented = (0..<1000).map { "made-up-\($0).default:80" }
                let given = try await plane.registered("billing", as: "billing-1", identity: identity) {
                    try await self.run(
                        access, directory: directory, wanting: invented + [Self.billing], until: Self.knowsBilling)
                }
                let snapshots = given.compactMap { if case .snapshot(let snapshot) = $0 { snapshot } else { nil } }
                #expect(snapshots.allSatisfy { $0.absent.count <= 256 })
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a name longer than any could be ends the stream that asks for it`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let identity = try await plane.join(try await plane.token("front"))
                let error = await #expect(throws: RPCError.self) {
                    try await plane.client(identity) { client in
                        try await Envoy_Service_Discovery_V3_AggregatedDiscoveryService.Client(wrapping: client)
                            .deltaAggregatedResources { writer in
                                try await writer.write(
                                    .with {
                                        $0.typeURL = ResourceType.listener.typeURL
                                        $0.resourceNamesSubscribe = [String(repeating: "a", count: 1025)]
                                    })
                                try await Task.sleep(for: .seconds(60))
                            } onResponse: { response in
                                for try await _ in response.messages {}
                            }
                    }
                }
                #expect(error?.code == .invalidArgument)
            }
        }
    }

    /// An identity of `front` from the control plane's own authority, dated as told.
    private func identity(
        from plane: RunningControlPlane, issued: Date, lifetime: Duration
    ) throws -> WorkloadIdentity {
        var random = SystemRandomNumberGenerator()
        let authority = try CertificateAuthority.open(
            in: PrivateDirectory(path: "\(plane.directory)/authority"), trustDomain: .standard, now: Date(),
            random: &random)
        let key = P256.Signing.PrivateKey()
        let svid = try authority.issue(
            csrDER: try SigningRequest.der(for: key),
            identity: SPIFFEID(trustDomain: .standard, namespace: "default", account: "front"), lifetime: lifetime,
            now: issued, random: &random)
        return try WorkloadIdentity(key: key, chain: svid.chain, bundle: svid.bundle, now: Date())
    }

    @Test(.timeLimit(.minutes(10)))
    func `a control plane that is not the one a token was made by is named`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let token = try await plane.token("front")
                let other = token.prefix(while: { $0 != "." }) + token.drop(while: { $0 != "." }).dropLast(4) + "0000"
                let access = ControlPlaneAccess(port: plane.listening.meshPort, joinToken: String(other))
                let given = try await self.run(access, directory: directory) { _ in false }
                guard case .ended(let error) = given.last else {
                    Issue.record("it went on: \(given)")
                    return
                }
                let refusal = try #require(error as? ControlPlaneRefusal)
                #expect(refusal.cause.contains("127.0.0.1:\(plane.listening.meshPort) is not the control plane"))
                #expect(refusal.cause.contains("do not include the root"))
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a registration that is refused ends its stream with the cause`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let identity = try await plane.join(try await plane.token("front"))
                let error = await #expect(throws: RPCError.self) {
                    try await plane.client(identity) { client in
                        try await Weft_V1_WorkloadService.Client(wrapping: client).connect { writer in
                            try await writer.write(
                                .with {
                                    $0.register = .with {
                                        $0.service = "billing"
                                        $0.namespace = "default"
                                        $0.account = "billing"
                                        $0.name = "billing-1"
                                    }
                                })
                            try? await writer.write(.with { $0.readiness = .with { $0.ready = true } })
                        } onResponse: { response in
                            for try await _ in response.messages {}
                        }
                    }
                }
                // The word for what no waiting changes.
                #expect(error?.code == .invalidArgument)
                #expect(error?.message.contains("may not register default/billing-1") == true)
            }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [nil, "shop"])
    func `an account of its own needs a token for it, and without one the sidecar ends`(account: String?) async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let answer = try await plane.call(
                    "POST", "/v1/tokens", body: TokenRequest(service: "front", account: account))
                let token = try JSONDecoder().decode(CreatedToken.self, from: answer.body)
                #expect(token.summary.account == account ?? "front")
                let access = ControlPlaneAccess(port: plane.listening.meshPort, joinToken: token.token)
                let given = try await self.run(access, directory: directory, account: "shop") { given in
                    given.contains { if case .ready = $0 { true } else { false } }
                }
                guard account == nil else {
                    #expect(given.contains { if case .ready = $0 { true } else { false } })
                    return
                }
                guard case .ended(let error) = given.last else {
                    Issue.record("it went on: \(given)")
                    return
                }
                let refusal = try #require(error as? ControlPlaneRefusal)
                #expect(refusal.cause.contains("is not the account shop of the namespace default"))
                #expect(refusal.remedy.contains("--service front --namespace default --account shop"))
            }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [nil, "nonsense", "used up"])
    func `without a token that is good, and nothing saved, a sidecar says what to do`(kind: String?) async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                var token = kind
                if kind == "used up" {
                    token = try await plane.token("front")
                    _ = try await plane.join(token ?? "")
                }
                let access = ControlPlaneAccess(port: plane.listening.meshPort, joinToken: token)
                let given = try await self.run(access, directory: directory) { _ in false }
                guard case .ended(let error) = given.last else {
                    Issue.record("it went on: \(given)")
                    return
                }
                let refusal = try #require(error as? ControlPlaneRefusal)
                #expect(!refusal.remedy.isEmpty)
                #expect("\(refusal)".components(separatedBy: refusal.remedy).count == 2)
            }
        }
    }
}
