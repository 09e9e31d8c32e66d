internal import WeftModel

/// Checks what holds for each kind of call in the end: of a service without routes, or along one rule of a route, with
/// all policies heard. Each rule looks at one such call; add a rule to the list.
enum CallLint {
    /// Calls that are treated alike.
    struct Call {
        /// What the called service, the route and its rule say.
        let traffic: LintTraffic
        /// What belongs to the services whose endpoints are called.
        let backends: [LintTraffic]
        /// Whether the built-in deadline of idempotent unary HTTP calls may hold.
        let hasDefaultDeadline: Bool

        /// How long a request may take, and in words whose word that is; nil is without end.
        var request: (time: Duration, words: String)? {
            if let request = self.traffic.settings.requestTimeout {
                return request > .zero ? (request, DurationText.text(request)) : nil
            }
            guard self.hasDefaultDeadline else { return nil }
            return (
                CallLint.defaultRequest,
                "\(DurationText.text(CallLint.defaultRequest)), the default of idempotent calls"
            )
        }

        /// How long one attempt may take; nil is without end.
        var perTry: Duration? { self.traffic.settings.perTryTimeout.flatMap { $0 > .zero ? $0 : nil } }
    }

    /// What an idempotent unary HTTP call may take where nobody says anything.
    static let defaultRequest = Duration.seconds(15)

    private static let checks: [@Sendable (Call, inout LintFindings) -> Void] = [
        tryOutlivesRequest, retriesOutliveRequest, hedgeAfterTheEnd, hedgeNeverPaid, connectOutlivesRequest,
        faultOutlivesRequest,
    ]

    static func findings(in world: LintWorld) -> [Diagnostic] {
        var findings = LintFindings()
        for call in self.calls(in: world) { for check in self.checks { check(call, &findings) } }
        return findings.diagnostics
    }

    // MARK: The calls

    private static func calls(in world: LintWorld) -> [Call] {
        var calls = [Call(traffic: world.base, backends: [world.base], hasDefaultDeadline: true)]
        for target in world.targets where world.route(target) == nil {
            if case .service(let name) = target, self.isRouted(name, world) { continue }
            let isGRPC = if case .grpcRoute = target { true } else { false }
            let traffic = world.effective(target)
            calls.append(Call(traffic: traffic, backends: [traffic], hasDefaultDeadline: !isGRPC))
        }
        for route in world.routes where route.kind == .httpRoute || route.kind == .grpcRoute {
            for service in route.services {
                let wider = world.effective(service, through: route)
                for (index, rule) in route.rules.enumerated() where rule.redirect == nil {
                    var traffic = wider
                    traffic.apply(
                        LintLayer(
                            .rule, kind: route.kind, metadata: route.metadata, path: "spec.rules[\(index)]",
                            settings: rule.settings, line: rule.line))
                    calls.append(
                        Call(
                            traffic: traffic,
                            backends: rule.backends.filter { $0.weight > 0 }.map { world.effective($0.reference) },
                            hasDefaultDeadline: route.kind == .httpRoute))
                }
            }
        }
        return calls
    }

    /// Whether every caller's calls take a route, whichever port they are for.
    private static func isRouted(_ service: ServiceName, _ world: LintWorld) -> Bool {
        let parents = world.routes(of: service).filter { $0.consumer(of: service) == nil }
            .flatMap(\.parents).filter { $0.service == service }
        guard let declared = world.services[service] else {
            return parents.contains { $0.port == nil && $0.portName == nil }
        }
        return declared.ports.allSatisfy { port in
            parents.contains { $0.covers(port: port.port, named: port.name) }
        }
    }

    // MARK: The checks

    /// A try that may take longer than all of them together. On one rule the two may be equal, which means one try; a
    /// policy's `perTry` must be shorter, because a second try is what it is for.
    @Sendable private static func tryOutlivesRequest(_ call: Call, _ findings: inout LintFindings) {
        guard let perTry = call.perTry, let request = call.request, let origin = call.traffic.origin(.perTryTimeout)
        else { return }
        let isSaid = call.traffic.origin(.requestTimeout) != nil
        guard perTry > request.time || (perTry == request.time && isSaid && origin.layer.width != .rule) else { return }
        findings.add(
            #function, severity: isSaid ? .error : .warning, call.traffic.origins([.perTryTimeout, .requestTimeout]),
            "one try may take \(DurationText.text(perTry)), but the whole request only \(request.words)",
            remedy: isSaid
                ? "Make one try shorter than the request; zero turns either off."
                : "Make one try shorter, or say how long the `request` may take.")
    }

    /// Tries of full length that the request's own time cuts off.
    @Sendable private static func retriesOutliveRequest(_ call: Call, _ findings: inout LintFindings) {
        guard let perTry = call.perTry, let request = call.request, perTry < request.time else { return }
        let tries = 1 + (call.traffic.settings.retry?.attempts ?? RetryPolicy().attempts)
        guard tries > 1, perTry * tries > request.time else { return }
        findings.add(
            #function, call.traffic.origins([.perTryTimeout, .requestTimeout, .retryAttempts]),
            "\(tries) tries of \(DurationText.text(perTry)) do not fit into the request's \(request.words): the last is "
                + "cut short or never made",
            remedy: "Lower the time of one try or the `attempts`, or give the request more time.")
    }

    /// A second attempt that would start when the first is over.
    @Sendable private static func hedgeAfterTheEnd(_ call: Call, _ findings: inout LintFindings) {
        guard let delay = call.traffic.settings.hedging?.delay else { return }
        let starts = "the second attempt starts after \(DurationText.text(delay))"
        let remedy = "Shorten the `delay` of `hedging`."
        if let perTry = call.perTry, delay >= perTry {
            findings.add(
                #function, severity: .error, call.traffic.origins([.hedging, .perTryTimeout]),
                "\(starts), but one try may take only \(DurationText.text(perTry))", remedy: remedy)
        } else if let request = call.request, delay >= request.time {
            findings.add(
                #function, severity: call.traffic.origin(.requestTimeout) == nil ? .warning : .error,
                call.traffic.origins([.hedging, .requestTimeout]),
                "\(starts), but the request may take only \(request.words)", remedy: remedy)
        }
    }

    /// Second attempts are paid for as retries are.
    @Sendable private static func hedgeNeverPaid(_ call: Call, _ findings: inout LintFindings) {
        guard call.traffic.settings.hedging != nil else { return }
        for backend in call.backends {
            guard let retry = backend.settings.retry, retry.budgetRatio == 0, retry.budgetMinPerSecond == 0 else {
                continue
            }
            findings.add(
                #function,
                call.traffic.origins([.hedging]) + backend.origins([.budgetRatio, .budgetMinPerSecond]),
                "the retry budget is empty, and second attempts are paid for from it",
                remedy: "Raise `retry.budget`, or remove `hedging`.")
        }
    }

    /// A connection that may take longer than the request it is for.
    @Sendable private static func connectOutlivesRequest(_ call: Call, _ findings: inout LintFindings) {
        guard let request = call.request else { return }
        for backend in call.backends {
            guard let connect = backend.settings.connectTimeout, connect > request.time else { continue }
            findings.add(
                #function, backend.origins([.connectTimeout]) + call.traffic.origins([.requestTimeout]),
                "to connect may take \(DurationText.text(connect)), but the whole request only \(request.words)",
                remedy: "Make `connect` shorter than `request`.")
        }
    }

    /// A delay after which there is nothing left to delay.
    @Sendable private static func faultOutlivesRequest(_ call: Call, _ findings: inout LintFindings) {
        guard let delay = call.traffic.settings.fault?.delay?.duration, let request = call.request,
            delay >= request.time
        else { return }
        findings.add(
            #function, call.traffic.origins([.fault, .requestTimeout]),
            "the fault delays by \(DurationText.text(delay)), but the request may take only \(request.words): what it "
                + "hits times out before the destination is asked",
            remedy: "Shorten the delay; to make requests fail use `abort`.")
    }
}
