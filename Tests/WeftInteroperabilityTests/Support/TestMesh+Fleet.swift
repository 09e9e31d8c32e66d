extension TestMesh {
    /// The fleet that the tests run. `greeter` has one replica, so that what it remembers of a call can be asked for;
    /// `teller` and `billing` come in two versions.
    static func fleet(tellers: Int = 1) -> String {
        """
        fleet: interoperability
        services:
          greeter:
            command: ["\(Peers.python)", "\(Peers.program("greeter.py"))"]
            protocol: grpc
          teller-v1:
            service: teller
            version: v1
            replicas: \(tellers)
            command: ["\(Peers.python)", "\(Peers.program("greeter.py"))"]
            protocol: grpc
          teller-v2:
            service: teller
            version: v2
            command: ["\(Peers.python)", "\(Peers.program("greeter.py"))"]
            protocol: grpc
          caller:
            command: ["\(Peers.python)", "\(Peers.program("caller.py"))"]
            health: /healthz
            upstreams: [\(Self.upstreams)]
          billing-v1:
            service: billing
            version: v1
            command: weft service --name billing --version v1 --instance ${NAME} --listen 127.0.0.1:${PORT}
            health: /healthz
          billing-v2:
            service: billing
            version: v2
            command: weft service --name billing --version v2 --instance ${NAME} --listen 127.0.0.1:${PORT}
            health: /healthz
        \(Self.speakers)
        ---
        \(Self.service("greeter", protocol: "grpc"))
        ---
        \(Self.service("teller", protocol: "grpc"))
        ---
        \(Self.service("teller-v1", of: "teller", version: "v1", protocol: "grpc"))
        ---
        \(Self.service("teller-v2", of: "teller", version: "v2", protocol: "grpc"))
        ---
        \(Self.service("billing", protocol: "http"))
        ---
        \(Self.service("billing-v1", of: "billing", version: "v1", protocol: "http"))
        ---
        \(Self.service("billing-v2", of: "billing", version: "v2", protocol: "http"))
        """
    }

    /// How many workloads the fleet has: each has a sidecar.
    static var workloadCount: Int { 12 + (Peers.redis == nil ? 0 : 1) + (Peers.postgres == nil ? 0 : 1) }

    private static var upstreams: String {
        var names = [
            "greeter", "teller", "billing", "greeting", "greeting-tcp", "echo", "sockets", "sockets-http", "pages",
        ]
        if Peers.redis != nil { names.append("cache") }
        if Peers.postgres != nil { names.append("database") }
        return names.joined(separator: ", ")
    }

    /// What speaks something other than gRPC; some without a word on what.
    private static var speakers: String {
        var services = [
            Self.speaker("greeting", "greet"), Self.speaker("greeting-tcp", "greet", protocol: "tcp"),
            Self.speaker("echo", "echo"), Self.speaker("sockets", "sockets"),
            Self.speaker("sockets-http", "sockets", protocol: "http"), Self.speaker("pages", "pages", protocol: "http"),
        ]
        if let redis = Peers.redis {
            services.append("  cache:\n    command: \(redis) --port ${PORT} --save '' --appendonly no")
        }
        if let postgres = Peers.postgres {
            services.append("  database:\n    command: [\"\(Peers.program("database.sh"))\", \"\(postgres)\"]")
        }
        return services.joined(separator: "\n")
    }

    private static func speaker(_ name: String, _ kind: String, protocol appProtocol: String? = nil) -> String {
        let lines = [
            "  \(name):", "    command: [\"\(Peers.python)\", \"\(Peers.program("speaker.py"))\", \(kind)]",
        ]
        return (lines + (appProtocol.map { ["    protocol: \($0)"] } ?? [])).joined(separator: "\n")
    }

    private static func service(
        _ name: String, of app: String? = nil, version: String? = nil, protocol appProtocol: String
    ) -> String {
        let selector = "{app: \(app ?? name)\(version.map { ", version: \($0)" } ?? "")}"
        return """
            apiVersion: v1
            kind: Service
            metadata: {name: \(name)}
            spec:
              selector: \(selector)
              ports: [{name: main, port: 80, targetPort: http, appProtocol: \(appProtocol)}]
            """
    }

    /// Where the calls of `service` go: these weights, and v2 for whoever asks for the beta.
    static func split(_ service: String, v1: Int, v2: Int) -> String {
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: \(service)}
        spec:
          parentRefs: [{group: "", kind: Service, name: \(service)}]
          rules:
          - matches: [{headers: [{name: x-plan, value: beta}]}]
            backendRefs: [{name: \(service)-v2, port: 80}]
          - backendRefs:
            - {name: \(service)-v1, port: 80, weight: \(v1)}
            - {name: \(service)-v2, port: 80, weight: \(v2)}
        """
    }
}
