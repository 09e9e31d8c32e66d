internal import ArgumentParser
internal import Foundation
internal import Logging
internal import WeftIdentity
internal import WeftModel
internal import WeftProxy

struct BootstrapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootstrap", abstract: "Join, and print a bootstrap for Envoy or for gRPC's own xDS.",
        discussion: """
            Joins with a token, writes key.pem, cert.pem and bundle.pem (mode 0600) into --directory, and prints what \
            Envoy is started with, or what GRPC_XDS_BOOTSTRAP names. The certificate lives as long as the control plane \
            gives (24h); run it again with a new token for the next.

            Example:  WEFT_TOKEN=… weft proxy bootstrap --for envoy --service web --directory ./web > envoy.yaml
            Example:  WEFT_TOKEN=… weft proxy bootstrap --for grpc --service web --directory ./web > bootstrap.json
            """)

    @Option(name: .customLong("for"), help: ArgumentHelp("envoy or grpc.", valueName: "client")) var client: String?
    @Option(help: ArgumentHelp("The service that the token is for.", valueName: "name")) var service: String?
    @Option(name: [.short, .long], help: ArgumentHelp("default where not given.", valueName: "name"))
    var namespace: String?
    @Option(help: ArgumentHelp("Its own name, unique; service and host name where not given.", valueName: "name"))
    var workload: String?
    @Option(help: ArgumentHelp("The control plane; 127.0.0.1:15012 where not given.", valueName: "host:port"))
    var controlPlane: String?
    @Option(help: ArgumentHelp("Join token; better in WEFT_TOKEN.", valueName: "token")) var token: String?
    @Option(help: ArgumentHelp("Where key and certificates go; . where not given.", valueName: "directory"))
    var directory: String?
    @Option(help: ArgumentHelp("Envoy's admin port; 15000 where not given.", valueName: "port")) var adminPort: String?
    @Option(help: ArgumentHelp("Envoy's port for the application's calls; 15001 where not given.", valueName: "port"))
    var outboundPort: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        var settings = try self.config.settings()
        let client = try settings.required(
            try settings.value("for", self.client, expected: "envoy or grpc") { Bootstrap.Client(rawValue: $0) }, "for",
            why: "a bootstrap is for one kind of client")
        let service = try settings.required(
            try settings.text("service", self.service), "service", why: "the client acts as one service")
        let namespace = try settings.text("namespace", self.namespace) ?? "default"
        let token = try settings.required(
            try settings.text("token", self.token), "token", why: "`weft token create --service \(service)` makes one")
        let control =
            try settings.value("control-plane", self.controlPlane, expected: "HOST:PORT") { ListenAddress($0) }
            ?? .loopback(15012)
        let directory = absolutePath(try settings.text("directory", self.directory) ?? ".")
        let workload = try settings.text("workload", self.workload) ?? "\(service)-\(ProcessInfo.processInfo.hostName)"
        let adminPort = try settings.number("admin-port", self.adminPort, in: 1...65535) ?? 15000
        let outboundPort = try settings.number("outbound-port", self.outboundPort, in: 1...65535) ?? 15001
        let logger = try Logs.logger("bootstrap", level: "warning", &settings)
        try settings.finish()

        let storage = try Self.storage(directory)
        let identity = try await Self.join(
            ControlPlaneAccess(host: control.host, port: control.port, joinToken: token), logger: logger)
        let name = ServiceName(namespace: namespace, name: service)
        try Self.write(identity, to: storage, at: directory)
        let bootstrap = Bootstrap(
            nodeID: workload, service: "\(name)", controlHost: control.host, controlPort: control.port,
            directory: directory, controlPlaneID: "\(CertificateAuthority.controlPlaneID(in: identity.id.trustDomain))",
            adminPort: adminPort,
            outboundPort: outboundPort)
        Console.current.put(try bootstrap.text(for: client))
        Console.current.progress("joined as \(identity)")
    }

    private static func storage(_ directory: String) throws -> PrivateDirectory {
        do {
            return try PrivateDirectory(path: directory)
        } catch let error {
            throw CommandFailure("the directory cannot be used", at: directory, because: "\(error)")
        }
    }

    private static func write(_ identity: WorkloadIdentity, to storage: PrivateDirectory, at place: String) throws {
        let files = [
            (Bootstrap.keyFile, PEMText.encode(identity.keyDER, as: "PRIVATE KEY")),
            (Bootstrap.certificateFile, identity.chain.map { PEMText.encode($0, as: "CERTIFICATE") }.joined()),
            (Bootstrap.bundleFile, identity.bundle.map { PEMText.encode($0, as: "CERTIFICATE") }.joined()),
        ]
        for (name, text) in files {
            do {
                try storage.write(name, Array(text.utf8))
            } catch let error {
                throw CommandFailure("cannot be written", at: "\(place)/\(name)", because: "\(error)")
            }
        }
    }

    /// Joins within 20 s; joining itself would try for ever.
    private static func join(_ access: ControlPlaneAccess, logger: Logger) async throws -> WorkloadIdentity {
        try await withThrowingTaskGroup(of: WorkloadIdentity?.self) { group in
            group.addTask {
                do {
                    return try await WorkloadJoining.join(access, logger: logger)
                } catch let refusal as ControlPlaneRefusal {
                    throw CommandFailure("joining was refused", because: refusal.cause, remedy: refusal.remedy)
                }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(20))
                return nil
            }
            defer { group.cancelAll() }
            if let identity = try await group.next() ?? nil { return identity }
            throw CommandFailure(
                "the control plane does not answer", at: "\(access.host):\(access.port)",
                remedy: "Check --control-plane, and that it runs.")
        }
    }
}
