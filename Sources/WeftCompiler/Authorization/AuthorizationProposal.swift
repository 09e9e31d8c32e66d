package import WeftModel

/// Makes the policies that allow what has been observed, and nothing else: to review, to watch in audit mode, to enforce.
package struct AuthorizationProposal: Hashable, Sendable {
    /// Calls of one identity to one service.
    package struct Edge: Hashable, Sendable {
        /// Nil called in the clear.
        package var identity: SPIFFEID?
        package var destination: ServiceName
        package var requests: UInt64

        package init(identity: SPIFFEID?, destination: ServiceName, requests: UInt64) {
            self.identity = identity
            self.destination = destination
            self.requests = requests
        }
    }

    /// One policy for one service.
    package struct Policy: Hashable, Sendable {
        package var destination: ServiceName
        /// Sorted by identity.
        package var callers: [Caller]
        /// Requests in the clear, which no identity can allow.
        package var plaintextRequests: UInt64
    }

    /// Who was seen, and how often.
    package struct Caller: Hashable, Sendable {
        package var identity: SPIFFEID
        package var requests: UInt64
    }

    package let policies: [Policy]

    /// - Parameters:
    ///   - edges: as destinations' proxies counted them.
    ///   - services: those to propose for, also if nobody has called them.
    package init(edges: [Edge], services: [ServiceName]) {
        var callers: [ServiceName: [SPIFFEID: UInt64]] = [:]
        var plaintext: [ServiceName: UInt64] = [:]
        for edge in edges {
            if let identity = edge.identity {
                callers[edge.destination, default: [:]][identity, default: 0] &+= edge.requests
            } else {
                plaintext[edge.destination, default: 0] &+= edge.requests
            }
        }
        self.policies = services.sorted { $0.description < $1.description }.map { service in
            Policy(
                destination: service,
                callers: (callers[service] ?? [:]).map { Caller(identity: $0.key, requests: $0.value) }
                    .sorted { $0.identity.description < $1.identity.description },
                plaintextRequests: plaintext[service] ?? 0)
        }
    }

    /// YAML documents, in audit mode unless `enforced`; what was seen stands beside each caller.
    package func yaml(enforced: Bool) -> String {
        self.policies.map { Self.document($0, enforced: enforced) }.joined(separator: "---\n")
    }

    private static func document(_ policy: Policy, enforced: Bool) -> String {
        var lines: [String] = []
        if policy.callers.isEmpty {
            lines.append("# Nobody has been seen to call \(policy.destination): this allows nobody.")
        }
        if policy.plaintextRequests > 0 {
            lines.append(
                "# In the clear came \(policy.plaintextRequests) more, which would be denied: `weft identity plaintext` says from where."
            )
        }
        lines += [
            "apiVersion: weft.dev/v1", "kind: AuthorizationPolicy", "metadata:",
            "  name: \(policy.destination.name)-callers", "  namespace: \(policy.destination.namespace)", "spec:",
            "  targetRefs:", "  - kind: Service", "    name: \(policy.destination.name)", "  action: ALLOW",
        ]
        if !enforced { lines.append("  audit: true") }
        guard !policy.callers.isEmpty else {
            lines.append("  rules: []")
            return lines.joined(separator: "\n") + "\n"
        }
        lines += ["  rules:", "  - from:", "    - identities:"]
        for caller in policy.callers {
            let count = "\(caller.requests) \(caller.requests == 1 ? "request" : "requests")"
            lines.append("      - \(caller.identity) # \(count)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
