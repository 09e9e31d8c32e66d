import Crypto
import Foundation
import GRPCCore
import Logging
import SwiftProtobuf
import Testing
import WeftIdentity
import WeftModel
import WeftProtos
import WeftProxy

@testable import WeftControlPlane

/// How trust travels from a real control plane to a sidecar, and what it ends there.
@Suite(.serialized) struct TrustTests {
    private enum Given: Sendable {
        case identity(WorkloadIdentity, TrustState)
        case ended(any Error)
    }

    /// Runs a sidecar's control-plane side while `body` sees what it was given to install.
    private func sidecar<Result: Sendable>(
        _ access: ControlPlaneAccess, directory: String,
        _ body: @Sendable (inout AsyncStream<Given>.Iterator) async throws -> Result
    ) async throws -> Result {
        var configuration = ProxyConfiguration(
            service: ServiceName(namespace: "default", name: "front"), workload: "front-1",
            source: .controlPlane(access))
        configuration.dataDirectory = "\(directory)/sidecar"
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let client = ControlPlaneClient(configuration: configuration, logger: logger)
        client.applicationChanged(notReady: nil)
        let (events, given) = AsyncStream.makeStream(of: Given.self)
        let receiver = ControlPlaneClient.Receiver(
            install: { _ in }, installIdentity: { given.yield(.identity($0, $1)) })
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await client.run(access: access, inboundPorts: [:], receiver: receiver) } catch {
                    given.yield(.ended(error))
                }
                given.finish()
            }
            var iterator = events.makeAsyncIterator()
            let result = try await body(&iterator)
            group.cancelAll()
            return result
        }
    }

    /// The first of what is given that satisfies `wanted`.
    private func next(
        _ given: inout AsyncStream<Given>.Iterator, where wanted: (WorkloadIdentity, TrustState) -> Bool
    ) async throws -> (identity: WorkloadIdentity, trust: TrustState) {
        while let event = await given.next() {
            switch event {
            case .identity(let identity, let trust): if wanted(identity, trust) { return (identity, trust) }
            case .ended(let error): throw error
            }
        }
        throw CancellationError()
    }

    private func root(_ domain: TrustDomain = .standard) throws -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return try #require(try CertificateAuthority(trustDomain: domain, now: Date(), random: &random).bundle.first)
    }

    private let victim = SPIFFEID(trustDomain: .standard, namespace: "default", account: "victim")

    @Test(.timeLimit(.minutes(10)))
    func `a change of trust reaches a sidecar, is saved, and is what a restart without a control plane trusts`()
        async throws
    {
        let (another, victim) = (try self.root(), self.victim)
        try await RunningControlPlane.withDirectory { directory in
            let port = try await RunningControlPlane.with(directory: directory) { plane in
                let access = ControlPlaneAccess(
                    port: plane.listening.meshPort, joinToken: try await plane.token("front"))
                try await self.sidecar(access, directory: directory) { given in
                    let first = try await self.next(&given) { _, _ in true }
                    #expect(try plane.trust.current.trust == first.trust)
                    var trust = first.trust
                    trust.version += 1
                    trust.roots.append(another)
                    trust.revoked = [victim]
                    try plane.trust.publish(trust)
                    let second = try await self.next(&given) { $1.version == trust.version }
                    #expect(second.trust == trust)
                    #expect(second.identity.bundle == trust.roots)
                    #expect(second.identity.serial == first.identity.serial)
                }
                // Told back, too: by its certificate's state.
                return plane.listening.meshPort
            }
            try await self.sidecar(ControlPlaneAccess(port: port), directory: directory) { given in
                let cold = try await self.next(&given) { _, _ in true }
                #expect(cold.trust.roots.count == 2)
                #expect(cold.trust.revoked == [victim])
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a sidecar follows a rotation of the root from step to step, and back`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                @Sendable func order(_ action: RotationRequest.Action, force: Bool = false) async throws -> Int {
                    try await plane.call(
                        "POST", "/v1/identity/rotation", body: RotationRequest(action: action, force: force)
                    ).status
                }
                @Sendable func report(where holds: (IdentityReport) -> Bool) async throws -> IdentityReport {
                    while true {
                        let report = try await plane.get(IdentityReport.self, "/v1/identity")
                        if holds(report) { return report }
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
                let access = ControlPlaneAccess(
                    port: plane.listening.meshPort, joinToken: try await plane.token("front"))
                try await self.sidecar(access, directory: directory) { given in
                    let first = try await self.next(&given) { _, _ in true }
                    let old = try await report { $0.roots.first?.leaves == 1 }.roots[0].fingerprint
                    #expect(try await order(.root) == 200)
                    // It is told, and tells back that it trusts both.
                    let published = try await report { $0.roots.count == 2 && $0.roots[1].trustedBy == 1 }
                    #expect(published.roots.map(\.state) == [.issuing, .published])
                    #expect(published.roots.map(\.leaves) == [1, 0])
                    // Forced only past the time that the fleet is watched for.
                    #expect(try await order(.advance, force: true) == 200)
                    let renewed = try await self.next(&given) { identity, _ in identity.serial != first.identity.serial
                    }
                    #expect(renewed.identity.chain.count == 3, "leaf, intermediate, and what leads to the old root")
                    let issuing = try await report { $0.roots[0].leaves == 1 }
                    #expect(issuing.roots[0].fingerprint == published.roots[1].fingerprint)
                    #expect(try await order(.withdraw) == 409)
                    #expect(try await order(.abort) == 200)
                    let back = try await report { $0.roots[0].fingerprint == old && $0.roots[0].leaves == 1 }
                    #expect(back.rotation?.phase == "aborting")
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `status tells which roots a proxy trusts, by which version, and which its certificate leads to`() async throws
    {
        let another = try self.root()
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let access = ControlPlaneAccess(
                    port: plane.listening.meshPort, joinToken: try await plane.token("front"))
                try await self.sidecar(access, directory: directory) { given in
                    let first = try await self.next(&given) { _, _ in true }
                    var trust = first.trust
                    trust.version = 9
                    trust.roots.append(another)
                    try plane.trust.publish(trust)
                    let told = trust.roots.map { certificateFingerprint($0) }
                    while true {
                        let report = try await plane.get(StatusReport.self, "/v1/status")
                        let proxy = report.proxies.first { $0.workload == "default/front-1" }
                        if proxy?.trustVersion == 9 {
                            #expect(proxy?.trustedRoots == told)
                            #expect(proxy?.certificateRoot == told.first)
                            #expect(proxy?.certificateSerial == first.identity.serial)
                            break
                        }
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a sidecar renews once when it is asked to`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let access = ControlPlaneAccess(
                    port: plane.listening.meshPort, joinToken: try await plane.token("front"))
                try await self.sidecar(access, directory: directory) { given in
                    let first = try await self.next(&given) { _, _ in true }
                    var trust = first.trust
                    trust.version += 1
                    trust.renewBefore = Int64(Date().timeIntervalSince1970) + 1
                    try plane.trust.publish(trust)
                    let second = try await self.next(&given) { identity, _ in
                        identity.serial != first.identity.serial
                    }
                    // A further change asks for nothing.
                    trust.version += 1
                    trust.revoked = [self.victim]
                    try plane.trust.publish(trust)
                    let third = try await self.next(&given) { $1.version == trust.version }
                    #expect(third.identity.serial == second.identity.serial)
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a revoked identity's streams end, its calls on the open connection are refused, and so are new ones`()
        async throws
    {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let identity = try await plane.join(try await plane.token("billing"))
                let request = Weft_V1_RenewRequest.with {
                    $0.csrDer = Data((try? SigningRequest.der(for: P256.Signing.PrivateKey())) ?? [])
                }
                try await plane.client(identity) { client in
                    let service = Weft_V1_WorkloadService.Client(wrapping: client)
                    _ = try await service.renew(request)
                    let (opened, signal) = AsyncStream.makeStream(of: Void.self)
                    try await withThrowingTaskGroup(of: RPCError.Code?.self) { group in
                        group.addTask { await Self.code { try await Self.register(over: client) { signal.yield() } } }
                        group.addTask { await Self.code { try await Self.discover(over: client) { signal.yield() } } }
                        var streams = opened.makeAsyncIterator()
                        await streams.next()
                        await streams.next()
                        var trust = try plane.trust.current.trust
                        trust.version += 1
                        trust.revoked = [identity.id]
                        try plane.trust.publish(trust)
                        for try await code in group { #expect(code == .permissionDenied) }
                    }
                    #expect(await Self.code { _ = try await service.renew(request) } == .permissionDenied)
                }
                let fresh = await Self.code {
                    try await plane.client(identity) { client in
                        var options = CallOptions.defaults
                        options.timeout = .seconds(5)
                        _ = try await Weft_V1_WorkloadService.Client(wrapping: client).renew(request, options: options)
                    }
                }
                #expect(fresh != nil)
            }
        }
    }

    private static func code(_ body: () async throws -> Void) async -> RPCError.Code? {
        do { try await body() } catch { return (error as? RPCError)?.code ?? .unknown }
        return nil
    }

    private static func register(over client: MeshClient, opened: @escaping @Sendable () -> Void) async throws {
        try await Weft_V1_WorkloadService.Client(wrapping: client).connect { writer in
            try await writer.write(
                .with {
                    $0.register = .with {
                        $0.service = "billing"
                        $0.namespace = "default"
                        $0.account = "billing"
                        $0.name = "billing-1"
                        $0.address = "127.0.0.1"
                    }
                })
            try await Task.sleep(for: .seconds(3600))
        } onResponse: { response in
            for try await message in response.messages {
                if case .trust? = message.message { opened() }
            }
        }
    }

    private static func discover(over client: MeshClient, opened: @escaping @Sendable () -> Void) async throws {
        try await Envoy_Service_Discovery_V3_AggregatedDiscoveryService.Client(wrapping: client)
            .deltaAggregatedResources { writer in
                try await writer.write(
                    .with {
                        $0.node.id = "default/billing-1"
                        $0.typeURL = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
                        $0.resourceNamesSubscribe = ["*"]
                    })
                try await Task.sleep(for: .seconds(3600))
            } onResponse: { response in
                for try await _ in response.messages { opened() }
            }
    }

    @Test func `a hub tells of what is newer, and keeps what it has over what is older or empty`() throws {
        let (one, two) = (try self.root(), try self.root())
        let hub = try TrustHub(TrustState(trustDomain: .standard, roots: [one], version: 3))
        try hub.publish(TrustState(trustDomain: .standard, roots: [two], version: 2))
        #expect(hub.current.trust.roots == [one])
        #expect(throws: TrustStateError.noRoots(.standard)) {
            try hub.publish(TrustState(trustDomain: .standard, roots: [], version: 4))
        }
        let before = hub.current.generation
        try hub.publish(TrustState(trustDomain: .standard, roots: [one, two], version: 4))
        #expect(hub.current.generation == before + 1)
        #expect(hub.current.trust.version == 4)
    }
}
