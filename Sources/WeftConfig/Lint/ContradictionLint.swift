internal import WeftModel

/// Finds what contradicts itself, or does nothing, within one policy or the mesh's settings. Each rule looks at one of
/// them; add a rule to the list. What several say together is `CallLint`'s.
enum ContradictionLint {
    /// A policy with what the mesh's settings add to it.
    struct Subject {
        let settings: TrafficSettings
        /// What the policy says itself.
        let own: TrafficSettings
        /// Seconds since 1970; nil is not known.
        let now: Int64?
    }

    /// What is wrong, where, and what to write instead.
    struct Finding {
        let setting: TrafficSetting
        /// Below the setting's own field.
        var part = ""
        let message: String
        let remedy: String
    }

    private static let checks: [@Sendable (Subject) -> Finding?] = [
        codesWithoutRetries, nonIdempotentWithoutCodes, burstBelowOne, faultIsOver,
    ]

    static func findings(in world: LintWorld) -> [Diagnostic] {
        let mesh = world.settings?.traffic ?? TrafficSettings()
        var findings: [Diagnostic] = []
        for policy in world.policies {
            let subject = Subject(
                settings: policy.settings.merged(over: mesh), own: policy.settings, now: world.now)
            findings += self.findings(subject, policy.metadata, .trafficPolicy, at: "spec")
        }
        if let settings = world.settings {
            let subject = Subject(settings: settings.traffic, own: settings.traffic, now: world.now)
            findings += self.findings(subject, settings.metadata, .meshSettings, at: "spec.traffic")
        }
        return findings
    }

    private static func findings(
        _ subject: Subject, _ metadata: Metadata, _ kind: ResourceKind, at path: String
    ) -> [Diagnostic] {
        self.checks.compactMap { check in
            check(subject).map { finding in
                metadata.finding(
                    .warning, kind: kind, field: "\(path).\(finding.setting.rawValue)\(finding.part)", finding.message,
                    remedy: finding.remedy, line: subject.own.lines[finding.setting])
            }
        }
    }

    // MARK: The checks

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

    @Sendable private static func faultIsOver(_ subject: Subject) -> Finding? {
        guard let fault = subject.own.fault, let now = subject.now, fault.until <= now else { return nil }
        return Finding(
            setting: .fault, part: ".until", message: "the fault is over: its end has passed, so it hits nothing",
            remedy: "Remove it, or name a later end.")
    }
}
