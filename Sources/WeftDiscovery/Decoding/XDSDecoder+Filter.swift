internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

/// Redirects, rewrites, mirrors and sessions.
extension XDSDecoder {
    static func redirect(
        _ action: Envoy_Config_Route_V3_RedirectAction, of resource: String
    ) throws(XDSDecodingError) -> RequestRedirect {
        func refuse(_ field: String, _ cause: String) -> XDSDecodingError {
            XDSDecodingError(resource: resource, field: field, cause: cause)
        }
        if action.stripQuery { throw refuse("strip_query", "is not supported") }
        var redirect = RequestRedirect()
        switch action.schemeRewriteSpecifier {
        case .httpsRedirect(true): redirect.scheme = "https"
        case .schemeRedirect(let scheme):
            guard scheme == "http" || scheme == "https" else {
                throw refuse("scheme_redirect", "'\(scheme)' is unknown")
            }
            redirect.scheme = scheme
        case .httpsRedirect(false), nil: break
        }
        if !action.hostRedirect.isEmpty { redirect.hostname = action.hostRedirect }
        redirect.port =
            action.portRedirect == 0
            ? redirect.scheme.map { $0 == "https" ? 443 : 80 } ?? ServicePort(parsing: resource)?.port
            : Int(action.portRedirect)
        redirect.status =
            switch action.responseCode {
            case .movedPermanently, .UNRECOGNIZED: 301
            case .found: 302
            case .seeOther: 303
            case .temporaryRedirect: 307
            case .permanentRedirect: 308
            }
        switch action.pathRewriteSpecifier {
        case nil: break
        case .pathRedirect(let path): redirect.path = path.isEmpty ? nil : .full(path)
        case .prefixRewrite(let prefix): redirect.path = .prefix(prefix)
        case .regexRewrite(let rewrite): redirect.path = try self.pathModifier(rewrite, of: resource)
        }
        return redirect
    }

    static func rewrite(
        _ action: Envoy_Config_Route_V3_RouteAction, of resource: String
    ) throws(XDSDecodingError) -> URLRewrite? {
        var rewrite = URLRewrite()
        if !action.hostRewriteLiteral.isEmpty { rewrite.hostname = action.hostRewriteLiteral }
        if action.hasRegexRewrite {
            rewrite.path = try self.pathModifier(action.regexRewrite, of: resource)
        } else if !action.prefixRewrite.isEmpty {
            rewrite.path = .prefix(action.prefixRewrite)
        }
        return rewrite == URLRewrite() ? nil : rewrite
    }

    /// Of expressions only those that we write ourselves: the whole path, or a prefix taken away.
    private static func pathModifier(
        _ rewrite: Envoy_Type_Matcher_V3_RegexMatchAndSubstitute, of resource: String
    ) throws(XDSDecodingError) -> PathModifier {
        let pattern = rewrite.pattern.regex
        if pattern == wholePathPattern { return .full(rewrite.substitution.replacing("\\\\", with: "\\")) }
        if pattern.hasPrefix("^"), pattern.hasSuffix("/*"), rewrite.substitution == "/" { return .prefix("/") }
        throw XDSDecodingError(resource: resource, field: "regex_rewrite", cause: "'\(pattern)' is not supported")
    }

    static func mirrors(
        _ policies: [Envoy_Config_Route_V3_RouteAction.RequestMirrorPolicy], exact: [Weft_V1_Fraction],
        of resource: String
    ) throws(XDSDecodingError) -> [MirroredCluster] {
        var mirrors: [MirroredCluster] = []
        for (index, policy) in policies.prefix(16).enumerated() {
            guard !policy.cluster.isEmpty else {
                throw XDSDecodingError(resource: resource, field: "request_mirror_policies", cause: "name no cluster")
            }
            var fraction = Fraction.all
            if policy.hasRuntimeFraction {
                let share = policy.runtimeFraction.defaultValue
                let denominator =
                    switch share.denominator {
                    case .hundred, .UNRECOGNIZED: 100
                    case .tenThousand: 10_000
                    case .million: 1_000_000
                    }
                fraction = Fraction(min(Int(share.numerator), denominator), of: denominator)
            }
            if exact.count == policies.count, let told = exact[index].model { fraction = told }
            mirrors.append(MirroredCluster(cluster: policy.cluster, fraction: fraction))
        }
        return mirrors
    }

    /// What the weighted clusters do beyond xDS.
    static func apply(_ backends: [Weft_V1_BackendExtension], to action: inout RouteAction) {
        guard case .forward(var clusters) = action, backends.count == clusters.count else { return }
        for (index, backend) in backends.enumerated() {
            var rewrite = URLRewrite()
            if !backend.hostRewrite.isEmpty { rewrite.hostname = backend.hostRewrite }
            switch backend.pathRewrite {
            case nil: break
            case .fullPath(let path): rewrite.path = .full(path)
            case .prefix(let path): rewrite.path = .prefix(path)
            }
            clusters[index].rewrite = rewrite == URLRewrite() ? nil : rewrite
            clusters[index].mirrors = backend.mirrors.map {
                MirroredCluster(cluster: $0.cluster, fraction: $0.fraction.model ?? .all)
            }
        }
        action = .forward(clusters)
    }

    static func session(
        _ known: Weft_V1_SessionPersistence, of resource: String
    ) throws(XDSDecodingError) -> SessionPersistence {
        guard let carrier = SessionPersistence.Carrier(rawValue: known.carrier) else {
            throw XDSDecodingError(resource: resource, field: "session", cause: "'\(known.carrier)' is unknown")
        }
        return SessionPersistence(
            carrier: carrier, name: known.name,
            absoluteTimeout: known.hasAbsoluteTimeout ? known.absoluteTimeout.swiftDuration : nil,
            isPermanent: known.permanent)
    }
}
