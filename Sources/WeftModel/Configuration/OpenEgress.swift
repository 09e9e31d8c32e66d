/// Lets calls out of the mesh to destinations that nobody described: as they are, to where DNS says.
package struct OpenEgress: Hashable, Sendable {
    /// Those of the mesh's own services: a name of two labels that ends in one of them means a service that is missing.
    package var namespaces: Set<String>

    package init(namespaces: Set<String>) { self.namespaces = namespaces }

    /// What a name such as `api.example.com:80` stands for; nil where it is no destination outside.
    package func destination(_ name: String) -> (listener: Listener, routes: RouteConfiguration, cluster: Cluster)? {
        guard let resolution = self.resolution(name) else { return nil }
        let cluster = Cluster(
            name: name, service: ServiceName(namespace: "external", name: resolution.host), transport: .plaintext,
            resolution: resolution)
        let routes = RouteConfiguration(
            name: name,
            virtualHosts: [
                VirtualHost(
                    name: name, domains: ["*"],
                    routes: [Route(name: "unknown", action: .forward([WeightedCluster(cluster: name)]))])
            ])
        return (.outbound(name: name, routeConfiguration: name), routes, cluster)
    }

    private func resolution(_ name: String) -> DNSResolution? {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        guard name.utf8.count <= 260, parts.count == 2, let port = Int(parts[1]), (1...65535).contains(port) else {
            return nil
        }
        let labels = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, labels.allSatisfy(Self.isLabel), labels.last != "mesh" else { return nil }
        if labels.count == 2, self.namespaces.contains(String(labels[1])) { return nil }
        // Loopback is the application's own host, not a destination.
        if labels.count == 4, labels[0] == "127", labels.allSatisfy({ UInt8($0) != nil }) { return nil }
        return DNSResolution(host: String(parts[0]), port: port)
    }

    private static func isLabel(_ label: Substring) -> Bool {
        !label.isEmpty && label.utf8.count <= 63 && label.utf8.first != UInt8(ascii: "-")
            && label.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
