internal import WeftModel

extension PrometheusTargetGroup {
    /// What a Prometheus is told to scrape: each registered proxy's admin server, and the control plane.
    ///
    /// Admin servers listen on loopback only. So each address is good on its workload's own host, which
    /// `__meta_weft_address` tells.
    ///
    /// - Parameter control: where the API answers over TLS, `host:port`; nil where it does not.
    static func all(entries: [Registry.Entry], control: String?) -> [PrometheusTargetGroup] {
        var groups = entries.compactMap(Self.init)
        if let control {
            groups.append(
                PrometheusTargetGroup(
                    targets: [control],
                    labels: ["__meta_weft_component": "control", "__scheme__": "https", "instance": control]))
        }
        return groups
    }

    /// Nil for a workload whose proxy is away, or serves no metrics.
    private init?(_ entry: Registry.Entry) {
        guard entry.connection != nil, let port = entry.adminPort, (1...65535).contains(port) else { return nil }
        let workload = entry.workload
        self.init(
            targets: ["127.0.0.1:\(port)"],
            labels: [
                "instance": Registry.id(of: workload), "__meta_weft_component": "proxy",
                "__meta_weft_namespace": workload.metadata.namespace,
                "__meta_weft_workload": workload.metadata.name,
                "__meta_weft_service": workload.service ?? "",
                "__meta_weft_version": workload.metadata.labels["version"] ?? "",
                "__meta_weft_address": workload.address,
                "__meta_weft_identity": entry.identity.description,
            ])
    }
}
