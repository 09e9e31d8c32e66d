package import FoundationEssentials
internal import WeftIdentity
package import WeftModel

/// What `weft check` looks at, judged from the control plane's own reports.
package enum CheckList {
    package struct Probe: Hashable, Sendable, Codable {
        package var name: String
        package var verdict: Verdict
        package var finding: String
        package var remedy: String?
    }

    /// `note` is worth knowing and changes no exit code.
    package enum Verdict: String, Hashable, Sendable, Codable { case ok, note, doubtful, failed }

    /// How far clocks may be apart before it is worth a word, seconds.
    private static let clockDoubt: Double = 5
    /// From here on certificates are refused that are fresh, seconds: what `SVIDVerifier` allows.
    private static let clockLimit: Double = SVIDVerifier.forStepsOfClocks

    /// In the order in which one thing needs the other.
    ///
    /// - Parameters:
    ///   - asked: this machine's time just before the report was asked for.
    ///   - answered: and just after.
    package static func probes(
        _ status: StatusReport, _ stat: StatReport, _ objectives: ObjectiveReport, asked: Date, answered: Date
    ) -> [Probe] {
        [
            Probe(
                name: "the control plane answers", verdict: .ok,
                finding: "version \(status.version), revision \(status.revision)"),
            self.ownClock(status, asked: asked, answered: answered),
            self.authority(
                "its root is valid", status, from: status.authority.rootIssuedAt, until: status.authority.rootExpiresAt,
                remedy: "Replace the root before it ends: no identity outlives it."),
            self.authority(
                "its intermediate is valid", status, from: status.authority.intermediateIssuedAt,
                until: status.authority.intermediateExpiresAt,
                remedy: "Read the control plane's log for why it was not renewed; restart it, which tries again."),
            self.configuration(status),
            self.proxies(status, "proxies are connected", "See that their processes run and reach the control plane.") {
                $0.state == .lost ? (.failed, "lost") : nil
            },
            self.proxies(
                status, "no proxy is revoked",
                "Stop the workload, or `weft identity restore IDENTITY` and restart it with a new join token.",
                as: .note
            ) { $0.state == .revoked ? (.note, "is revoked and still runs") : nil },
            self.proxies(
                status, "proxies are ready", "Read the log of the workload and `curl 127.0.0.1:ADMIN/ready`."
            ) { $0.state == .notReady ? (.failed, $0.cause ?? "not ready") : nil },
            self.proxies(
                status, "proxies' clocks agree with the control plane's",
                "Set the clocks (NTP); \(Int(self.clockLimit / 60)) minutes apart, fresh certificates are refused."
            ) { self.clock($0.clockOffsetMilliseconds) },
            self.proxies(
                status, "proxies have the configuration", "A rejected one is told in `weft status -o json`."
            ) { self.straggler($0, published: status.publishedRevision) },
            self.proxies(
                status, "certificates are fresh",
                "Read the proxy's log for why renewing fails; once expired, restart it with a new join token."
            ) { self.certificate($0, now: status.now) },
            self.callers(status),
            self.unencrypted(status),
            self.plaintext(stat),
            self.objectives(objectives),
        ]
    }

    /// Whether something is amiss that `weft status` should tell by its exit code.
    package static func isDegraded(_ report: StatusReport) -> Bool {
        report.problems.hasErrors
            || report.proxies.contains { proxy in
                proxy.state == .notReady || proxy.state == .lost || proxy.discovery.contains { $0.rejection != nil }
                    || self.certificate(proxy, now: report.now) != nil
            }
    }

    // MARK: One probe each

    private static func ownClock(_ status: StatusReport, asked: Date, answered: Date) -> Probe {
        // Whole seconds, read at some moment between question and answer.
        let now = Double(status.now)
        let ahead = asked.timeIntervalSince1970 - (now + 1)
        let behind = now - answered.timeIntervalSince1970
        let apart = max(0, max(ahead, behind))
        return Probe(
            name: "this machine's clock agrees with the control plane's",
            verdict: apart > self.clockDoubt ? .doubtful : .ok,
            finding: apart > self.clockDoubt
                ? "it is \(Int(apart)) s \(ahead > behind ? "before" : "behind")" : "to within a few seconds",
            remedy: apart > self.clockDoubt ? "Set the clocks of both (NTP)." : nil)
    }

    private static func authority(
        _ name: String, _ status: StatusReport, from begin: Int64?, until end: Int64, remedy: String
    ) -> Probe {
        let left = end - status.now
        let share = begin.map { self.share(from: $0, until: end, now: status.now) }
        let isShort = share.map { $0 < ExpiryAlarm.margin } ?? (left < 30 * 86_400)
        return Probe(
            name: name, verdict: left <= 0 ? .failed : isShort ? .doubtful : .ok,
            finding: left <= 0
                ? "expired \(Figures.span(seconds: -left)) ago"
                : "for another \(Figures.span(seconds: left))"
                    + (share.map { ", \(Figures.percent($0)) of its life" } ?? ""),
            remedy: left <= 0 || isShort ? remedy : nil)
    }

    private static func configuration(_ status: StatusReport) -> Probe {
        Probe(
            name: "the configuration works",
            verdict: status.problems.hasErrors ? .failed : status.problems.isEmpty ? .ok : .doubtful,
            finding: status.problems.isEmpty
                ? "no remarks" : status.problems.map(\.message).joined(separator: "; "),
            remedy: status.problems.first?.remedy)
    }

    private static func clock(_ milliseconds: Int64?) -> (Verdict, String)? {
        guard let milliseconds else { return nil }
        let apart = abs(Double(milliseconds) / 1000)
        guard apart > self.clockDoubt else { return nil }
        return (
            apart > self.clockLimit ? .failed : .doubtful,
            "is \(Figures.number(apart)) s \(milliseconds > 0 ? "before" : "behind")"
        )
    }

    private static func straggler(_ proxy: ProxyStatus, published: Revision) -> (Verdict, String)? {
        if let rejection = proxy.discovery.compactMap(\.rejection).first {
            return (.doubtful, "rejected revision \(rejection.revision): \(rejection.message)")
        }
        guard proxy.discovery.contains(where: { $0.pending > 0 }) else { return nil }
        let known = proxy.acknowledgedRevision.map { "is at revision \($0)" } ?? "has confirmed none"
        return (.doubtful, "\(known), \(published) is out")
    }

    private static func certificate(_ proxy: ProxyStatus, now: Int64) -> (Verdict, String)? {
        guard let end = proxy.certificateExpiresAt else { return nil }
        guard end > now else { return (.failed, "expired \(Figures.span(seconds: now - end)) ago") }
        let left = Figures.span(seconds: end - now)
        guard let begin = proxy.certificateNotBefore else {
            return end - now < 3600 ? (.doubtful, "expires in \(left)") : nil
        }
        let share = self.share(from: begin, until: end, now: now)
        guard share < ExpiryAlarm.margin else { return nil }
        return (.doubtful, "expires in \(left), \(Figures.percent(share)) of its life")
    }

    /// Who knocked at the control plane and was refused.
    private static func callers(_ status: StatusReport) -> Probe {
        let refused = (status.refusedHandshakes ?? [:]).sorted { $0.key < $1.key }.flatMap { listener, causes in
            causes.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key) (\(listener))" }
        }
        return Probe(
            name: "handshakes with the control plane", verdict: refused.isEmpty ? .ok : .note,
            finding: refused.isEmpty
                ? "none was refused since it started" : "refused were " + refused.joined(separator: ", "),
            remedy: refused.isEmpty
                ? nil : "Its log names each peer and cause; docs/reasons/tls_failed.md says what each means.")
    }

    private static func unencrypted(_ status: StatusReport) -> Probe {
        let open = status.proxies.compactMap { proxy -> String? in
            guard let ports = proxy.unencryptedPorts, !ports.isEmpty else { return nil }
            return "\(proxy.workload ?? proxy.identity) (\(ports.map(String.init).joined(separator: ", ")))"
        }
        return Probe(
            name: "ports demand mutual TLS", verdict: open.isEmpty ? .ok : .note,
            finding: open.isEmpty
                ? "all of them"
                : "open to callers without a certificate: "
                    + open.joined(separator: ", "),
            remedy: open.isEmpty ? nil : "Set mtls to strict once all callers have a sidecar.")
    }

    /// Why a request that is counted crossed no network: nobody was there to send it to, or it was not sent.
    private static let unsent: [Reason] = [
        .noRoute, .noEndpoints, .connectFailed, .connectTimeout, .tlsFailed, .peerIdentityMismatch, .dnsFailed,
        .overflow, .rateLimited, .overload, .faultAbort, .badRequest, .headersTooLarge, .plaintextRefused,
    ]

    private static func plaintext(_ stat: StatReport) -> Probe {
        let plain = stat.edges.filter { edge in
            let unsent = self.unsent.reduce(0) { $0 &+ (edge.failures[$1.rawValue] ?? 0) }
            return !edge.tls && edge.requests > unsent
        }
        return Probe(
            name: "calls cross in mutual TLS", verdict: plain.isEmpty ? .ok : .doubtful,
            finding: plain.isEmpty
                ? "\(stat.edges.count) edges in the last minute"
                : plain.map { "\($0.source) to \($0.destination)" }.joined(separator: ", "),
            remedy: plain.isEmpty ? nil : "`weft identity plaintext` says from where; give those callers a sidecar.")
    }

    private static func objectives(_ report: ObjectiveReport) -> Probe {
        let name = "objectives are kept"
        let complaints = report.objectives.compactMap { objective -> String? in
            let who = "\(objective.namespace)/\(objective.name)"
            switch objective.state {
            case .ok, .unknown: return nil
            case .exhausted: return "\(who) has no error budget left"
            case .burning:
                return "\(who) burns its error budget \(Figures.number(objective.burnRates["1h"])) times too fast"
            }
        }
        guard complaints.isEmpty else {
            return Probe(
                name: name, verdict: .doubtful, finding: complaints.joined(separator: ", "),
                remedy: "`weft stat -o wide` shows the objectives, `weft top --sort failures` where calls fail.")
        }
        let unknown = report.objectives.filter { $0.state == .unknown }.count
        let finding = report.objectives.isEmpty ? "there are none" : "\(report.objectives.count) of them"
        return Probe(
            name: name, verdict: .ok, finding: finding + (unknown == 0 ? "" : ", \(unknown) without requests"))
    }

    // MARK: Helpers

    private static func share(from begin: Int64, until end: Int64, now: Int64) -> Double {
        ExpiryAlarm.share(
            notBefore: Date(timeIntervalSince1970: Double(begin)), notAfter: Date(timeIntervalSince1970: Double(end)),
            now: Date(timeIntervalSince1970: Double(now)))
    }

    /// The worst complaint is the verdict.
    private static func proxies(
        _ status: StatusReport, _ name: String, _ remedy: String, as least: Verdict = .doubtful,
        _ complaint: (ProxyStatus) -> (verdict: Verdict, text: String)?
    ) -> Probe {
        let complaints = status.proxies.compactMap { proxy in
            complaint(proxy).map { (verdict: $0.verdict, text: "\(proxy.workload ?? proxy.identity) \($0.text)") }
        }
        return Probe(
            name: name,
            verdict: complaints.isEmpty ? .ok : complaints.contains { $0.verdict == .failed } ? .failed : least,
            finding: complaints.isEmpty
                ? "\(status.proxies.count) of \(status.proxies.count)"
                : complaints.map(\.text).joined(separator: "; "),
            remedy: complaints.isEmpty ? nil : remedy)
    }
}
