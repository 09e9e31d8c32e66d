internal import Foundation
internal import WeftModel

/// What the control plane says about who may call whom, for people.
enum AuthzTables {
    static func check(_ report: AuthorizationCheckReport, console: Console) -> String {
        report.verdicts.map { verdict in
            let from = verdict.identity ?? "a caller in the clear"
            let mark = console.styled(verdict.isAllowed ? "allowed" : "denied", verdict.isAllowed ? .good : .bad)
            var lines = [
                "\(mark)  \(Table.visible(from)) → \(Table.visible(verdict.destination)) port \(verdict.port)"
            ]
            lines.append("  \(verdict.because)")
            if let source = verdict.decidedBy { lines.append("  decided by \(source)") }
            if let reason = verdict.reason { lines.append("  the caller gets the reason \(reason)") }
            // What is quoted of policies and callers is what others wrote.
            lines = [lines[0]] + lines.dropFirst().map(Table.visible)
            guard !verdict.findings.isEmpty else { return lines.joined(separator: "\n") }
            lines.append("")
            var table = Table([.init("POLICY"), .init("ACTION"), .init("RULE", .right), .init("OUTCOME"), .init("WHY")])
            for finding in verdict.findings {
                let outcome: String =
                    switch finding.outcome {
                    case "matched": finding.isAudit ? "would match" : "matched"
                    case "outOfScope": "other route"
                    default: "no match"
                    }
                table.add([
                    .init(finding.policy.resource.description),
                    .init(
                        finding.action.rawValue + (finding.isAudit ? " (audit)" : "")),
                    .init(finding.rule.map(String.init) ?? ""),
                    .init(outcome, finding.outcome == "matched" && !finding.isAudit ? .warning : .plain),
                    .init(finding.mismatch ?? "", .faint),
                ])
            }
            lines.append(table.rendered(colours: console.colours))
            return lines.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    static func coverage(_ report: AuthorizationCoverageReport, console: Console) -> String {
        guard !report.findings.isEmpty else {
            return report.rules == 0
                ? "no authorization policies"
                : "\(report.rules == 1 ? "1 rule, which" : "\(report.rules) rules, each of which") has matched and is needed"
        }
        var table = Table([.init("POLICY"), .init("RULE", .right), .init("FINDING"), .init("WHY")])
        for finding in report.findings {
            let kind: String =
                switch finding.kind {
                case "neverMatched": "never matched"
                case "shadowed": "shadowed"
                case "noSuchCaller": "no such caller"
                case "noIssuer": "no token believed"
                case "appliesNowhere": "applies nowhere"
                default: finding.kind
                }
            table.add([
                .init(finding.policy.description), .init(finding.rule.map(String.init) ?? ""), .init(kind, .warning),
                .init(finding.cause, .faint),
            ])
        }
        return table.rendered(colours: console.colours)
    }

    static func plaintext(_ report: PlaintextReport, console: Console) -> String {
        var lines: [String] = []
        if report.callers.isEmpty {
            lines.append("nobody has called in the clear since the proxies started")
        } else {
            var table = Table([
                .init("FROM"), .init("WORKLOADS"), .init("TO"), .init("PORT", .right), .init("REQUESTS", .right),
                .init("REFUSED", .right), .init("LAST", .right),
            ])
            for caller in report.callers {
                table.add([
                    .init(caller.address), .init(caller.workloads.prefix(3).joined(separator: ", ")),
                    .init(caller.destination), .init("\(caller.port)"), .init("\(caller.requests)"),
                    .init("\(caller.refused)", caller.refused > 0 ? .bad : .plain),
                    .init(Figures.span(seconds: max(0, report.at - caller.lastSeen)) + " ago"),
                ])
            }
            lines.append(table.rendered(colours: console.colours))
        }
        lines.append("")
        var table = Table([
            .init("SERVICE"), .init("PORT", .right), .init("MODE"), .init("WORKLOADS", .right), .init("SET BY"),
        ])
        for port in report.ports {
            table.add([
                .init(port.service), .init("\(port.port)"),
                .init(port.mode.rawValue, port.mode == .strict ? .good : .warning), .init("\(port.workloads)"),
                .init(port.source?.description ?? "default", .faint),
            ])
        }
        lines.append(report.ports.isEmpty ? "no ports" : table.rendered(colours: console.colours))
        return lines.joined(separator: "\n")
    }
}
