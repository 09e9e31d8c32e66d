/// Request metrics under the names and labels that Istio's public documentation of its standard metrics gives.
package enum IstioMetricNames {
    /// Labels of all of them, in the documentation's order.
    package static let commonLabels = [
        "reporter", "source_workload", "source_workload_namespace", "source_principal", "source_app",
        "source_version", "source_canonical_service", "source_canonical_revision", "source_cluster",
        "destination_workload", "destination_workload_namespace", "destination_principal", "destination_app",
        "destination_version", "destination_canonical_service", "destination_canonical_revision",
        "destination_service", "destination_service_name", "destination_service_namespace", "destination_cluster",
        "request_protocol", "connection_security_policy", "response_flags",
    ]
    static let requestLabels = commonLabels + ["response_code", "grpc_response_status"]

    /// In milliseconds: those of `MetricNames.durationBounds`.
    static let durationBounds = MetricNames.durationBounds.map { $0 * 1000 }
    static let sizeBounds: [Double] = [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000,
    ]

    package static let requests = MetricFamily(
        "istio_requests", .counter, labels: requestLabels, help: "Requests that ended.")
    package static let duration = MetricFamily(
        "istio_request_duration_milliseconds", .histogram(bounds: durationBounds), labels: requestLabels,
        help: "Time from a request head's arrival to the end of its response, in milliseconds.")
    package static let requestBytes = MetricFamily(
        "istio_request_bytes", .histogram(bounds: sizeBounds), labels: requestLabels, help: "Bytes of request bodies.")
    package static let responseBytes = MetricFamily(
        "istio_response_bytes", .histogram(bounds: sizeBounds), labels: requestLabels,
        help: "Bytes of response bodies.")
    package static let opened = MetricFamily(
        "istio_tcp_connections_opened", .counter, labels: commonLabels,
        help: "TCP connections opened; counted when they end.")
    package static let closed = MetricFamily(
        "istio_tcp_connections_closed", .counter, labels: commonLabels, help: "TCP connections that ended.")
    package static let sent = MetricFamily(
        "istio_tcp_sent_bytes", .counter, labels: commonLabels, help: "Bytes sent to callers of TCP connections.")
    package static let received = MetricFamily(
        "istio_tcp_received_bytes", .counter, labels: commonLabels,
        help: "Bytes received from callers of TCP connections.")

    package static let all = [requests, duration, requestBytes, responseBytes, opened, closed, sent, received]
}
