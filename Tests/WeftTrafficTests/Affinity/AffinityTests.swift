import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct AffinityReaderTests {
    private func hash(_ key: AffinityKey, _ head: RequestHead, source: UInt64 = 0) -> UInt64? {
        AffinityReader(key).hash(head, source: source)
    }

    @Test func `a header is hashed by its first value, whatever the case of its name`() {
        let key = AffinityKey.header("X-User")
        #expect(hash(key, request(.get, "/", ["x-user": "ann"])) == AffinityHash.of("ann"))
        #expect(hash(key, request(.get, "/", ["x-user": "ann", "x-user": "bob"])) == AffinityHash.of("ann"))
        #expect(hash(key, request()) == nil)
        #expect(hash(key, request(.get, "/", ["x-user": ""])) == nil)
        #expect(hash(.header("host"), request(authority: "a")) == AffinityHash.of("a"))
    }

    @Test(arguments: [
        ("session=abc", "abc"), ("a=1; session=abc; b=2", "abc"), ("a=1;session=abc", "abc"),
        ("xsession=no; session=abc", "abc"), ("session=abc  ; b=2", "abc"), ("session=a=b", "a=b"),
        ("sessionx=1", nil), ("session", nil), ("session=", nil), ("", nil), (";;;", nil),
    ])
    func `a cookie is found among others`(field: String, value: String?) {
        let head = request(.get, "/", ["cookie": field])
        #expect(hash(.cookie(name: "session", ttl: nil), head) == value.map { AffinityHash.of($0) })
    }

    @Test func `cookies may come in fields of their own`() {
        let head = request(.get, "/", ["cookie": "a=1", "cookie": "session=abc"])
        #expect(hash(.cookie(name: "session", ttl: nil), head) == AffinityHash.of("abc"))
    }

    @Test(arguments: [
        ("/?user=ann", "ann"), ("/p?a=1&user=ann&b=2", "ann"), ("/?user=a%6En", "ann"), ("/?us%65r=ann", "ann"),
        ("/?user=ann&user=bob", "ann"), ("/?user=a+b", "a b"), ("/?xuser=ann", nil), ("/?user=", nil),
        ("/?user", nil), ("/?", nil), ("/user=ann", nil), ("/", nil),
    ])
    func `a query parameter is hashed by its first decoded value`(path: String, value: String?) {
        #expect(hash(.query("user"), request(.get, path)) == value.map { AffinityHash.of($0) })
    }

    @Test func `the source is what the driver says, zero being unknown`() {
        #expect(hash(.source, request(), source: 7) == 7)
        #expect(hash(.source, request()) == nil)
    }

    @Test func `the numbers are fixed: proxies of other releases must agree`() {
        #expect(AffinityHash.of("") == AffinityHash.mix(0xcbf2_9ce4_8422_2325))
        #expect(Cookies.text(0x0123_4567_89ab_cdef) == "0123456789abcdef")
        #expect(Cookies.text(1) == "0000000000000001")
        for text in ["0123456789abcdef", "ffffffffffffffff", "0000000000000000"] {
            #expect(Array(text.utf8).withUnsafeBytes { Cookies.number($0) }.map(Cookies.text) == text)
        }
        for text in ["", "123", "0123456789ABCDEF", "0123456789abcdeg", "0123456789abcdef0"] {
            #expect(Array(text.utf8).withUnsafeBytes { Cookies.number($0) } == nil)
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func `no bytes make readers fail`(seed: UInt64) {
        var random = TrafficRandom(seed: seed)
        let alphabet = Array("abc=;&?%+ /1".utf8)
        for _ in 0..<500 {
            let bytes = (0..<random.index(below: 30)).map { _ in alphabet[random.index(below: alphabet.count)] }
            let text = String(decoding: bytes, as: UTF8.self)
            let head = request(.get, "/?" + text, ["cookie": text])
            _ = hash(.query("a"), head)
            _ = hash(.cookie(name: "a", ttl: nil), head)
        }
    }
}

@Suite struct CohortChoiceTests {
    private func side(_ weights: [Int], _ user: Int) -> Int? {
        CohortChoice(names: (0..<weights.count).map { "side-\($0)" }, weights: weights)
            .pick(AffinityHash.of("user-\(user)"))
    }

    @Test(arguments: [[90, 10], [1, 1], [1, 2, 7], [0, 5], [100, 0]])
    func `sides have their shares of users`(weights: [Int]) {
        var counts = Array(repeating: 0, count: weights.count)
        for user in 0..<20_000 { if let side = side(weights, user) { counts[side] += 1 } }
        let total = Double(weights.reduce(0, +))
        for (side, weight) in weights.enumerated() {
            #expect(abs(Double(counts[side]) / 20_000 - Double(weight) / total) < 0.012)
        }
    }

    @Test func `while a canary grows, nobody leaves it, and users move to it alone`() {
        let steps = [[99, 1], [95, 5], [90, 10], [75, 25], [50, 50], [10, 90], [0, 100]]
        for user in 0..<3_000 {
            let sides = steps.map { side($0, user) ?? -1 }
            #expect(sides == sides.sorted())
        }
    }

    @Test func `changing one weight of three moves nobody between the other two`() {
        for user in 0..<3_000 {
            let before = side([5, 3, 2], user)
            let after = side([5, 3, 6], user)
            #expect(after == before || after == 2)
        }
    }

    @Test func `without weights there is no side, and the order does not matter`() {
        #expect(side([0, 0], 1) == nil)
        for user in 0..<500 {
            let hash = AffinityHash.of("u\(user)")
            let one = CohortChoice(names: ["a", "b"], weights: [3, 7]).pick(hash)
            let other = CohortChoice(names: ["b", "a"], weights: [7, 3]).pick(hash)
            #expect(one == other.map { 1 - $0 })
        }
    }
}
