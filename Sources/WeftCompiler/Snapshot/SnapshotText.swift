package import WeftModel

/// Writes a snapshot as text that people read and tests compare: sorted, and only what differs from the defaults.
package enum SnapshotText {
    package static func render(_ snapshot: MeshSnapshot) -> String {
        var lines: [String] = []
        for name in snapshot.listeners.keys.sorted() {
            guard let listener = snapshot.listeners[name] else { continue }
            switch listener {
            case .outbound(let name, let routes):
                lines.append("service \(name)" + (routes == name ? "" : " routes \(routes)"))
                if let configuration = snapshot.routes[routes] { lines += self.routes(configuration) }
                for consumer in snapshot.routes.keys.sorted() where consumer.hasPrefix(routes + "@") {
                    guard let configuration = snapshot.routes[consumer] else { continue }
                    lines.append("  callers of \(RouteConfiguration.parts(of: consumer).consumer ?? "")")
                    lines += self.routes(configuration).map { "  " + $0 }
                }
                if let cluster = snapshot.clusters[name] { lines += self.cluster(cluster) }
                for endpoint in snapshot.endpoints[name]?.endpoints ?? [] { lines.append(self.endpoint(endpoint)) }
            case .inbound(let listener): lines += self.inbound(listener)
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func inbound(_ listener: InboundListener) -> [String] {
        var lines = [
            "\(listener.name) of \(listener.service) at \(listener.address):\(listener.port) "
                + "speaks \(listener.appProtocol.rawValue) mtls \(listener.mtls.rawValue)"
                + (listener.concurrency.map { " concurrency \(BalancingText.concurrency($0))" } ?? "")
        ]
        if listener.trustsDeadlines { lines.append("  trusts deadlines of callers outside the mesh") }
        if let idle = listener.idleTimeout { lines.append("  idle \(idle)") }
        if listener.forwarding.trustsCallers { lines.append("  trusts what callers outside the mesh forward") }
        if listener.forwarding.keepsAddresses { lines.append("  adds no addresses") }
        if listener.forwarding.namesItself { lines.append("  names itself in Via") }
        if listener.forwarding.keepsEscapedSlashes { lines.append("  lets escaped slashes pass") }
        lines += listener.rateLimits.map { limit in
            "  limit \(limit.service.map { "\($0)/" } ?? "")\(limit.name): \(limit.requests) per \(limit.interval), burst \(limit.burst), key \(limit.key), "
                + "\(limit.maxKeys) keys, of the \(limit.scope.rawValue)"
                + (limit.provenance.map { " from \($0)" } ?? "")
        }
        if let source = listener.mtlsSource { lines.append("  mtls of \(source)") }
        lines += AuthorizationText.lines(listener.authorization, match: self.match)
        return lines + self.sources(listener.sources, indent: "  ")
    }

    private static func resilience(_ route: Route) -> [String] {
        var lines: [String] = []
        if let hedging = route.hedging {
            let percentile = hedging.percentile.map { "at percentile \($0)" }
            let parts = [percentile, hedging.delay.map { "after \($0)" }].compactMap(\.self)
            lines.append("    hedge \(parts.joined(separator: ", "))")
        }
        if let fault = route.fault {
            var parts: [String] = []
            if let delay = fault.delay { parts.append("delay \(delay.percent) % by \(delay.duration)") }
            if let abort = fault.abort { parts.append("abort \(abort.percent) % with \(abort.status)") }
            parts.append("at most \(fault.maxPercent) %")
            if let guardrail = fault.guardrail { parts.append("while success is \(guardrail.successPercent) %") }
            lines.append("    fault \(parts.joined(separator: ", ")), until \(fault.until)")
        }
        return lines
    }

    private static func sources(_ sources: [TrafficSetting: Provenance], indent: String) -> [String] {
        sources.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\(indent)\($0.key.rawValue) of \($0.value)" }
    }

    private static func routes(_ configuration: RouteConfiguration) -> [String] {
        configuration.virtualHosts.flatMap { host -> [String] in
            let domains = host.domains == ["*"] ? [] : ["  domains \(host.domains.joined(separator: " "))"]
            return domains + host.routes.flatMap(self.route)
        }
    }

    private static func route(_ route: Route) -> [String] {
        var lines = ["  route \(route.name): \(self.match(route.match))"]
        lines += self.headers(route.requestHeaders, "request", indent: "    ")
        lines += self.headers(route.responseHeaders, "response", indent: "    ")
        let times = [
            ("request", route.timeouts.request), ("perTry", route.timeouts.perTry), ("idle", route.timeouts.idle),
        ].compactMap { name, value in value.map { "\(name) \($0)" } }
        if !times.isEmpty { lines.append("    timeouts \(times.joined(separator: ", "))") }
        if route.retry != RetryPolicy() { lines.append("    retry \(self.retry(route.retry))") }
        if let key = route.stickyCohort { lines.append("    cohort by \(BalancingText.key(key))") }
        if let key = route.hashKey { lines.append("    hash of \(BalancingText.key(key))") }
        if let rewrite = route.rewrite { lines.append("    rewrite \(self.rewrite(rewrite))") }
        if let session = route.session { lines.append("    session \(self.session(session))") }
        lines += route.mirrors.map { "    mirror \(self.mirror($0))" }
        lines += self.resilience(route)
        switch route.action {
        case .redirect(let redirect): lines.append("    redirect \(self.redirect(redirect))")
        case .respond(let status, let body): lines.append("    respond \(status): \(body)")
        case .forward(let clusters):
            for cluster in clusters {
                lines.append("    to \(cluster.cluster) weight \(cluster.weight)")
                lines += self.headers(cluster.requestHeaders, "request", indent: "      ")
                lines += self.headers(cluster.responseHeaders, "response", indent: "      ")
                if let rewrite = cluster.rewrite { lines.append("      rewrite \(self.rewrite(rewrite))") }
                lines += cluster.mirrors.map { "      mirror \(self.mirror($0))" }
            }
        }
        if let provenance = route.provenance { lines.append("    from \(provenance)") }
        lines += self.sources(route.sources, indent: "    ")
        return lines
    }

    private static func match(_ match: RouteMatch) -> String {
        var parts: [String] = []
        switch match.path {
        case .exact(let path): parts.append("path = \(path)")
        case .prefix(let path): parts.append("path under \(path)")
        case .regularExpression(let expression): parts.append("path ~ \(expression)")
        }
        if let method = match.method { parts.append("method \(method)") }
        parts += match.headers.map { "header \($0.name) \(self.value($0.value))" }
        parts += match.queryParameters.map { "query \($0.name) \(self.value($0.value))" }
        return parts.joined(separator: ", ")
    }

    private static func redirect(_ redirect: RequestRedirect) -> String {
        var parts = ["\(redirect.status)"]
        if let scheme = redirect.scheme { parts.append("scheme \(scheme)") }
        if let hostname = redirect.hostname { parts.append("host \(hostname)") }
        if let port = redirect.port { parts.append("port \(port)") }
        if let path = redirect.path { parts.append(self.path(path)) }
        return parts.joined(separator: ", ")
    }

    private static func rewrite(_ rewrite: URLRewrite) -> String {
        [rewrite.hostname.map { "host \($0)" }, rewrite.path.map(self.path)].compactMap(\.self)
            .joined(separator: ", ")
    }

    private static func path(_ path: PathModifier) -> String {
        switch path {
        case .full(let text): "path \(text)"
        case .prefix(let text): "prefix \(text.isEmpty ? "/" : text)"
        }
    }

    private static func mirror(_ mirror: MirroredCluster) -> String {
        mirror.fraction == .all
            ? mirror.cluster : "\(mirror.cluster) \(mirror.fraction.numerator) of \(mirror.fraction.denominator)"
    }

    private static func session(_ session: SessionPersistence) -> String {
        var text = "\(session.carrier.rawValue) \(session.name)"
        if let timeout = session.absoluteTimeout { text += " for \(timeout)" }
        return session.isPermanent ? text + ", permanent" : text
    }

    private static func value(_ match: StringMatch) -> String {
        switch match {
        case .exact(let value): "= \(value)"
        case .regularExpression(let expression): "~ \(expression)"
        case .present: "present"
        }
    }

    private static func headers(_ modifier: HeaderModifier, _ what: String, indent: String) -> [String] {
        modifier.remove.map { "\(indent)\(what) header remove \($0)" }
            + modifier.set.map { "\(indent)\(what) header set \($0.name): \($0.value)" }
            + modifier.add.map { "\(indent)\(what) header add \($0.name): \($0.value)" }
    }

    private static func retry(_ retry: RetryPolicy) -> String {
        var parts = ["attempts \(retry.attempts)"]
        if !retry.statuses.isEmpty { parts.append("on \(self.numbers(retry.statuses))") }
        if !retry.grpcStatuses.isEmpty { parts.append("on grpc \(self.numbers(retry.grpcStatuses))") }
        if retry.nonIdempotent { parts.append("any method") }
        parts.append("backoff \(retry.backoffBase)")
        return parts.joined(separator: ", ")
    }

    private static func numbers(_ numbers: Set<Int>) -> String {
        numbers.sorted().map(String.init).joined(separator: " ")
    }

    private static func cluster(_ cluster: Cluster) -> [String] {
        var lines: [String] = []
        switch cluster.transport {
        case .plaintext: lines.append("  in the clear")
        case .tls(let tls):
            lines.append(
                "  tls to \(tls.serverName) proving \(tls.names.joined(separator: " "))"
                    + (tls.rootsFile.map { " by \($0)" } ?? ""))
        case .mutualTLS(let peers): lines.append("  peers \(peers.map(\.description).joined(separator: " "))")
        }
        if let name = cluster.resolution { lines.append("  resolved \(name.host):\(name.port)") }
        var parts: [String] = []
        if cluster.appProtocol != .detect { parts.append("speaks \(cluster.appProtocol.rawValue)") }
        if cluster.loadBalancing != .peakEWMA { parts.append("balancing \(cluster.loadBalancing.rawValue)") }
        if cluster.connectTimeout != .seconds(1) { parts.append("connect \(cluster.connectTimeout)") }
        if cluster.retryBudget != RetryBudgetPolicy() {
            parts.append("budget \(cluster.retryBudget.ratio) and \(cluster.retryBudget.minPerSecond) per second")
        }
        if let limit = cluster.limits.connections { parts.append("connections \(limit)") }
        if let limit = cluster.limits.requests { parts.append("requests \(limit)") }
        if cluster.limits.pendingRequests != 1024 { parts.append("pending \(cluster.limits.pendingRequests)") }
        parts += BalancingText.parts(of: cluster)
        if !parts.isEmpty { lines.append("  cluster \(parts.joined(separator: ", "))") }
        lines += self.sources(cluster.sources, indent: "  ")
        return lines
    }

    private static func endpoint(_ endpoint: Endpoint) -> String {
        var line = "  endpoint \(endpoint.workload) \(endpoint.address):\(endpoint.port)"
        if endpoint.identity == nil { line += " in the clear" }
        if !endpoint.version.isEmpty { line += " version \(endpoint.version)" }
        if endpoint.weight != 1 { line += " weight \(endpoint.weight)" }
        if endpoint.locality != Locality() {
            let parts = [endpoint.locality.region, endpoint.locality.zone, endpoint.locality.subZone]
            line += " in \(parts.joined(separator: "/"))"
        }
        return line
    }
}
