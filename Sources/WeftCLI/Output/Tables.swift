internal import Foundation
internal import WeftModel

/// The control plane's answers as tables.
enum Tables {
    static func resources(_ views: [ResourceView], console: Console) -> String {
        guard !views.isEmpty else { return "no resources" }
        var table = Table([
            .init("KIND"), .init("NAMESPACE"), .init("NAME"), .init("REVISION", .right), .init("STATUS"), .init("FROM"),
        ])
        for view in views {
            let from = view.file.map { file in view.line.map { "\(file):\($0)" } ?? file } ?? view.origin.rawValue
            table.add([
                .init(view.key.kind.rawValue), .init(view.key.namespace), .init(view.key.name),
                .init(view.revision == .zero ? "" : "\(view.revision)"), Self.status(view), .init(from, .faint),
            ])
        }
        return table.rendered(colours: console.colours)
    }

    /// What is wrong first; nothing for what has no status.
    private static func status(_ view: ResourceView) -> Table.Cell {
        let problems = view.problems ?? []
        guard let parents = view.status else {
            return problems.isEmpty
                ? .init("") : .init("\(problems.count) problem\(problems.count == 1 ? "" : "s")", .bad)
        }
        guard let condition = parents.flatMap(\.conditions).first(where: { !$0.isTrue }) else {
            return .init("Accepted", .good)
        }
        return .init(condition.reason.rawValue, .bad)
    }

    static func tokens(_ list: TokenList, console: Console) -> String {
        guard !list.tokens.isEmpty else { return "no tokens" }
        let now = Int64(Date().timeIntervalSince1970)
        var table = Table([
            .init("ID"), .init("FOR"), .init("SERVICE OR HOST"), .init("NAMESPACE"), .init("EXPIRES IN", .right),
            .init("USES LEFT", .right),
        ])
        for token in list.tokens {
            let left = token.expiresAt - now
            table.add([
                .init(token.id), .init(token.purpose.rawValue), .init(self.subject(of: token)),
                .init(token.namespace),
                left > 0 ? .init(Figures.span(seconds: left)) : .init("expired", .bad),
                // An API token is good for any number of calls until it expires.
                .init(token.purpose != .api ? "\(token.usesLeft)/\(token.uses)" : ""),
            ])
        }
        return table.rendered(colours: console.colours)
    }

    /// The service or the host, the account where it is not the service's own, and the labels.
    private static func subject(of token: TokenSummary) -> String {
        let name = token.service ?? token.host ?? ""
        let labels = (token.labels ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        guard let account = token.account, account != token.service else { return name + labels }
        return "\(name) as \(account)\(labels)"
    }

    static func status(_ report: StatusReport, console: Console) -> String {
        let ready = report.proxies.count { $0.state == .ready || $0.state == .client }
        var lines = [
            "control plane \(report.version), up \(Figures.span(since: report.startedAt, now: report.now))",
            "trust domain \(report.trustDomain), root \(report.authority.rootFingerprint.prefix(16))… expires in "
                + "\(Figures.span(seconds: report.authority.rootExpiresAt - report.now)), intermediate in "
                + Figures.span(seconds: report.authority.intermediateExpiresAt - report.now)
                + (report.authority.rotation.map { ", rotation of the root: \($0)" } ?? ""),
            "revision \(report.revision)"
                + (report.publishedRevision == report.revision
                    ? "" : ", proxies are given \(report.publishedRevision)"),
            "proxies \(report.proxies.count), ready \(ready)",
        ]
        lines += report.problems.map { console.styled("\($0)", $0.severity == .error ? .bad : .warning) }
        guard !report.proxies.isEmpty else { return lines.joined(separator: "\n") }
        var table = Table([
            .init("WORKLOAD"), .init("SERVICE"), .init("VERSION"), .init("STATE"), .init("CONFIGURATION"),
            .init("CERTIFICATE", .right), .init("CONNECTED", .right), .init("IDENTITY"),
        ])
        for proxy in report.proxies {
            table.add([
                .init(proxy.workload ?? "(\(proxy.client.rawValue))"), .init(proxy.service ?? ""),
                .init(proxy.serviceVersion), Self.state(proxy), Self.configuration(proxy),
                Self.certificate(proxy, now: report.now),
                .init(proxy.connectedSince.map { Figures.span(since: $0, now: report.now) } ?? "no"),
                .init(proxy.identity, .faint),
            ])
        }
        return (lines + ["", table.rendered(colours: console.colours)]).joined(separator: "\n")
    }

    private static func state(_ proxy: ProxyStatus) -> Table.Cell {
        switch proxy.state {
        case .ready, .client: .init(proxy.state.rawValue, .good)
        case .notReady, .draining, .lost, .revoked:
            .init(proxy.state.rawValue + (proxy.cause.map { " (\($0))" } ?? ""), .warning)
        }
    }

    private static func certificate(_ proxy: ProxyStatus, now: Int64) -> Table.Cell {
        guard let expiry = proxy.certificateExpiresAt else { return .init("") }
        return expiry > now ? .init(Figures.span(seconds: expiry - now)) : .init("expired", .bad)
    }

    private static func configuration(_ proxy: ProxyStatus) -> Table.Cell {
        if let rejection = proxy.discovery.compactMap(\.rejection).first {
            return .init("rejected \(rejection.revision): \(rejection.message)", .bad)
        }
        if proxy.discovery.isEmpty { return .init("") }
        return proxy.isCurrent ? .init("current", .good) : .init("pending", .warning)
    }

    static func stat(_ report: StatReport, console: Console) -> String {
        guard !report.edges.isEmpty else {
            return "no traffic in the last \(Int(report.windowSeconds)) s; figures follow calls by a few seconds"
        }
        var table = Table([
            .init("SOURCE"), .init("DESTINATION"), .init("VERSION"), .init("ROUTE"), .init("RPS", .right),
            .init("SUCCESS", .right), .init("P50", .right), .init("P95", .right), .init("P99", .right),
            .init("RETRIES/S", .right), .init("TLS"), .init("REFUSED"), .init("FAILURES"),
        ])
        for edge in report.edges {
            let ratio = edge.successRatio
            table.add([
                .init(edge.source), .init(edge.destination), .init(edge.version), .init(edge.route, .faint),
                .init(Figures.number(edge.requestsPerSecond)),
                .init(
                    Figures.percent(ratio), ratio.map { $0 >= 0.999 ? .good : $0 >= 0.95 ? .warning : .bad } ?? .plain),
                .init(Figures.number(edge.p50)), .init(Figures.number(edge.p95)), .init(Figures.number(edge.p99)),
                .init(Figures.number(edge.retriesPerSecond)), edge.tls ? .init("mtls", .good) : .init("plain", .bad),
                TelemetryTables.counts(edge.failures, ofPolicies: true),
                TelemetryTables.counts(edge.failures, ofPolicies: false),
            ])
        }
        return table.rendered(colours: console.colours)
    }
}
