internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

extension XDSEncoder {
    func virtualHost(_ host: VirtualHost, domains: [String]) throws -> Envoy_Config_Route_V3_VirtualHost {
        try .with {
            $0.name = host.name
            $0.domains = domains
            $0.routes = try host.routes.compactMap(self.route)
        }
    }

    /// Nil where the dialect cannot say the route, so that the next one answers.
    private func route(_ route: Route) throws -> Envoy_Config_Route_V3_Route? {
        // gRPC clients skip routes that match query parameters: a method call has none.
        if self.dialect == .grpc, !route.match.queryParameters.isEmpty { return nil }
        return try .with {
            $0.name = route.name
            $0.match = self.match(route.match)
            switch route.action {
            case .forward(let clusters): $0.route = self.forward(clusters, of: route)
            case .redirect(let redirect): $0.redirect = self.redirect(redirect, match: route.match.path)
            case .respond(let status, let body):
                $0.directResponse.status = UInt32(clamping: status)
                $0.directResponse.body.inlineString = body
            }
            $0.requestHeadersToAdd = self.additions(route.requestHeaders)
            $0.requestHeadersToRemove = route.requestHeaders.remove
            $0.responseHeadersToAdd = self.additions(route.responseHeaders)
            $0.responseHeadersToRemove = route.responseHeaders.remove
            if self.dialect == .weft { $0.metadata = try weftMetadata(self.routeExtension(route)) }
        }
    }

    private func match(_ match: RouteMatch) -> Envoy_Config_Route_V3_RouteMatch {
        .with {
            switch match.path {
            case .exact(let path): $0.path = path
            case .regularExpression(let expression): $0.safeRegex.regex = expression
            case .prefix(let prefix):
                let elements = prefix.last == "/" ? String(prefix.dropLast()) : prefix
                if elements.isEmpty {
                    $0.prefix = "/"
                } else if self.dialect == .grpc {
                    // A gRPC path is `/package.Service/Method`; separated prefixes are refused.
                    $0.prefix = elements + "/"
                } else {
                    $0.pathSeparatedPrefix = elements
                }
            }
            if let method = match.method {
                $0.headers.append(
                    .with {
                        $0.name = ":method"
                        $0.stringMatch.exact = method
                    })
            }
            $0.headers += match.headers.map { header in
                .with {
                    $0.name = header.name
                    if let pattern = self.pattern(header.value) {
                        $0.stringMatch = pattern
                    } else {
                        $0.presentMatch = true
                    }
                }
            }
            $0.queryParameters = match.queryParameters.map { parameter in
                .with {
                    $0.name = parameter.name
                    if let pattern = self.pattern(parameter.value) {
                        $0.stringMatch = pattern
                    } else {
                        $0.presentMatch = true
                    }
                }
            }
        }
    }

    /// Nil for presence, which has no pattern.
    private func pattern(_ value: StringMatch) -> Envoy_Type_Matcher_V3_StringMatcher? {
        switch value {
        case .exact(let text): .with { $0.exact = text }
        case .regularExpression(let expression): .with { $0.safeRegex.regex = expression }
        case .present: nil
        }
    }

    private func forward(_ clusters: [WeightedCluster], of route: Route) -> Envoy_Config_Route_V3_RouteAction {
        .with {
            if clusters.count == 1, let only = clusters.first, only.weight == 1, only.requestHeaders.isEmpty,
                only.responseHeaders.isEmpty
            {
                $0.cluster = only.cluster
            } else {
                $0.weightedClusters.clusters = clusters.map { cluster in
                    .with {
                        $0.name = cluster.cluster
                        $0.weight = Google_Protobuf_UInt32Value(UInt32(clamping: cluster.weight))
                        $0.requestHeadersToAdd = self.additions(cluster.requestHeaders)
                        $0.requestHeadersToRemove = cluster.requestHeaders.remove
                        $0.responseHeadersToAdd = self.additions(cluster.responseHeaders)
                        $0.responseHeadersToRemove = cluster.responseHeaders.remove
                        if self.dialect == .envoy, let hostname = cluster.rewrite?.hostname {
                            $0.hostRewriteLiteral = hostname
                        }
                    }
                }
            }
            if let rewrite = route.rewrite { self.apply(rewrite, match: route.match.path, to: &$0) }
            $0.requestMirrorPolicies = route.mirrors.map(self.mirror)
            switch self.dialect {
            case .weft: break
            case .envoy:
                self.envoyBehaviour(of: route, in: &$0)
                self.affinity(of: route, in: &$0)
            case .grpc:
                self.grpcBehaviour(of: route, in: &$0)
                self.affinity(of: route, in: &$0)
            }
        }
    }

    private func envoyBehaviour(of route: Route, in action: inout Envoy_Config_Route_V3_RouteAction) {
        // Gateway API answers 500 for a backend that does not exist.
        action.clusterNotFoundResponseCode = .internalServerError
        // Envoy's own default, 15 s for everything, would cut streams; the callers' grpc-timeout is honoured.
        action.timeout = Google_Protobuf_Duration(route.timeouts.request ?? .zero)
        action.maxStreamDuration.grpcTimeoutHeaderMax = Google_Protobuf_Duration(.zero)
        if let idle = route.timeouts.idle { action.idleTimeout = Google_Protobuf_Duration(idle) }
        guard route.retry.attempts > 0 else { return }
        var tokens = ["connect-failure", "refused-stream", "reset-before-request"]
        // Envoy cannot tie a status to a method, so statuses are retried only where the policy says it for all methods.
        if route.retry.nonIdempotent || route.match.method.map(Self.idempotentMethods.contains) == true {
            tokens.append("gateway-error")
            if !route.retry.statuses.isEmpty { tokens.append("retriable-status-codes") }
            tokens += self.grpcTokens(route.retry.grpcStatuses)
        }
        action.retryPolicy = self.retryPolicy(route, tokens: tokens)
        action.retryPolicy.retriableStatusCodes = route.retry.statuses.sorted().map { UInt32(clamping: $0) }
        if let perTry = route.timeouts.perTry, perTry > .zero {
            action.retryPolicy.perTryTimeout = Google_Protobuf_Duration(perTry)
        } else if let delay = route.hedging?.delay, tokens.contains("gateway-error") {
            // Envoy hedges when a try has taken its time, and lets that try go on.
            action.retryPolicy.perTryTimeout = Google_Protobuf_Duration(delay)
            action.hedgePolicy.hedgeOnPerTryTimeout = true
        }
        action.retryPolicy.hostSelectionRetryMaxAttempts = 3
    }

    private func grpcBehaviour(of route: Route, in action: inout Envoy_Config_Route_V3_RouteAction) {
        if let request = route.timeouts.request {
            action.maxStreamDuration.maxStreamDuration = Google_Protobuf_Duration(request)
        }
        let tokens = self.grpcTokens(route.retry.grpcStatuses)
        // gRPC retries by itself what the server cannot have seen; a policy needs a status and an attempt.
        guard route.retry.attempts > 0, !tokens.isEmpty else { return }
        action.retryPolicy = self.retryPolicy(route, tokens: tokens)
    }

    private static let idempotentMethods: Set<String> = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]

    private func retryPolicy(_ route: Route, tokens: [String]) -> Envoy_Config_Route_V3_RetryPolicy {
        .with {
            $0.retryOn = tokens.joined(separator: ",")
            $0.numRetries = Google_Protobuf_UInt32Value(UInt32(clamping: route.retry.attempts))
            if route.retry.backoffBase > .zero {
                $0.retryBackOff.baseInterval = Google_Protobuf_Duration(route.retry.backoffBase)
                $0.retryBackOff.maxInterval = Google_Protobuf_Duration(route.retry.backoffBase * 10)
            }
        }
    }

    private func grpcTokens(_ statuses: Set<Int>) -> [String] {
        statuses.sorted().compactMap { grpcRetryTokens[$0] }
    }

    private func additions(_ modifier: HeaderModifier) -> [Envoy_Config_Core_V3_HeaderValueOption] {
        let lists: [([HeaderModifier.Header], Envoy_Config_Core_V3_HeaderValueOption.HeaderAppendAction)] = [
            (modifier.set, .overwriteIfExistsOrAdd), (modifier.add, .appendIfExistsOrAdd),
        ]
        return lists.flatMap { headers, action in
            headers.map { header in
                .with {
                    $0.header.key = header.name
                    // A percent sign begins a substitution in xDS unless doubled.
                    $0.header.value = header.value.split(separator: "%", omittingEmptySubsequences: false)
                        .joined(separator: "%%")
                    $0.appendAction = action
                    $0.keepEmptyValue = header.value.isEmpty
                }
            }
        }
    }

    private func routeExtension(_ route: Route) -> Weft_V1_RouteExtension {
        .with {
            if let request = route.timeouts.request { $0.requestTimeout = Google_Protobuf_Duration(request) }
            if let perTry = route.timeouts.perTry { $0.perTryTimeout = Google_Protobuf_Duration(perTry) }
            if let idle = route.timeouts.idle { $0.idleTimeout = Google_Protobuf_Duration(idle) }
            $0.retry.attempts = UInt32(clamping: route.retry.attempts)
            $0.retry.statuses = route.retry.statuses.sorted().map { UInt32(clamping: $0) }
            $0.retry.grpcStatuses = route.retry.grpcStatuses.sorted().map { UInt32(clamping: $0) }
            $0.retry.nonIdempotent = route.retry.nonIdempotent
            $0.retry.backoffBase = Google_Protobuf_Duration(route.retry.backoffBase)
            if let cohort = route.stickyCohort { $0.stickyCohort = Weft_V1_AffinityKey(cohort) }
            if let key = route.hashKey { $0.hashKey = Weft_V1_AffinityKey(key) }
            self.addFilters(of: route, to: &$0)
            if let provenance = route.provenance { $0.provenance = Weft_V1_Provenance(provenance) }
            if let hedging = route.hedging { $0.hedging = Weft_V1_Hedging(hedging) }
            if let fault = route.fault { $0.fault = Weft_V1_Fault(fault) }
            $0.sources = wireSources(route.sources)
        }
    }
}

/// The gRPC statuses that xDS can retry, by code.
let grpcRetryTokens: [Int: String] = [
    1: "cancelled", 4: "deadline-exceeded", 8: "resource-exhausted", 13: "internal", 14: "unavailable",
]
