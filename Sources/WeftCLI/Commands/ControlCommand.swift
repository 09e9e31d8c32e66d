internal import ArgumentParser
internal import Foundation
internal import Logging
internal import WeftControlPlane
internal import WeftModel
internal import WeftProxy

struct ControlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control", abstract: "Run the control plane.",
        discussion: """
            Its state is in --data-dir: configuration, registry and certificate authority. Operators on this machine \
            reach it through a socket there; others only over TLS, with --api-listen.

            Example:  weft control --data-dir /var/lib/weft
            """)

    @Option(help: ArgumentHelp("Where its state is; /var/lib/weft where not given.", valueName: "directory"))
    var dataDir: String?
    @Option(help: ArgumentHelp("Where proxies connect; 0.0.0.0:15012 where not given.", valueName: "host:port"))
    var listen: String?
    @Option(
        help: ArgumentHelp("The API's socket; run/api.sock in the data directory where not given.", valueName: "path"))
    var apiSocket: String?
    @Option(help: ArgumentHelp("Also serve the API over TLS here, with tokens.", valueName: "host:port"))
    var apiListen: String?
    @Option(
        help: ArgumentHelp(
            "Where the dashboard answers on this machine, or off; 127.0.0.1 and a free port where not given.",
            valueName: "host:port"))
    var dashboardListen: String?
    @Option(help: ArgumentHelp("mesh.local where not given; fixed from the first start on.", valueName: "name"))
    var trustDomain: String?
    @Option(help: ArgumentHelp("A further name for its certificate. Repeatable.", valueName: "name"))
    var serverName: [String] = []
    @Option(help: ArgumentHelp("How long workload certificates live; 24h where not given.", valueName: "duration"))
    var leafLifetime: String?
    @Option(
        help: ArgumentHelp(
            "Changes of the configuration that are remembered; 10000 where not given.", valueName: "number"))
    var history: String?
    @Option(
        help: ArgumentHelp(
            "How long they are, but for the newest 100; 90d where not given.", valueName: "duration"))
    var historyAge: String?
    @Option(
        help: ArgumentHelp("Also serve the mesh's bundle alone here, to other trust domains.", valueName: "host:port"))
    var bundleAddress: String?
    @Option(
        help: ArgumentHelp(
            "PEM authorities of other trust domains' https_web endpoints; the system's where not given.",
            valueName: "file"))
    var federationCa: String?
    @Option(
        help: ArgumentHelp(
            "What an identity may do at the API: viewer, operator or admin. Repeatable.", valueName: "spiffe-id=role"))
    var apiRole: [String] = []
    @Flag(help: "Issue and change nothing while the audit log cannot be written.") var auditRequired = false
    @Option(
        help: ArgumentHelp(
            "API server of a Kubernetes cluster whose service accounts may join.", valueName: "https-url"))
    var kubernetesApi: String?
    @Option(
        help: ArgumentHelp("PEM authorities of that server; a pod's own where not given.", valueName: "file"))
    var kubernetesCa: String?
    @Option(
        help: ArgumentHelp("The control plane's token for it; a pod's own where not given.", valueName: "file"))
    var kubernetesTokenFile: String?
    @Option(
        help: ArgumentHelp("Whom joiners' tokens must be meant for; weft where not given.", valueName: "audience"))
    var kubernetesAudience: String?
    @Option(
        help: ArgumentHelp(
            "A further service that an account may join; that of its own name it always may. Repeatable.",
            valueName: "namespace/account=service"))
    var kubernetesService: [String] = []
    @Flag(help: "Let its account weft/admin join, which makes that an admin of the API.") var kubernetesAdmin = false
    @Option(
        help: ArgumentHelp(
            "Encrypts the authority's keys with the passphrase in this file; at least 12 bytes.", valueName: "file"))
    var authorityPassphraseFile: String?
    @Option(
        help: ArgumentHelp(
            "Encrypts them with the key in this file instead: 32 bytes, or those in hex or base64.", valueName: "file"))
    var authorityKeyFile: String?
    @Option(help: ArgumentHelp("Certificates signed within a minute; 6000 where not given.", valueName: "number"))
    var issueLimit: String?
    @Option(
        help: ArgumentHelp(
            "Certificates signed for one identity within a minute; 60 where not given.", valueName: "number"))
    var issueLimitPerIdentity: String?
    @Option(help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "level")) var logLevel:
        String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        var settings = try self.config.settings()
        var configuration = ControlPlaneConfiguration()
        func address(_ text: String) -> ControlPlaneConfiguration.Address? {
            ListenAddress(text).map { .init(host: $0.host, port: $0.port) }
        }
        if let directory = try settings.text("data-dir", self.dataDir) {
            configuration.dataDirectory = absolutePath(directory)
        }
        if let listen = try settings.value("listen", self.listen, expected: "HOST:PORT", address) {
            configuration.meshAddress = listen
        }
        configuration.apiSocket = try settings.text("api-socket", self.apiSocket).map(absolutePath)
        configuration.apiAddress = try settings.value("api-listen", self.apiListen, expected: "HOST:PORT", address)
        if let text = try settings.text("dashboard-listen", self.dashboardListen) {
            guard text == "off" || address(text) != nil else {
                throw CommandFailure.usage("dashboard-listen is '\(text)', not HOST:PORT or off")
            }
            configuration.dashboardAddress = address(text)
        }
        if let domain = try settings.value(
            "trust-domain", self.trustDomain, expected: "a trust domain such as mesh.local", { TrustDomain($0) })
        {
            configuration.trustDomain = domain
        }
        configuration.serverNames = try settings.texts("server-name", self.serverName)
        if let lifetime = try settings.duration("leaf-lifetime", self.leafLifetime) {
            configuration.leafLifetime = lifetime
        }
        if let changes = try settings.number("history", self.history, in: 1...10_000_000) {
            configuration.history.changes = changes
        }
        if let age = try settings.duration("history-age", self.historyAge) { configuration.history.age = age }
        try self.hardening(&configuration, &settings, address)
        configuration.authorityPassphraseFile = try settings.text(
            "authority-passphrase-file", self.authorityPassphraseFile
        ).map(absolutePath)
        configuration.authorityKeyFile = try settings.text("authority-key-file", self.authorityKeyFile)
            .map(absolutePath)
        if let limit = try settings.number("issue-limit", self.issueLimit, in: 1...1_000_000) {
            configuration.limits.certificates = limit
        }
        if let limit = try settings.number("issue-limit-per-identity", self.issueLimitPerIdentity, in: 1...1_000_000) {
            configuration.limits.certificatesPerIdentity = limit
        }
        let logger = try Logs.logger("control", level: self.logLevel, &settings)
        try settings.finish()
        try await Serving.run(ControlPlane(configuration, logger: logger), logger: logger)
    }

    private func hardening(
        _ configuration: inout ControlPlaneConfiguration, _ settings: inout Settings,
        _ address: (String) -> ControlPlaneConfiguration.Address?
    ) throws {
        configuration.bundleAddress = try settings.value(
            "bundle-address", self.bundleAddress, expected: "HOST:PORT", address)
        configuration.federationRoots = try settings.text("federation-ca", self.federationCa).map(absolutePath)
        configuration.auditRequired = try settings.isOn("audit-required", self.auditRequired)
        for (id, role) in try settings.values(
            "api-role", self.apiRole, expected: "SPIFFE-ID=viewer, operator or admin", Self.role)
        {
            configuration.apiRoles[id] = role
        }
        let server = try settings.value(
            "kubernetes-api", self.kubernetesApi, expected: "an https URL", { HTTPSAddress($0) })
        let authorities = try settings.text("kubernetes-ca", self.kubernetesCa)
        let token = try settings.text("kubernetes-token-file", self.kubernetesTokenFile)
        let audience = try settings.text("kubernetes-audience", self.kubernetesAudience)
        let services = try settings.values(
            "kubernetes-service", self.kubernetesService, expected: "NAMESPACE/ACCOUNT=SERVICE", Self.service)
        let admitsAdmin = try settings.isOn("kubernetes-admin", self.kubernetesAdmin)
        guard let server else { return }
        var kubernetes = ControlPlaneConfiguration.Kubernetes(url: server)
        if let authorities { kubernetes.caFile = absolutePath(authorities) }
        if let token { kubernetes.tokenFile = absolutePath(token) }
        if let audience { kubernetes.audience = audience }
        for (account, service) in services { kubernetes.services[account, default: []].insert(service) }
        kubernetes.admitsAdmin = admitsAdmin
        configuration.kubernetes = kubernetes
    }

    private static func role(_ text: String) -> (SPIFFEID, APIRole)? {
        guard let equals = text.lastIndex(of: "="), let id = SPIFFEID(String(text[..<equals])), !id.path.isEmpty,
            let role = APIRole(rawValue: String(text[text.index(after: equals)...]))
        else { return nil }
        return (id, role)
    }

    private static func service(_ text: String) -> (String, String)? {
        let sides = text.split(separator: "=", omittingEmptySubsequences: false)
        guard sides.count == 2, !sides[1].isEmpty, sides[0].split(separator: "/").count == 2 else { return nil }
        return (String(sides[0]), String(sides[1]))
    }
}
