internal import WeftModel

/// Finds policies whose values cannot all hold at once. Each rule looks at one merged policy; add a rule to the list.
enum ContradictionLint {
    /// A policy with what the mesh's settings add to it.
    struct Subject {
        let settings: TrafficSettings
        /// What the policy says itself.
        let own: TrafficSettings
    }

    /// What is wrong, where, and what to write instead.
    struct Finding {
        var severity = Diagnostic.Severity.warning
        let setting: TrafficSetting
        let message: String
        let remedy: String
    }

    static let checks: [@Sendable (Subject) -> Finding?] = [
        retriesOutliveRequest, hedgeAfterTheEnd, hedgeNeverPaid, codesWithoutRetries, nonIdempotentWithoutCodes,
        burstBelowOne,
    ]

    static let rules: [@Sendable (LintWorld) -> [Diagnostic]] = [
        { world in
            let mesh = world.settings?.traffic ?? TrafficSettings()
            var findings: [Diagnostic] = []
            for policy in world.policies {
                let subject = Subject(settings: policy.settings.merged(over: mesh), own: policy.settings)
                findings += ContradictionLint.findings(subject, policy.metadata, .trafficPolicy, at: "spec")
            }
            if let settings = world.settings {
                let subject = Subject(settings: settings.traffic, own: settings.traffic)
                findings += ContradictionLint.findings(subject, settings.metadata, .meshSettings, at: "spec.traffic")
            }
            return findings
        }
    ]

    private static func findings(
        _ subject: Subject, _ metadata: Metadata, _ kind: ResourceKind, at path: String
    ) -> [Diagnostic] {
        self.checks.compactMap { check in
            check(subject).map { finding in
                metadata.finding(
                    finding.severity, kind: kind, field: "\(path).\(finding.setting.rawValue)", finding.message,
                    remedy: finding.remedy, line: subject.own.lines[finding.setting])
            }
        }
    }

    // MARK: The checks

    /// Tries of full length that the request's own time cuts off.
    @Sendable private static func retriesOutliveRequest(_ subject: Subject) -> Finding? {
        let settings = subject.settings
        guard let request = settings.requestTimeout, let perTry = settings.perTryTimeout, request > .zero,
            perTry > .zero, perTry < request
        else { return nil }
        let tries = 1 + (settings.retry?.attempts ?? RetryPolicy().attempts)
        guard perTry * tries > request, tries > 1 else { return nil }
        return Finding(
            setting: subject.own.perTryTimeout != nil ? .perTryTimeout : .requestTimeout,
            message: "\(tries) tries of \(DurationText.text(perTry)) do not fit into the request's "
                + "\(DurationText.text(request)): the last is cut short or never made",
            remedy: "Lower `perTry` or `retry.attempts`, or give the request more time.")
    }

    /// A second attempt that would start when the first is over.
    @Sendable private static func hedgeAfterTheEnd(_ subject: Subject) -> Finding? {
        guard let delay = subject.settings.hedging?.delay else { return nil }
        let ends = [
            ("one try", subject.settings.perTryTimeout), ("the request", subject.settings.requestTimeout),
        ]
        for case (let what, let end?) in ends where end > .zero && delay >= end {
            return Finding(
                severity: .error, setting: subject.own.hedging != nil ? .hedging : .requestTimeout,
                message: "the second attempt starts after \(DurationText.text(delay)), but \(what) may take only "
                    + DurationText.text(end),
                remedy: "Shorten the `delay` of `hedging`.")
        }
        return nil
    }

    /// Second attempts are paid for as retries are.
    @Sendable private static func hedgeNeverPaid(_ subject: Subject) -> Finding? {
        guard subject.settings.hedging != nil, let retry = subject.settings.retry, retry.budgetRatio == 0,
            retry.budgetMinPerSecond == 0
        else { return nil }
        return Finding(
            setting: .hedging, message: "the retry budget is empty, and second attempts are paid for from it",
            remedy: "Raise `retry.budget`, or remove `hedging`.")
    }

    @Sendable private static func codesWithoutRetries(_ subject: Subject) -> Finding? {
        guard let retry = subject.own.retry, retry.attempts == 0,
            retry.statuses?.isEmpty == false || retry.grpcStatuses?.isEmpty == false
        else { return nil }
        return Finding(
            setting: .retryAttempts, message: "it says what is worth a retry, and allows none",
            remedy: "Raise `attempts`, or remove the codes.")
    }

    @Sendable private static func nonIdempotentWithoutCodes(_ subject: Subject) -> Finding? {
        guard subject.own.retry?.nonIdempotent == true, let retry = subject.settings.retry,
            retry.statuses?.isEmpty ?? true, retry.grpcStatuses?.isEmpty ?? true
        else { return nil }
        return Finding(
            setting: .retryNonIdempotent,
            message: "it holds for listed codes, and none are listed: no POST is repeated because of it",
            remedy: "List `codes` or `grpcCodes`, or remove it.")
    }

    /// What many proxies share comes to each in slices.
    @Sendable private static func burstBelowOne(_ subject: Subject) -> Finding? {
        for limit in subject.own.rateLimits ?? [] where limit.scope == .mesh && limit.requests < 10 {
            return Finding(
                setting: .rateLimits,
                message: "the limit \(limit.name) allows \(limit.requests) in \(DurationText.text(limit.interval)), "
                    + "of which each proxy has a slice that may be less than one",
                remedy: "Name a longer interval with more requests, or write scope: proxy.")
        }
        return nil
    }
}
