package import WeftModel

/// The certificate authority for people.
package enum IdentityTables {
    package static func report(_ report: IdentityReport, console: Console) -> String {
        var lines = [
            "trust domain \(report.trustDomain), trust version \(report.trustVersion)",
            "intermediate expires in \(Figures.span(seconds: report.intermediateExpiresAt - report.now)), root key "
                + (report.isRootOffline ? "elsewhere" : "here")
                + (report.isEncrypted ? ", keys encrypted" : ", keys not encrypted"),
        ]
        if let rotation = report.rotation {
            lines.append(
                "rotation \(rotation.phase) for \(Figures.span(since: rotation.phaseSince, now: report.now)): "
                    + "\(rotation.oldRoot.prefix(16))… to \(rotation.newRoot.prefix(16))…")
            if let cause = rotation.waitsFor { lines.append(console.styled("  \(Table.visible(cause))", .warning)) }
        }
        var roots = Table([
            .init("ROOT"), .init("STATE"), .init("EXPIRES IN", .right), .init("TRUSTED BY", .right),
            .init("CERTIFICATES", .right),
        ])
        for root in report.roots {
            roots.add([
                .init(root.fingerprint), .init(root.state.rawValue, root.state == .issuing ? .good : .plain),
                .init(Figures.span(seconds: root.expiresAt - report.now)),
                .init(Self.share(root.trustedBy, of: report.proxies)),
                .init(Self.share(root.leaves, of: report.proxies)),
            ])
        }
        lines += ["", roots.rendered(colours: console.colours)]
        if !report.revoked.isEmpty {
            var revoked = Table([.init("REVOKED"), .init("AGO", .right), .init("BY"), .init("REASON")])
            for entry in report.revoked {
                revoked.add([
                    .init(entry.identity, .bad), .init(Figures.span(since: entry.at, now: report.now)), .init(entry.by),
                    .init(entry.reason),
                ])
            }
            lines += ["", revoked.rendered(colours: console.colours)]
        }
        return lines.joined(separator: "\n")
    }

    /// `3/4 (75%)`; nobody is no share.
    private static func share(_ part: Int, of whole: Int) -> String {
        whole == 0 ? "0" : "\(part)/\(whole) (\(part * 100 / whole)%)"
    }
}
