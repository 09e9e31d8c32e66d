internal import WeftModel

/// Writes what an inbound listener enforces as lines of a snapshot's text.
enum AuthorizationText {
    static func lines(_ authorization: Authorization, match: (RouteMatch) -> String) -> [String] {
        func scope(_ matches: [RouteMatch]) -> [String] { matches.map { "    where \(match($0))" } }
        var lines: [String] = []
        for policy in authorization.policies {
            lines.append(
                "  \(policy.action.rawValue)\(policy.isAudit ? " audit" : "") of \(policy.source)"
                    + (policy.rules.isEmpty ? ": nobody" : ""))
            lines += scope(policy.scope)
            for rule in policy.rules {
                let parts = rule.from.map(self.source) + rule.to.map(self.operation) + rule.when.map(self.condition)
                lines.append("    rule \(parts.isEmpty ? "everything" : parts.joined(separator: "; "))")
            }
        }
        if authorization.unmatched == .deny {
            lines.append("  else DENY" + (authorization.unmatchedSource.map { " of \($0)" } ?? ""))
        }
        for issuer in authorization.issuers {
            var parts = ["  tokens of \(issuer.issuer)"]
            if !issuer.audiences.isEmpty { parts.append("for \(issuer.audiences.joined(separator: " "))") }
            if issuer.locations != [.bearer] {
                parts.append("in \(issuer.locations.map(self.location).joined(separator: ", "))")
            }
            if !issuer.isForwarded { parts.append("not forwarded") }
            if issuer.isRequired { parts.append("required") }
            parts.append(issuer.keys.isEmpty ? "without keys" : "with keys of \(issuer.keys.utf8.count) bytes")
            lines.append(parts.joined(separator: ", ") + ", of \(issuer.source)")
            lines += scope(issuer.scope)
        }
        return lines
    }

    private static func source(_ source: AuthorizationSource) -> String {
        self.joined(
            "from",
            [
                ("", source.identities.map(\.description)), ("not ", source.notIdentities.map(\.description)),
                ("namespaces ", source.namespaces), ("not namespaces ", source.notNamespaces),
                ("networks ", source.networks.map(\.description)),
                ("not networks ", source.notNetworks.map(\.description)),
            ])
    }

    private static func operation(_ operation: AuthorizationOperation) -> String {
        self.joined(
            "to",
            [
                ("", operation.methods), ("not ", operation.notMethods), ("", operation.paths.map(\.description)),
                ("not ", operation.notPaths.map(\.description)),
            ])
    }

    private static func condition(_ condition: AuthorizationCondition) -> String {
        let subject =
            switch condition.subject {
            case .header(let name): "header \(name)"
            case .claim(let names): "claim \(names.joined(separator: "."))"
            }
        return self.joined(
            "when \(subject)",
            [
                ("", condition.values.map(\.description)), ("not ", condition.notValues.map(\.description)),
            ])
    }

    private static func joined(_ word: String, _ parts: [(String, [String])]) -> String {
        ([word] + parts.filter { !$0.1.isEmpty }.map { $0.0 + $0.1.joined(separator: " | ") }).joined(separator: " ")
    }

    private static func location(_ location: TokenLocation) -> String {
        switch location {
        case .bearer: "bearer"
        case .header(let name, let prefix): prefix.isEmpty ? name : "\(name) after \"\(prefix)\""
        }
    }
}
