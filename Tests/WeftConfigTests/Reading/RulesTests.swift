import Testing
import WeftConfig

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("0s", Duration.zero), ("500ms", .milliseconds(500)), ("2s", .seconds(2)), ("1h30m", .seconds(5400)),
        ("1m1s1ms", .milliseconds(61001)), ("99999h", .seconds(99999 * 3600)), ("1s1s1s1s", .seconds(4)),
    ])
    func `durations are numbers with units`(text: String, duration: Duration) {
        #expect(DurationText.duration(text) == duration)
    }

    @Test(arguments: ["", "5", "s", "1.5s", "-1s", "1 s", "1d", "100000s", "1s1s1s1s1s", "1S", "1us", "1sm", "١s"])
    func `what the format forbids is no duration`(text: String) {
        #expect(DurationText.duration(text) == nil)
    }

    @Test(arguments: [0, 1, 999, 1000, 1500, 60000, 61001, 3_600_000, 90_061_001])
    func `a duration's text reads back`(milliseconds: Int) {
        let duration = Duration.milliseconds(milliseconds)
        #expect(DurationText.duration(DurationText.text(duration)) == duration)
    }
}

@Suite struct NameRulesTests {
    @Test func `labels are what DNS allows`() {
        for good in ["a", "billing-v1", "0", String(repeating: "a", count: 63)] { #expect(NameRules.isLabel(good)) }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", "ä", String(repeating: "a", count: 64)] {
            #expect(!NameRules.isLabel(bad))
        }
        #expect(NameRules.isSubdomain("a.b-c.d"))
        #expect(!NameRules.isSubdomain("a..b"))
    }

    @Test func `port names have a letter`() {
        #expect(NameRules.isPortName("http2"))
        for bad in ["80", "a--b", "sixteen-letters-x", "Http"] { #expect(!NameRules.isPortName(bad)) }
    }

    @Test func `label names may have a prefix`() {
        for good in ["app", "weft.dev/app", "App_1.x"] { #expect(NameRules.isLabelKey(good)) }
        for bad in ["", "/", "a/", "/a", "a/b/c", "-a", "a b"] { #expect(!NameRules.isLabelKey(bad)) }
    }

    @Test func `a header's value has no control characters`() {
        #expect(NameRules.isFieldValue("a b\tc ü"))
        for bad in ["a\nb", "a\r", " a", "a ", "\u{0}", "\u{7F}"] { #expect(!NameRules.isFieldValue(bad)) }
    }
}

@Suite struct SuggestionTests {
    @Test func `a near word is suggested and a far one is not`() {
        let fields = ["timeouts", "retry", "limits", "targetRefs"]
        #expect(Suggestion.nearest(to: "timeout", among: fields) == "timeouts")
        #expect(Suggestion.nearest(to: "targetrefs", among: fields) == "targetRefs")
        #expect(Suggestion.nearest(to: "rerty", among: fields) == "retry")
        #expect(Suggestion.nearest(to: "colour", among: fields) == nil)
        #expect(Suggestion.nearest(to: "", among: fields) == nil)
    }
}
