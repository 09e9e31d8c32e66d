package import WeftModel

/// One request as people are told about it: a line of the access log, an entry of the request ring.
package struct RequestRecord: Hashable, Sendable {
    /// When the head arrived, milliseconds since 1970.
    package var startedAt: Int64 = 0
    /// The `x-request-id`; empty where there is none.
    package var requestID = ""
    package var traceparent = ""
    package var direction = RequestLabels.Direction.outbound
    package var `protocol` = ""
    package var method = ""
    package var authority = ""
    package var path = ""
    /// Services, `billing.default`; empty where unknown.
    package var source = ""
    package var destination = ""
    /// SPIFFE IDs that were proved; empty where none was.
    package var sourceIdentity = ""
    package var destinationIdentity = ""
    package var version = ""
    package var route = ""
    package var status = 0
    package var grpcStatus: Int?
    package var reason = Reason.ok
    /// Why, in words; empty for `ok`.
    package var detail = ""
    /// The resource responsible; nil for built-in behaviour.
    package var policy: Provenance?
    /// What audited policies would have done otherwise: `deny by …`; empty mostly.
    package var audit = ""
    package var attempts: [Attempt] = []
    package var receivedBytes = 0
    package var sentBytes = 0
    package var duration = Duration.zero
    /// Until the response head went downstream; nil if none did.
    package var responseAfter: Duration?
    /// What was left of the caller's budget at the end; nil without a deadline, negative when overrun.
    package var deadlineLeft: Duration?
    /// The body was too large to be sent again, so that no further attempt was possible.
    package var outgrewReplay = false
    /// Request headers that somebody asked to see, secrets replaced.
    package var headers: [Header] = []

    package init() {}

    package struct Header: Hashable, Sendable {
        /// In lower case.
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package struct Attempt: Hashable, Sendable {
        /// The endpoint's workload.
        package var workload: String
        /// `address:port`.
        package var address: String
        /// The status that came back; nil where none did.
        package var status: Int?
        package var reason: Reason
        /// From the request's start.
        package var startedAfter: Duration
        package var duration: Duration
        /// It was the second of two at once.
        package var isHedge = false
        /// Another answered first.
        package var isLost = false

        package init(
            workload: String, address: String, status: Int?, reason: Reason, startedAfter: Duration, duration: Duration
        ) {
            self.workload = workload
            self.address = address
            self.status = status
            self.reason = reason
            self.startedAfter = startedAfter
            self.duration = duration
        }
    }
}
