internal import WeftModel

/// Writes the spec of a `TrustDomainFederation`.
enum TrustDomainFederationDocument {
    static func spec(_ federation: TrustDomainFederation) -> JSONValue {
        var object = ObjectBuilder()
        object.add("trustDomain", .text(federation.trustDomain.name))
        if let endpoint = federation.endpoint {
            var part = ObjectBuilder()
            part.add("url", .text(endpoint.url.description))
            switch endpoint.profile {
            case .web: part.add("profile", .text("https_web"))
            case .spiffe(let id):
                part.add("profile", .text("https_spiffe"))
                part.add("spiffeID", .text(id.description))
            }
            object.add("bundleEndpoint", part.value)
        }
        object.add("bundle", federation.bundle.map(JSONValue.text))
        return object.value
    }
}
