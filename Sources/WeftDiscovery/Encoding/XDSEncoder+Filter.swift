internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

/// Redirects, rewrites, mirrors and sessions.
extension XDSEncoder {
    func redirect(_ redirect: RequestRedirect, match: PathMatch) -> Envoy_Config_Route_V3_RedirectAction {
        .with {
            if let scheme = redirect.scheme { $0.schemeRedirect = scheme }
            $0.hostRedirect = redirect.hostname ?? ""
            // Envoy writes any port that it is given, and of itself none that is the scheme's own.
            let isOwn = redirect.port == (redirect.scheme == "https" ? 443 : 80)
            if let port = redirect.port, self.dialect == .weft || !isOwn { $0.portRedirect = UInt32(clamping: port) }
            $0.responseCode =
                switch redirect.status {
                case 301: .movedPermanently
                case 303: .seeOther
                case 307: .temporaryRedirect
                case 308: .permanentRedirect
                default: .found
                }
            switch redirect.path {
            case nil: break
            case .full(let path): $0.pathRedirect = path
            case .prefix(let path):
                switch self.prefixRewrite(path, match: match) {
                case .text(let text): $0.prefixRewrite = text
                case .expression(let expression): $0.regexRewrite = expression
                }
            }
        }
    }

    func apply(_ rewrite: URLRewrite, match: PathMatch, to action: inout Envoy_Config_Route_V3_RouteAction) {
        if let hostname = rewrite.hostname { action.hostRewriteLiteral = hostname }
        switch rewrite.path {
        case nil: break
        case .full(let path):
            action.regexRewrite = .with {
                $0.pattern.regex = wholePathPattern
                $0.substitution = path.replacing("\\", with: "\\\\")
            }
        case .prefix(let path):
            switch self.prefixRewrite(path, match: match) {
            case .text(let text): action.prefixRewrite = text
            case .expression(let expression): action.regexRewrite = expression
            }
        }
    }

    private enum PrefixRewrite {
        case text(String)
        case expression(Envoy_Type_Matcher_V3_RegexMatchAndSubstitute)
    }

    /// xDS replaces text where Gateway API replaces elements: to take a prefix away, the slash behind it must go too.
    private func prefixRewrite(_ path: String, match: PathMatch) -> PrefixRewrite {
        let elements = path.hasSuffix("/") ? String(path.dropLast()) : path
        if self.dialect == .weft { return .text(elements.isEmpty ? "/" : elements) }
        guard case .prefix(let prefix) = match else { return .text(elements) }
        let matched = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
        // The match is textual then, `/` itself.
        if matched.isEmpty { return .text(elements + "/") }
        if !elements.isEmpty { return .text(elements) }
        return .expression(
            .with {
                $0.pattern.regex = "^" + escapedExpression(matched) + "/*"
                $0.substitution = "/"
            })
    }

    func mirror(_ mirror: MirroredCluster) -> Envoy_Config_Route_V3_RouteAction.RequestMirrorPolicy {
        .with {
            $0.cluster = mirror.cluster
            $0.disableShadowHostSuffixAppend = true
            guard mirror.fraction != .all else { return }
            $0.runtimeFraction.defaultValue = .with {
                switch mirror.fraction.denominator {
                case 100: $0.denominator = .hundred
                case 10_000: $0.denominator = .tenThousand
                default: $0.denominator = .million
                }
                $0.numerator = UInt32(
                    clamping: mirror.fraction.isExactInXDS ? mirror.fraction.numerator : mirror.fraction.millionths)
            }
        }
    }

    /// What the route does beyond xDS.
    func addFilters(of route: Route, to known: inout Weft_V1_RouteExtension) {
        if let session = route.session {
            known.session = .with {
                $0.carrier = session.carrier.rawValue
                $0.name = session.name
                if let timeout = session.absoluteTimeout { $0.absoluteTimeout = Google_Protobuf_Duration(timeout) }
                $0.permanent = session.isPermanent
            }
        }
        if route.mirrors.contains(where: { !$0.fraction.isExactInXDS }) {
            known.mirrorFractions = route.mirrors.map { Weft_V1_Fraction($0.fraction) }
        }
        guard case .forward(let clusters) = route.action,
            clusters.contains(where: { $0.rewrite != nil || !$0.mirrors.isEmpty })
        else { return }
        known.backends = clusters.map { cluster in
            .with {
                $0.hostRewrite = cluster.rewrite?.hostname ?? ""
                switch cluster.rewrite?.path {
                case nil: break
                case .full(let path): $0.fullPath = path
                case .prefix(let path): $0.prefix = path
                }
                $0.mirrors = cluster.mirrors.map { mirror in
                    .with {
                        $0.cluster = mirror.cluster
                        $0.fraction = Weft_V1_Fraction(mirror.fraction)
                    }
                }
            }
        }
    }
}

/// Matches every path, whole.
let wholePathPattern = "^/.*$"

/// The expression that matches `text` and nothing else.
func escapedExpression(_ text: String) -> String {
    var escaped = ""
    for character in text {
        if "\\.+*?()|[]{}^$".contains(character) { escaped.append("\\") }
        escaped.append(character)
    }
    return escaped
}

extension Fraction {
    /// xDS counts in hundredths, ten-thousandths and millionths.
    var isExactInXDS: Bool { [100, 10_000, 1_000_000].contains(self.denominator) }

    var millionths: Int { Int((Double(self.numerator) / Double(max(1, self.denominator)) * 1e6).rounded()) }
}

extension Weft_V1_Fraction {
    init(_ fraction: Fraction) {
        self.init()
        self.numerator = UInt32(clamping: fraction.numerator)
        self.denominator = UInt32(clamping: fraction.denominator)
    }

    /// Nil where it is no share.
    var model: Fraction? {
        guard self.denominator > 0, self.numerator <= self.denominator else { return nil }
        return Fraction(Int(self.numerator), of: Int(self.denominator))
    }
}
