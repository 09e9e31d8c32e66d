internal import Foundation
package import WeftModel
internal import WeftProxy
internal import Yams

/// Reads a fleet file: its first document is the fleet, those after it are resources.
package enum FleetReader {
    package struct Reading: Sendable {
        /// Nil when a diagnostic is an error.
        package var fleet: Fleet?
        /// The resource documents of the file, with blank lines before them so that lines keep their numbers; nil
        /// when it has none.
        package var resources: String?
        /// In the order of the file.
        package var diagnostics: [Diagnostic]
    }

    /// Reads `text`, which `file` names in messages.
    package static func read(_ text: String, file: String) -> Reading {
        var diagnostics = FleetDiagnostics(file: file)
        let (first, rest) = self.split(text)
        var fleet: Fleet?
        do {
            if let node = try Yams.compose(yaml: first) {
                fleet = self.fleet(node, &diagnostics)
            } else {
                diagnostics.error(
                    "is empty", at: nil, field: "",
                    remedy: "Begin with `fleet: NAME` and `services:`; see docs/fleet.md.")
            }
        } catch let error {
            diagnostics.error(
                "not YAML: \(self.describe(error))", at: nil, field: "", remedy: "Check indentation and quotes there.")
        }
        let found = diagnostics.found.sorted()
        return Reading(fleet: found.hasErrors ? nil : fleet, resources: rest, diagnostics: found)
    }

    /// Whether a file is a fleet, and not resources alone: its first document has a `fleet` or a `services`.
    package static func isFleet(_ text: String) -> Bool {
        guard let node = try? Yams.compose(yaml: self.split(text).0), node["kind"] == nil else { return false }
        return node["fleet"] != nil || node["services"] != nil
    }

    /// The first document, and all others behind as many blank lines as it has.
    private static func split(_ text: String) -> (String, String?) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var started = false
        for (index, line) in lines.enumerated() {
            let isMarker = line == "---" || line.hasPrefix("--- ") || line == "---\r"
            if isMarker && started {
                let rest = lines[index...].joined(separator: "\n")
                return (
                    lines[..<index].joined(separator: "\n") + "\n",
                    String(repeating: "\n", count: index) + rest
                )
            }
            if isMarker || !(line.isEmpty || line.hasPrefix("#")) { started = true }
        }
        return (text, nil)
    }

    private static func fleet(_ node: Node, _ diagnostics: inout FleetDiagnostics) -> Fleet? {
        guard var fields = FleetFields(node, path: "", &diagnostics) else { return nil }
        let name = fields.label("fleet", &diagnostics)
        if name == nil, fields.take("fleet") == nil {
            diagnostics.error(
                "is missing", at: node, field: "fleet",
                remedy: "Name the fleet, for instance `fleet: learning-platform`.")
        }
        var fleet = Fleet(name: name ?? "", services: [])
        if let control = fields.take("control") {
            fleet.control = self.control(control, path: "control", &diagnostics)
        }
        if let services = fields.take("services") {
            if let entries = FleetFields(services, path: "services", &diagnostics)?.entries {
                for entry in entries {
                    if let member = self.member(entry, &diagnostics) { fleet.services.append(member) }
                }
                if entries.isEmpty {
                    diagnostics.error("has none", at: services, field: "services", remedy: "Add at least one service.")
                }
            }
        } else {
            diagnostics.error(
                "is missing", at: node, field: "services", remedy: "Add at least one service with its `command`.")
        }
        fleet.resources = fields.texts("resources", &diagnostics) ?? []
        if let telemetry = fields.take("telemetry") {
            fleet.telemetry = self.telemetry(telemetry, path: "telemetry", &diagnostics)
        }
        fields.finish(&diagnostics)
        self.checkNames(fleet, node, &diagnostics)
        return fleet
    }

    private static func control(
        _ node: Node, path: String, _ diagnostics: inout FleetDiagnostics
    ) -> Fleet.Control {
        var control = Fleet.Control()
        guard var fields = FleetFields(node, path: path, &diagnostics) else { return control }
        if let text = fields.text("trust-domain", &diagnostics) {
            if let domain = TrustDomain(text) {
                control.trustDomain = domain
            } else {
                diagnostics.error(
                    "'\(text)' is not a trust domain", at: fields.take("trust-domain"),
                    field: fields.field("trust-domain"),
                    remedy: "Use lower-case letters, digits, `.`, `-` and `_`, for instance `mesh.local`.")
            }
        }
        control.arguments = fields.texts("arguments", &diagnostics) ?? []
        fields.finish(&diagnostics)
        return control
    }

    private static func telemetry(
        _ node: Node, path: String, _ diagnostics: inout FleetDiagnostics
    ) -> [String: [String]] {
        var flags: [String: [String]] = [:]
        guard var fields = FleetFields(node, path: path, &diagnostics) else { return flags }
        let checks: [(name: String, expected: String, isRight: (String) -> Bool)] = [
            ("otlp-endpoint", "a URL such as http://127.0.0.1:4317", { OTLPEndpoint($0) != nil }),
            ("otlp-protocol", "grpc or http", { OTLPEndpoint.Transport(rawValue: $0) != nil }),
            ("trace-sampling", "a number from 0 to 1", { Double($0).map { (0...1).contains($0) } ?? false }),
            ("trace-slowest", "a number from 0 to 1000", { Int($0).map { (0...1000).contains($0) } ?? false }),
            ("access-log", "off, errors, sampled or all", { AccessLogMode(rawValue: $0) != nil }),
            (
                "request-records", "a number from 0 to 1000000",
                { Int($0).map { (0...1_000_000).contains($0) } ?? false }
            ),
            ("metric-names", "weft, istio, both or none", { MetricNaming(rawValue: $0) != nil }),
        ]
        for check in checks {
            guard let text = fields.text(check.name, &diagnostics) else { continue }
            if check.isRight(text) {
                flags[check.name] = [text]
            } else {
                diagnostics.error(
                    "'\(text)' is not \(check.expected)", at: fields.take(check.name), field: fields.field(check.name))
            }
        }
        for name in ["log-header", "redact-header", "redact-query"] {
            let names = (fields.texts(name, &diagnostics) ?? []).flatMap {
                $0.components(separatedBy: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            }
            if let wrong = names.first(where: { $0.isEmpty || !$0.utf8.allSatisfy { (0x21...0x7e).contains($0) } }) {
                diagnostics.error(
                    "'\(wrong)' is not a name", at: fields.take(name), field: fields.field(name),
                    remedy: "Write a list of names, or names with commas between them.")
            } else if !names.isEmpty {
                flags[name] = names
            }
        }
        if let text = fields.text("access-log-output", &diagnostics) {
            flags["access-log-output"] = self.logOutput(text).map { [$0] }
            if flags["access-log-output"] == nil {
                diagnostics.error(
                    "'\(text)' would be one file for all sidecars", at: fields.take("access-log-output"),
                    field: fields.field("access-log-output"),
                    remedy: "Write stdout, otlp, a directory such as `logs/`, or a path with ${NAME} in it.")
            }
        }
        if flags["access-log-output"] == ["otlp"], flags["otlp-endpoint"] == nil {
            diagnostics.error(
                "needs a collector", at: fields.take("access-log-output"), field: fields.field("access-log-output"),
                remedy: "Add `otlp-endpoint`.")
        }
        fields.finish(&diagnostics)
        return flags
    }

    /// Where each sidecar writes to; a directory gets a file for each. Nil where they would share one.
    private static func logOutput(_ text: String) -> String? {
        if text == "stdout" || text == "otlp" || text.contains("${NAME}") { return text }
        return text.hasSuffix("/") ? "\(text)${NAME}.log" : nil
    }

    private static func member(
        _ entry: (name: String, key: Node, value: Node), _ diagnostics: inout FleetDiagnostics
    ) -> Fleet.Member? {
        let path = "services.\(entry.name)"
        if !FleetFields.isLabel(entry.name) {
            diagnostics.error(
                "'\(entry.name)' is not a name", at: entry.key, field: path, remedy: FleetFields.labelRemedy)
        }
        guard var fields = FleetFields(entry.value, path: path, &diagnostics) else { return nil }
        let command = fields.command("command", &diagnostics)
        if command == nil, fields.take("command") == nil {
            diagnostics.error(
                "is missing", at: entry.key, field: fields.field("command"), remedy: "Write what runs the application.")
        }
        var member = Fleet.Member(name: entry.name, command: command ?? [])
        member.line = entry.key.mark?.line
        member.otherwise = fields.command("otherwise", &diagnostics)
        member.service = fields.label("service", &diagnostics) ?? entry.name
        member.namespace = fields.label("namespace", &diagnostics) ?? "default"
        member.account = fields.label("account", &diagnostics) ?? member.service
        member.version = fields.text("version", &diagnostics)
        member.replicas = fields.number("replicas", in: 1...64, &diagnostics) ?? 1
        member.port = fields.number("port", in: 1...65535, &diagnostics)
        if member.port != nil, member.replicas > 1 {
            diagnostics.error(
                "\(member.replicas) replicas cannot share one port of this machine", at: fields.take("port"),
                field: fields.field("port"), remedy: "Leave `port` out and use ${PORT} in the command.")
        }
        if let text = fields.text("protocol", &diagnostics) {
            if let known = self.protocols[text] {
                member.appProtocol = known
            } else {
                diagnostics.error(
                    "'\(text)' is not a protocol", at: fields.take("protocol"), field: fields.field("protocol"),
                    remedy: "Write http, h2c, grpc, tcp or tls; without it the protocol is found out.")
            }
        }
        if let text = fields.text("health", &diagnostics) {
            switch text {
            case "tcp": member.health = .tcp
            case "none": member.health = .none
            case let path where path.hasPrefix("/"): member.health = .http(path: path)
            default:
                diagnostics.error(
                    "'\(text)' is not a health check", at: fields.take("health"), field: fields.field("health"),
                    remedy: "Write a path such as /healthz, or tcp, or none.")
            }
        }
        member.environment = fields.textMap("environment", &diagnostics) ?? [:]
        member.labels = fields.textMap("labels", &diagnostics) ?? [:]
        member.upstreams = fields.texts("upstreams", &diagnostics) ?? []
        member.directory = fields.text("directory", &diagnostics)
        fields.finish(&diagnostics)
        return member
    }

    private static let protocols: [String: AppProtocol] = [
        "http": .http, "h2c": .h2c, "grpc": .grpc, "tcp": .tcp, "tls": .tls, "detect": .detect,
    ]

    /// Replicas and services may not be called the same, nor fixed ports be shared.
    private static func checkNames(_ fleet: Fleet, _ node: Node, _ diagnostics: inout FleetDiagnostics) {
        var owners: [String: String] = [:]
        var ports: [Int: String] = [:]
        for member in fleet.services {
            let key = node["services"]?[member.name]
            for instance in member.instanceNames {
                if let other = owners.updateValue(member.name, forKey: instance), other != member.name {
                    diagnostics.error(
                        "its replica '\(instance)' is called like one of '\(other)'", at: key,
                        field: "services.\(member.name)", remedy: "Rename one of the two.")
                }
            }
            if let port = member.port, let other = ports.updateValue(member.name, forKey: port) {
                diagnostics.error(
                    "port \(port) belongs to '\(other)' already", at: key, field: "services.\(member.name).port",
                    remedy: "Choose another, or leave it out.")
            }
        }
    }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            "line \(mark.line): \(problem)"
        default: "\(error)"
        }
    }
}
