internal import WeftModel

/// Reads `weft.dev/v1 TrustDomainFederation`. What a bundle says is checked by the control plane, which reads them.
enum TrustDomainFederationReader {
    static func read(_ document: ObjectFields) -> TrustDomainFederation? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard let spec = document.spec(known: ["trustDomain", "bundleEndpoint", "bundle"]) else { return nil }
        let domain = spec.required("trustDomain", remedy: "Add the other `trustDomain`, such as partner.example.")
            .flatMap(self.domain)
        let endpoint = spec["bundleEndpoint"].map { self.endpoint($0, domain: domain) }
        let bundle = spec["bundle"].map { $0.text(atMost: TrustDomainFederation.maxBundleBytes) }
        guard let metadata, let domain else { return nil }
        if case .some(.none) = endpoint { return nil }
        if case .some(.none) = bundle { return nil }
        let value = TrustDomainFederation(
            metadata: metadata, trustDomain: domain, endpoint: endpoint ?? nil, bundle: bundle ?? nil)
        if value.bundle == nil {
            switch value.endpoint?.profile {
            case nil:
                spec.field.refuse(
                    "there is neither a `bundleEndpoint` nor a `bundle`, so nobody would be believed",
                    remedy: "Add a bundleEndpoint, or the other trust domain's bundle as JSON text.")
            case .spiffe?:
                spec.field.refuse(
                    "an endpoint of the profile https_spiffe proves itself by the `bundle` known before, and there is none",
                    remedy: "Add `bundle: |` with what the endpoint serves now, got in a way you trust.")
            case .web?: break
            }
        }
        return value
    }

    private static func domain(_ field: Field) -> TrustDomain? {
        guard let text = field.text(atMost: 255) else { return nil }
        guard let domain = TrustDomain(text) else {
            field.refuse(
                "\"\(YAMLNode.shortened(text))\" is no trust domain: lower-case letters, digits, '.', '-' and '_' only",
                remedy: "Write its name alone, such as partner.example, without spiffe://.")
            return nil
        }
        return domain
    }

    private static func endpoint(_ field: Field, domain: TrustDomain?) -> BundleEndpoint? {
        guard let object = field.object(known: ["url", "profile", "spiffeID"]) else { return nil }
        let url = object.required("url", remedy: "Add the `url` of the bundle, which begins with https://.")
            .flatMap { field -> HTTPSAddress? in
                guard let text = field.text(atMost: 2048) else { return nil }
                guard let url = HTTPSAddress(text) else {
                    field.refuse(
                        "\"\(YAMLNode.shortened(text))\" is no https URL without user and fragment",
                        remedy: "Write https://HOST[:PORT]/PATH.")
                    return nil
                }
                return url
            }
        let name = object.required("profile", remedy: "Add profile: https_spiffe or profile: https_web.")?
            .text(atMost: 64)
        let profile: BundleEndpoint.Profile?
        switch name {
        case "https_web"?:
            if let id = object["spiffeID"] {
                id.refuse("only the profile https_spiffe has a `spiffeID`", remedy: "Remove it.")
            }
            profile = .web
        case "https_spiffe"?: profile = self.identity(object, domain: domain).map { .spiffe($0) }
        case let other?:
            object["profile"]?.refuse(
                "there is no profile \"\(YAMLNode.shortened(other))\"", remedy: "Write https_spiffe or https_web.")
            profile = nil
        case nil: profile = nil
        }
        guard let url, let profile else { return nil }
        return BundleEndpoint(url: url, profile: profile)
    }

    private static func identity(_ object: ObjectFields, domain: TrustDomain?) -> SPIFFEID? {
        guard
            let field = object.required(
                "spiffeID", remedy: "Add the `spiffeID` that the endpoint's server must prove."),
            let text = field.text(atMost: 2048)
        else { return nil }
        guard let id = SPIFFEID(text), !id.path.isEmpty else {
            field.refuse(
                "\"\(YAMLNode.shortened(text))\" is no SPIFFE ID of a workload",
                remedy: "Write spiffe://TRUST-DOMAIN/PATH.")
            return nil
        }
        if let domain, id.trustDomain != domain {
            field.refuse(
                "the server would prove an identity of \(id.trustDomain), which the bundle of \(domain) cannot prove",
                remedy: "Write an identity of \(domain), or use the profile https_web.")
            return nil
        }
        return id
    }
}
