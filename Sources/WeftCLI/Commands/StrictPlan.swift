internal import WeftModel

/// What the mode strict would change.
struct StrictPlan: Hashable, Codable {
    /// Ports that take plaintext now.
    let changed: [PlaintextReport.Port]
    /// Callers seen lately whom those ports would refuse.
    let shutOut: [PlaintextReport.Caller]
    let at: Int64
    /// When a sidecar last reported, seconds since 1970; nil where none has.
    let reportedAt: Int64?

    /// - Parameter window: seconds that a caller counts after its last call.
    init(_ report: PlaintextReport, within window: Int64) {
        self.at = report.at
        self.reportedAt = report.reportedAt
        self.changed = report.ports.filter { $0.mode != .strict }
        let open = Set(self.changed.map { "\($0.service):\($0.port)" })
        self.shutOut = report.callers.filter {
            open.contains("\($0.destination):\($0.port)") && report.at - $0.lastSeen <= window
                && $0.requests > $0.refused
        }
    }

    func rendered(console: Console) -> String {
        let age =
            self.reportedAt.map { "the newest report is \(Figures.span(seconds: max(0, self.at - $0))) old" }
            ?? "no sidecar has reported yet"
        guard !self.changed.isEmpty else {
            return "nothing would change: every port demands mutual TLS already (\(age))"
        }
        var lines = ["would demand mutual TLS:"]
        for port in self.changed {
            let count = port.workloads == 1 ? "1 workload" : "\(port.workloads) workloads"
            lines.append(
                "  \(port.service) port \(port.port), \(port.mode.rawValue) now by \(Self.origin(of: port)), \(count)")
        }
        if self.shutOut.isEmpty {
            lines.append(console.styled("nobody would be shut out: no caller in the clear was seen", .good))
        } else {
            lines.append(console.styled("would be shut out:", .bad))
            for caller in self.shutOut {
                let who = caller.workloads.isEmpty ? "" : " (\(caller.workloads.joined(separator: ", ")))"
                lines.append(
                    "  \(caller.address)\(who) → \(caller.destination) port \(caller.port), "
                        + "\(caller.requests) requests, the last \(Figures.span(seconds: max(0, self.at - caller.lastSeen))) ago"
                )
            }
        }
        lines.append("\(age); each sidecar reports every \(PlaintextReport.interval.components.seconds) s")
        return lines.joined(separator: "\n")
    }

    /// Why a port takes plaintext though strict was asked for.
    static func cause(of port: PlaintextReport.Port) -> String {
        "\(port.service) port \(port.port) is \(port.mode.rawValue) by \(Self.origin(of: port))"
    }

    private static func origin(of port: PlaintextReport.Port) -> String {
        port.source.map { "\($0.resource)" } ?? "default"
    }

    /// The PeerAuthentication that makes it so.
    static func document(namespace: String, service: String?) -> String {
        var lines = [
            "apiVersion: weft.dev/v1", "kind: PeerAuthentication", "metadata:",
            "  name: \(service.map { "\($0)-strict" } ?? "strict")", "  namespace: \(namespace)", "spec:",
        ]
        if let service { lines += ["  targetRefs:", "  - kind: Service", "    name: \(service)"] }
        lines.append("  mode: strict")
        return lines.joined(separator: "\n") + "\n"
    }
}
