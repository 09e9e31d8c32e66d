import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct AuthorizationMatrixTests {
    /// Each seed: 250 sets of policies, each with 5 callers and 50 requests.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `the table and the words of the policies say the same of every request`(seed: UInt64) throws {
        var generator = AuthorizationGenerator(seed: seed)
        var outcomes: [ReferenceAuthorization.Outcome: Int] = [:]
        var audits = 0
        for number in 0..<250 {
            let authorization = generator.authorization()
            let reference = ReferenceAuthorization(authorization: authorization)
            let table = AuthorizationTable(authorization)
            for _ in 0..<5 {
                let caller = generator.caller()
                let bound = table.bind(peer: caller.identity, trustDomain: .standard, address: caller.address)
                let bytes = bound.decideBytes()
                guard bytes.isAllowed == reference.bytes(caller).isAllowed else {
                    Issue.record("seed \(seed), set \(number): bytes of \(caller): \(bytes)\n\(authorization)")
                    return
                }
                for request in 0..<10 {
                    let head = generator.request()
                    let claims = generator.claims()
                    let verdict = bound.decide(head, claims: claims)
                    let expected = reference.outcome(head, caller, claims)
                    outcomes[expected, default: 0] += 1
                    guard Self.agrees(verdict, expected, reference, head, caller, claims) else {
                        Issue.record(
                            """
                            seed \(seed), set \(number): \(expected) is right, the table says \(verdict)
                            \(head.headers)
                            \(caller), claims \(String(describing: claims))
                            \(authorization)
                            """)
                        return
                    }
                    // What each audited policy would have done takes as many evaluations as there are such policies.
                    if request > 2 { continue }
                    let would = Self.audits(expected, reference, head, caller, claims)
                    audits += would.count
                    let said = Dictionary(uniqueKeysWithValues: verdict.audits.map { ($0.policy, $0.outcome) })
                    guard verdict.audits.count == 16 || said == would else {
                        Issue.record("seed \(seed), set \(number): audits \(verdict.audits), not \(would)")
                        return
                    }
                }
            }
        }
        // Nothing is shown by requests that all end alike.
        let total = outcomes.values.reduce(0, +)
        #expect(total == 12_500)
        let allowed = outcomes.filter { $0.key.isAllowed }.values.reduce(0, +)
        #expect((total / 5...total * 4 / 5).contains(allowed), "\(outcomes)")
        for outcome in [ReferenceAuthorization.Outcome.allowed, .denied, .noAllowMatched] {
            #expect(outcomes[outcome, default: 0] > total / 20, "\(outcomes)")
        }
        #expect(audits > total / 50)
    }

    private static func agrees(
        _ verdict: AuthorizationVerdict, _ expected: ReferenceAuthorization.Outcome,
        _ reference: ReferenceAuthorization, _ head: RequestHead, _ caller: ReferenceAuthorization.Caller,
        _ claims: TokenClaims?
    ) -> Bool {
        switch (expected, verdict.cause) {
        case (.denied, .matched(let policy, let rule)), (.allowed, .matched(let policy, let rule)):
            // The rule named is one that matches.
            let policies = reference.authorization.policies
            let first = policies[..<policy].reduce(0) { $0 + $1.rules.count }
            return verdict.isAllowed == (expected == .allowed)
                && policies[policy].action == (expected == .allowed ? .allow : .deny) && !policies[policy].isAudit
                && ReferenceAuthorization.matches(
                    policies[policy].rules[rule - first], policies[policy], head, caller, claims)
        case (.noAllowMatched, .noAllowMatched), (.defaultDenied, .unmatched): return !verdict.isAllowed
        case (.defaultAllowed, .unmatched): return verdict.isAllowed
        case (.denied, _), (.allowed, _), (.noAllowMatched, _), (.defaultDenied, _), (.defaultAllowed, _): return false
        }
    }

    private static func audits(
        _ expected: ReferenceAuthorization.Outcome, _ reference: ReferenceAuthorization, _ head: RequestHead,
        _ caller: ReferenceAuthorization.Caller, _ claims: TokenClaims?
    ) -> [Int: AuthorizationAction] {
        var audits: [Int: AuthorizationAction] = [:]
        for (place, policy) in reference.authorization.policies.enumerated() where policy.isAudit {
            let other = reference.outcome(enforcing: place, head, caller, claims)
            if other.isAllowed != expected.isAllowed { audits[place] = other.isAllowed ? .allow : .deny }
        }
        return audits
    }
}
