import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

/// A route with sessions over two backends of four endpoints each.
private final class Shop {
    let traffic = LoopTraffic(seed: 7)
    private(set) var routes = table([])

    init(_ session: SessionPersistence = SessionPersistence(), _ change: (inout Route) -> Void = { _ in }) {
        for name in ["v1", "v2"] {
            self.traffic.install(cluster("\(name).default:80"))
            self.traffic.install(
                endpoints("\(name).default:80", ["a", "b", "c", "d"].map { endpoint("\(name)-\($0)") }))
        }
        self.traffic.setClock(unixNanoseconds: 1_800_000_000_000_000_000, now: .ms(0))
        self.weigh(["v1": 50, "v2": 50], session, change)
    }

    func weigh(
        _ weights: [String: Int], _ session: SessionPersistence = SessionPersistence(),
        _ change: (inout Route) -> Void = { _ in }
    ) {
        let backends = weights.sorted { $0.key < $1.key }.map {
            WeightedCluster(cluster: "\($0.key).default:80", weight: $0.value)
        }
        self.routes = table([
            route {
                $0.action = .forward(backends)
                $0.session = session
                change(&$0)
            }
        ])
    }

    func balancedEndpoint(_ workload: String) -> UpstreamEndpoint? {
        self.traffic.clusters.values.flatMap(\.balancer.endpoints).first { $0.endpoint.workload == workload }
    }

    /// The workload that answers, and its answer.
    func visit(
        _ headers: HeaderBlock = [:], path: String = "/", at ms: Int = 0
    ) -> (workload: String, answer: HeaderBlock) {
        var exchange = Exchange()
        #expect(
            exchange.begin(
                request(.get, path, headers), end: true, routes: self.routes, traffic: self.traffic, now: .ms(ms))
                == .connect)
        _ = exchange.connectionReady(now: .ms(ms))
        var head = ResponseHead(status: 200)
        #expect(exchange.responseHead(&head, end: true, now: .ms(ms)).contains(.finished))
        return (exchange.endpoint?.endpoint.workload ?? "", head.headers)
    }
}

private func cookie(_ answer: HeaderBlock) -> HeaderBlock? {
    answer[.setCookie].map { ["cookie": String($0.prefix { $0 != ";" })] }
}

@Suite struct ExchangeSessionTests {
    @Test func `a session stays with its backend and its endpoint, whatever the weights say of others`() throws {
        let shop = Shop()
        var seen: Set<String> = []
        for _ in 0..<60 {
            let first = shop.visit()
            seen.insert(first.workload)
            let session = try #require(cookie(first.answer))
            for _ in 0..<5 {
                let again = shop.visit(session)
                #expect(again.workload == first.workload && again.answer[.setCookie] == nil)
            }
        }
        #expect(seen.count == 8)
    }

    @Test func `a session names nobody in clear`() throws {
        let shop = Shop()
        let first = shop.visit()
        let value = try #require(first.answer[.setCookie])
        #expect(value.hasPrefix("weft-session=") && value.hasSuffix("; Path=/; HttpOnly; SameSite=Lax"))
        for secret in ["10.0.0.1", "default", "v1", "v2"] { #expect(!value.contains(secret)) }
    }

    @Test func `a backend of weight zero keeps its sessions, one that was removed loses them`() throws {
        let shop = Shop()
        shop.weigh(["v1": 1, "v2": 0])
        let first = shop.visit()
        let session = try #require(cookie(first.answer))
        shop.weigh(["v1": 0, "v2": 1])
        for _ in 0..<20 {
            #expect(shop.visit(session).workload == first.workload)
            #expect(shop.visit().workload.hasPrefix("default/v2"))
        }
        shop.weigh(["v2": 1])
        let moved = shop.visit(session)
        #expect(moved.workload.hasPrefix("default/v2"))
        #expect(shop.visit(try #require(cookie(moved.answer))).workload == moved.workload)
    }

    @Test(arguments: [true, false])
    func `when its endpoint is out or gone a session begins anew, by weight`(isGone: Bool) throws {
        let shop = Shop()
        shop.weigh(["v1": 1, "v2": 0])
        let first = shop.visit()
        let session = try #require(cookie(first.answer))
        shop.weigh(["v1": 0, "v2": 1])
        if isGone {
            let others = ["a", "b", "c", "d"].map { endpoint("v1-\($0)") }.filter { $0.workload != first.workload }
            shop.traffic.install(endpoints("v1.default:80", others))
        } else {
            let out = try #require(shop.balancedEndpoint(first.workload))
            shop.traffic.cluster("v1.default:80")?.balancer.setHealth(of: out, isHealthy: false)
        }
        let moved = shop.visit(session)
        #expect(moved.workload.hasPrefix("default/v2"))
        let next = try #require(cookie(moved.answer))
        #expect(shop.visit(next).workload == moved.workload)
    }

    @Test(arguments: [
        (PathMatch.prefix("/"), "/", "/"), (.prefix("/shop/"), "/shop", "/shop"), (.exact("/cart"), "/cart", "/cart"),
        (.regularExpression("/p1/p2/[a-z]+/p3"), "/p1/p2/x/p3", "/p1/p2"), (.regularExpression("/p[0-9]"), "/p1", "/"),
        (.exact("/a;b"), "/a;b", "/"),
    ])
    func `a session's cookie is for the path that was matched`(match: PathMatch, path: String, scope: String) {
        let shop = Shop { $0.match.path = match }
        #expect(shop.visit(path: path).answer[.setCookie]?.contains("; Path=\(scope);") == true)
    }

    @Test func `only a permanent cookie outlives the browser's session`() {
        let day = SessionPersistence(absoluteTimeout: .seconds(86_400))
        #expect(Shop(day).visit().answer[.setCookie]?.contains("Max-Age") == false)
        var permanent = day
        permanent.isPermanent = true
        #expect(Shop(permanent).visit().answer[.setCookie]?.hasSuffix("; Max-Age=86400") == true)
    }

    @Test(arguments: [true, false])
    func `a session ends when its absolute timeout has passed, whether or not the browser forgets it`(
        isPermanent: Bool
    ) throws {
        let session = SessionPersistence(absoluteTimeout: .seconds(60), isPermanent: isPermanent)
        let shop = Shop(session)
        let given = try #require(cookie(shop.visit().answer))
        #expect(shop.visit(given, at: 59_900).answer[.setCookie] == nil)
        let renewed = try #require(cookie(shop.visit(given, at: 60_000).answer))
        #expect(renewed != given)
        #expect(shop.visit(renewed, at: 119_000).answer[.setCookie] == nil)
        // One that was begun without a limit, or by a clock far ahead, ends as well.
        let endless = Shop()
        #expect(shop.visit(try #require(cookie(endless.visit().answer)), at: 0).answer[.setCookie] != nil)
        endless.traffic.setClock(unixNanoseconds: 1_900_000_000_000_000_000, now: .ms(0))
        endless.weigh(["v1": 1, "v2": 1], session)
        #expect(shop.visit(try #require(cookie(endless.visit().answer)), at: 0).answer[.setCookie] != nil)
    }

    @Test func `a session in a header is told with each answer and followed when it comes back`() throws {
        let shop = Shop(SessionPersistence(carrier: .header, name: "x-basket"))
        let first = shop.visit()
        let value = try #require(first.answer["x-basket"])
        #expect(first.answer[.setCookie] == nil)
        for _ in 0..<20 {
            let again = shop.visit(["x-basket": value])
            #expect(again.workload == first.workload && again.answer["x-basket"] == value)
        }
        #expect(shop.visit(["x-basket": "mine"]).answer["x-basket"] != "mine")
    }

    @Test func `sessions of two paths are two sessions, and of several cookies the one of this path counts`() throws {
        let shop = Shop()
        shop.weigh(["v1": 1, "v2": 0]) { $0.match.path = .prefix("/a") }
        let other = try #require(cookie(shop.visit(path: "/a").answer)?[.cookie])
        shop.weigh(["v1": 1, "v2": 1]) { $0.match.path = .prefix("/b") }
        let own = shop.visit(["cookie": other], path: "/b")
        let session = try #require(cookie(own.answer)?[.cookie])
        for headers in [["cookie": "\(other); \(session)"], ["cookie": other, "cookie": session]] as [HeaderBlock] {
            let again = shop.visit(headers, path: "/b")
            #expect(again.workload == own.workload && again.answer[.setCookie] == nil)
        }
    }

    @Test(arguments: ["", "x", String(repeating: "0", count: 32), String(repeating: "g", count: 48)])
    func `what is no session of ours begins one`(value: String) {
        #expect(Shop().visit(["cookie": "weft-session=\(value)"]).answer[.setCookie] != nil)
    }

    @Test func `a retry leaves the session's endpoint, and the session goes with it`() throws {
        let shop = Shop()
        let session = try #require(cookie(shop.visit().answer))
        var exchange = Exchange()
        _ = exchange.begin(
            request(.get, "/", session), end: true, routes: shop.routes, traffic: shop.traffic, now: .ms(1))
        let first = exchange.endpoint
        _ = exchange.connectionReady(now: .ms(1))
        _ = exchange.attemptFailed(.reset(code: 2), mayHaveBeenProcessed: true, now: .ms(2))
        _ = exchange.timerFired(now: exchange.timer)
        #expect(exchange.attempt == 2 && exchange.endpoint !== first)
        _ = exchange.connectionReady(now: .ms(60))
        var head = ResponseHead(status: 200)
        _ = exchange.responseHead(&head, end: true, now: .ms(61))
        let moved = try #require(cookie(head.headers))
        #expect(shop.visit(moved, at: 62).workload == exchange.endpoint?.endpoint.workload)
    }

    @Test(arguments: [true, false])
    func `a second attempt that is merely faster leaves the session, one that stands in for a failed one takes it`(
        fails: Bool
    ) throws {
        let shop = Shop { $0.hedging = HedgePolicy(delay: .milliseconds(50)) }
        let session = try #require(cookie(shop.visit().answer))
        var exchange = Exchange()
        _ = exchange.begin(
            request(.get, "/", session), end: true, routes: shop.routes, traffic: shop.traffic, now: .ms(1))
        let first = exchange.endpoint
        _ = exchange.connectionReady(now: .ms(1))
        #expect(exchange.timerFired(now: .ms(51)) == .connectHedge)
        #expect(exchange.hedgeReady(now: .ms(52)) == .sendHedge)
        var head = ResponseHead(status: 200)
        if fails {
            #expect(
                exchange.attemptFailed(.reset(code: 2), mayHaveBeenProcessed: true, now: .ms(55)) == .promoteHedge)
            _ = exchange.responseHead(&head, end: true, now: .ms(60))
        } else {
            _ = exchange.hedgeHead(&head, end: true, now: .ms(60))
        }
        #expect(exchange.endpoint !== first && (head.headers[.setCookie] != nil) == fails)
    }

    @Test func `a session goes before a policy's stickiness and cohort`() throws {
        let shop = Shop()
        let session = try #require(cookie(shop.visit().answer)?[.cookie])
        let pinned = shop.visit(["cookie": session]).workload
        for name in ["v1", "v2"] {
            shop.traffic.install(cluster("\(name).default:80") { $0.balancing.stickyCookie = StickyCookie(name: "s") })
        }
        shop.weigh(["v1": 50, "v2": 50]) { $0.stickyCohort = .header("x-user") }
        for user in 0..<20 {
            let endpoint = try #require(shop.balancedEndpoint("default/v\(user % 2 + 1)-a"))
            let headers: HeaderBlock = ["cookie": "s=\(Cookies.text(endpoint.key)); \(session)", "x-user": "u\(user)"]
            #expect(shop.visit(headers).workload == pinned)
        }
    }
}
