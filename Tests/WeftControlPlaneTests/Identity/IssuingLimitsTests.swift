import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct IssuingLimitsTests {
    func id(_ name: String) -> SPIFFEID { SPIFFEID(trustDomain: .standard, namespace: "default", account: name) }

    @Test func `so many in a minute for one identity, and so many in all`() throws {
        var limits = IssuingLimits(perIdentity: 2, total: 3)
        try limits.take(self.id("a"), now: 100)
        try limits.take(self.id("a"), now: 110)
        #expect(throws: IssuingRefusal.tooManyForIdentity(self.id("a"), limit: 2)) {
            try limits.take(self.id("a"), now: 120)
        }
        try limits.take(self.id("b"), now: 120)
        #expect(throws: IssuingRefusal.tooMany(limit: 3)) { try limits.take(self.id("c"), now: 159) }
        try limits.take(self.id("a"), now: 160)
    }

    @Test func `a clock that goes back does not lock anybody out`() throws {
        var limits = IssuingLimits(perIdentity: 1, total: 1)
        try limits.take(self.id("a"), now: 10_000)
        try limits.take(self.id("a"), now: 100)
    }
}
