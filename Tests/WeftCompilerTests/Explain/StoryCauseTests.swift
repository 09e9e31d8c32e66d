import Testing
import WeftCompiler
import WeftModel

/// Where a failure began, and what only followed from it.
@Suite struct StoryCauseTests {
    private static func story(
        _ records: [HopRecord], wanted: RecordFilter = RecordFilter(), isCut: Bool = false, id: String = "r",
        snapshot: MeshSnapshot = MeshSnapshot()
    ) throws -> RequestStory {
        try #require(
            StoryTeller.story(id: id, records: records, snapshot: snapshot, wanted: wanted, isCut: isCut))
    }

    /// `shop` asks `billing` twice, whose application asks `ledger` each time.
    private static func retried(_ ledger: (inout HopRecord) -> Void = { _ in }) -> [HopRecord] {
        var records = [
            StoryRecords.outbound("shop", "billing", at: 0, lasting: 40, status: 502, reason: .retriesExhausted) {
                $0.detail = ""
                $0.policy = StoryRecords.policy
                $0.policies = [.init(setting: "retry.attempts", value: "1", source: StoryRecords.policy)]
                $0.attempts = [
                    StoryRecords.attempt(to: "billing-1", at: 0, lasting: 15, status: 502) { $0.after = .retried },
                    StoryRecords.attempt(to: "billing-1", at: 20, lasting: 20, status: 502) {
                        $0.after = .attemptsUsedUp
                    },
                ]
            }
        ]
        for (number, at) in [(1, 0.0), (2, 20.0)] {
            records.append(
                StoryRecords.inbound("shop", "billing", at: at + 1, lasting: 13, status: 502) { $0.attempt = number })
            records.append(
                StoryRecords.outbound("billing", "ledger", at: at + 3, lasting: 8, status: 503, change: ledger))
            records.append(
                StoryRecords.inbound("billing", "ledger", at: at + 4, lasting: 6, status: 503))
        }
        return records
    }

    @Test func `retries that were used up are a consequence: the cause is where the last attempt failed, hops away`()
        throws
    {
        let story = try Self.story(Self.retried())
        #expect(story.cause.reason == .ok && story.cause.place == "ledger")
        #expect(story.cause.text == "ledger's application (default/ledger-1) answered 503")
        // The second attempt's call, not the first's.
        #expect(story.cause.hop == 3 && story.hops.map(\.parent) == [nil, 1, 1])
        #expect(story.cause.policy == nil)
        let consequence = try #require(story.cause.consequences.first)
        #expect(story.cause.consequences.count == 1)
        #expect(consequence.reason == .retriesExhausted && consequence.hop == 1)
        #expect(consequence.text.contains("attempt 2 to default/billing-1 was not retried: the attempts are used up"))
        #expect(consequence.policy == StoryRecords.policy)
        #expect(story.summary.reason == .retriesExhausted && story.summary.status == 502)
        // Of the cause's page, and that nothing was retried any more.
        #expect(story.advice.starts(with: ReasonPages.advice(.ok)))
        #expect(story.advice.last?.contains("retries_exhausted") == true)
        #expect(!story.advice.contains(where: ReasonPages.advice(.retriesExhausted).contains))
    }

    @Test(arguments: [
        (Reason.retryBudgetExhausted, AfterAttempt.budgetExhausted, "the retry budget was used up"),
        (.overflow, .retryLimit, "too many requests were being retried"),
        (.retriesExhausted, .attemptsUsedUp, "the attempts are used up"),
    ])
    func `so is every end of retrying: a denied call two hops away is what is named`(
        reason: Reason, after: AfterAttempt, text: String
    ) throws {
        var records = Self.retried { record in
            record.status = 403
            record.reason = .denied
            record.attempts[0].status = 403
            record.attempts[0].reason = .denied
        }
        records[0].reason = reason
        records[0].attempts[1].after = after
        for index in records.indices where records[index].destination == "ledger.default" {
            guard records[index].direction == .inbound else { continue }
            records[index].status = 403
            records[index].reason = .denied
            records[index].detail = "no policy allows it"
            records[index].policy = StoryRecords.policy
        }
        let story = try Self.story(records)
        #expect(story.cause.reason == .denied && story.cause.hop == 3 && story.cause.place == "ledger")
        #expect(story.cause.text.contains("no policy allows it") && story.cause.policy == StoryRecords.policy)
        #expect(story.cause.consequences.map(\.reason) == [reason])
        #expect(story.cause.consequences.first?.text.contains(text) == true)
        #expect(story.advice.starts(with: ReasonPages.advice(.denied)))
    }

    @Test func `a timeout two hops away is named though the call was made again`() throws {
        let records = Self.retried { record in
            record.status = 504
            record.reason = .requestTimeout
            record.deadlineMs = 8
            record.policies = [.init(setting: "timeouts.request", value: "8 ms", source: StoryRecords.policy)]
            record.attempts[0].status = nil
            record.attempts[0].reason = .requestTimeout
            record.attempts[0].after = .timeUsedUp
        }.map { record in
            var record = record
            if record.direction == .inbound, record.destination == "ledger.default" {
                record.status = 499
                record.reason = .clientGone
            }
            return record
        }
        let story = try Self.story(records)
        #expect(story.cause.reason == .requestTimeout && story.cause.hop == 3 && story.cause.place == "ledger")
        #expect(story.cause.text.contains("ledger had not answered after 8 ms; billing's limit"))
        #expect(story.cause.policy == StoryRecords.policy)
        #expect(story.cause.consequences.map(\.reason) == [.retriesExhausted])
    }

    @Test func `of an attempt that reached nobody the cause is its own failure`() throws {
        let record = StoryRecords.outbound(
            "shop", "billing", at: 0, lasting: 10, status: 503, reason: .retriesExhausted
        ) {
            $0.attempts = [
                StoryRecords.attempt(to: "billing-1", at: 0, lasting: 1, reason: .connectFailed) {
                    $0.connectedAfterMs = nil
                    $0.after = .retried
                },
                StoryRecords.attempt(to: "billing-2", at: 5, lasting: 5, reason: .peerIdentityMismatch) {
                    $0.connectedAfterMs = nil
                    $0.detail = "it is another"
                    $0.after = .attemptsUsedUp
                },
            ]
        }
        let story = try Self.story([record])
        #expect(story.cause.reason == .peerIdentityMismatch && story.cause.hop == 1)
        #expect(story.cause.text == "attempt 2 to default/billing-2 failed: it is another (peer_identity_mismatch)")
        #expect(story.cause.consequences.map(\.reason) == [.retriesExhausted])
        #expect(story.advice.starts(with: ReasonPages.advice(.peerIdentityMismatch)))
        for (reason, isFound) in [
            (Reason.connectFailed, true), (.peerIdentityMismatch, true), (.retriesExhausted, true), (.ok, false),
            (.tlsFailed, false),
        ] {
            var filter = RecordFilter()
            filter.reason = reason
            #expect(filter.matches(record) == isFound, "\(reason)")
        }
    }

    @Test func `time that runs out before another attempt follows from the first one's failure`() throws {
        let story = try Self.story([
            StoryRecords.outbound("shop", "billing", at: 0, lasting: 100, status: 504, reason: .requestTimeout) {
                $0.deadlineMs = 100
                $0.attempts[0].status = nil
                $0.attempts[0].reason = .connectFailed
                $0.attempts[0].connectedAfterMs = nil
                $0.attempts[0].after = .timeUsedUp
            }
        ])
        #expect(story.cause.reason == .connectFailed)
        #expect(story.cause.consequences.map(\.reason) == [.requestTimeout])
    }

    @Test func `a call that went well the second time is not what an application failed of`() throws {
        let story = try Self.story([
            StoryRecords.outbound("shop", "billing", at: 0, lasting: 40, status: 500),
            StoryRecords.inbound("shop", "billing", at: 1, lasting: 38, status: 500),
            StoryRecords.outbound("billing", "ledger", at: 5, lasting: 5, status: 503),
            StoryRecords.inbound("billing", "ledger", at: 6, lasting: 3, status: 503),
            StoryRecords.outbound("billing", "ledger", at: 20, lasting: 5),
            StoryRecords.inbound("billing", "ledger", at: 21, lasting: 3),
        ])
        #expect(story.cause.text == "billing's application (default/billing-1) answered 500" && story.cause.hop == 1)
    }

    // MARK: Routes

    @Test func `a request that no route takes went nowhere, and each route is told with why`() throws {
        let name = "billing.default:80"
        let routes = [
            Route(
                name: "default/r/pay", match: RouteMatch(path: .prefix("/pay")), action: .respond(status: 1, body: "")),
            Route(name: "default/r/post", match: RouteMatch(method: "POST"), action: .respond(status: 1, body: "")),
        ]
        let snapshot = MeshSnapshot(
            routes: [
                name: RouteConfiguration(
                    name: name, virtualHosts: [VirtualHost(name: name, domains: ["*"], routes: routes)])
            ])
        let record = StoryRecords.outbound("shop", "billing", at: 0, lasting: 1, status: 404, reason: .noRoute) {
            $0.attempts = []
        }
        let story = try Self.story([record], snapshot: snapshot)
        #expect(story.cause.reason == .noRoute && story.cause.place == "shop")
        #expect(
            story.cause.text
                == "shop's proxy sent it nowhere: none of the routes of billing takes GET billing/: not default/r/pay (its "
                + "path begins with /pay); default/r/post (it is for POST)")
        let told = story.events.filter { $0.kind == .route }.map(\.text)
        #expect(
            told == [
                "no route of billing takes it", "not route default/r/pay: its path begins with /pay",
                "not route default/r/post: it is for POST",
            ])
        let bare = try Self.story([record])
        #expect(bare.cause.text == "shop's proxy sent it nowhere: no route of billing takes GET billing/")
    }

    @Test func `the route that is there where nobody attached one is told as built in`() throws {
        let record = StoryRecords.outbound("shop", "billing", at: 0, lasting: 1) {
            $0.route = "default"
            $0.cluster = "billing.default:80"
        }
        let story = try Self.story([record])
        #expect(story.events.contains { $0.text == "route default, which is built in, leads to billing.default:80" })
    }

    // MARK: Attempts beside one another

    /// The second attempt is sent beside the first; the loser is recorded first, whoever that is.
    private static func hedged(firstWins: Bool) -> [HopRecord] {
        let first = StoryRecords.attempt(to: "billing-1", at: 0, lasting: 300, status: firstWins ? 200 : nil) {
            $0.isLost = !firstWins
            $0.after = firstWins ? .nothing : .outpaced
        }
        let second = StoryRecords.attempt(to: "billing-2", at: 30, lasting: 270, status: firstWins ? nil : 200) {
            $0.isHedge = true
            $0.isLost = firstWins
            $0.after = firstWins ? .outpaced : .nothing
        }
        return [
            StoryRecords.outbound("shop", "billing", at: 0, lasting: 300) {
                $0.attempts = firstWins ? [second, first] : [first, second]
            },
            StoryRecords.inbound("shop", "billing", at: 1, lasting: 298, status: firstWins ? 200 : 499) {
                $0.reason = firstWins ? .ok : .clientGone
            },
            StoryRecords.inbound("shop", "billing", at: 31, lasting: 268, status: firstWins ? 499 : 200) {
                $0.proxy = "default/billing-2"
                $0.attempt = 2
                $0.reason = firstWins ? .clientGone : .ok
            },
        ]
    }

    @Test(arguments: [true, false])
    func `two attempts beside one another keep their numbers, whoever wins`(firstWins: Bool) throws {
        let story = try Self.story(Self.hedged(firstWins: firstWins))
        #expect(story.hops.count == 1 && story.gaps.isEmpty)
        #expect(story.hops.first?.inbound.count == 2)
        #expect(story.cause.reason == .ok && story.cause.hop == 0)
        let told = story.events.filter { $0.actor == "shop's proxy" }.map { "\($0.atMs) \($0.text)" }
        #expect(told.contains { $0.hasPrefix("0.0 attempt 1 to default/billing-1") })
        #expect(told.contains { $0.hasPrefix("30.0 attempt 2, beside the one before, to default/billing-2") })
        let (winner, loser) = firstWins ? (1, 2) : (2, 1)
        #expect(told.contains { $0.hasPrefix("300.0 attempt \(winner) answered 200") })
        #expect(told.contains { $0.hasPrefix("300.0 attempt \(loser) was given up") })
    }

    // MARK: Several calls of one id

    private static func siblings() -> [HopRecord] {
        [
            StoryRecords.outbound("edge", "other", at: 0, lasting: 5),
            StoryRecords.inbound("edge", "other", at: 1, lasting: 3),
            StoryRecords.outbound("edge", "leaf", at: 10, lasting: 5, status: 503),
            StoryRecords.inbound("edge", "leaf", at: 11, lasting: 3, status: 503),
            StoryRecords.outbound("edge", "third", at: 20, lasting: 5, status: 500),
            StoryRecords.inbound("edge", "third", at: 21, lasting: 3, status: 500),
        ]
    }

    @Test func `of calls that nothing joins the one that was searched for is explained, else one that failed`() throws {
        let any = try Self.story(Self.siblings())
        #expect(any.summary.destination == "leaf.default" && any.summary.status == 503 && any.cause.hop == 2)
        #expect(any.cause.text == "leaf's application (default/leaf-1) answered 503")
        let note = try #require(any.events.first { $0.kind == .note })
        #expect(note.text.contains("3 calls that nothing joins") && note.text.contains("hop 2"))
        var filter = RecordFilter()
        filter.service = "third"
        #expect(try Self.story(Self.siblings(), wanted: filter).summary.destination == "third.default")
        filter.service = "other"
        let fine = try Self.story(Self.siblings(), wanted: filter)
        #expect(fine.summary.destination == "other.default" && fine.cause.reason == .ok && fine.cause.hop == 0)
        filter.service = "nobody"
        #expect(try Self.story(Self.siblings(), wanted: filter).summary.destination == "leaf.default")
    }

    @Test func `what failed below a call that was answered all the same is explained if searched for`() throws {
        let records = [
            StoryRecords.outbound("shop", "billing", at: 0, lasting: 30),
            StoryRecords.inbound("shop", "billing", at: 1, lasting: 28),
            StoryRecords.outbound("billing", "ledger", at: 5, lasting: 20, status: 500),
            StoryRecords.inbound("billing", "ledger", at: 6, lasting: 18, status: 500),
        ]
        var filter = RecordFilter()
        filter.failed = true
        let story = try Self.story(records, wanted: filter)
        #expect(story.summary.status == 200 && story.cause.hop == 2)
        #expect(story.cause.text == "ledger's application (default/ledger-1) answered 500; shop got 200 all the same")
        #expect(try Self.story(records).cause.hop == 0)
    }

    // MARK: What is missing

    @Test func `a story that is cut says so, and takes nothing for missing that may only be cut off`() throws {
        let records = [StoryRecords.outbound("shop", "billing", at: 0, lasting: 30)]
        #expect(try Self.story(records).gaps.count == 1)
        let cut = try Self.story(records, isCut: true)
        #expect(cut.gaps.count == 1)
        #expect(cut.gaps.first?.contains("cut at the newest 1 records, of 1 calls") == true)
        let many = (0..<600).map { StoryRecords.outbound("shop", "billing", at: Double($0), lasting: 1) }
        let story = try Self.story(many)
        #expect(story.gaps.count == 1 && story.gaps.first?.contains("cut at the newest 500 records") == true)
        // The newest are told.
        #expect(story.hops.last?.outbound?.startedAtMs == many.last?.startedAtMs)
    }

    @Test func `an id that is longer than what records keep is said to be`() throws {
        let records = [StoryRecords.outbound("shop", "billing", at: 0, lasting: 30) { $0.attempts = [] }]
        let story = try Self.story(records, id: String(repeating: "i", count: 129))
        #expect(story.gaps.count == 1 && story.gaps.first?.contains("longer than the 128 bytes") == true)
        #expect(try Self.story(records, id: String(repeating: "i", count: 128)).gaps.isEmpty)
    }

    @Test func `a caller that went away has nobody's policy to blame`() throws {
        let story = try Self.story([
            StoryRecords.outbound("shop", "billing", at: 0, lasting: 30, status: 499, reason: .clientGone) {
                $0.policy = StoryRecords.policy
            }
        ])
        #expect(story.cause.reason == .clientGone && story.cause.policy == nil)
    }
}
