import Testing

@testable import WeftTraffic

@Suite struct NameRefreshTests {
    private var random = TrafficRandom(seed: 3)

    private mutating func answer(
        _ refresh: inout NameRefresh, _ name: String, _ addresses: [String], at ms: Int
    ) -> NameAnswer? {
        refresh.answered(name, .success(addresses), now: .ms(ms), random: &self.random)
    }

    private mutating func fail(_ refresh: inout NameRefresh, _ name: String, at ms: Int) -> NameAnswer? {
        refresh.answered(name, .failure(NameFailure(cause: "no such name")), now: .ms(ms), random: &self.random)
    }

    @Test mutating func `a name is looked up at once, and again after about its interval`() throws {
        var refresh = NameRefresh()
        #expect(refresh.want(["a.example"], now: .ms(0)).isEmpty)
        #expect(refresh.due(now: .ms(0)) == ["a.example"])
        #expect(refresh.due(now: .ms(0)) == [])
        #expect(
            self.answer(&refresh, "a.example", ["2.2.2.2", "1.1.1.1", "1.1.1.1"], at: 5)
                == NameAnswer(addresses: ["1.1.1.1", "2.2.2.2"]))
        let next = try #require(refresh.next)
        #expect(next >= .ms(27_005) && next <= .ms(33_005))
        #expect(refresh.due(now: .ms(26_000)) == [])
        #expect(refresh.due(now: next) == ["a.example"])
    }

    @Test mutating func `failures come ever more rarely, and keep the last addresses until they are stale`() throws {
        var refresh = NameRefresh()
        _ = refresh.want(["a.example"], now: .ms(0))
        _ = refresh.due(now: .ms(0))
        _ = self.answer(&refresh, "a.example", ["1.1.1.1"], at: 0)
        var now = 0
        var waits: [Int] = []
        while now < 700_000 {
            let next = Int((refresh.next ?? .never).nanoseconds / 1_000_000) + 1
            waits.append(next - now)
            now = next
            #expect(refresh.due(now: .ms(now)) == ["a.example"])
            let believed = try #require(self.fail(&refresh, "a.example", at: now))
            #expect(believed.failure == "no such name")
            #expect(believed.addresses == (now < 600_000 ? ["1.1.1.1"] : []))
        }
        #expect((900...1_101).contains(waits[1]) && (1_800...2_201).contains(waits[2]))
        #expect(waits.dropFirst(8).allSatisfy { (27_000...33_001).contains($0) })
    }

    @Test mutating func `a look-up that takes too long has failed, and its late answer still counts`() {
        var refresh = NameRefresh()
        _ = refresh.want(["a.example"], now: .ms(0))
        _ = refresh.due(now: .ms(0))
        #expect(refresh.next == .ms(4_000))
        #expect(refresh.expired(now: .ms(3_999)).isEmpty)
        #expect(refresh.expired(now: .ms(4_000))["a.example"]?.failure != nil)
        #expect(refresh.expired(now: .ms(5_000)).isEmpty)
        #expect(self.answer(&refresh, "a.example", ["1.1.1.1"], at: 9_000) == NameAnswer(addresses: ["1.1.1.1"]))
    }

    @Test mutating func `look-ups, names and addresses are bounded, and an address needs no look-up`() {
        var settings = NameRefresh.Settings()
        settings.concurrency = 2
        settings.names = 3
        settings.addresses = 2
        var refresh = NameRefresh(settings)
        let known = refresh.want(["a.x", "b.x", "c.x", "d.x", "10.0.0.1"], now: .ms(0))
        #expect(known["10.0.0.1"] == NameAnswer(addresses: ["10.0.0.1"]))
        #expect(known["d.x"]?.failure != nil && known.count == 2)
        #expect(refresh.due(now: .ms(0)) == ["a.x", "b.x"])
        #expect(refresh.due(now: .ms(0)) == [])
        #expect(self.answer(&refresh, "a.x", ["3.3.3.3", "1.1.1.1", "2.2.2.2"], at: 1)?.addresses.count == 2)
        #expect(refresh.due(now: .ms(1)) == ["c.x"])
    }

    @Test mutating func `a name that nobody wants is forgotten, and its answer with it`() {
        var refresh = NameRefresh()
        _ = refresh.want(["a.x", "b.x"], now: .ms(0))
        _ = refresh.due(now: .ms(0))
        _ = refresh.want(["b.x"], now: .ms(1))
        #expect(self.answer(&refresh, "a.x", ["1.1.1.1"], at: 2) == nil)
        #expect(self.answer(&refresh, "b.x", ["1.1.1.1"], at: 2) != nil)
        _ = refresh.want([], now: .ms(3))
        #expect(refresh.next == nil)
    }
}
