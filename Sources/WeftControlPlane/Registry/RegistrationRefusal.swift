package import WeftModel

/// Why a workload was not registered. The text goes to the proxy, which logs it.
package enum RegistrationRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Namespace or account are not those of the identity.
    case foreignIdentity(SPIFFEID, workload: String, account: String)
    /// The identity was admitted for other services.
    case foreignService(SPIFFEID, service: String)
    case nameTaken(String, by: SPIFFEID)
    case tooManyWorkloads(Int)
    /// A value is missing, malformed or too large.
    case invalid(field: String, cause: String)

    /// Whether only another announcement, or another identity, could be taken: asking again is in vain.
    package var isFinal: Bool {
        switch self {
        case .foreignIdentity, .invalid: true
        // More is admitted, and names and places become free.
        case .foreignService, .nameTaken, .tooManyWorkloads: false
        }
    }

    package var description: String {
        switch self {
        case .foreignIdentity(let id, let workload, let account):
            "\(id) may not register \(workload) with account \(account); a token for that is made with `weft token create --account \(account)`"
        case .foreignService(let id, let service):
            "\(id) did not join for service \(service); make a token with `weft token create --service \(service)`"
        case .nameTaken(let workload, let id):
            "the name \(workload) belongs to \(id); give this workload another with --workload"
        case .tooManyWorkloads(let limit): "the control plane takes \(limit) workloads and has them"
        case .invalid(let field, let cause): "\(field): \(cause)"
        }
    }
}

extension Registry {
    /// Refuses what an identity may not announce, and what no workload can be.
    func check(
        _ workload: Workload, identity: SPIFFEID, services: Set<String>
    ) throws(RegistrationRefusal) {
        try self.check(name: workload.metadata.name, "name")
        try self.check(name: workload.metadata.namespace, "namespace")
        try self.check(name: workload.account, "account")
        guard let own = identity.workload, own.namespace == workload.metadata.namespace,
            own.account == workload.account
        else { throw .foreignIdentity(identity, workload: Self.id(of: workload), account: workload.account) }
        guard let service = workload.service else { throw .invalid(field: "service", cause: "is missing") }
        try self.check(name: service, "service")
        guard services.contains(service) else { throw .foreignService(identity, service: service) }
        guard IPAddress.isLiteral(workload.address) else {
            throw .invalid(field: "address", cause: "\(workload.address.prefix(64)) is not an IP address")
        }
        // None is a workload that only calls others.
        guard workload.ports.count <= self.limits.ports else {
            throw .invalid(field: "ports", cause: "\(workload.ports.count) are more than \(self.limits.ports)")
        }
        for port in workload.ports {
            for number in [port.port, port.inboundPort ?? port.port] where !(1...65535).contains(number) {
                throw .invalid(field: "ports", cause: "\(number) is no port")
            }
            guard port.name.utf8.count <= self.limits.nameBytes else {
                throw .invalid(field: "ports", cause: "a name is too long")
            }
        }
        guard Set(workload.ports.map(\.port)).count == workload.ports.count else {
            throw .invalid(field: "ports", cause: "a number occurs twice")
        }
        guard (1...1_000_000).contains(workload.weight) else {
            throw .invalid(field: "weight", cause: "\(workload.weight) is not within 1–1 000 000")
        }
        let labels = workload.metadata.labels
        guard labels.count <= self.limits.labels else {
            throw .invalid(field: "labels", cause: "\(labels.count) are more than \(self.limits.labels)")
        }
        let texts =
            labels.flatMap { [$0.key, $0.value] }
            + [workload.locality.region, workload.locality.zone, workload.locality.subZone]
        guard texts.allSatisfy({ $0.utf8.count <= self.limits.nameBytes }) else {
            throw .invalid(field: "labels", cause: "a label or locality is longer than \(self.limits.nameBytes) bytes")
        }
    }

    /// Lower-case letters, digits, `-` and `.`, as DNS has them.
    private func check(name: String, _ field: String) throws(RegistrationRefusal) {
        guard !name.isEmpty else { throw .invalid(field: field, cause: "is empty") }
        guard name.utf8.count <= self.limits.nameBytes else {
            throw .invalid(field: field, cause: "is longer than \(self.limits.nameBytes) bytes")
        }
        let edges = [name.utf8.first, name.utf8.last]
        guard
            name.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }), !edges.contains(UInt8(ascii: "-")), !edges.contains(UInt8(ascii: "."))
        else {
            throw .invalid(
                field: field, cause: "\(name.prefix(64)) may have lower-case letters, digits, '-' and '.' inside")
        }
    }
}
