import NIOCore
import NIOPosix
import Testing
import WeftCompiler
import WeftHTTP
import WeftIdentity
import WeftMessage
import WeftModel
import WeftTelemetry

@testable import WeftProxy

/// Real sidecars, a cause put into them, and the story that their records make: it must name that cause.
@Suite struct InjectedCauseTests {
    /// `shop` calls `billing`, whose application is its own sidecar's outbound side and so calls `ledger`.
    private struct Chain {
        let group: MultiThreadedEventLoopGroup
        let authority: TestAuthority
        let app: TestApplication
        let shop: TestSidecar
        let billing: TestSidecar
        let ledger: TestSidecar
        let billingPort: Int

        var sidecars: [TestSidecar] { [self.shop, self.billing, self.ledger] }

        func get(_ path: String, id: String) async throws -> TestClient.Response {
            try await TestClient(group: self.group, port: self.shop.outboundPort).get(
                path, headers: ["x-request-id": id, "cookie": "secret=1", "authorization": "Bearer secret"])
        }

        /// When every sidecar has `count` records of the request at least.
        func story(_ id: String, records count: Int) async throws -> RequestStory {
            while true {
                var records: [HopRecord] = []
                for sidecar in self.sidecars { records += await sidecar.server.records(of: id).records }
                if records.count >= count {
                    return try #require(StoryTeller.story(id: id, records: records, snapshot: MeshSnapshot()))
                }
                await Task.yield()
            }
        }

        /// Tells `shop` how to reach `billing`.
        func connectShop(
            expecting account: String = "billing", others: [Endpoint] = [], route: (inout Route) -> Void = { _ in },
            cluster: (inout Cluster) -> Void = { _ in }
        ) {
            let identity = self.authority.id(account)
            let port = self.billing.inbound.ports[self.billingPort] ?? 0
            self.shop.server.install(
                snapshot(
                    endpoints: [endpoint("billing-1", port: port, identity: identity)] + others,
                    transport: .mutualTLS(peers: [identity]), route: route, cluster: cluster))
        }
    }

    private static let policy = Provenance(
        resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: "patience"), revision: Revision(7),
        file: "policies.yaml", line: 12)

    private func withChain(_ body: (Chain) async throws -> Void) async throws {
        try await withLoops { group in
            let authority = try TestAuthority()
            let app = try await TestApplication.start(name: "ledger", on: group)
            let ledger = try await TestSidecar.start("ledger", on: group) {
                $0.ports = [ApplicationPort(port: app.port, inboundPort: 0, appProtocol: .http)]
                $0.outbound = nil
            }
            // A port that is free now.
            let place = try await TestApplication.start(on: group)
            let port = place.port
            await place.stop()
            let billing = try await TestSidecar.start("billing", on: group) {
                $0.ports = [ApplicationPort(port: port, inboundPort: 0, appProtocol: .http)]
                $0.outbound = .loopback(port)
            }
            let shop = try await TestSidecar.start("shop", on: group)
            for (sidecar, name) in [(shop, "shop"), (billing, "billing"), (ledger, "ledger")] {
                try sidecar.server.install(identity: authority.identity(name))
            }
            let identity = authority.id("ledger")
            billing.server.install(
                snapshot(
                    endpoints: [endpoint("ledger-1", port: ledger.inbound.ports[app.port] ?? 0, identity: identity)],
                    transport: .mutualTLS(peers: [identity]),
                    route: { $0.timeouts.request = .zero },
                    cluster: { $0.service = ServiceName(namespace: "default", name: "ledger") }))
            let chain = Chain(
                group: group, authority: authority, app: app, shop: shop, billing: billing, ledger: ledger,
                billingPort: port)
            chain.connectShop()
            try await body(chain)
            for sidecar in chain.sidecars { await sidecar.stop() }
            await app.stop()
        }
    }

    @Test func `a call of three services is one story of two hops, and keeps no secret`() async throws {
        try await self.withChain { chain in
            #expect(try await chain.get("/pay?card=4111&to=ada", id: "fine").status == 200)
            let story = try await chain.story("fine", records: 4)
            #expect(story.hops.map(\.parent) == [nil, 1])
            #expect(story.hops.map(\.destination) == ["billing.default", "ledger.default"])
            #expect(story.hops.allSatisfy { $0.outbound != nil && $0.inbound.count == 1 })
            #expect(story.cause.reason == .ok && story.cause.hop == 0)
            #expect(story.summary.path == "/pay?card=*&to=*")
            let texts = "\(story)"
            #expect(!texts.contains("4111") && !texts.contains("secret=1") && !texts.contains("Bearer secret"))
            let first = try #require(story.hops.first)
            #expect(first.inbound.first?.sourceIdentity == "spiffe://mesh.local/ns/default/sa/shop")
            #expect(first.outbound?.destinationIdentity == "spiffe://mesh.local/ns/default/sa/billing")
            #expect(story.events.map(\.atMs) == story.events.map(\.atMs).sorted())
            #expect(story.gaps.isEmpty)
        }
    }

    @Test func `a retry that succeeded: the failed attempt is the cause, and the answer stands`() async throws {
        try await self.withChain { chain in
            let place = try await TestApplication.start(on: chain.group)
            let dead = endpoint("billing-2", port: place.port, identity: chain.authority.id("billing"))
            await place.stop()
            chain.connectShop(others: [dead]) { $0.retry.attempts = 2 }
            var number = 0
            while true {
                // Which of two is picked first is chance; one that failed is avoided for a while.
                number += 1
                #expect(try await chain.get("/", id: "retry-\(number)").status == 200)
                let story = try await chain.story("retry-\(number)", records: 4)
                guard story.summary.attempts == 2 else {
                    chain.connectShop()
                    chain.connectShop(others: [dead]) { $0.retry.attempts = 2 }
                    continue
                }
                #expect(story.cause.reason == .connectFailed && story.cause.place == "default/billing-2")
                #expect(story.cause.text.contains("the retry was answered by default/billing-1 with 200"))
                #expect(story.events.contains { $0.kind == .decision && $0.text.hasPrefix("retried") })
                #expect(story.summary.status == 200)
                return
            }
        }
    }

    @Test func `an exhausted budget: which attempt failed, and that no other could be paid`() async throws {
        try await self.withChain { chain in
            let place = try await TestApplication.start(on: chain.group)
            let dead = endpoint("billing-2", port: place.port, identity: chain.authority.id("billing"))
            await place.stop()
            chain.shop.server.install(
                snapshot(
                    endpoints: [dead], transport: .mutualTLS(peers: [chain.authority.id("billing")]),
                    cluster: {
                        $0.retryBudget.ratio = 0
                        $0.retryBudget.minPerSecond = 0
                        $0.sources = [.budgetRatio: Self.policy]
                    }))
            #expect(try await chain.get("/", id: "budget").status == 503)
            let story = try await chain.story("budget", records: 1)
            #expect(story.summary.reason == .retryBudgetExhausted)
            #expect(story.cause.reason == .connectFailed)
            #expect(story.cause.text.contains("default/billing-2") && story.cause.text.contains("connect_failed"))
            let consequence = try #require(story.cause.consequences.first)
            #expect(consequence.reason == .retryBudgetExhausted && consequence.policy == Self.policy)
            #expect(consequence.text.contains("the retry budget was used up"))
            #expect(consequence.text.contains("policies.yaml:12"))
            #expect(story.advice.contains { $0.contains("retry_budget_exhausted") })
            var filter = RecordFilter()
            for reason in [Reason.connectFailed, .retryBudgetExhausted] {
                filter.reason = reason
                let found = await chain.shop.server.records(matching: filter, limit: 9).records
                #expect(found.map(\.requestID) == ["budget"], "\(reason)")
            }
        }
    }

    @Test func `a timeout two hops away: who had not answered, and whose limit it was`() async throws {
        try await self.withChain { chain in
            chain.connectShop { route in
                route.timeouts.request = .seconds(5)
                route.sources = [.requestTimeout: Self.policy]
            }
            #expect(try await chain.get("/hang", id: "slow").status == 504)
            let story = try await chain.story("slow", records: 4)
            #expect(story.cause.reason == .requestTimeout)
            #expect(story.cause.place == "ledger" && story.cause.hop == 2)
            #expect(story.cause.text.contains("ledger's application (default/ledger-1) had not answered"))
            #expect(story.cause.policy == Self.policy)
            // What each had left is told, and gets less.
            let left = story.hops.compactMap(\.outbound?.deadlineMs)
            #expect(left.count == 2 && left[1] <= left[0])
        }
    }

    @Test func `a failure two hops away, tried again in vain: the application behind is named`() async throws {
        try await self.withChain { chain in
            chain.connectShop { $0.retry.statuses = [503] }
            #expect(try await chain.get("/status/503", id: "deep").status == 503)
            // One of shop; of each of its attempts two of billing's sides, which tries twice too, and so four of ledger's.
            let story = try await chain.story("deep", records: 9)
            #expect(story.summary.attempts == 2 && story.summary.reason == .retriesExhausted)
            #expect(story.cause.reason == .ok && story.cause.hop == 3 && story.cause.place == "ledger")
            #expect(story.cause.text == "ledger's application (default/ledger-1) answered 503")
            #expect(story.cause.consequences.map(\.reason) == [.retriesExhausted, .retriesExhausted])
            #expect(story.cause.consequences.map(\.hop) == [3, 1])
            #expect(story.advice.contains { $0.contains("retries_exhausted") })
        }
    }

    @Test func `two attempts beside one another are one hop, each with what it was at its destination`() async throws {
        try await self.withChain { chain in
            let second = try await TestSidecar.start("billing", on: chain.group) {
                $0.workload = "billing-2"
                $0.ports = [ApplicationPort(port: chain.app.port, inboundPort: 0, appProtocol: .http)]
                $0.outbound = nil
            }
            try second.server.install(identity: chain.authority.identity("billing"))
            let other = endpoint(
                "billing-2", port: second.inbound.ports[chain.app.port] ?? 0, identity: chain.authority.id("billing"))
            chain.connectShop(others: [other]) { $0.hedging = HedgePolicy(delay: .milliseconds(1)) }
            async let answer = chain.get("/late", id: "both")
            while chain.app.heads.count < 2 { await Task.yield() }
            chain.app.release()
            #expect(try await answer.status == 200)
            var records: [HopRecord] = []
            while records.count < 5 {
                records = []
                for sidecar in chain.sidecars + [second] {
                    records += await sidecar.server.records(of: "both").records
                }
                await Task.yield()
            }
            let story = try #require(StoryTeller.story(id: "both", records: records, snapshot: MeshSnapshot()))
            #expect(story.hops.map(\.destination) == ["billing.default", "ledger.default"])
            #expect(story.gaps.isEmpty)
            let hop = try #require(story.hops.first)
            #expect(hop.inbound.count == 2)
            let attempts = try #require(hop.outbound?.attempts)
            #expect(Set(attempts.compactMap(\.number)) == [1, 2])
            for attempt in attempts {
                #expect(attempt.isHedge == (attempt.number == 2))
                #expect(hop.inbound.contains { $0.proxy == attempt.workload && $0.attempt == attempt.number })
            }
            #expect(attempts.filter(\.isLost).count == 1 && attempts.last?.isLost == false)
            await second.stop()
        }
    }

    @Test func `of a header that is secret the record keeps that it was there, and not more`() async throws {
        try await self.withChain { chain in
            chain.connectShop {
                $0.match.headers = [HeaderMatch(name: "authorization", value: .exact("Bearer secret"))]
            }
            #expect(try await chain.get("/", id: "vip").status == 200)
            let story = try await chain.story("vip", records: 4)
            let headers = try #require(story.hops.first?.outbound?.headers)
            #expect(headers.contains(HopRecord.Header(name: "authorization", value: nil)))
            #expect(!headers.contains { $0.name == "cookie" })
            #expect(!"\(story)".contains("Bearer secret"))
        }
    }

    @Test func `a request that no route takes never left its caller's proxy`() async throws {
        try await self.withChain { chain in
            chain.connectShop { $0.match.path = .prefix("/pay") }
            #expect(try await chain.get("/other", id: "nowhere").status == 404)
            let story = try await chain.story("nowhere", records: 1)
            #expect(story.cause.reason == .noRoute && story.cause.place == "shop")
            #expect(story.cause.text == "shop's proxy sent it nowhere: no route of billing takes GET billing/other")
        }
    }

    @Test func `a denied call: which policy, at which service, and who it refused`() async throws {
        try await self.withChain { chain in
            var listener = InboundListener(
                name: InboundListener.name(namespace: "default", workload: "ledger", appPort: chain.app.port),
                service: ServiceName(namespace: "default", name: "ledger"), address: "127.0.0.1", port: 0,
                appPort: chain.app.port, appProtocol: .http, mtls: .strict)
            listener.authorization.policies = [GuardedSidecar.policy("only-admins", .allow, from: "admin")]
            chain.ledger.server.install(
                ProxySnapshot(listeners: [listener.name: .inbound(listener)], isComplete: true))
            _ = try await chain.ledger.server.metrics(on: chain.group.next()).get()
            #expect(try await chain.get("/", id: "denied").status == 403)
            let story = try await chain.story("denied", records: 4)
            #expect(story.cause.reason == .denied && story.cause.hop == 2 && story.cause.place == "ledger")
            #expect(story.cause.text.contains("spiffe://mesh.local/ns/default/sa/billing"))
            #expect(story.cause.policy?.resource.name == "only-admins")
        }
    }

    @Test func `an ejected endpoint: it is named, and nobody sends to it`() async throws {
        try await self.withChain { chain in
            let second = try await TestApplication.start(on: chain.group)
            chain.shop.server.install(
                snapshot(
                    endpoints: [endpoint("billing-1", port: second.port), endpoint("billing-2", port: second.port)],
                    route: { $0.retry.attempts = 0 },
                    cluster: {
                        $0.outliers.consecutiveFailures = 1
                        $0.outliers.maxEjectionPercent = 100
                        $0.outliers.baseEjection = .seconds(60)
                        $0.balancing.panicThreshold = 0
                    }))
            #expect(try await chain.get("/status/500", id: "trip").status == 500)
            let ejected = try #require(
                try await chain.story("trip", records: 1).hops.first?.outbound?.attempts.first?.workload)
            #expect(try await chain.get("/", id: "after").status == 200)
            let story = try await chain.story("after", records: 1)
            let pick = try #require(story.hops.first?.outbound?.attempts.first?.pick)
            #expect(pick.cause == .onlyServing && pick.serving == 1 && pick.known == 2)
            #expect(pick.absent == [AbsentEndpoint(workload: ejected, cause: .ejected)])
            #expect(story.hops.first?.outbound?.attempts.first?.workload != ejected)
            #expect(story.events.contains { $0.text.contains("\(ejected) is ejected for its failures") })
            await second.stop()
        }
    }

    @Test func `a TLS identity mismatch: whom the peer proved to be, and that nothing was sent`() async throws {
        try await self.withChain { chain in
            chain.connectShop(expecting: "vault") { $0.retry.attempts = 0 }
            #expect(try await chain.get("/", id: "mismatch").status == 503)
            let story = try await chain.story("mismatch", records: 1)
            #expect(story.cause.reason == .peerIdentityMismatch && story.cause.hop == 1)
            #expect(story.cause.text.contains("spiffe://mesh.local/ns/default/sa/billing"))
            #expect(story.cause.text.contains("spiffe://mesh.local/ns/default/sa/vault"))
            #expect(story.hops.first?.outbound?.attempts.first?.connectedAfterMs == nil)
            #expect(story.hops.first?.inbound.isEmpty == true)
        }
    }

    @Test func `a client that went away: that it was the client, and what was under way`() async throws {
        try await self.withChain { chain in
            chain.connectShop { $0.timeouts.request = .zero }
            let channel = try await ClientBootstrap(group: chain.group)
                .connect(host: "127.0.0.1", port: chain.shop.outboundPort).get()
            try await channel.writeAndFlush(
                ByteBuffer(string: "GET /hang HTTP/1.1\r\nHost: billing\r\nx-request-id: gone\r\n\r\n"))
            while chain.app.heads.isEmpty { await Task.yield() }
            try await channel.close()
            let story = try await chain.story("gone", records: 4)
            #expect(story.cause.reason == .clientGone && story.cause.hop == 1 && story.cause.place == "shop")
            #expect(story.summary.status == 499)
            #expect(story.events.contains { $0.actor == "shop's application" && $0.text.hasPrefix("went away") })
        }
    }

    @Test func `records are found by what they are about, newest first, and a tap sees what comes`() async throws {
        try await self.withChain { chain in
            var positions = await chain.shop.server.recordPositions()
            #expect(try await chain.get("/a/1", id: "one").status == 200)
            #expect(try await chain.get("/status/500", id: "two").status == 500)
            _ = try await chain.story("two", records: 4)
            var filter = RecordFilter()
            #expect(
                await chain.shop.server.records(matching: filter, limit: 9).records.map(\.requestID) == ["two", "one"])
            filter.failed = true
            #expect(await chain.shop.server.records(matching: filter, limit: 9).records.map(\.requestID) == ["two"])
            filter = RecordFilter()
            filter.pathPrefix = "/a"
            filter.service = "billing"
            let seen = await chain.shop.server.records(since: &positions, matching: filter, limit: 9)
            #expect(seen.records.map(\.requestID) == ["one"] && seen.dropped == 0)
            let again = await chain.shop.server.records(since: &positions, matching: filter, limit: 9)
            #expect(again.records.isEmpty)
        }
    }
}
