internal import ArgumentParser
internal import Foundation
package import WeftModel
package import WeftProxy

/// The flags that make a `ProxyConfiguration`, for `weft proxy` and `weft run`.
struct ProxyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The service whose workload this is.", valueName: "name")) var service: String?
    @Option(name: [.short, .long], help: ArgumentHelp("default where not given.", valueName: "name")) var namespace:
        String?
    @Option(help: ArgumentHelp("The account in its identity; the service's name where not given.", valueName: "name"))
    var account: String?
    @Option(help: ArgumentHelp("Its own name, unique; service and host name where not given.", valueName: "name"))
    var workload: String?
    @Option(help: ArgumentHelp("The control plane; 127.0.0.1:15012 where not given.", valueName: "host:port"))
    var controlPlane: String?
    @Option(help: ArgumentHelp("Join token, for the first start; better in WEFT_TOKEN.", valueName: "token")) var token:
        String?
    @Option(
        help: ArgumentHelp(
            "Socket of the host's agent, which then gives the identity instead of a join token.", valueName: "path"))
    var agent: String?
    @Option(
        help: ArgumentHelp(
            "A Kubernetes service-account token to join with in place of a join token.", valueName: "file"))
    var kubernetesTokenFile: String?
    @Option(
        help: ArgumentHelp(
            "With it: SHA-256 of the root that the control plane must hold; `weft status` shows it.", valueName: "hex"))
    var rootFingerprint: String?
    @Option(
        name: .customLong("static"),
        help: ArgumentHelp(
            "Rules from this JSON file instead of a control plane, for measurements and single machines.",
            valueName: "file"))
    var staticRules: String?
    @Option(
        help: ArgumentHelp(
            "With --static: where identity.pem and bundle.pem are; no TLS where not given.", valueName: "directory"))
    var identity: String?
    @Option(help: ArgumentHelp("Address that peers connect to; 127.0.0.1 where not given.", valueName: "ip"))
    var address: String?
    @Option(
        help: ArgumentHelp(
            "A port of the application, and where peers reach it: 8080, http:8080 or http:8080=15006. Repeatable.",
            valueName: "[name:]port[=inbound]"))
    var appPort: [String] = []
    @Option(help: ArgumentHelp("http, h2c, grpc, tcp or tls; found out where not given.", valueName: "protocol"))
    var appProtocol: String?
    @Option(help: ArgumentHelp("How readiness is found: a path, tcp or none; tcp where not given.", valueName: "check"))
    var health: String?
    @Option(
        help: ArgumentHelp(
            "The application's HTTP proxy; 127.0.0.1:15001 where not given, none for none.", valueName: "host:port"))
    var outbound: String?
    @Option(help: ArgumentHelp("A loopback port for one service. Repeatable.", valueName: "name[:port]=host:port"))
    var upstream: [String] = []
    @Option(
        help: ArgumentHelp(
            "Metrics and health; 127.0.0.1:15000 where not given, none for none.", valueName: "host:port"))
    var admin: String?
    @Option(
        help: ArgumentHelp(
            "Where identity and last good rules are kept; /var/lib/weft/proxy/NAMESPACE/SERVICE where not given.",
            valueName: "directory")
    )
    var dataDir: String?
    @Option(help: ArgumentHelp("A label of the workload, such as version=v2. Repeatable.", valueName: "key=value"))
    var label: [String] = []
    @Option(help: ArgumentHelp("Share of traffic against others, 1 to 1000000.", valueName: "number")) var weight:
        String?
    @Option(help: ArgumentHelp("Event loops; the cores, at most 2, where not given.", valueName: "number")) var loops:
        String?
    @OptionGroup var telemetry: TelemetryOptions
    @Option(
        help: ArgumentHelp(
            "Names of request metrics: weft, istio, both, or none to count no requests; weft where not given.",
            valueName: "which"))
    var metricNames: String?
    @Option(
        help: ArgumentHelp(
            "How long requests in flight may take when stopping; 30s where not given.", valueName: "duration"))
    var drain: String?
    @Option(
        help: ArgumentHelp(
            "The same for gRPC calls and server-sent events; 120s where not given.", valueName: "duration"))
    var drainStreams: String?

    func configuration(_ settings: inout Settings) throws -> ProxyConfiguration {
        let service = try settings.required(
            try settings.value("service", self.service, expected: "a name") { $0.isEmpty ? nil : $0 }, "service",
            why: "a sidecar belongs to one service")
        let namespace = try settings.text("namespace", self.namespace) ?? "default"
        let workload = try settings.text("workload", self.workload) ?? "\(service)-\(ProcessInfo.processInfo.hostName)"
        let control = try settings.value("control-plane", self.controlPlane, expected: "HOST:PORT") {
            ListenAddress($0)
        }
        var access = ControlPlaneAccess(
            host: control?.host ?? "127.0.0.1", port: control?.port ?? 15012,
            joinToken: try settings.text("token", self.token))
        access.agentSocket = try settings.text("agent", self.agent).map(absolutePath)
        access.kubernetesTokenFile = try settings.text("kubernetes-token-file", self.kubernetesTokenFile)
            .map(absolutePath)
        access.rootFingerprint = try settings.value(
            "root-fingerprint", self.rootFingerprint, expected: "64 hex digits"
        ) { text in
            let hex = text.lowercased().filter { $0 != ":" }
            return hex.utf8.count == 64 && hex.allSatisfy(\.isHexDigit) ? hex : nil
        }
        let identity = try settings.text("identity", self.identity).map(absolutePath)
        let rules = try settings.text("static", self.staticRules).map {
            StaticFiles(snapshot: absolutePath($0), identity: identity)
        }
        var configuration = ProxyConfiguration(
            service: ServiceName(namespace: namespace, name: service),
            account: try settings.text("account", self.account), workload: workload,
            source: rules.map { .static($0) } ?? .controlPlane(access))
        let appProtocol =
            try settings.value("app-protocol", self.appProtocol, expected: "http, h2c, grpc, tcp, tls or detect") {
                ["http": AppProtocol.http, "h2c": .h2c, "grpc": .grpc, "tcp": .tcp, "tls": .tls, "detect": .detect][$0]
            } ?? .detect
        configuration.ports = try settings.values("app-port", self.appPort, expected: "[NAME:]PORT[=INBOUND]") {
            PortText.parse($0, appProtocol)
        }
        configuration.address = try settings.text("address", self.address) ?? configuration.address
        configuration.healthCheck = try settings.value("health", self.health, expected: "a path, tcp or none") { text in
            switch text {
            case "tcp": ApplicationHealthCheck(.tcp)
            case "none": ApplicationHealthCheck(.none)
            default: text.hasPrefix("/") ? ApplicationHealthCheck(.http(path: text)) : nil
            }
        }
        try self.listeners(&configuration, &settings)
        configuration.dataDirectory = absolutePath(
            try settings.text("data-dir", self.dataDir)
                ?? "/var/lib/weft/proxy/\(namespace)/\(service)")
        for (key, value) in try settings.values("label", self.label, expected: "KEY=VALUE", Self.pair) {
            configuration.labels[key] = value
        }
        configuration.weight = try settings.number("weight", self.weight, in: 1...1_000_000) ?? 1
        configuration.loops = try settings.number("loops", self.loops, in: 1...64)
        try self.telemetry.apply(to: &configuration, &settings)
        configuration.metricNaming =
            try settings.value("metric-names", self.metricNames, expected: "weft, istio, both or none") {
                MetricNaming(rawValue: $0)
            } ?? .weft
        if let drain = try settings.duration("drain", self.drain) { configuration.drain.requests = drain }
        if let drain = try settings.duration("drain-streams", self.drainStreams) { configuration.drain.streams = drain }
        return configuration
    }

    private func listeners(_ configuration: inout ProxyConfiguration, _ settings: inout Settings) throws {
        func listen(_ name: String, _ flag: String?, _ current: ListenAddress?) throws -> ListenAddress? {
            let found: ListenAddress?? = try settings.value(name, flag, expected: "HOST:PORT or none") { text in
                text == "none" ? .some(nil) : ListenAddress(text).map { .some($0) }
            }
            return found ?? current
        }
        configuration.outbound = try listen("outbound", self.outbound, configuration.outbound)
        configuration.admin = try listen("admin", self.admin, configuration.admin)
        if let admin = configuration.admin, !Self.isLoopback(admin.host) {
            throw CommandFailure.usage(
                "--admin must be on a loopback address: whoever reaches it may read the configuration and needs no credentials",
                at: "\(admin)", remedy: "Write --admin 127.0.0.1:\(admin.port), or --admin none.")
        }
        configuration.upstreams = try settings.values(
            "upstream", self.upstream, expected: "NAME[:PORT]=HOST:PORT"
        ) { DeclaredUpstream($0) }
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" { return true }
        guard let bytes = NetworkPrefix.address(host) else { return false }
        let loopback = [NetworkPrefix("127.0.0.0/8"), NetworkPrefix("::1")].compactMap(\.self)
        return loopback.contains { $0.contains(bytes) }
    }

    static func pair(_ text: String) -> (String, String)? {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
}

/// `--app-port`.
package enum PortText {
    /// `8080`, `http:8080`, `8080=15006`, `http:8080=15006`; nil for anything else.
    package static func parse(_ text: String, _ appProtocol: AppProtocol) -> ApplicationPort? {
        func number(_ text: some StringProtocol, from lowest: Int) -> Int? {
            Int(text).flatMap { (lowest...65535).contains($0) ? $0 : nil }
        }
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let named = sides[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let last = named.last, let port = number(last, from: 1) else { return nil }
        var result = ApplicationPort(
            name: named.count > 1 ? String(named[0]) : "", port: port, appProtocol: appProtocol)
        if sides.count > 1 {
            guard let inbound = number(sides[1], from: 0) else { return nil }
            result.inboundPort = inbound
        }
        return result
    }
}
