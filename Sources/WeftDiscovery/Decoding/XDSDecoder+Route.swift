internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

extension XDSDecoder {
    static func routes(
        _ configuration: Envoy_Config_Route_V3_RouteConfiguration
    ) throws(XDSDecodingError) -> RouteConfiguration {
        var hosts: [VirtualHost] = []
        for host in configuration.virtualHosts {
            for domain in host.domains
            where domain != "*" && domain.dropFirst(domain.hasPrefix("*.") ? 1 : 0).contains("*") {
                throw XDSDecodingError(
                    resource: configuration.name, field: "domains",
                    cause: "'\(domain)': only whole names, `*.` before one, or `*`")
            }
            var routes: [Route] = []
            for route in host.routes { routes.append(try self.route(route, of: configuration.name)) }
            hosts.append(VirtualHost(name: host.name, domains: host.domains, routes: routes))
        }
        return RouteConfiguration(name: configuration.name, virtualHosts: hosts)
    }

    private static func route(
        _ route: Envoy_Config_Route_V3_Route, of resource: String
    ) throws(XDSDecodingError) -> Route {
        var model = Route(
            name: route.name, match: try self.match(route.match, of: resource),
            action: try self.action(of: route, resource: resource),
            requestHeaders: self.modifier(route.requestHeadersToAdd, route.requestHeadersToRemove),
            responseHeaders: self.modifier(route.responseHeadersToAdd, route.responseHeadersToRemove))
        let known: Weft_V1_RouteExtension? = try weftExtension(of: route.metadata, resource: resource)
        if case .forward = model.action {
            model.rewrite = try self.rewrite(route.route, of: resource)
            model.mirrors = try self.mirrors(
                route.route.requestMirrorPolicies, exact: known?.mirrorFractions ?? [], of: resource)
        }
        if let known {
            model.timeouts = RouteTimeouts(
                request: known.hasRequestTimeout ? known.requestTimeout.swiftDuration : nil,
                perTry: known.hasPerTryTimeout ? known.perTryTimeout.swiftDuration : nil,
                idle: known.hasIdleTimeout ? known.idleTimeout.swiftDuration : nil)
            model.retry.attempts = Int(known.retry.attempts)
            model.retry.statuses = Set(known.retry.statuses.map { Int($0) })
            model.retry.grpcStatuses = Set(known.retry.grpcStatuses.map { Int($0) })
            model.retry.nonIdempotent = known.retry.nonIdempotent
            model.retry.backoffBase = known.retry.backoffBase.swiftDuration
            model.stickyCohort = known.hasStickyCohort ? known.stickyCohort.model : nil
            model.hashKey = known.hasHashKey ? known.hashKey.model : nil
            self.apply(known.backends, to: &model.action)
            if known.hasSession { model.session = try self.session(known.session, of: resource) }
            model.provenance = known.hasProvenance ? known.provenance.model : nil
            model.hedging = known.hasHedging ? known.hedging.model : nil
            if known.hasFault { model.fault = try known.fault.model(of: resource) }
            model.sources = modelSources(known.sources)
        } else {
            self.applyStandard(route.route, to: &model)
            self.applyAffinity(route.route, to: &model)
        }
        return model
    }

    /// What an Envoy would make of the same action.
    private static func applyStandard(_ action: Envoy_Config_Route_V3_RouteAction, to model: inout Route) {
        model.timeouts.request = action.hasTimeout ? action.timeout.swiftDuration : .seconds(15)
        if action.maxStreamDuration.hasMaxStreamDuration {
            model.timeouts.request = action.maxStreamDuration.maxStreamDuration.swiftDuration
        }
        if action.hasIdleTimeout { model.timeouts.idle = action.idleTimeout.swiftDuration }
        guard action.hasRetryPolicy else {
            model.retry.attempts = 0
            return
        }
        let policy = action.retryPolicy
        model.retry.attempts = policy.hasNumRetries ? min(10, Int(policy.numRetries.value)) : 1
        if policy.hasPerTryTimeout {
            if action.hedgePolicy.hedgeOnPerTryTimeout {
                model.hedging = HedgePolicy(delay: policy.perTryTimeout.swiftDuration)
            } else {
                model.timeouts.perTry = policy.perTryTimeout.swiftDuration
            }
        }
        if policy.retryBackOff.hasBaseInterval {
            model.retry.backoffBase = policy.retryBackOff.baseInterval.swiftDuration
        }
        for token in policy.retryOn.split(separator: ",").map({ $0.filter { $0 != " " } }) {
            switch token {
            case "5xx": model.retry.statuses.formUnion(500...599)
            case "gateway-error": model.retry.statuses.formUnion(502...504)
            case "retriable-4xx": model.retry.statuses.insert(409)
            case "retriable-status-codes":
                model.retry.statuses.formUnion(policy.retriableStatusCodes.map { Int($0) })
            default:
                if let code = grpcRetryTokens.first(where: { $0.value == token })?.key {
                    model.retry.grpcStatuses.insert(code)
                }
            }
        }
        model.retry.nonIdempotent = !model.retry.statuses.isEmpty || !model.retry.grpcStatuses.isEmpty
    }

    // MARK: Matches

    private static func match(
        _ match: Envoy_Config_Route_V3_RouteMatch, of resource: String
    ) throws(XDSDecodingError) -> RouteMatch {
        if match.hasCaseSensitive, !match.caseSensitive.value {
            throw XDSDecodingError(resource: resource, field: "case_sensitive", cause: "must be true")
        }
        var model = RouteMatch()
        switch match.pathSpecifier {
        case .path(let path): model.path = .exact(path)
        case .safeRegex(let regex): model.path = .regularExpression(regex.regex)
        case .pathSeparatedPrefix(let prefix): model.path = .prefix(prefix)
        case .prefix(""), .prefix("/"): model.path = .prefix("/")
        case .prefix(let prefix):
            // Weft's prefixes are whole elements; a textual one is an expression.
            model.path =
                prefix.hasSuffix("/")
                ? .prefix(String(prefix.dropLast())) : .regularExpression(escapedExpression(prefix) + ".*")
        case nil: throw XDSDecodingError(resource: resource, field: "match", cause: "says no path that Weft knows")
        }
        for header in match.headers {
            let value = try self.headerValue(header, of: resource)
            if header.name == ":method", case .exact(let method) = value {
                model.method = method
            } else {
                model.headers.append(HeaderMatch(name: header.name, value: value))
            }
        }
        for parameter in match.queryParameters {
            let value: StringMatch =
                if case .stringMatch(let match) = parameter.queryParameterMatchSpecifier {
                    try self.pattern(match, of: resource)
                } else { .present }
            model.queryParameters.append(QueryParameterMatch(name: parameter.name, value: value))
        }
        return model
    }

    private static func headerValue(
        _ header: Envoy_Config_Route_V3_HeaderMatcher, of resource: String
    ) throws(XDSDecodingError) -> StringMatch {
        if header.invertMatch || header.headerMatchSpecifier == .presentMatch(false) {
            throw XDSDecodingError(resource: resource, field: "invert_match", cause: "is not supported")
        }
        return switch header.headerMatchSpecifier {
        case .exactMatch(let text): .exact(text)
        case .safeRegexMatch(let regex): .regularExpression(regex.regex)
        case .stringMatch(let match): try self.pattern(match, of: resource)
        case .presentMatch, nil: .present
        }
    }

    private static func pattern(
        _ match: Envoy_Type_Matcher_V3_StringMatcher, of resource: String
    ) throws(XDSDecodingError) -> StringMatch {
        if match.ignoreCase {
            throw XDSDecodingError(resource: resource, field: "ignore_case", cause: "is not supported")
        }
        return switch match.matchPattern {
        case .exact(let text): .exact(text)
        case .safeRegex(let regex): .regularExpression(regex.regex)
        case .prefix(let text): .regularExpression(escapedExpression(text) + ".*")
        case .suffix(let text): .regularExpression(".*" + escapedExpression(text))
        case .contains(let text): .regularExpression(".*" + escapedExpression(text) + ".*")
        case nil: throw XDSDecodingError(resource: resource, field: "string_match", cause: "says no pattern")
        }
    }

    // MARK: Actions

    private static func action(
        of route: Envoy_Config_Route_V3_Route, resource: String
    ) throws(XDSDecodingError) -> RouteAction {
        switch route.action {
        case .directResponse(let response):
            return .respond(status: Int(response.status), body: response.body.inlineString)
        case .route(let action):
            switch action.clusterSpecifier {
            case .cluster(let name): return .forward([WeightedCluster(cluster: name)])
            case .weightedClusters(let weighted):
                let clusters = weighted.clusters.map { cluster in
                    WeightedCluster(
                        cluster: cluster.name, weight: Int(cluster.weight.value),
                        requestHeaders: self.modifier(cluster.requestHeadersToAdd, cluster.requestHeadersToRemove),
                        responseHeaders: self.modifier(cluster.responseHeadersToAdd, cluster.responseHeadersToRemove))
                }
                guard clusters.contains(where: { $0.weight > 0 }) else {
                    throw XDSDecodingError(resource: resource, field: "weighted_clusters", cause: "weigh nothing")
                }
                return .forward(clusters)
            case .clusterHeader, nil:
                throw XDSDecodingError(resource: resource, field: "route", cause: "names no cluster")
            }
        case .redirect(let redirect): return .redirect(try self.redirect(redirect, of: resource))
        case .nonForwardingAction, nil:
            throw XDSDecodingError(resource: resource, field: "action", cause: "is none that Weft knows")
        }
    }

    private static func modifier(
        _ additions: [Envoy_Config_Core_V3_HeaderValueOption], _ removals: [String]
    ) -> HeaderModifier {
        var modifier = HeaderModifier(remove: removals)
        for option in additions {
            let header = HeaderModifier.Header(
                name: option.header.key, value: option.header.value.replacing("%%", with: "%"))
            if option.appendAction == .appendIfExistsOrAdd {
                modifier.add.append(header)
            } else {
                modifier.set.append(header)
            }
        }
        return modifier
    }
}
