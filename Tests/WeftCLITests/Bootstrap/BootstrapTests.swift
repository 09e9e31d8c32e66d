import Foundation
import Testing
import Yams

@testable import WeftCLI

@Suite struct BootstrapTests {
    private let bootstrap = Bootstrap(
        nodeID: "billing-1", service: "billing.default", controlHost: "127.0.0.1", controlPort: 15012,
        directory: "/var/lib/it's here", controlPlaneID: "spiffe://mesh.local/ns/weft/sa/control")

    @Test func `Envoy's is YAML with static secrets from files and delta discovery over TLS`() throws {
        let text = try self.bootstrap.text(for: .envoy)
        let root = try #require(try Yams.compose(yaml: text))
        #expect(root["node"]?["id"]?.string == "billing-1")
        #expect(root["dynamic_resources"]?["ads_config"]?["api_type"]?.string == "DELTA_GRPC")
        let secrets = root["static_resources"]?["secrets"]?.sequence
        #expect(secrets?.compactMap { $0["name"]?.string } == ["weft-identity", "weft-trust"])
        let key = secrets?.first?["tls_certificate"]?["private_key"]?["filename"]?.string
        #expect(key == "/var/lib/it's here/key.pem")
    }

    @Test func `Envoy trusts no workload of the mesh to be its control plane`() throws {
        let root = try #require(try Yams.compose(yaml: try self.bootstrap.text(for: .envoy)))
        let cluster = root["static_resources"]?["clusters"]?.sequence?.first
        let context = cluster?["transport_socket"]?["typed_config"]?["common_tls_context"]?["validation_context"]
        let names = context?["match_typed_subject_alt_names"]?.sequence
        #expect(names?.count == 1)
        #expect(names?.first?["san_type"]?.string == "URI")
        #expect(names?.first?["matcher"]?["exact"]?.string == "spiffe://mesh.local/ns/weft/sa/control")
    }

    @Test func `gRPC's is JSON that names the same files twice`() throws {
        let text = try self.bootstrap.text(for: .grpc)
        let root = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let servers = try #require(root["xds_servers"] as? [[String: Any]])
        #expect(servers.first?["server_uri"] as? String == "dns:///127.0.0.1:15012")
        #expect(root["certificate_providers"] != nil)
        #expect(text.components(separatedBy: "/var/lib/it's here/bundle.pem").count == 3)
    }
}
