import Testing
import WeftModel

@Suite struct EdgeNamesTests {
    @Test(arguments: [
        ("billing.default", "billing", "", true), ("billing.default", "billing.default", "", true),
        ("billing.default", "billing.prod", "", false), ("billing-v2.default", "billing", "v2", true),
        ("billing-v2.default", "billing.default", "v2", true), ("billing-v2.default", "billing-v2", "v2", true),
        ("billing-api.default", "billing", "v2", false), ("billing-api.default", "billing", "", false),
    ])
    func `a service is meant with its version backends, in any namespace or the one named`(
        name: String, wanted: String, version: String, matches: Bool
    ) {
        #expect(EdgeNames.matches(name, wanted, version: version) == matches)
    }
}
