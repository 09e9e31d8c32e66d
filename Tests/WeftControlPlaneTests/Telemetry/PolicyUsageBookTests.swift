import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct PolicyUsageBookTests {
    private let key = PolicyUsageBook.Key(policy: "AuthorizationPolicy/default/a", rule: 1)

    @Test func `what proxies count is summed, and a proxy's new start is not a loss`() {
        var book = PolicyUsageBook()
        book.record([(self.key, .init(allowed: 5, denied: 1))], from: "default/a")
        book.record([(self.key, .init(allowed: 7, denied: 1, audited: 2))], from: "default/a")
        book.record([(self.key, .init(allowed: 1))], from: "default/b")
        // Started anew.
        book.record([(self.key, .init(allowed: 2))], from: "default/a")
        #expect(
            book.usage(since: 3)
                == AuthorizationUsage(
                    since: 3,
                    rules: [
                        PolicyRuleUsage(
                            policy: "AuthorizationPolicy/default/a", rule: 1, allowed: 10, denied: 1, audited: 2)
                    ]))
    }

    @Test func `a proxy that names rules without end fills nothing`() {
        var book = PolicyUsageBook()
        for number in 0..<20 {
            book.record(
                (0..<1000).map { (PolicyUsageBook.Key(policy: "\(number)", rule: $0), .init(allowed: 1)) }, from: "a")
        }
        #expect(book.usage(since: 0).rules.count == PolicyUsageBook.maxRules)
    }
}
