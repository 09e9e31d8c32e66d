import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

extension RateLimitTable {
    /// Asks, and takes where that is allowed.
    fileprivate func admit(key: UInt64, now: MonotonicInstant) -> Decision {
        let decision = self.look(key: key, now: now)
        return decision.isAdmitted ? self.take(key: key, now: now) : decision
    }

    fileprivate func admit(_ head: RequestHead, source: String, now: MonotonicInstant) -> Decision {
        let decision = self.look(head, source: source, now: now)
        return decision.isAdmitted ? self.take(head, source: source, now: now) : decision
    }
}

@Suite struct RateLimitTableTests {
    private func admitted(_ table: RateLimitTable, _ count: Int, key: UInt64 = 9, at ms: Int) -> Int {
        (0..<count).count { _ in table.admit(key: key, now: .ms(ms)).isAdmitted }
    }

    @Test func `a full bucket takes its burst, then its rate`() {
        let table = RateLimitTable(RateLimit(name: "a", requests: 10, burst: 20))
        #expect(self.admitted(table, 50, at: 1_000) == 20)
        #expect(self.admitted(table, 50, at: 1_500) == 5)
        #expect(self.admitted(table, 50, at: 60_000) == 20)
    }

    @Test func `a refusal says when the next one may come`() {
        let table = RateLimitTable(RateLimit(name: "a", requests: 2, interval: .seconds(60)))
        #expect(table.admit(key: 9, now: .ms(0)).remaining == 1)
        #expect(table.admit(key: 9, now: .ms(0)).remaining == 0)
        let refused = table.admit(key: 9, now: .ms(10_000))
        #expect(!refused.isAdmitted && refused.retryAfter == 20_000_000_000 && refused.reset == 50_000_000_000)
        #expect(table.admit(key: 9, now: .ms(30_000)).isAdmitted)
    }

    @Test func `each key has its bucket, and beyond their number all share one`() {
        let table = RateLimitTable(RateLimit(name: "a", requests: 1, interval: .seconds(3600), key: .path, maxKeys: 8))
        let taken = (0..<1_000).count {
            table.admit(key: UInt64($0) &* 0x9e37_79b9_7f4a_7c15 | 2, now: .ms(1)).isAdmitted
        }
        #expect((8...33).contains(taken))
    }

    @Test func `callers are told apart by identity, header or path`() {
        let head = request(.get, "/a?x=1", ["x-tenant": "t"])
        for (key, same, other) in [
            (RateLimit.Key.path, request(.get, "/a?x=2"), request(.get, "/b")),
            (.header("x-tenant"), request(.get, "/z", ["x-tenant": "t"]), request(.get, "/z", ["x-tenant": "u"])),
        ] {
            let table = RateLimitTable(RateLimit(name: "a", requests: 1, interval: .seconds(3600), key: key))
            #expect(table.admit(head, source: "", now: .ms(1)).isAdmitted)
            #expect(!table.admit(same, source: "", now: .ms(1)).isAdmitted)
            #expect(table.admit(other, source: "", now: .ms(1)).isAdmitted)
        }
        let table = RateLimitTable(RateLimit(name: "a", requests: 1, interval: .seconds(3600), key: .source))
        #expect(table.admit(head, source: "one", now: .ms(1)).isAdmitted)
        #expect(!table.admit(head, source: "one", now: .ms(1)).isAdmitted)
        #expect(table.admit(head, source: "two", now: .ms(1)).isAdmitted)
    }

    @Test func `of a shared limit a proxy takes its slice, and a twentieth before the first`() {
        let table = RateLimitTable(RateLimit(name: "a", requests: 100, scope: .mesh))
        #expect(self.admitted(table, 200, at: 1_000) == 5)
        table.take(share: 0.5)
        #expect(self.admitted(table, 200, at: 10_000) == 50)
        #expect(table.requestsSeen == 400 && table.share == 0.5)
    }

    @Test func `a refused caller gets 429 with Retry-After and the RateLimit fields`() {
        let table = RateLimitTable(RateLimit(name: "per-caller", requests: 1, interval: .seconds(10)))
        var attempts = AttemptGuard()
        var first = InboundExchange()
        #expect(first.begin(request(), end: true, attempts: &attempts, limits: [table], now: .ms(0)) == .connect)
        var second = InboundExchange()
        #expect(second.begin(request(), end: true, attempts: &attempts, limits: [table], now: .ms(0)).contains(.reply))
        #expect(second.status == 429 && second.reason == .rateLimited)
        guard let reply = second.reply else { return }
        let rendered = LocalReplyRenderer.render(reply, for: request()).head.headers
        #expect(rendered[.retryAfter] == "10")
        #expect(rendered["ratelimit"] == "\"per-caller\";r=0;t=10")
        #expect(rendered["ratelimit-policy"] == "\"per-caller\";q=1;w=10")
    }

    private func limit(_ name: String, _ requests: Int) -> RateLimitTable {
        RateLimitTable(RateLimit(name: name, requests: requests, interval: .seconds(3_600)))
    }

    private func left(_ table: RateLimitTable) -> Int {
        let decision = table.look(key: 1, now: .ms(0))
        return decision.isAdmitted ? decision.remaining + 1 : 0
    }

    private func reason(
        _ attempts: inout AttemptGuard, _ limits: [RateLimitTable], gate: ConcurrencyGate? = nil, attempt: Int = 1
    ) -> Reason {
        var headers = HeaderBlock()
        if attempt > 1 { headers.append(.weftAttempt, attempt) }
        var exchange = InboundExchange()
        _ = exchange.begin(
            request(.get, "/", headers), end: true, attempts: &attempts, limits: limits, gate: gate, now: .ms(0))
        return exchange.reason
    }

    @Test(arguments: [true, false])
    func `what one of several limits refuses costs nothing at the others, whatever their order`(isFirst: Bool) {
        let wide = self.limit("wide", 100)
        let narrow = self.limit("narrow", 1)
        let limits = isFirst ? [narrow, wide] : [wide, narrow]
        var attempts = AttemptGuard()
        let reasons = (0..<10).map { _ in self.reason(&attempts, limits) }
        #expect(reasons.first == .ok && reasons.dropFirst().allSatisfy { $0 == .rateLimited })
        #expect(self.left(wide) == 99)
    }

    @Test func `repeated attempts that the guard refuses, and what the service cannot take, cost nothing either`() {
        let table = self.limit("a", 1_000)
        var attempts = AttemptGuard()
        let refused = (0..<120).count { _ in self.reason(&attempts, [table], attempt: 2) == .attemptRefused }
        #expect(refused == 20 && self.left(table) == 900)
        var policy = ConcurrencyPolicy()
        policy.minConcurrency = 1
        let gate = ConcurrencyGate(policy, seed: 1)
        var others = AttemptGuard()
        let admitted = (0..<50).count { _ in self.reason(&others, [table], gate: gate) == .ok }
        #expect(admitted < 50 && self.left(table) == 900 - admitted)
    }

    @Test func `where a place is lost between the question and the taking all that was taken is given back`() {
        // The same bucket twice: both find room, and the second takes from what the first has left.
        let table = self.limit("a", 1)
        let gate = ConcurrencyGate(ConcurrencyPolicy(), seed: 1)
        var attempts = AttemptGuard()
        #expect(self.reason(&attempts, [table, table], gate: gate) == .rateLimited)
        #expect(self.left(table) == 1 && gate.limit.inFlight == 0)
    }
}

@Suite struct RetryAfterTests {
    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func `a date is read in each of HTTP's three forms`(text: String) {
        var text = text
        let seconds = text.withUTF8 { HTTPDate.seconds(UnsafeRawBufferPointer($0), now: 1_000_000_000) }
        #expect(seconds == 784_111_777)
    }

    @Test(arguments: [
        "", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 25:00:00 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
    ])
    func `what is no date is none`(text: String) {
        var text = text
        #expect(text.withUTF8 { HTTPDate.seconds(UnsafeRawBufferPointer($0), now: 0) } == nil)
    }

    @Test func `a date counts from the response's own clock, else from ours`() {
        var scene = Scene()
        scene.send()
        let own: HeaderBlock = [
            "retry-after": "Sun, 06 Nov 1994 08:49:40 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT",
        ]
        #expect(scene.respond(503, own, at: 0) == [])
        #expect(scene.exchange.timer == .ms(3_000))
        var ours = Scene()
        ours.traffic.setClock(unixNanoseconds: 784_111_775_000_000_000, now: .ms(0))
        ours.send()
        #expect(ours.respond(503, ["retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"], at: 0) == [])
        #expect(ours.exchange.timer == .ms(2_000))
    }
}
