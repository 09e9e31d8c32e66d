import Foundation
import Testing
import WeftModel

@Suite struct LabelClaimsTests {
    private func claims(
        _ labels: [String: String] = [:], service: String? = "acc", account: String = "acc",
        grants: LabelGrants? = LabelGrants()
    ) -> LabelClaims {
        LabelClaims(
            Workload(
                metadata: Metadata(name: "acc-1", labels: labels), account: account, service: service,
                address: "127.0.0.1", ports: []), grants: grants)
    }

    @Test func `a workload is behind its own service, sorted by whatever it says`() {
        let claims = self.claims(["version": "v1", "tier": "gold"])
        #expect(claims.isSelected(by: ["app": "acc"], of: "acc"))
        #expect(claims.isSelected(by: ["app": "acc", "version": "v1"], of: "acc-v1"))
        #expect(!claims.isSelected(by: ["app": "acc", "version": "v2"], of: "acc-v2"))
        #expect(claims.isSelected(by: ["app": "acc", "tier": "gold"], of: "acc-gold"))
        #expect(claims.isSelected(by: ["tier": "gold"], of: "acc"))
    }

    @Test(arguments: [
        ["app": "billing"], ["tier": "gold"], ["version": "v1"], ["tier": "gold", "version": "v1"],
        ["app": "billing", "version": "v1"],
    ])
    func `nobody gets behind another service by saying so`(selector: [String: String]) {
        let claims = self.claims(["app": "billing", "tier": "gold", "version": "v1"])
        #expect(!claims.isSelected(by: selector, of: "vault"))
        #expect(!claims.unattested(for: selector, of: "vault").isEmpty)
        // It goes on being what it is.
        #expect(claims.isSelected(by: ["app": "acc"], of: "vault"))
    }

    @Test func `what is attested selects`() {
        let claims = self.claims(
            ["app": "billing", "tier": "gold", "version": "v1", "zone": "a"],
            grants: LabelGrants(["app": "billing", "tier": "gold"]))
        #expect(claims.isSelected(by: ["app": "billing"], of: "vault"))
        #expect(claims.isSelected(by: ["tier": "gold", "version": "v1"], of: "vault"))
        #expect(!claims.isSelected(by: ["tier": "gold", "zone": "a"], of: "vault"))
        #expect(claims.unattested(for: ["tier": "gold", "zone": "a"], of: "vault").map(\.key) == ["zone"])
        #expect(claims.unattested(for: ["tier": "gold"], of: "vault").isEmpty)
        // It claims nothing of the kind.
        #expect(claims.unattested(for: ["tier": "iron"], of: "vault").isEmpty)
    }

    @Test func `a label that is attested with one value counts with no other`() {
        let claims = self.claims(["tier": "gold"], grants: LabelGrants(["tier": "iron"]))
        #expect(!claims.isSelected(by: ["app": "acc", "tier": "gold"], of: "acc-gold"))
        #expect(claims.unattested(for: ["app": "acc", "tier": "gold"], of: "acc-gold").map(\.value) == ["gold"])
    }

    @Test func `an account may serve the Service of its name`() {
        #expect(self.claims(["tier": "gold"], account: "vault").isSelected(by: ["tier": "gold"], of: "vault"))
    }

    @Test func `all labels of a described workload count`() {
        let claims = self.claims(["tier": "gold"], service: nil, account: "other", grants: nil)
        #expect(claims.isSelected(by: ["tier": "gold"], of: "vault"))
    }

    @Test func `grants add up, are bounded, and are read as they were written`() throws {
        var grants = LabelGrants(["tier": "gold"]).union(LabelGrants(["tier": "iron", "zone": "a"]))
        #expect(grants.contains("tier", "gold") && grants.contains("tier", "iron") && grants.names("zone"))
        #expect(try JSONDecoder().decode(LabelGrants.self, from: JSONEncoder().encode(grants)) == grants)
        for number in 0..<1000 { grants.add(["k": "\(number)"]) }
        #expect(!grants.contains("k", "999"))
    }
}
