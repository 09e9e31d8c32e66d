internal import Foundation

/// What a client that is not ours needs to know to be driven by the control plane: who it is, where to ask, and the
/// files with its identity.
package struct Bootstrap: Sendable, Hashable {
    /// The workload's name; unique among the control plane's clients.
    package var nodeID: String
    /// `name.namespace`.
    package var service: String
    package var controlHost: String
    package var controlPort: Int
    /// Absolute; holds the three files.
    package var directory: String
    /// The SPIFFE ID that the control plane proves.
    package var controlPlaneID: String
    /// Envoy only: where its admin listens, `127.0.0.1:PORT`.
    package var adminPort: Int
    /// Envoy only: where the control plane puts its outbound listener.
    package var outboundPort: Int

    package init(
        nodeID: String, service: String, controlHost: String, controlPort: Int, directory: String,
        controlPlaneID: String, adminPort: Int = 15000, outboundPort: Int = 15001
    ) {
        self.nodeID = nodeID
        self.service = service
        self.controlHost = controlHost
        self.controlPort = controlPort
        self.directory = directory
        self.controlPlaneID = controlPlaneID
        self.adminPort = adminPort
        self.outboundPort = outboundPort
    }

    package static let keyFile = "key.pem"
    package static let certificateFile = "cert.pem"
    package static let bundleFile = "bundle.pem"

    package var key: String { "\(self.directory)/\(Self.keyFile)" }
    package var certificate: String { "\(self.directory)/\(Self.certificateFile)" }
    package var bundle: String { "\(self.directory)/\(Self.bundleFile)" }

    /// For which client the bootstrap is.
    package enum Client: String, Sendable, CaseIterable {
        case envoy
        case grpc
    }

    package func text(for client: Client) throws -> String {
        switch client {
        case .envoy: self.envoy
        case .grpc: try self.grpc
        }
    }

    /// Envoy reads secrets by name from here, so that what the control plane sends never holds a key.
    private var envoy: String {
        """
        # Start with: envoy -c THIS_FILE
        node:
          id: \(Self.quoted(self.nodeID))
          cluster: \(Self.quoted(self.service))
          metadata: {weft.outboundPort: \(self.outboundPort)}
        admin:
          address: {socket_address: {address: 127.0.0.1, port_value: \(self.adminPort)}}
        dynamic_resources:
          ads_config:
            api_type: DELTA_GRPC
            transport_api_version: V3
            set_node_on_first_message_only: true
            grpc_services: [{envoy_grpc: {cluster_name: weft-control}}]
          cds_config: {ads: {}, resource_api_version: V3}
          lds_config: {ads: {}, resource_api_version: V3}
        # How its calls end is reported to the control plane.
        cluster_manager:
          load_stats_config:
            api_type: GRPC
            transport_api_version: V3
            grpc_services: [{envoy_grpc: {cluster_name: weft-control}}]
        static_resources:
          secrets:
          - name: weft-identity
            tls_certificate:
              certificate_chain: {filename: \(Self.quoted(self.certificate))}
              private_key: {filename: \(Self.quoted(self.key))}
          - name: weft-trust
            validation_context:
              trusted_ca: {filename: \(Self.quoted(self.bundle))}
          clusters:
          - name: weft-control
            type: STRICT_DNS
            connect_timeout: 5s
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config:
                  http2_protocol_options: {connection_keepalive: {interval: 30s, timeout: 5s}}
            load_assignment:
              cluster_name: weft-control
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address: {socket_address: {address: \(Self.quoted(self.controlHost)), port_value: \(self.controlPort)}}
            transport_socket:
              name: envoy.transport_sockets.tls
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
                common_tls_context:
                  tls_params: {tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3}
                  alpn_protocols: [h2]
                  tls_certificate_sds_secret_configs: [{name: weft-identity}]
                  validation_context:
                    trusted_ca: {filename: \(Self.quoted(self.bundle))}
                    # Every workload has a certificate of these roots; only this one is the control plane's.
                    match_typed_subject_alt_names:
                    - {san_type: URI, matcher: {exact: \(Self.quoted(self.controlPlaneID))}}

        """
    }

    /// For `GRPC_XDS_BOOTSTRAP`; the library checks the control plane's certificate against the host in the URI.
    private var grpc: String {
        get throws {
            let files = Files(
                certificate_file: self.certificate, private_key_file: self.key, ca_certificate_file: self.bundle)
            var watched = files
            watched.refresh_interval = "600s"
            let host = self.controlHost.contains(":") ? "[\(self.controlHost)]" : self.controlHost
            let document = GRPCDocument(
                xds_servers: [
                    .init(
                        server_uri: "dns:///\(host):\(self.controlPort)",
                        channel_creds: [.init(type: "tls", config: files)], server_features: ["xds_v3"])
                ],
                node: .init(id: self.nodeID, cluster: self.service),
                certificate_providers: ["default": .init(plugin_name: "file_watcher", config: watched)],
                server_listener_resource_name_template: "grpc/server?xds.resource.listening_address=%s")
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
        }
    }

    private struct GRPCDocument: Encodable {
        var xds_servers: [Server]
        var node: Node
        var certificate_providers: [String: Provider]
        var server_listener_resource_name_template: String

        struct Server: Encodable {
            var server_uri: String
            var channel_creds: [Credentials]
            var server_features: [String]
        }

        struct Credentials: Encodable {
            var type: String
            var config: Files
        }

        struct Node: Encodable {
            var id: String
            var cluster: String
        }

        struct Provider: Encodable {
            var plugin_name: String
            var config: Files
        }
    }

    private struct Files: Encodable {
        var certificate_file: String
        var private_key_file: String
        var ca_certificate_file: String
        var refresh_interval: String?
    }

    /// As a YAML double-quoted scalar, which JSON strings are.
    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
