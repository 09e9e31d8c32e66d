/// Every metric that the control plane exposes, besides those of its process.
package enum ControlPlaneMetricNames {
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    package static let proxies = MetricFamily(
        "weft_control_proxies", .gauge, labels: ["state"], help: "Registered workloads, by what their proxies say.")
    package static let streams = MetricFamily(
        "weft_control_discovery_streams", .gauge, labels: ["client"], help: "Open discovery streams.")
    package static let stragglers = MetricFamily(
        "weft_control_stragglers", .gauge,
        help: "Clients that have not confirmed what they were sent, or refused it.")
    package static let revision = MetricFamily(
        "weft_control_configuration_revision", .gauge, help: "The newest revision in the store.")
    package static let publishedRevision = MetricFamily(
        "weft_control_published_revision", .gauge, help: "The revision that proxies are given.")
    package static let problems = MetricFamily(
        "weft_control_configuration_problems", .gauge, labels: ["severity"],
        help: "What keeps the stored configuration from being followed as it was meant.")

    package static let compileDuration = MetricFamily(
        "weft_control_compile_duration_seconds", .histogram(bounds: bounds), labels: ["kind"],
        help: "Time to compile: everything after a change of configuration, or endpoints only.")
    package static let publications = MetricFamily(
        "weft_control_publications", .counter, help: "Snapshots that differed from the one before.")
    package static let pushes = MetricFamily(
        "weft_control_pushes", .counter, labels: ["client"], help: "Discovery responses sent.")
    package static let pushDuration = MetricFamily(
        "weft_control_push_duration_seconds", .histogram(bounds: bounds), labels: ["client"],
        help: "Time from a snapshot's publication until a stream was given what changed for it.")
    package static let confirmationDuration = MetricFamily(
        "weft_control_confirmation_duration_seconds", .histogram(bounds: bounds), labels: ["client"],
        help: "Time from a response until the client had confirmed all that it was sent.")
    package static let clientRejections = MetricFamily(
        "weft_control_client_rejections", .counter, labels: ["client", "type"],
        help: "Discovery responses that a client refused.")
    package static let refusedChanges = MetricFamily(
        "weft_control_changes_refused", .counter, labels: ["cause"],
        help: "Changes of the configuration that the API refused, by the code of the refusal.")
    package static let queueDepth = MetricFamily(
        "weft_control_queue_depth", .gauge, labels: ["queue"],
        help: "What waits: changes to be compiled, pushes to streams, events for the audit log.")

    package static let storeDuration = MetricFamily(
        "weft_control_store_duration_seconds", .histogram(bounds: bounds), labels: ["operation"],
        help: "Time that the store took for a read or a write, waiting included.")
    package static let storeFailures = MetricFamily(
        "weft_control_store_failures", .counter, labels: ["operation"], help: "Reads and writes that failed.")

    package static let reportsDropped = MetricFamily(
        "weft_control_reports_dropped", .counter, labels: ["kind"],
        help:
            "Counts of edges, callers in the clear and policies that a proxy reported and that were not its workload's."
    )

    package static let certificatesIssued = MetricFamily(
        "weft_control_certificates_issued", .counter, labels: ["attestation"],
        help: "Certificates signed, by what proved who asked.")
    package static let certificatesRefused = MetricFamily(
        "weft_control_certificates_refused", .counter, labels: ["attestation"],
        help: "Certificates that somebody who had proved an identity was refused.")
    package static let callersRefused = MetricFamily(
        "weft_control_callers_refused", .counter, labels: ["kind"],
        help: "Joins, handshakes and API calls without sufficient credentials, by the audit log's kind.")
    package static let handshakesRefused = MetricFamily(
        "weft_control_handshakes_refused", .counter, labels: ["listener", "result"],
        help: "TLS handshakes that a listener refused.")
    package static let certificateExpiry = MetricFamily(
        "weft_control_certificate_expiry_timestamp_seconds", .gauge, labels: ["certificate"],
        help: "When the authority's root and intermediate and the server's own certificate expire.")

    package static let apiRequests = MetricFamily(
        "weft_control_api_requests", .counter, labels: ["call", "code"], help: "Calls of the API, by status.")
    package static let apiDuration = MetricFamily(
        "weft_control_api_request_duration_seconds", .histogram(bounds: bounds), labels: ["call"],
        help: "Time to answer a call of the API.")

    package static let objectiveBudget = MetricFamily(
        "weft_objective_budget_remaining_ratio", .gauge, labels: ["namespace", "objective"],
        help: "Of each objective's error budget, what is left: 1 is all of it, below 0 is overspent.")
    package static let objectiveBurnRate = MetricFamily(
        "weft_objective_burn_rate", .gauge, labels: ["namespace", "objective", "window"],
        help: "How many times faster than it lasts an objective's error budget is spent.")

    /// All of them, in the order in which they are documented.
    package static let all: [MetricFamily] =
        [
            proxies, streams, stragglers, revision, publishedRevision, problems, compileDuration, publications, pushes,
            pushDuration, confirmationDuration, clientRejections, refusedChanges, queueDepth, storeDuration,
            storeFailures, reportsDropped, certificatesIssued, certificatesRefused, callersRefused, handshakesRefused,
            certificateExpiry, apiRequests, apiDuration, objectiveBudget, objectiveBurnRate,
            MetricNames.telemetryDropped,
        ] + ProcessMetricNames.all
}
