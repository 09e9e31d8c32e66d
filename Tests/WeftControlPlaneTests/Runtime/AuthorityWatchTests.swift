import Foundation
import Testing
import WeftIdentity
import WeftModel

@testable import WeftControlPlane

@Suite struct AuthorityWatchTests {
    private static let day: Int64 = 86_400

    private func notices(
        _ watch: inout AuthorityWatch, rootEnds: Int64, intermediateEnds: Int64, day: Int64
    ) -> [String] {
        let status = AuthorityStatus(
            rootFingerprint: "", rootExpiresAt: rootEnds * Self.day, intermediateExpiresAt: intermediateEnds * Self.day,
            rootIssuedAt: 0, intermediateIssuedAt: 0)
        return watch.notices(of: status, now: Date(timeIntervalSince1970: Double(day * Self.day))).map {
            "\($0.role) \($1.level) \($1.percentLeft)"
        }
    }

    @Test func `each of the authority's certificates is told of near its end, and one that replaces it is not`() {
        var watch = AuthorityWatch()
        #expect(self.notices(&watch, rootEnds: 1000, intermediateEnds: 100, day: 60) == [])
        #expect(self.notices(&watch, rootEnds: 1000, intermediateEnds: 100, day: 80) == ["intermediate warning 20"])
        #expect(self.notices(&watch, rootEnds: 1000, intermediateEnds: 100, day: 80) == [])
        #expect(self.notices(&watch, rootEnds: 1000, intermediateEnds: 100, day: 100) == ["intermediate expired 0"])
        #expect(self.notices(&watch, rootEnds: 1000, intermediateEnds: 1000, day: 101) == [])
        #expect(
            self.notices(&watch, rootEnds: 1000, intermediateEnds: 1000, day: 950)
                == ["root error 5", "intermediate error 5"])
    }
}
