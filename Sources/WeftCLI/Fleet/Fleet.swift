package import WeftModel

/// What `weft up` runs: a control plane, services with their sidecars, and the resources to apply.
package struct Fleet: Hashable, Sendable {
    /// A DNS label.
    package var name: String
    package var control: Control
    /// In document order; at least one.
    package var services: [Member]
    /// Files or directories of resources, relative to the fleet file.
    package var resources: [String]
    /// What all sidecars are told of traces and the access log: flags of `weft proxy` by name, without `--`, each as often
    /// as it has values. In the file of an access log `${NAME}` stands for the replica's name.
    package var telemetry: [String: [String]] = [:]

    package init(name: String, control: Control = Control(), services: [Member], resources: [String] = []) {
        self.name = name
        self.control = control
        self.services = services
        self.resources = resources
    }

    package struct Control: Hashable, Sendable {
        package var trustDomain: TrustDomain = .standard
        /// Further flags of `weft control`.
        package var arguments: [String] = []

        package init() {}
    }

    /// One entry under `services`: an application in one version, with as many replicas as asked for.
    package struct Member: Hashable, Sendable {
        /// Its key in the file, a DNS label; replicas are called after it.
        package var name: String
        /// The service it is part of. Default: its name.
        package var service: String
        /// Default `default`.
        package var namespace = "default"
        /// The account in its SPIFFE ID. Default: the service's name.
        package var account: String
        /// The `version` label; nil for none.
        package var version: String?
        /// 1–64, default 1.
        package var replicas = 1
        /// Program and arguments; `weft` is this very executable.
        package var command: [String]
        /// What runs when the program of `command` is not installed; nil makes that an error.
        package var otherwise: [String]?
        /// The application's port. Nil, the default, picks a free one, which is `${PORT}` in the command. Not
        /// with several replicas.
        package var port: Int?
        package var appProtocol: AppProtocol = .detect
        package var health = Health.tcp
        package var environment: [String: String] = [:]
        package var labels: [String: String] = [:]
        /// Services that get a loopback port of their own, `WEFT_UPSTREAM_NAME` in the environment.
        package var upstreams: [String] = []
        /// Where it runs, relative to the fleet file. Default: beside it.
        package var directory: String?
        /// Its first line in the file.
        package var line: Int?

        package init(name: String, command: [String]) {
            self.name = name
            self.service = name
            self.account = name
            self.command = command
        }

        /// What its replicas are called: the name itself when there is one.
        package var instanceNames: [String] {
            self.replicas == 1 ? [self.name] : (1...self.replicas).map { "\(self.name)-\($0)" }
        }
    }

    /// How readiness of an application is found.
    package enum Health: Hashable, Sendable {
        /// GET of this path answers 200–399.
        case http(path: String)
        /// It accepts a connection. The default.
        case tcp
        /// Always ready.
        case none

        /// As a flag of `weft proxy` says it.
        package var flag: String {
            switch self {
            case .http(let path): path
            case .tcp: "tcp"
            case .none: "none"
            }
        }
    }
}
