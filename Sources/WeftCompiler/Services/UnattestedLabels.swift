internal import WeftModel

/// Says which workloads claim labels that would put them behind a Service, and were not admitted with them.
enum UnattestedLabels {
    /// Workloads named for one Service; more are counted.
    private static let shown = 8

    static func diagnostics(of service: Service, _ claimants: [CatalogWorkload]) -> [Diagnostic] {
        let provenance = service.metadata.provenance
        let name = service.metadata.serviceName
        func warning(_ message: String, remedy: String) -> Diagnostic {
            Diagnostic(
                .warning, message, remedy: remedy, file: provenance?.file, line: provenance?.line,
                resource: ResourceKey(kind: .service, namespace: name.namespace, name: name.name).description)
        }
        var findings = claimants.prefix(self.shown).map { claimant in
            let labels = claimant.claims.unattested(for: service.selector, of: name.name)
                .map { "\($0.key)=\($0.value)" }
            let workload = claimant.workload
            let flags =
                (["--service \(workload.service ?? workload.account)"]
                + (workload.account == workload.service ? [] : ["--account \(workload.account)"])
                + (name.namespace == "default" ? [] : ["--namespace \(name.namespace)"])
                + labels.map { "--label \($0)" }).joined(separator: " ")
            return warning(
                "\(claimant.name) says of itself that it is \(labels.joined(separator: ", ")), and was not admitted with "
                    + "that: it gets no traffic of \(name.name)",
                remedy:
                    "If it may, let it join anew with a token of `weft token create \(flags)`, or name the labels in "
                    + "its RegistrationEntry; if not, ask whose \(claimant.identity) is.")
        }
        if claimants.count > self.shown {
            findings.append(
                warning(
                    "\(claimants.count - self.shown) more workloads claim labels that they were not admitted with",
                    remedy: "See to those named first."))
        }
        return findings
    }
}
