import Testing
import WeftModel

@testable import WeftCLI

/// What others wrote, of reasons, authors and names, in what operators look at: it moves no cursor, hides nothing, and
/// makes no line.
@Suite struct ForeignTextTests {
    private let console = Console(isTerminal: false, errorIsTerminal: false, environment: [:])
    /// Clears the screen, goes up, makes a line, turns the direction of writing, names a window.
    private let hostile = "gone\u{1B}[2J\u{1B}[1A\nroot  \u{202E}x\u{9B}31m\u{1B}]0;title\u{07}\r"

    private func expectHarmless(_ text: String, lines: Int, _ comment: Comment) {
        for scalar in text.unicodeScalars where scalar != "\n" {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: Issue.record("\(scalar.value): \(comment)")
            default: break
            }
        }
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count == lines, comment)
        #expect(text.contains("gone\\u{1B}[2J"), comment)
    }

    @Test func `reasons and authors of revocations, and what a rotation waits for`() {
        var report = IdentityReport(
            trustDomain: "mesh.local", now: 100, roots: [], intermediateExpiresAt: 200, isRootOffline: false,
            isEncrypted: false, proxies: 0, rotation: nil,
            revoked: [
                .init(identity: "spiffe://mesh.local/a", reason: self.hostile, at: 1, by: self.hostile),
                .init(identity: "spiffe://mesh.local/b", reason: "lost", at: 1, by: "local"),
            ], trustVersion: 1)
        self.expectHarmless(IdentityTables.report(report, console: self.console), lines: 8, "revocations")
        report.revoked = []
        report.rotation = .init(
            phase: "publishing", oldRoot: "a", newRoot: "b", startedAt: 1, phaseSince: 1, leavesUntil: nil,
            waitsFor: "not every proxy trusts both roots yet: \(self.hostile)", missing: [self.hostile])
        self.expectHarmless(IdentityTables.report(report, console: self.console), lines: 6, "a rotation")
    }

    @Test func `actors, subjects and details of the audit log`() {
        let event = AuditEvent(
            at: 1000, kind: .change, actor: self.hostile, subject: self.hostile, outcome: .done,
            details: ["reason": self.hostile, self.hostile: "a"])
        self.expectHarmless(
            AuditCommand.table(AuditList(events: [event]), console: self.console), lines: 2, "the audit log")
    }

    @Test func `callers, policies and causes of an authorization's check`() {
        let source = Provenance(
            resource: ResourceKey(kind: .authorizationPolicy, namespace: "default", name: "callers"),
            file: self.hostile)
        let verdict = AuthorizationCheckReport.Verdict(
            identity: "spiffe://mesh.local/\(self.hostile)", destination: "billing.default", port: 80,
            isAllowed: false, reason: "denied", because: self.hostile, decidedBy: source,
            findings: [
                .init(
                    policy: source, action: .allow, isAudit: false, outcome: "notMatched", rule: 1,
                    mismatch: self.hostile)
            ])
        self.expectHarmless(
            AuthzTables.check(AuthorizationCheckReport(verdicts: [verdict]), console: self.console), lines: 7,
            "a check")
    }

    @Test func `services of tokens`() {
        let token = TokenSummary(
            id: "t1", purpose: .join, service: self.hostile, account: nil, namespace: "default", createdAt: 1,
            expiresAt: 4_000_000_000, usesLeft: 1, uses: 1)
        self.expectHarmless(Tables.tokens(TokenList(tokens: [token]), console: self.console), lines: 2, "tokens")
    }
}
