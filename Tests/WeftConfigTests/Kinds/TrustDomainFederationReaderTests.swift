import Testing
import WeftConfig
import WeftModel

@Suite struct TrustDomainFederationReaderTests {
    private func mistakes(_ spec: String) -> [String] {
        read("apiVersion: weft.dev/v1\nkind: TrustDomainFederation\nmetadata: {name: a}\nspec: \(spec)\n")
            .diagnostics.filter { $0.severity == .error }.compactMap { $0.field }
    }

    @Test(arguments: [
        ("{trustDomain: a.b}", "spec"),
        ("{trustDomain: 'spiffe://a.b', bundle: '{}'}", "spec.trustDomain"),
        ("{bundle: '{}'}", "spec"),
        ("{trustDomain: a.b, bundleEndpoint: {url: 'http://a.b/', profile: https_web}}", "spec.bundleEndpoint.url"),
        ("{trustDomain: a.b, bundleEndpoint: {url: 'https://u@a.b/', profile: https_web}}", "spec.bundleEndpoint.url"),
        ("{trustDomain: a.b, bundleEndpoint: {url: 'https://a.b/', profile: web}}", "spec.bundleEndpoint.profile"),
        (
            "{trustDomain: a.b, bundleEndpoint: {url: 'https://a.b/', profile: https_web, spiffeID: 'spiffe://a.b/x'}}",
            "spec.bundleEndpoint.spiffeID"
        ),
        (
            "{trustDomain: a.b, bundle: '{}', bundleEndpoint: {url: 'https://a.b/', profile: https_spiffe}}",
            "spec.bundleEndpoint"
        ),
        (
            "{trustDomain: a.b, bundle: '{}', bundleEndpoint: {url: 'https://a.b/', profile: https_spiffe, spiffeID: 'spiffe://c.d/x'}}",
            "spec.bundleEndpoint.spiffeID"
        ),
        (
            "{trustDomain: a.b, bundleEndpoint: {url: 'https://a.b/', profile: https_spiffe, spiffeID: 'spiffe://a.b/x'}}",
            "spec"
        ),
    ])
    func `what could not be followed is refused where it stands`(spec: String, field: String) {
        #expect(self.mistakes(spec) == [field])
    }
}
