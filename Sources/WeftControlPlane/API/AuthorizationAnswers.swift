internal import Foundation
internal import WeftCompiler
internal import WeftModel

/// Answers questions about who may call whom, from what the proxies have in force.
struct AuthorizationAnswers: Sendable {
    let snapshot: MeshSnapshot
    /// What is registered.
    let entries: [Registry.Entry]
    let trustDomain: TrustDomain
    /// The labels that declared services select their workloads by.
    var selectors: [ServiceName: [String: String]] = [:]
    /// Identities that are refused.
    var revoked: Set<SPIFFEID> = []
    /// Other trust domains that are believed.
    var federated: Set<TrustDomain> = []

    // MARK: Check

    func check(_ request: AuthorizationCheckRequest) throws(APIError) -> AuthorizationCheckReport {
        let address = try request.address.map { text throws(APIError) in
            guard let bytes = NetworkPrefix.address(text) else {
                throw Self.refused("address", "\(text.prefix(64)) is no IP address")
            }
            return bytes
        }
        var question: AuthorizationQuestion.Request?
        if request.method != nil || request.path != nil || !request.headers.isEmpty || request.claims != nil {
            question = AuthorizationQuestion.Request(
                method: request.method ?? "GET", path: try Self.rawPath(request.path ?? "/"),
                headers: Dictionary(
                    request.headers.map { ($0.key.lowercased(), [$0.value]) }, uniquingKeysWith: { $0 + $1 }),
                query: Self.query(request.path ?? "/"),
                claims: request.claims.map { claims in
                    Dictionary(
                        claims.map { ($0.key.split(separator: ".").map(String.init), $0.value) },
                        uniquingKeysWith: { $0 + $1 })
                })
        }
        let ports = try self.ports(of: request.to, port: request.port)
        let identities = try self.identities(of: request.from)
        var verdicts: [AuthorizationCheckReport.Verdict] = []
        for port in ports {
            var asked = question ?? .init()
            asked.path = try Self.normalized(asked.path, at: port)
            for identity in identities {
                verdicts.append(
                    self.verdict(
                        AuthorizationQuestion(
                            identity: identity, address: address,
                            request: [.tcp, .tls].contains(port.appProtocol) ? nil : asked), at: port))
            }
        }
        return AuthorizationCheckReport(
            verdicts: verdicts, remarks: self.stranger(request.from, identities).map { [$0] })
    }

    /// What is doubtful about who is asked for: the answer holds for whoever gets that identity.
    private func stranger(_ name: String?, _ identities: [SPIFFEID?]) -> String? {
        let known = Set(self.entries.map(\.identity))
        guard let name, let identity = identities.compactMap(\.self).first(where: { !known.contains($0) }) else {
            return nil
        }
        let service = Self.service(name)
        let elsewhere = Set(
            self.entries.filter { $0.workload.service == service.name }.map(\.workload.metadata.namespace)
        ).sorted()
        let hint =
            name.hasPrefix("spiffe://") || elsewhere.isEmpty
            ? "" : "; did you mean \(elsewhere.map { "\(service.name).\($0)" }.joined(separator: " or "))?"
        return "no workload that is registered has the identity \(identity)\(hint)"
    }

    private func verdict(
        _ question: AuthorizationQuestion, at port: InboundListener
    ) -> AuthorizationCheckReport.Verdict {
        let explainer = AuthorizationExplainer(port.authorization, trustDomain: self.trustDomain)
        let explanation = explainer.explain(question)
        var verdict = AuthorizationCheckReport.Verdict(
            identity: question.identity?.description, destination: port.service.description, port: port.appPort,
            isAllowed: explanation.isAllowed, reason: explanation.isAllowed ? nil : Reason.denied.rawValue,
            because: explanation.because, decidedBy: explanation.decidedBy,
            findings: explanation.findings.map { finding in
                AuthorizationCheckReport.Finding(
                    policy: finding.source, action: finding.action, isAudit: finding.isAudit,
                    outcome: finding.outcome.rawValue, rule: finding.rule, mismatch: finding.mismatch)
            })
        if question.identity == nil, port.mtls == .strict {
            verdict.isAllowed = false
            verdict.reason = Reason.plaintextRefused.rawValue
            verdict.because = "the port takes mutual TLS only, and the caller is in the clear"
            verdict.decidedBy = port.mtlsSource
        } else if let cause = question.identity.flatMap(self.disbelief(of:)) {
            // The handshake ends before any policy is asked.
            verdict.isAllowed = false
            verdict.reason = Reason.tlsFailed.rawValue
            verdict.because = cause
            verdict.decidedBy = nil
        } else if let issuer = Self.missingToken(question, at: port, explainer) {
            verdict.isAllowed = false
            verdict.reason = Reason.unauthenticated.rawValue
            verdict.because =
                "\(issuer.source.resource) requires a token, and "
                + (question.request == nil ? "bytes carry none" : "the request has none")
            verdict.decidedBy = issuer.source
        }
        return verdict
    }

    /// Why nobody believes an identity, whatever policies say; nil where it is believed.
    private func disbelief(of identity: SPIFFEID) -> String? {
        if self.revoked.contains(identity) {
            return "\(identity) is revoked, and its connections are refused; `weft identity restore` lets it in again"
        }
        guard identity.trustDomain != self.trustDomain, !self.federated.contains(identity.trustDomain) else {
            return nil
        }
        return
            "nobody here believes the trust domain \(identity.trustDomain); a TrustDomainFederation would make it believed"
    }

    /// Who requires a token that is not there; bytes have none for anybody, the requests of a route included.
    private static func missingToken(
        _ question: AuthorizationQuestion, at port: InboundListener, _ explainer: AuthorizationExplainer
    ) -> TokenIssuer? {
        port.authorization.issuers.first { issuer in
            guard issuer.isRequired else { return false }
            guard let request = question.request else { return true }
            return request.claims == nil && explainer.contains(request, in: issuer.scope)
        }
    }

    // MARK: Coverage

    /// - Parameter matches: how often each rule has matched; nil while that is not counted.
    func coverage(
        policies: [AuthorizationPolicySummary], matches: [AuthorizationCoverage.Place: UInt64]?
    ) -> AuthorizationCoverageReport {
        let coverage = AuthorizationCoverage(
            self.snapshot, identities: Set(self.entries.map(\.identity)), trustDomain: self.trustDomain)
        return AuthorizationCoverageReport(
            rules: policies.reduce(0) { $0 + $1.rules.count },
            findings: coverage.findings(policies: policies.map { ($0.source, $0.rules) }, matches: matches).map {
                AuthorizationCoverageReport.Finding(
                    policy: $0.source, rule: $0.rule, kind: $0.kind.rawValue, cause: $0.cause)
            })
    }

    // MARK: Proposal

    /// - Parameters:
    ///   - namespace: nil takes all.
    ///   - service: its name, nil takes all.
    func proposal(
        _ stat: StatReport, namespace: String?, service: String?, enforced: Bool
    ) -> AuthorizationProposalReport {
        let services = Set(self.listeners.map(\.service)).filter {
            (namespace == nil || $0.namespace == namespace) && (service == nil || $0.name == service)
        }
        let names = Dictionary(services.map { ($0.description, $0) }, uniquingKeysWith: { first, _ in first })
        let edges = stat.edges.compactMap { edge -> AuthorizationProposal.Edge? in
            // Who was refused is no reason to allow.
            let served = edge.totalRequests - min(edge.totalRequests, edge.totalRefused ?? 0)
            guard edge.direction == .inbound, served > 0, let destination = names[edge.destination] else { return nil }
            return AuthorizationProposal.Edge(
                identity: edge.peerIdentity.flatMap { SPIFFEID($0) }, destination: destination,
                requests: served)
        }
        return AuthorizationProposalReport(
            yaml: AuthorizationProposal(edges: edges, services: Array(services)).yaml(enforced: enforced),
            services: services.count,
            edges: Set(edges.map { "\($0.identity?.description ?? "") \($0.destination)" }).count,
            requests: edges.reduce(0) { $0 &+ $1.requests })
    }

    // MARK: Plaintext

    func plaintext(_ book: PlaintextBook, at: Int64) -> PlaintextReport {
        let byAddress = Dictionary(grouping: self.entries, by: \.workload.address)
        var ports: [PlaintextReport.Port] = []
        for listener in self.listeners {
            let index = ports.firstIndex {
                ($0.service, $0.port, $0.mode) == (listener.service.description, listener.appPort, listener.mtls)
                    && $0.source == listener.mtlsSource
            }
            if let index {
                ports[index].workloads += 1
            } else {
                ports.append(
                    PlaintextReport.Port(
                        service: listener.service.description, port: listener.appPort, mode: listener.mtls,
                        source: listener.mtlsSource, workloads: 1))
            }
        }
        return PlaintextReport(
            at: at, reportedAt: book.heardAt,
            callers: book.callers { address in
                // Many share the loopback address, so that it names none.
                guard address != "127.0.0.1", address != "::1" else { return [] }
                return (byAddress[address] ?? []).map { Registry.id(of: $0.workload) }.sorted()
            }, ports: ports.sorted { ($0.service, $0.port) < ($1.service, $1.port) })
    }

    // MARK: Names

    private var listeners: [InboundListener] {
        self.snapshot.listeners.values.compactMap { if case .inbound(let inbound) = $0 { inbound } else { nil } }
            .sorted { ($0.service, $0.appPort, $0.name) < ($1.service, $1.appPort, $1.name) }
    }

    /// One listener for each port of the service whose rules differ.
    private func ports(of service: String, port: Int?) throws(APIError) -> [InboundListener] {
        let wanted = Self.service(service)
        let chosen = self.selected(by: wanted)
        let all = self.listeners.filter { $0.service == wanted || chosen.contains($0.name) }
        guard !all.isEmpty else {
            throw APIError(
                status: 404, code: .notFound, message: "no workload of \(wanted) is registered", location: "to",
                remedy: "`weft status` lists those there are")
        }
        var found: [InboundListener] = []
        for listener in all where port == nil || listener.appPort == port {
            if found.contains(where: {
                $0.appPort == listener.appPort && $0.authorization == listener.authorization && $0.mtls == listener.mtls
            }) {
                continue
            }
            found.append(listener)
        }
        guard !found.isEmpty else {
            throw APIError(
                status: 404, code: .notFound, message: "\(wanted) has no port \(port ?? 0)", location: "port",
                remedy:
                    "its applications listen on \(Set(all.map(\.appPort)).sorted().map(String.init).joined(separator: ", "))"
            )
        }
        return found
    }

    /// The names of the listeners of those workloads that a declared service selects.
    private func selected(by service: ServiceName) -> Set<String> {
        guard let selector = self.selectors[service], !selector.isEmpty else { return [] }
        return Set(
            self.entries.filter { entry in
                entry.workload.metadata.namespace == service.namespace
                    && entry.registered.claims.isSelected(by: selector, of: service.name)
            }.map(\.workload).flatMap { workload in
                workload.ports.map {
                    InboundListener.name(
                        namespace: workload.metadata.namespace, workload: workload.metadata.name, appPort: $0.port)
                }
            })
    }

    /// The identities behind a name; one that is nil for a caller in the clear.
    private func identities(of name: String?) throws(APIError) -> [SPIFFEID?] {
        guard let name, !name.isEmpty else { return [nil] }
        if name.hasPrefix("spiffe://") {
            guard let id = SPIFFEID(name), !id.path.isEmpty else {
                throw Self.refused("from", "\(name.prefix(128)) is no workload's SPIFFE ID")
            }
            return [id]
        }
        let service = Self.service(name)
        let registered = Set(
            self.entries.filter {
                $0.workload.service == service.name && $0.workload.metadata.namespace == service.namespace
            }.map(\.identity))
        if registered.isEmpty {
            return [SPIFFEID(trustDomain: self.trustDomain, namespace: service.namespace, account: service.name)]
        }
        return registered.sorted { $0.description < $1.description }
    }

    private static func service(_ text: String) -> ServiceName {
        let parts = text.split(separator: ".", maxSplits: 1).map(String.init)
        return ServiceName(namespace: parts.count == 2 ? parts[1] : "default", name: parts.first ?? text)
    }

    // MARK: Paths

    private static func rawPath(_ text: String) throws(APIError) -> String {
        let path = String(text.prefix { $0 != "?" && $0 != "#" })
        guard path.hasPrefix("/") else { throw self.refused("path", "\(path.prefix(128)) does not begin with /") }
        return path
    }

    /// As the port's proxy makes it, whose settings say which paths it takes.
    private static func normalized(_ path: String, at port: InboundListener) throws(APIError) -> String {
        guard
            let normal = PathNormalization.normalized(
                path, keepsEscapedSlashes: port.forwarding.keepsEscapedSlashes)
        else {
            throw self.refused("path", "\(path.prefix(128)) cannot be normalized, and is refused by the proxies")
        }
        return normal
    }

    private static func query(_ text: String) -> [String: [String]] {
        guard let mark = text.firstIndex(of: "?") else { return [:] }
        var query: [String: [String]] = [:]
        for pair in text[text.index(after: mark)...].split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0].removingPercentEncoding ?? parts[0]
            query[name, default: []].append(parts.count == 2 ? parts[1].removingPercentEncoding ?? parts[1] : "")
        }
        return query
    }

    private static func refused(_ field: String, _ cause: String) -> APIError {
        APIError(
            status: 400, code: .badRequest, message: "the question cannot be answered", location: field, cause: cause,
            remedy: "see `weft authz check --help`")
    }
}

/// What coverage needs of a stored policy.
struct AuthorizationPolicySummary: Hashable, Sendable {
    var source: Provenance
    var rules: [AuthorizationRule]

    init(_ policy: AuthorizationPolicy) {
        self.source =
            policy.metadata.provenance
            ?? Provenance(
                resource: ResourceKey(
                    kind: .authorizationPolicy, namespace: policy.metadata.namespace, name: policy.metadata.name))
        self.rules = policy.rules
    }
}
