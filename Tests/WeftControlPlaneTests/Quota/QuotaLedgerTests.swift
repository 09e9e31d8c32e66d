import Testing

@testable import WeftControlPlane

@Suite struct QuotaLedgerTests {
    @Test func `slices follow demand`() {
        var ledger = QuotaLedger(now: -100)
        var shares = ["a": 0.0, "b": 0.0]
        for round in 0..<5 {
            for (proxy, demand) in [("a", 300.0), ("b", 100.0)] {
                shares[proxy] =
                    ledger.report("q", by: proxy, demand: demand, share: shares[proxy] ?? 0, now: Double(round))
                    ?? shares[proxy]
            }
        }
        #expect(abs((shares["a"] ?? 0) - 0.725) < 0.02 && abs((shares["b"] ?? 0) - 0.275) < 0.02)
    }

    @Test func `a slice that shrinks is not given away before its proxy has said so`() {
        var ledger = QuotaLedger(now: -100)
        #expect(ledger.report("q", by: "a", demand: 10, share: 0, now: 0) == 1)
        #expect(ledger.report("q", by: "b", demand: 10, share: 0, now: 1) == nil)
        #expect(ledger.report("q", by: "a", demand: 10, share: 1, now: 2) == 0.5)
        #expect(ledger.report("q", by: "b", demand: 10, share: 0, now: 3) == nil)
        #expect(ledger.report("q", by: "a", demand: 10, share: 0.5, now: 4) == nil)
        #expect(ledger.report("q", by: "b", demand: 10, share: 0, now: 5) == 0.5)
    }

    @Test func `a new ledger raises nobody until all have said what they hold`() {
        var ledger = QuotaLedger(now: 0)
        #expect(ledger.report("q", by: "a", demand: 10, share: 0.2, now: 1) == nil)
        #expect(ledger.report("q", by: "a", demand: 10, share: 0.2, now: 6) == 1)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `whatever is delayed, slices in use never add up to more than the limit`(seed: UInt64) {
        struct Numbers: RandomNumberGenerator {
            var state: UInt64
            mutating func next() -> UInt64 {
                self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return self.state ^ (self.state >> 29)
            }
        }
        var random = Numbers(state: seed)
        var ledger = QuotaLedger(now: -100)
        var shares: [String: Double] = [:]
        var inFlight: [String: [Double]] = [:]
        for step in 0..<2_000 {
            let proxy = "p\(Int.random(in: 0..<5, using: &random))"
            if Bool.random(using: &random), let first = inFlight[proxy]?.first {
                inFlight[proxy]?.removeFirst()
                shares[proxy] = first
            } else if let grant = ledger.report(
                "q", by: proxy, demand: Double.random(in: 0..<100, using: &random), share: shares[proxy] ?? 0,
                now: Double(step) / 100)
            {
                inFlight[proxy, default: []].append(grant)
            }
            #expect(shares.values.reduce(0, +) <= 1.000_001)
        }
    }
}
