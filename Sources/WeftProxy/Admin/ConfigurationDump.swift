internal import FoundationEssentials
internal import WeftIdentity
internal import WeftModel

/// What a sidecar knows, for people to read. Keys are never in it, nor values of headers that carry secrets.
enum ConfigurationDump {
    static func all(_ snapshot: ProxySnapshot, identity: WorkloadIdentity?) -> DumpValue {
        .object([
            "revision": .number(Int(snapshot.revision.number)),
            "identity": identity.map(Self.identity),
            "listeners": self.listeners(snapshot),
            "routes": self.routes(snapshot),
            "clusters": self.clusters(snapshot),
            "endpoints": self.endpoints(snapshot),
            "absent": .list(snapshot.absent.sorted().map { .text($0) }),
        ])
    }

    static func identity(_ identity: WorkloadIdentity) -> DumpValue {
        .object([
            "spiffeID": .text(identity.id.description),
            "serial": .text(identity.serial),
            "notBefore": .text(identity.notBefore.formatted(.iso8601)),
            "notAfter": .text(identity.notAfter.formatted(.iso8601)),
            "roots": .list(identity.bundle.map { .text(certificateFingerprint($0)) }),
        ])
    }

    static func listeners(_ snapshot: ProxySnapshot) -> DumpValue {
        .list(
            snapshot.listeners.values.sorted { $0.name < $1.name }.map { listener in
                switch listener {
                case .outbound(let name, let routes):
                    .object([
                        "name": .text(name), "direction": .text("outbound"), "routeConfiguration": .text(routes),
                    ])
                case .inbound(let inbound):
                    .object([
                        "name": .text(inbound.name), "direction": .text("inbound"),
                        "service": .text(inbound.service.description),
                        "address": .text("\(inbound.address):\(inbound.port)"), "appPort": .number(inbound.appPort),
                        "appProtocol": .text(inbound.appProtocol.rawValue), "mtls": .text(inbound.mtls.rawValue),
                        "rateLimits": inbound.rateLimits.isEmpty
                            ? nil : .list(inbound.rateLimits.map { .text($0.name) }),
                        "concurrency": inbound.concurrency.map { .number($0.maxLimit) },
                        "trustDeadlines": .flag(inbound.trustsDeadlines),
                        "idleTimeout": inbound.idleTimeout.map { .text("\($0)") },
                        "forwarding": .object([
                            "trustCallers": .flag(inbound.forwarding.trustsCallers),
                            "addresses": .text(inbound.forwarding.keepsAddresses ? "keep" : "append"),
                            "via": .flag(inbound.forwarding.namesItself),
                            "escapedSlashes": .text(inbound.forwarding.keepsEscapedSlashes ? "keep" : "refuse"),
                        ]),
                        "mtlsFrom": inbound.mtlsSource.map { .text($0.description) },
                        "authorization": AuthorizationDump.authorization(inbound.authorization),
                        "valuesFrom": self.sources(inbound.sources),
                    ])
                }
            })
    }

    static func routes(_ snapshot: ProxySnapshot) -> DumpValue {
        .list(
            snapshot.routes.values.sorted { $0.name < $1.name }.map { configuration in
                .object([
                    "name": .text(configuration.name),
                    "virtualHosts": .list(
                        configuration.virtualHosts.map { host in
                            .object([
                                "name": .text(host.name), "domains": .list(host.domains.map { .text($0) }),
                                "routes": .list(host.routes.map(Self.route)),
                            ])
                        }),
                ])
            })
    }

    static func clusters(_ snapshot: ProxySnapshot) -> DumpValue {
        .list(
            snapshot.clusters.values.sorted { $0.name < $1.name }.map { cluster in
                let transport: DumpValue =
                    switch cluster.transport {
                    case .plaintext: .text("plaintext")
                    case .tls(let tls): .object(["serverName": .text(tls.serverName)])
                    case .mutualTLS(let peers): .object(["mutualTLS": .list(peers.map { .text($0.description) })])
                    }
                return .object([
                    "name": .text(cluster.name), "service": .text(cluster.service.description),
                    "connectTimeout": .text("\(cluster.connectTimeout)"),
                    "loadBalancing": .text(cluster.loadBalancing.rawValue), "transport": transport,
                    "appProtocol": .text(cluster.appProtocol.rawValue),
                    "maxConnections": cluster.limits.connections.map { .number($0) },
                    "maxPendingRequests": .number(cluster.limits.pendingRequests),
                    "maxRequests": cluster.limits.requests.map { .number($0) },
                    "maxRetries": cluster.limits.retries.map { .number($0) },
                    "outliers": .flag(cluster.outliers.isEnabled),
                    "panicThreshold": .number(cluster.balancing.panicThreshold),
                    "healthCheck": cluster.healthCheck.map { .text("\($0.probe)") },
                    "policy": cluster.provenance.map { .text($0.description) },
                    "valuesFrom": self.sources(cluster.sources),
                ])
            })
    }

    static func endpoints(_ snapshot: ProxySnapshot) -> DumpValue {
        .list(
            snapshot.endpoints.values.sorted { $0.cluster < $1.cluster }.map { cluster in
                .object([
                    "cluster": .text(cluster.cluster),
                    "endpoints": .list(
                        cluster.endpoints.map { endpoint in
                            .object([
                                "workload": .text(endpoint.workload),
                                "address": .text("\(endpoint.address):\(endpoint.port)"),
                                "identity": endpoint.identity.map { .text($0.description) },
                                "weight": .number(endpoint.weight),
                                "version": endpoint.version.isEmpty ? nil : .text(endpoint.version),
                                "zone": endpoint.locality.zone.isEmpty ? nil : .text(endpoint.locality.zone),
                            ])
                        }),
                ])
            })
    }

    /// Which resource, revision, file and line set each value; defaults are left out.
    private static func sources(_ sources: [TrafficSetting: Provenance]) -> DumpValue? {
        sources.isEmpty
            ? nil
            : .object(
                sources.sorted { $0.key.rawValue < $1.key.rawValue }.map { setting, source in
                    DumpValue.Member(name: setting.rawValue, value: .text(source.description))
                })
    }

    private static func route(_ route: Route) -> DumpValue {
        let action: DumpValue =
            switch route.action {
            case .forward(let clusters):
                .list(
                    clusters.map { cluster in
                        .object([
                            "cluster": .text(cluster.cluster), "weight": .number(cluster.weight),
                            "requestHeaders": self.modifier(cluster.requestHeaders),
                            "responseHeaders": self.modifier(cluster.responseHeaders),
                        ])
                    })
            case .respond(let status, let body): .object(["status": .number(status), "body": .text(body)])
            case .redirect(let redirect): .object(["redirect": .number(redirect.status)])
            }
        return .object([
            "name": .text(route.name), "match": self.match(route.match), "action": action,
            "requestHeaders": self.modifier(route.requestHeaders),
            "responseHeaders": self.modifier(route.responseHeaders),
            "requestTimeout": route.timeouts.request.map { .text("\($0)") },
            "perTryTimeout": route.timeouts.perTry.map { .text("\($0)") },
            "idleTimeout": route.timeouts.idle.map { .text("\($0)") },
            "retries": .number(route.retry.attempts),
            "policy": route.provenance.map { .text($0.description) },
            "valuesFrom": self.sources(route.sources),
        ])
    }

    static func match(_ match: RouteMatch) -> DumpValue {
        let path: DumpValue =
            switch match.path {
            case .exact(let text): .object(["exact": .text(text)])
            case .prefix(let text): .object(["prefix": .text(text)])
            case .regularExpression(let text): .object(["regularExpression": .text(text)])
            }
        return .object([
            "path": path, "method": match.method.map { .text($0) },
            "headers": match.headers.isEmpty
                ? nil : .list(match.headers.map { self.condition($0.name, $0.value, secret: self.isSecret($0.name)) }),
            "query": match.queryParameters.isEmpty
                ? nil : .list(match.queryParameters.map { self.condition($0.name, $0.value, secret: false) }),
        ])
    }

    private static func condition(_ name: String, _ value: StringMatch, secret: Bool) -> DumpValue {
        switch value {
        case .exact(let text): .object(["name": .text(name), "exact": .text(secret ? Self.redacted : text)])
        case .regularExpression(let text):
            .object(["name": .text(name), "regularExpression": .text(secret ? Self.redacted : text)])
        case .present: .object(["name": .text(name), "present": .flag(true)])
        }
    }

    private static func modifier(_ modifier: HeaderModifier) -> DumpValue? {
        guard !modifier.isEmpty else { return nil }
        func headers(_ headers: [HeaderModifier.Header]) -> DumpValue? {
            guard !headers.isEmpty else { return nil }
            return .object(
                headers.map { header in
                    DumpValue.Member(
                        name: header.name, value: .text(self.isSecret(header.name) ? Self.redacted : header.value))
                })
        }
        return .object([
            "set": headers(modifier.set), "add": headers(modifier.add),
            "remove": modifier.remove.isEmpty ? nil : .list(modifier.remove.map { .text($0) }),
        ])
    }

    static let redacted = "(redacted)"

    /// Whether a header's value may be a credential.
    static func isSecret(_ name: String) -> Bool {
        ["authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "credential"].contains {
            name.contains($0)
        }
    }
}
