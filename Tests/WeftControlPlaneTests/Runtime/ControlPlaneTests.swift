import Crypto
import Foundation
import GRPCCore
import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftIdentity
import WeftModel
import WeftProtos

@testable import WeftControlPlane

@Suite(.serialized) struct ControlPlaneTests {
    private static let service = """
        apiVersion: v1
        kind: Service
        metadata: {name: billing}
        spec:
          ports: [{port: 80, targetPort: 8080}]
        """

    private func inFreshPlane(
        _ body: @Sendable @escaping (RunningControlPlane) async throws -> Void
    ) async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory, body)
        }
    }

    @Test func `a token admits as often as it says and names its service's identity`() async throws {
        try await self.inFreshPlane { plane in
            let token = try await plane.token("billing", uses: 2)
            let identity = try await plane.join(token)
            #expect(identity.id.description == "spiffe://mesh.local/ns/default/sa/billing")
            _ = try await plane.join(token)
            let refusal = await #expect(throws: RPCError.self) { try await plane.join(token) }
            #expect(refusal?.code == .permissionDenied)
            let unknown = await #expect(throws: RPCError.self) { try await plane.join("weft1.nonsense") }
            #expect(unknown?.code == .permissionDenied)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `old changes are forgotten, what they added up to is not, and new ones are followed`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            @Sendable func service(_ name: String) -> String {
                Self.service.replacing("billing", with: name)
            }
            try await RunningControlPlane.with(directory: directory) { plane in
                for name in ["a", "b", "c", "d"] {
                    let answer = try await plane.apply(service(name))
                    #expect(answer.status == 200)
                }
            }
            try await RunningControlPlane.with(directory: directory) {
                $0.history.changes = 2
            } _: { plane in
                var kept: [Int64] = []
                while kept.count != 2 {
                    kept = try await plane.get(HistoryList.self, "/v1/history?limit=10").entries.map(\.revision.number)
                }
                #expect(kept == [4, 3])
                #expect(try await plane.get(ResourceList.self, "/v1/resources?kind=Service").resources.count == 4)
                #expect(try await plane.apply(service("e")).status == 200)
                var published = Revision.zero
                while published != Revision(5) {
                    published = try await plane.get(StatusReport.self, "/v1/status").publishedRevision
                }
            }
        }
    }

    @Test func `without a certificate only joining works`() async throws {
        try await self.inFreshPlane { plane in
            let refusal = await #expect(throws: RPCError.self) {
                try await plane.client { client in
                    _ = try await Weft_V1_WorkloadService.Client(wrapping: client).renew(.init())
                }
            }
            #expect(refusal?.code == .unauthenticated)
            let discovery = await #expect(throws: RPCError.self) {
                try await plane.discover(nil, .cluster, ["x"])
            }
            #expect(discovery?.code == .unauthenticated)
        }
    }

    @Test func `an identity renews itself over its connection`() async throws {
        try await self.inFreshPlane { plane in
            let identity = try await plane.join(try await plane.token("billing"))
            let key = P256.Signing.PrivateKey()
            let csr = try SigningRequest.der(for: key)
            let answer = try await plane.client(identity) { client in
                try await Weft_V1_WorkloadService.Client(wrapping: client).renew(.with { $0.csrDer = Data(csr) })
            }
            #expect(answer.spiffeID == identity.id.description)
            let renewed = try WorkloadIdentity(
                key: key, chain: answer.certificateChainDer.map { [UInt8]($0) },
                bundle: answer.bundleDer.map { [UInt8]($0) }, now: Date())
            #expect(renewed.serial != identity.serial)
        }
    }

    @Test func `a registered workload is an endpoint of its service, by delta and by state of the world`() async throws
    {
        try await self.inFreshPlane { plane in
            #expect(try await plane.apply(Self.service).status == 200)
            let identity = try await plane.join(try await plane.token("billing"))
            try await plane.registered("billing", as: "billing-1", identity: identity) {
                let status = try await plane.get(StatusReport.self, "/v1/status")
                #expect(status.proxies.map(\.workload) == ["default/billing-1"])
                let delta = try await plane.discover(identity, .endpoints, ["billing.default:80"]) {
                    $0.endpoints.first?.lbEndpoints.isEmpty == false
                }
                #expect(delta.clusterName == "billing.default:80")
                let world = try await plane.discoverWorld(identity, .endpoints, ["billing.default:80"])
                #expect(world.first?.typeURL == ResourceType.endpoints.typeURL)
            }
        }
    }

    @Test func `inbound listeners are for their own identity only`() async throws {
        try await self.inFreshPlane { plane in
            let billing = try await plane.join(try await plane.token("billing"))
            let catalog = try await plane.join(try await plane.token("catalog"))
            let name = InboundListener.name(namespace: "default", workload: "billing-1", appPort: 8080)
            try await plane.registered("billing", as: "billing-1", identity: billing) {
                let own = try await plane.firstDelta(billing, .listener, [name]) { !$0.resources.isEmpty }
                #expect(own.resources.map(\.name) == [name])
                let foreign = try await plane.firstDelta(catalog, .listener, [name])
                #expect(foreign.resources.isEmpty)
                #expect(foreign.removedResources == [name])
            }
        }
    }

    @Test func `a workload may not register for a service it did not join for`() async throws {
        try await self.inFreshPlane { plane in
            let billing = try await plane.join(try await plane.token("billing"))
            await #expect(throws: RPCError.self) {
                try await plane.registered("catalog", as: "catalog-1", identity: billing) {}
            }
            #expect(try await plane.get(StatusReport.self, "/v1/status").proxies.isEmpty)
        }
    }

    @Test func `one bad document means that nothing lands`() async throws {
        try await self.inFreshPlane { plane in
            let answer = try await plane.apply(
                Self.service + "\n---\napiVersion: v1\nkind: Servise\nmetadata: {name: x}\n")
            #expect(answer.status == 422)
            let error = try JSONDecoder().decode(APIError.self, from: answer.body)
            #expect(error.code == .invalidConfiguration)
            #expect(error.diagnostics.contains { $0.file == "test.yaml" && $0.line != nil })
            let list = try await plane.get(ResourceList.self, "/v1/resources")
            #expect(list.resources.isEmpty)
            #expect(list.revision == .zero)
        }
    }

    @Test func `a restart keeps configuration, identities, tokens and endpoints`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            let (identity, token) = try await RunningControlPlane.with(directory: directory) { plane in
                #expect(try await plane.apply(Self.service).status == 200)
                let identity = try await plane.join(try await plane.token("billing"))
                try await plane.registered("billing", as: "billing-1", identity: identity) {
                    _ = try await plane.discover(identity, .endpoints, ["billing.default:80"]) {
                        $0.endpoints.first?.lbEndpoints.isEmpty == false
                    }
                }
                return (identity, try await plane.token("catalog"))
            }
            try await RunningControlPlane.with(directory: directory) { plane in
                let list = try await plane.get(ResourceList.self, "/v1/resources?kind=service")
                #expect(list.resources.map(\.key.name) == ["billing"])
                // The first answer already has the endpoint of the run before, though no proxy is back.
                let endpoints = try await plane.discover(identity, .endpoints, ["billing.default:80"])
                #expect(endpoints.endpoints.first?.lbEndpoints.count == 1)
                _ = try await plane.join(token)
            }
        }
    }

    @Test func `a second control plane on the same directory says so`() async throws {
        try await self.inFreshPlane { plane in
            let error = await #expect(throws: ControlPlaneError.self) {
                try await RunningControlPlane.with(directory: plane.directory) { _ in }
            }
            guard case .dataDirectoryInUse(_, let pid)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(pid == getpid())
        }
    }

    @Test func `a data directory of another trust domain says which it is`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { _ in }
            let error = await #expect(throws: ControlPlaneError.self) {
                try await RunningControlPlane.with(directory: directory) {
                    $0.trustDomain = TrustDomain("other.example") ?? .standard
                } _: { _ in
                }
            }
            #expect(error?.description.contains("--trust-domain mesh.local") == true)
        }
    }

    @Test func `an apply based on an older revision is a conflict and changes nothing`() async throws {
        try await self.inFreshPlane { plane in
            #expect(try await plane.apply(Self.service).status == 200)
            let answer = try await plane.call(
                "POST", "/v1/apply",
                body: ApplyRequest(
                    documents: [APIDocument(file: "late.yaml", text: Self.service.replacing("8080", with: "9090"))],
                    expectedRevision: .zero))
            #expect(answer.status == 409)
            let error = try JSONDecoder().decode(APIError.self, from: answer.body)
            #expect(error.code == .conflict)
            #expect(error.remedy.map { error.cause?.contains($0) == false } == true)
            #expect(try await plane.get(ResourceList.self, "/v1/resources").revision == Revision(1))
        }
    }

    @Test func `a port in use is named with its remedy`() async throws {
        try await self.inFreshPlane { plane in
            let port = plane.listening.meshPort
            try await RunningControlPlane.withDirectory { other in
                let error = await #expect(throws: ControlPlaneError.self) {
                    try await RunningControlPlane.with(directory: other) {
                        $0.meshAddress.port = port
                    } _: { _ in
                    }
                }
                #expect(error?.description.contains("127.0.0.1:\(port)") == true)
            }
        }
    }

    @Test func `calls that make no sense are refused with what, why and remedy`() async throws {
        try await self.inFreshPlane { plane in
            let cases: [(String, String, Int)] = [
                ("GET", "/v1/nothing", 404), ("PUT", "/v1/apply", 405), ("GET", "/v1/resources?kind=gadget", 400),
                ("GET", "/v1/resources/service/default/none", 404), ("DELETE", "/v1/tokens/none", 404),
                ("GET", "/v1/stat?window=x", 400), ("GET", "/v1/stat?windw=10", 400),
                ("GET", "/v1/requests?servce=leaf", 400), ("GET", "/v1/requests?reason=zzz", 400),
                ("GET", "/v1/requests/an-id?limit=1", 400), ("GET", "/v1/tap?limit=1", 400),
                ("GET", "/v1/telemetry/edges?servce=leaf", 400), ("GET", "/v1/telemetry/edges?reason=zzz", 400),
                ("GET", "/v1/telemetry/timeline?group=edge", 400), ("GET", "/v1/objectives?name=x", 400),
                ("GET", "/v1/telemetry/edges?reason=5xx&window=60&group=edge", 200),
                ("GET", "/v1/telemetry/edges?reason=no_route&direction=inbound", 200),
            ]
            for (method, path, status) in cases {
                let answer = try await plane.call(method, path)
                #expect(answer.status == status, "\(path)")
                guard status != 200 else { continue }
                if let name = path.split(separator: "?").last?.split(separator: "=").first, path.contains("servce") {
                    #expect(String(decoding: answer.body, as: UTF8.self).contains("\(name)"))
                }
                #expect(try JSONDecoder().decode(APIError.self, from: answer.body).status == status)
            }
            let socket = try FileManager.default.attributesOfItem(atPath: plane.listening.apiSocket)
            #expect((socket[.posixPermissions] as? Int) == 0o600)
        }
    }
}

extension RunningControlPlane {
    /// The first response, on an incremental stream, that `enough` accepts.
    func firstDelta(
        _ identity: WorkloadIdentity?, _ type: ResourceType, _ names: [String],
        until enough: @Sendable @escaping (Envoy_Service_Discovery_V3_DeltaDiscoveryResponse) -> Bool = { _ in true }
    ) async throws -> Envoy_Service_Discovery_V3_DeltaDiscoveryResponse {
        try await self.client(identity) { client in
            let ads = Envoy_Service_Discovery_V3_AggregatedDiscoveryService.Client(wrapping: client)
            return try await ads.deltaAggregatedResources { writer in
                try await writer.write(
                    .with {
                        $0.node.id = "test"
                        $0.node.userAgentName = Dialect.weftUserAgentName
                        $0.typeURL = type.typeURL
                        $0.resourceNamesSubscribe = names
                    })
                try? await Task.sleep(for: .seconds(3600))
            } onResponse: { response in
                for try await message in response.messages where enough(message) { return message }
                throw RPCError(code: .unknown, message: "the stream ended")
            }
        }
    }

    /// The first endpoints that `enough` accepts.
    func discover(
        _ identity: WorkloadIdentity?, _ type: ResourceType, _ names: [String],
        until enough: @Sendable @escaping (Envoy_Config_Endpoint_V3_ClusterLoadAssignment) -> Bool = { _ in true }
    ) async throws -> Envoy_Config_Endpoint_V3_ClusterLoadAssignment {
        let response = try await self.firstDelta(identity, type, names) { response in
            response.resources.contains { resource in
                (try? Envoy_Config_Endpoint_V3_ClusterLoadAssignment(unpackingAny: resource.resource)).map(enough)
                    ?? false
            }
        }
        return try Envoy_Config_Endpoint_V3_ClusterLoadAssignment(unpackingAny: response.resources[0].resource)
    }

    /// The resources of the first response on a state-of-the-world stream, acknowledged.
    func discoverWorld(
        _ identity: WorkloadIdentity, _ type: ResourceType, _ names: [String]
    ) async throws -> [Google_Protobuf_Any] {
        try await self.client(identity) { client in
            let ads = Envoy_Service_Discovery_V3_AggregatedDiscoveryService.Client(wrapping: client)
            return try await ads.streamAggregatedResources { writer in
                try await writer.write(
                    .with {
                        $0.node.id = "test"
                        $0.node.userAgentName = Dialect.weftUserAgentName
                        $0.typeURL = type.typeURL
                        $0.resourceNames = names
                    })
                try? await Task.sleep(for: .seconds(3600))
            } onResponse: { response in
                for try await message in response.messages { return message.resources }
                throw RPCError(code: .unknown, message: "the stream ended")
            }
        }
    }
}
