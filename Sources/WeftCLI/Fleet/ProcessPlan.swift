package import Foundation
internal import WeftConfig
internal import WeftIdentity
internal import WeftModel

/// One process that a fleet needs.
package struct ProcessPlan: Hashable, Sendable, Codable {
    /// `control`, `billing-v1-2`, `billing-v1-2.sidecar`; also the name of its log.
    package var name: String
    package var role: Role
    /// The program first.
    package var arguments: [String]
    /// What it gets besides the environment of `weft up`.
    package var environment: [String: String]
    package var directory: String
    /// The service it joins the mesh for, with its namespace; only sidecars have one.
    package var joins: Joining?
    /// Where it says that it is ready: a path on a loopback port. Nil counts it as ready when it runs.
    package var readiness: Readiness?

    package enum Role: String, Hashable, Sendable, Codable {
        case control
        case sidecar
        case application
    }

    package struct Joining: Hashable, Sendable, Codable {
        package var service: String
        /// The account in its identity.
        package var account: String
        package var namespace: String
        /// Where the sidecar keeps its identity.
        package var directory: String
        /// The labels that it may claim towards selectors; nil for none.
        package var labels: [String: String]?

        /// Whether it can start with a token only: without one it needs a valid identity from an earlier run, and one that
        /// was attested with its labels.
        package func needsToken(now: Date) -> Bool {
            self.saved.map { $0.notAfter <= now } ?? true || self.attested != self.labels ?? [:]
        }

        /// Takes down which labels the token names that it starts with. An identity that was attested with others is given
        /// up, so that it joins anew.
        package func took(_ token: String) {
            guard self.attested != self.labels ?? [:], let files = try? PrivateDirectory(path: self.directory),
                let text = try? JSONEncoder().encode(self.labels ?? [:])
            else { return }
            try? files.remove(WorkloadIdentity.fileName)
            try? files.write(Self.labelsFile, [UInt8](text))
        }

        private static let labelsFile = "labels.json"

        private var attested: [String: String] {
            guard let files = try? PrivateDirectory(path: self.directory), let text = try? files.read(Self.labelsFile)
            else { return [:] }
            return (try? JSONDecoder().decode([String: String].self, from: Data(text))) ?? [:]
        }

        /// Whether it has an identity that ran out, as when the machine slept for days: only a new start helps.
        package func hasRunOut(now: Date) -> Bool { self.saved.map { $0.notAfter <= now } ?? false }

        /// One of another account, as before the fleet file was changed, is none.
        private var saved: WorkloadIdentity? {
            guard let files = try? PrivateDirectory(path: self.directory),
                let identity = try? WorkloadIdentity.load(from: files), let own = identity.id.workload,
                own.namespace == self.namespace, own.account == self.account
            else { return nil }
            return identity
        }
    }

    package struct Readiness: Hashable, Sendable, Codable {
        package var port: Int
        package var path: String
    }
}

/// From a fleet to the processes that make it; pure but for asking which ports are free.
package struct FleetPlan: Sendable {
    package var control: ProcessPlan
    /// Sidecar and application of each replica, in document order.
    package var members: [ProcessPlan]
    /// The HTTP-proxy address of each replica's sidecar, by the replica's name.
    package var outbound: [String: Int]
    /// The application's port of each replica.
    package var applicationPorts: [String: Int]
    /// Where sidecars say how they are, by replica.
    package var admin: [String: Int]
    /// Files that sidecars write their access logs to, absolute; their directories must be there.
    package var logFiles: [String]

    package var processes: [ProcessPlan] { [self.control] + self.members }

    /// What planning needs to know of the machine.
    package struct Surroundings: Sendable {
        /// The running executable.
        package var weft: String
        /// The directory of the fleet file, absolute.
        package var directory: String
        /// `.weft` beside it, absolute.
        package var state: String
        /// Where the control plane's API socket is, absolute.
        package var apiSocket: String
        /// The environment that placeholders may come from.
        package var environment: [String: String]
        /// Whether a program of this name can be run.
        package var isInstalled: @Sendable (String) -> Bool
        package var isFree: @Sendable (Int) -> Bool

        package init(
            weft: String, directory: String, state: String, apiSocket: String, environment: [String: String],
            isInstalled: @escaping @Sendable (String) -> Bool, isFree: @escaping @Sendable (Int) -> Bool
        ) {
            self.weft = weft
            self.directory = directory
            self.state = state
            self.apiSocket = apiSocket
            self.environment = environment
            self.isInstalled = isInstalled
            self.isFree = isFree
        }
    }

    package init(_ fleet: Fleet, ports: inout PortBook, in surroundings: Surroundings) throws {
        let isFree = surroundings.isFree
        let discovery = try ports.port(for: "control/discovery", isFree: isFree)
        // The same after a restart, so that an open page goes on.
        let dashboard = try ports.port(for: "control/dashboard", isFree: isFree)
        self.control = ProcessPlan(
            name: "control", role: .control,
            arguments: [
                surroundings.weft, "control", "--data-dir", "\(surroundings.state)/control",
                "--listen", "127.0.0.1:\(discovery)", "--api-socket", surroundings.apiSocket,
                "--trust-domain", fleet.control.trustDomain.name, "--dashboard-listen", "127.0.0.1:\(dashboard)",
            ] + fleet.control.arguments,
            environment: [:], directory: surroundings.directory)
        self.members = []
        self.logFiles = []
        self.outbound = [:]
        self.applicationPorts = [:]
        self.admin = [:]
        var owners: Set<String> = ["control/discovery", "control/dashboard"]
        for member in fleet.services {
            for (index, instance) in member.instanceNames.enumerated() {
                func port(_ use: String) throws -> Int {
                    owners.insert("\(instance)/\(use)")
                    return try ports.port(for: "\(instance)/\(use)", isFree: isFree)
                }
                let replica = try Replica(
                    name: instance, number: index + 1, application: member.port ?? port("application"),
                    inbound: port("inbound"), outbound: port("outbound"), admin: port("admin"),
                    upstreams: member.upstreams.map { ($0, try port("upstream/\($0)")) })
                self.outbound[instance] = replica.outbound
                self.applicationPorts[instance] = replica.application
                self.admin[instance] = replica.admin
                var sidecar = replica.sidecar(of: member, discovery: discovery, in: surroundings)
                for (flag, values) in fleet.telemetry.sorted(by: { $0.key < $1.key }) {
                    for value in values { sidecar.arguments += ["--\(flag)", replica.named(value, in: surroundings)] }
                }
                if let output = fleet.telemetry["access-log-output"]?.first, output.contains("${NAME}") {
                    self.logFiles.append(replica.named(output, in: surroundings))
                }
                self.members.append(sidecar)
                self.members.append(try replica.application(of: member, in: surroundings))
            }
        }
        ports.keep { owners.contains($0) }
    }

    /// One running copy of a member, with its ports.
    private struct Replica {
        var name: String
        var number: Int
        var application: Int
        var inbound: Int
        var outbound: Int
        var admin: Int
        var upstreams: [(name: String, port: Int)]

        /// A path with the replica's name in it, absolute; other values as they are.
        func named(_ value: String, in surroundings: Surroundings) -> String {
            guard value.contains("${NAME}") else { return value }
            let path = value.replacingOccurrences(of: "${NAME}", with: self.name)
            return path.hasPrefix("/") ? path : "\(surroundings.directory)/\(path)"
        }

        func sidecar(of member: Fleet.Member, discovery: Int, in surroundings: Surroundings) -> ProcessPlan {
            let directory = "\(surroundings.state)/sidecars/\(self.name)"
            var arguments = [
                surroundings.weft, "proxy", "--service", member.service, "--namespace", member.namespace,
                "--account", member.account, "--workload", self.name, "--control-plane", "127.0.0.1:\(discovery)",
                "--app-port", "http:\(self.application)=\(self.inbound)",
                "--outbound", "127.0.0.1:\(self.outbound)", "--admin", "127.0.0.1:\(self.admin)",
                "--health", member.health.flag, "--data-dir", directory,
                "--app-protocol", FleetPlan.protocolFlag(member), "--loops", "1",
                "--label", "app=\(member.service)",
            ]
            if let version = member.version { arguments += ["--label", "version=\(version)"] }
            for (key, value) in member.labels.sorted(by: { $0.key < $1.key }) {
                arguments += ["--label", "\(key)=\(value)"]
            }
            for upstream in self.upstreams {
                arguments += ["--upstream", "\(upstream.name)=127.0.0.1:\(upstream.port)"]
            }
            return ProcessPlan(
                name: "\(self.name).sidecar", role: .sidecar, arguments: arguments, environment: [:],
                directory: surroundings.directory,
                joins: ProcessPlan.Joining(
                    service: member.service, account: member.account, namespace: member.namespace,
                    directory: directory, labels: FleetPlan.attestable(member.labels)),
                readiness: ProcessPlan.Readiness(port: self.admin, path: "/ready"))
        }

        func application(of member: Fleet.Member, in surroundings: Surroundings) throws -> ProcessPlan {
            var environment = [
                "PORT": "\(self.application)", "http_proxy": "http://127.0.0.1:\(self.outbound)",
                "no_proxy": "127.0.0.1,localhost", "WEFT_SERVICE": member.service, "WEFT_INSTANCE": self.name,
            ]
            environment["WEFT_VERSION"] = member.version
            for upstream in self.upstreams {
                environment[FleetPlan.upstreamVariable(upstream.name)] = "http://127.0.0.1:\(upstream.port)"
            }
            var values = surroundings.environment.merging(environment) { $1 }
            values["NAME"] = self.name
            values["REPLICA"] = "\(self.number)"
            values["VERSION"] = member.version ?? ""
            values["SERVICE"] = member.service
            func expand(_ text: String, _ field: String) throws -> String {
                do {
                    return try CommandWords.expand(text, values)
                } catch {
                    throw CommandFailure(
                        "nothing is known of ${\(error.name)}", at: "services.\(member.name).\(field)",
                        remedy: "Use PORT, NAME, REPLICA, VERSION, SERVICE, a field of `environment`, or export it.")
                }
            }
            for (key, value) in member.environment { environment[key] = try expand(value, "environment.\(key)") }
            values.merge(environment) { $1 }
            var command = try FleetPlan.command(of: member, in: surroundings).map { try expand($0, "command") }
            if command.first == "weft" { command[0] = surroundings.weft }
            return ProcessPlan(
                name: self.name, role: .application, arguments: command, environment: environment,
                directory: member.directory.map { $0.hasPrefix("/") ? $0 : "\(surroundings.directory)/\($0)" }
                    ?? surroundings.directory)
        }
    }

    private static func command(of member: Fleet.Member, in surroundings: Surroundings) throws -> [String] {
        if let program = member.command.first, program == "weft" || surroundings.isInstalled(program) {
            return member.command
        }
        if let otherwise = member.otherwise { return otherwise }
        throw CommandFailure(
            "'\(member.command.first ?? "")' is not installed", at: "services.\(member.name).command",
            remedy: "Install it, or say in `otherwise` what runs where it is missing.")
    }

    /// What a token can name of a member's labels; nil for nothing.
    private static func attestable(_ labels: [String: String]) -> [String: String]? {
        let fitting = labels.filter { NameRules.isLabelKey($0.key) && NameRules.isLabelText($0.value) }
            .sorted { $0.key < $1.key }.prefix(LabelGrants.perSource)
        return fitting.isEmpty ? nil : Dictionary(fitting.map { ($0.key, $0.value) }) { $1 }
    }

    private static func protocolFlag(_ member: Fleet.Member) -> String {
        switch member.appProtocol {
        case .http: "http"
        case .h2c: "h2c"
        case .grpc: "grpc"
        case .tcp: "tcp"
        case .tls: "tls"
        case .detect: "detect"
        }
    }

    /// `billing.default:80` becomes `WEFT_UPSTREAM_BILLING_DEFAULT_80`.
    package static func upstreamVariable(_ name: String) -> String {
        "WEFT_UPSTREAM_" + name.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    }
}
