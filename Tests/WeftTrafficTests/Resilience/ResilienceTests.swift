import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct RetryBudgetTests {
    private func policy(ratio: Double = 0.2, reserve: Int = 10) -> RetryBudgetPolicy {
        var policy = RetryBudgetPolicy()
        policy.ratio = ratio
        policy.minPerSecond = reserve
        return policy
    }

    @Test func `the reserve alone allows ten a second over the window`() {
        var budget = RetryBudget(policy())
        for _ in 0..<100 { #expect(budget.withdraw(now: .ms(0)) == true) }
        #expect(budget.withdraw(now: .ms(0)) == false)
        #expect(budget.withdraw(now: .ms(9_999)) == false)
        #expect(budget.withdraw(now: .ms(10_000)) == true)
    }

    @Test func `five first attempts pay for one retry, until the window has passed`() {
        var budget = RetryBudget(policy(reserve: 0))
        for _ in 0..<4 { budget.depositFirstAttempt(now: .ms(0)) }
        #expect(budget.withdraw(now: .ms(0)) == false)
        budget.depositFirstAttempt(now: .ms(0))
        #expect(budget.withdraw(now: .ms(0)) == true)
        #expect(budget.withdraw(now: .ms(0)) == false)
        for _ in 0..<50 { budget.depositFirstAttempt(now: .ms(1_000)) }
        #expect(budget.balance(now: .ms(1_000)) == 10)
        #expect(budget.balance(now: .ms(10_999)) == 10)
        #expect(budget.balance(now: .ms(11_000)) == 0)
    }

    @Test func `loops share the reserve`() {
        var budget = RetryBudget(policy(), loops: 2)
        #expect(budget.balance(now: .ms(0)) == 50)
    }

    @Test func `retries of any window stay within the reserve and the share of first attempts`() {
        var random = TrafficRandom(seed: 11)
        var budget = RetryBudget(policy(reserve: 1))
        var firsts: [Int] = []
        var retries: [Int] = []
        var now = 0
        for _ in 0..<20_000 {
            now += random.index(below: 20)
            firsts.append(now)
            budget.depositFirstAttempt(now: .ms(now))
            if random.index(below: 3) == 0, budget.withdraw(now: .ms(now)) { retries.append(now) }
            #expect(budget.balance(now: .ms(now)) >= 0)
        }
        for end in stride(from: 10_000, to: now, by: 777) {
            let window = (end - 9_000)..<end
            let allowed = 10 + 0.2 * Double(firsts.count { (end - 20_000)..<end ~= $0 })
            #expect(Double(retries.count { window ~= $0 }) <= allowed)
        }
    }
}

@Suite struct BackoffTests {
    @Test(arguments: [(1, 25), (2, 75), (3, 175), (4, 250), (5, 250), (60, 250)])
    func `the wait doubles up to ten times the base`(retry: Int, milliseconds: Int) {
        #expect(Backoff().limit(beforeRetry: retry) == Int64(milliseconds) * 1_000_000)
    }

    @Test func `the wait is anywhere from zero to its limit`() {
        var random = TrafficRandom(seed: 2)
        let waits = (0..<10_000).map { _ in Backoff().delay(beforeRetry: 2, random: &random) }
        #expect(waits.allSatisfy { (0...75_000_000).contains($0) })
        let mean = Double(waits.reduce(0, +)) / 10_000
        #expect(abs(mean - 37_500_000) < 1_000_000)
        #expect(Backoff(base: .zero).delay(beforeRetry: 3, random: &random) == 0)
    }
}

@Suite struct RetryRulesTests {
    @Test(arguments: [
        (AttemptOutcome.failed(.connectFailed("x"), unprocessed: false), true, true),
        (.failed(.connectTimeout, unprocessed: true), true, true),
        (.failed(.refused, unprocessed: false), true, true),
        (.failed(.reset(code: 2), unprocessed: true), true, true),
        (.failed(.reset(code: 2), unprocessed: false), true, false),
        (.failed(.connectionClosed(""), unprocessed: false), true, false),
        (.failed(.tryTimeout, unprocessed: false), true, false),
        (.failed(.overflow, unprocessed: true), false, false),
        (.answered(status: 502, grpcStatus: nil, peerReason: nil), true, false),
        (.answered(status: 503, grpcStatus: nil, peerReason: nil), true, false),
        (.answered(status: 504, grpcStatus: nil, peerReason: nil), true, false),
        (.answered(status: 500, grpcStatus: nil, peerReason: nil), false, false),
        (.answered(status: 429, grpcStatus: nil, peerReason: nil), false, false),
        (.answered(status: 200, grpcStatus: 14, peerReason: nil), false, false),
        (.answered(status: 503, grpcStatus: nil, peerReason: .connectFailed), true, true),
        (.answered(status: 200, grpcStatus: 14, peerReason: .draining), true, true),
        (.answered(status: 503, grpcStatus: nil, peerReason: .attemptRefused), false, false),
        (.answered(status: 504, grpcStatus: nil, peerReason: .deadlineExceeded), false, false),
    ])
    func `by default only what cannot be duplicated is tried again`(
        outcome: AttemptOutcome, idempotent: Bool, other: Bool
    ) {
        #expect(RetryRules().allows(outcome, idempotent: true) == idempotent)
        #expect(RetryRules().allows(outcome, idempotent: false) == other)
    }

    @Test func `a policy adds statuses, and may include requests that are not idempotent`() {
        var policy = RetryPolicy()
        policy.statuses = [409, 500, 599, 999]
        policy.grpcStatuses = [14, 8]
        let careful = RetryRules(policy)
        policy.nonIdempotent = true
        let eager = RetryRules(policy)
        for status in [409, 500, 599] {
            #expect(careful.allows(.answered(status: status, grpcStatus: nil, peerReason: nil), idempotent: true))
            #expect(!careful.allows(.answered(status: status, grpcStatus: nil, peerReason: nil), idempotent: false))
            #expect(eager.allows(.answered(status: status, grpcStatus: nil, peerReason: nil), idempotent: false))
        }
        #expect(eager.allows(.answered(status: 200, grpcStatus: 8, peerReason: nil), idempotent: false))
        #expect(!eager.allows(.answered(status: 200, grpcStatus: 13, peerReason: nil), idempotent: false))
        #expect(!eager.allows(.answered(status: 501, grpcStatus: nil, peerReason: nil), idempotent: false))
    }
}

@Suite struct DeadlineTests {
    @Test(
        arguments: [
            ("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("10S", 10_000_000_000), ("250m", 250_000_000),
            ("7u", 7_000), ("99999999n", 99_999_999), ("0n", 0), ("99999999H", 1_000_000_000_000_000),
        ] as [(String, Int64)])
    func `a grpc-timeout is read in every unit`(text: String, nanoseconds: Int64) {
        #expect(Deadline.read(["grpc-timeout": text]) == .left(nanoseconds))
    }

    @Test(arguments: ["", "S", "1", "1s", "123456789S", "-1S", "1.5S", " 1S", "1S "])
    func `what is not a grpc-timeout is told apart`(text: String) {
        #expect(Deadline.read(["grpc-timeout": text]) == .malformed)
    }

    @Test(
        arguments: [
            (0, "1n"), (1, "1n"), (99_999_999, "99999999n"), (100_000_999, "100000u"), (99_999_999_999, "99999999u"),
            (100_000_000_000, "100000m"), (99_999_999_999_999, "99999999m"), (100_000_000_000_000, "100000S"),
            (Int64.max, "2562047H"),
        ] as [(Int64, String)])
    func `the finest unit of eight digits is written, rounded down`(nanoseconds: Int64, text: String) {
        #expect(Deadline.grpcTimeout(nanoseconds) == text)
    }

    @Test func `the shortest of several counts, and text that is not a number says nothing`() {
        #expect(Deadline.read(["x-weft-deadline-ms": "200", "grpc-timeout": "1S"]) == .left(200_000_000))
        #expect(
            Deadline.read(["x-envoy-expected-rq-timeout-ms": "50", "x-weft-deadline-ms": "200"]) == .left(50_000_000))
        #expect(Deadline.read(["x-weft-deadline-ms": "soon"]) == .none)
        #expect(Deadline.read(["x-envoy-expected-rq-timeout-ms": "0"]) == .none)
        #expect(Deadline.read(["x-weft-deadline-ms": "0"]) == .left(0))
        #expect(Deadline.read([:]) == .none)
    }

    @Test func `what is left is written in the caller's forms`() {
        var headers: HeaderBlock = ["grpc-timeout": "10S", "x-envoy-expected-rq-timeout-ms": "10000"]
        Deadline.write(1_500_600_000, to: &headers, isGRPC: true)
        #expect(headers[.weftDeadline] == "1500")
        #expect(headers[.grpcTimeout] == "1500600u")
        #expect(headers[.xEnvoyExpectedTimeout] == "1500")
        var plain: HeaderBlock = [:]
        Deadline.write(-5, to: &plain, isGRPC: false)
        #expect(plain[.weftDeadline] == "0")
        #expect(!plain.contains(.grpcTimeout) && !plain.contains(.xEnvoyExpectedTimeout))
    }
}

@Suite struct AttemptGuardTests {
    @Test func `repeated attempts beyond a fifth of the window are refused`() {
        var attempts = AttemptGuard()
        for _ in 0..<800 { #expect(attempts.admit(attempt: 1, now: .ms(0)) == true) }
        var admitted = 0
        for _ in 0..<800 where attempts.admit(attempt: 2, now: .ms(1)) { admitted += 1 }
        // Each refused one was seen as well: 1600 seen, a fifth repeated.
        #expect(admitted <= 320 && admitted >= 200)
        #expect(attempts.admit(attempt: 1, now: .ms(2)) == true)
    }

    @Test func `a quiet service can be retried, and the window forgets`() {
        var attempts = AttemptGuard()
        for _ in 0..<100 { #expect(attempts.admit(attempt: 2, now: .ms(0)) == true) }
        #expect(attempts.admit(attempt: 2, now: .ms(9_999)) == false)
        #expect(attempts.admit(attempt: 2, now: .ms(10_000)) == true)
    }
}

@Suite struct MonotonicInstantTests {
    @Test func `time that overflows is never`() {
        #expect(MonotonicInstant.ms(1) + .milliseconds(2) == .ms(3))
        #expect(MonotonicInstant.ms(3) - .ms(1) == .milliseconds(2))
        #expect(MonotonicInstant.ms(1).advanced(byNanoseconds: .max) == .never)
        #expect(MonotonicInstant.ms(1) + .seconds(Int64.max) == .never)
    }
}
