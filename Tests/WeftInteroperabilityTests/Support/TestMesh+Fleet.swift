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
            upstreams: [greeter, teller]
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
