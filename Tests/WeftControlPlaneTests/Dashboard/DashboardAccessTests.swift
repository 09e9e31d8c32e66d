import Foundation
import Testing

@testable import WeftControlPlane

@Suite struct DashboardAccessTests {
    @Test func `a code works once, and not after its time`() {
        var access = DashboardAccess()
        #expect(access.issue("a", opener: "local", token: nil, now: 100) == 700)
        _ = access.issue("b", opener: "token x", token: "x", now: 100)
        #expect(access.redeem("c", now: 101) == nil)
        #expect(access.redeem("a", now: 699)?.opener == "local")
        #expect(access.redeem("a", now: 699) == nil)
        #expect(access.redeem("b", now: 700) == nil)
    }

    @Test func `a session needs both its halves, and ends`() throws {
        var access = DashboardAccess()
        let first = access.open(cookie: "c", key: "k", opener: "local", token: nil, now: 0).session
        _ = access.open(cookie: "d", key: "l", opener: "token x", token: "x", now: 0)
        #expect(access.session(cookie: "c", key: "k", now: 1) == first)
        #expect(access.session(cookie: "d", key: "l", now: 1)?.token == "x")
        for (cookie, key) in [("c", "l"), ("d", "k"), ("c", ""), ("", "k"), (first.cookie, first.key)] {
            #expect(access.session(cookie: cookie, key: key, now: 1) == nil)
        }
        #expect(access.session(cookie: "c", key: "k", now: first.expiresAt) == nil)
        // What is kept on disk opens nothing, and is enough to go on.
        let text = String(decoding: try JSONEncoder().encode(first), as: UTF8.self)
        #expect(!text.contains("\"c\":") && !text.contains("\"k\""))
        let restored = DashboardAccess(sessions: [
            try JSONDecoder().decode(DashboardAccess.Session.self, from: Data(text.utf8))
        ])
        #expect(restored.session(cookie: "c", key: "k", now: 1) == first)
    }

    @Test func `codes and sessions are bounded, the oldest give way`() {
        var access = DashboardAccess()
        for number in 0..<100 { _ = access.issue("code \(number)", opener: "local", token: nil, now: 0) }
        #expect(access.redeem("code 35", now: 1) == nil)
        #expect(access.redeem("code 36", now: 1) != nil)
        var ended = 0
        for number in 0..<300 {
            ended +=
                access.open(
                    cookie: "c\(number)", key: "k", opener: "local", token: nil, now: Int64(number)
                ).ended.count
        }
        #expect(access.sessions.count == 256 && ended == 44)
        #expect(access.session(cookie: "c0", key: "k", now: 300) == nil)
        #expect(access.session(cookie: "c299", key: "k", now: 300) != nil)
        // Those that are over make room by themselves.
        #expect(access.open(cookie: "z", key: "k", opener: "local", token: nil, now: 90_000).ended.count == 256)
    }
}
