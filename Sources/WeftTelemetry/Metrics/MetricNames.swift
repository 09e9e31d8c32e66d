/// Every metric that a sidecar exposes under Weft's names; the control plane's are `ControlPlaneMetricNames`.
package enum MetricNames {
    /// Upper bounds in seconds.
    package static let durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

    /// The labels that say which edge a request took.
    package static let edgeLabels = ["source", "destination", "route", "version", "direction", "protocol", "tls"]

    package static let requests = MetricFamily(
        "weft_requests", .counter, labels: edgeLabels + ["code_class", "grpc_status", "reason"],
        help: "Requests that ended, by how they ended.")
    package static let requestDuration = MetricFamily(
        "weft_request_duration_seconds", .histogram(bounds: durationBounds), labels: edgeLabels,
        help: "Time from a request head's arrival to the end of its response, all attempts included.")
    package static let requestAttempts = MetricFamily(
        "weft_request_attempts", .counter, labels: edgeLabels,
        help: "Attempts made upstream; more than requests where there were retries.")
    package static let receivedBytes = MetricFamily(
        "weft_request_received_bytes", .counter, labels: edgeLabels, help: "Body bytes received from callers.")
    package static let sentBytes = MetricFamily(
        "weft_request_sent_bytes", .counter, labels: edgeLabels, help: "Body bytes sent to callers.")

    package static let requestsRefused = MetricFamily(
        "weft_requests_refused", .counter, labels: ["listener", "code"],
        help: "Requests that were malformed or too large and were answered before they reached a route.")
    package static let connections = MetricFamily(
        "weft_connections", .counter, labels: ["listener"], help: "Connections accepted.")
    package static let connectionsOpen = MetricFamily(
        "weft_connections_open", .gauge, labels: ["listener"], help: "Connections open now.")
    package static let connectionsRefused = MetricFamily(
        "weft_connections_refused", .counter, help: "Connections closed at once because a limit was reached.")
    package static let plaintextConnections = MetricFamily(
        "weft_plaintext_connections", .counter, help: "Connections that peers opened to the inbound side in the clear.")
    package static let handshakes = MetricFamily(
        "weft_tls_handshakes", .counter, labels: ["side", "result"],
        help: "TLS handshakes; a result other than ok names the cause.")
    package static let connectFailures = MetricFamily(
        "weft_connect_failures", .counter, labels: ["reason"], help: "Upstream connections that could not be made.")
    package static let mirrored = MetricFamily(
        "weft_mirrored_requests", .counter, labels: ["destination", "reason"],
        help: "Copies of requests that ended, by how they ended; they count nowhere else at the caller.")
    package static let ejections = MetricFamily(
        "weft_endpoint_ejections", .counter, labels: ["destination", "trip"],
        help: "Endpoints taken out of balancing for their failures; each event loop judges by itself.")
    package static let endpoints = MetricFamily(
        "weft_endpoints", .gauge, labels: ["cluster", "state"],
        help: "Endpoints known, ejected for failures, and found unhealthy by checks; summed over event loops.")
    package static let panic = MetricFamily(
        "weft_balancer_panic", .gauge, labels: ["cluster"],
        help: "Event loops that ignore ejections and health checks because too few endpoints are eligible.")
    package static let healthChecks = MetricFamily(
        "weft_health_checks", .counter, labels: ["cluster", "result"], help: "Active health checks of endpoints.")
    package static let upstreamConnections = MetricFamily(
        "weft_upstream_connections", .gauge, labels: ["cluster"],
        help: "Connections open or being opened to a cluster's endpoints.")
    package static let upstreamRequests = MetricFamily(
        "weft_upstream_requests", .gauge, labels: ["cluster"], help: "Requests to a cluster that are under way.")
    package static let upstreamPending = MetricFamily(
        "weft_upstream_requests_pending", .gauge, labels: ["cluster"],
        help: "Requests that wait for a connection to a cluster's endpoints.")
    package static let admissionRejection = MetricFamily(
        "weft_admission_rejection_probability", .gauge, labels: ["cluster"],
        help: "Probability with which admission control refuses a request now; summed over event loops.")
    package static let concurrencyLimit = MetricFamily(
        "weft_concurrency_limit", .gauge, labels: ["port"],
        help: "Requests at once that the application gets; summed over event loops.")
    package static let budgetBalance = MetricFamily(
        "weft_retry_budget_balance", .gauge, labels: ["cluster"],
        help: "Retries that the budget towards a cluster would allow now.")

    package static let hedges = MetricFamily(
        "weft_request_hedges", .counter, labels: ["destination", "route", "outcome"],
        help: "Second attempts beside the first: won, lost, or unpaid because the retry budget was empty.")
    package static let faults = MetricFamily(
        "weft_faults", .counter, labels: ["destination", "route", "kind"],
        help: "Faults injected on purpose: delay, abort; ended where a fault's guard has ended it.")
    package static let rateLimited = MetricFamily(
        "weft_rate_limited", .counter, labels: ["destination", "limit"], help: "Requests that a rate limit refused.")

    package static let authorizationDecisions = MetricFamily(
        "weft_authorization_decisions", .counter, labels: ["policy", "rule", "decision"],
        help: "Requests and connections that authorization judged, by the rule that decided, counted from 1.")
    package static let authorizationAudit = MetricFamily(
        "weft_authorization_audit", .counter, labels: ["policy", "rule", "outcome"],
        help: "Requests and connections that an audited policy would have judged otherwise.")
    package static let tokensRefused = MetricFamily(
        "weft_tokens_refused", .counter, labels: ["cause"], help: "Requests whose token was refused or missing.")

    package static let certificateExpiry = MetricFamily(
        "weft_certificate_expiry_timestamp_seconds", .gauge, help: "When the certificate in use expires.")
    package static let configurationRevision = MetricFamily(
        "weft_configuration_revision", .gauge, help: "The configuration's revision that is in use.")
    package static let controlPlaneConnected = MetricFamily(
        "weft_control_plane_connected", .gauge, help: "1 while the control plane is connected.")
    package static let ready = MetricFamily(
        "weft_ready", .gauge, help: "1 while the sidecar takes traffic.")
    package static let requestsInFlight = MetricFamily(
        "weft_requests_in_flight", .gauge, help: "Requests under way, in both directions together.")
    package static let loopLag = MetricFamily(
        "weft_event_loop_lag_seconds",
        .histogram(bounds: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]),
        help: "How late an event loop runs a timer; measured once a second on each.")
    package static let info = MetricFamily(
        "weft_proxy", .info, labels: ["service", "workload", "version"], help: "Whose proxy this is.")
    package static let series = MetricFamily(
        "weft_metric_series", .gauge, help: "Series that the event loops count, those of each loop by themselves.")
    package static let overflow = MetricFamily(
        "weft_metric_series_overflow", .counter,
        help: "Times that a series did not fit the budget and was counted under the label value overflow.")
    package static let telemetryDropped = MetricFamily(
        "weft_telemetry_dropped", .counter, labels: ["signal", "cause"],
        help: "Telemetry that was lost, such as spans (traces) and lines of the access log (logs), by why.")
    package static let telemetrySent = MetricFamily(
        "weft_telemetry_sent", .counter, labels: ["signal"], help: "Spans and log lines that the collector took.")

    /// All of them, in the order in which they are documented.
    package static let all: [MetricFamily] =
        [
            requests, requestDuration, requestAttempts, receivedBytes, sentBytes, requestsRefused, requestsInFlight,
            mirrored, hedges, faults, rateLimited, connections, connectionsOpen, connectionsRefused,
            plaintextConnections, handshakes, connectFailures, ejections, endpoints, panic, healthChecks,
            upstreamConnections, upstreamRequests, upstreamPending, budgetBalance, admissionRejection,
            concurrencyLimit, authorizationDecisions, authorizationAudit, tokensRefused, certificateExpiry,
            configurationRevision, controlPlaneConnected, ready, info, loopLag, series, overflow, telemetryDropped,
            telemetrySent,
        ] + ProcessMetricNames.all
}

/// What a proxy and the control plane alike say of their process.
package enum ProcessMetricNames {
    package static let build = MetricFamily(
        "weft_build", .info, labels: ["component", "version"], help: "Which Weft this is.")
    package static let cpu = MetricFamily(
        "process_cpu_seconds", .counter, help: "User and system CPU time, in seconds.")
    package static let residentMemory = MetricFamily(
        "process_resident_memory_bytes", .gauge, help: "Resident memory, in bytes.")
    package static let startTime = MetricFamily(
        "process_start_time_seconds", .gauge, help: "When the process started, in seconds since 1970.")

    package static let all = [build, cpu, residentMemory, startTime]
}
