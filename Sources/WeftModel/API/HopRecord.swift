/// One request as one proxy saw it: an entry of the request ring, as the API tells it.
package struct HopRecord: Hashable, Sendable, Codable {
    /// The `x-request-id`.
    package var requestID = ""
    /// The workload whose proxy it is: `namespace/name`.
    package var proxy = ""
    package var direction = EdgeStat.Direction.outbound
    /// When the head arrived, by the proxy's clock: milliseconds since 1970.
    package var startedAtMs = 0.0
    /// `http/1.1`, `h2`, `grpc` or `tcp`.
    package var `protocol` = ""
    package var method = ""
    package var authority = ""
    /// As it arrived; of the query only the names of its parameters.
    package var path = ""
    package var headers: [Header] = []
    /// Whether the names of all fields are there; else only those that records keep.
    package var hasAllHeaders = false

    /// Services, `billing.default`; empty where unknown.
    package var source = ""
    package var destination = ""
    /// SPIFFE IDs that were proved; nil where none was.
    package var sourceIdentity: String?
    package var destinationIdentity: String?
    /// The caller's address, of inbound requests.
    package var sourceAddress: String?
    /// The destination's.
    package var version = ""
    /// Empty where none matched, and of inbound requests.
    package var route = ""
    package var cluster = ""
    package var routeSource: Provenance?
    /// The values in force for the request, with who set them.
    package var policies: [Policy] = []

    /// What was left when the head arrived; nil without a limit.
    package var deadlineMs: Double?
    /// Whether the caller said so, and not a timeout of this proxy's.
    package var deadlineIsCallers = false
    /// What was left at the end; negative when overrun.
    package var deadlineLeftMs: Double?

    /// What `x-weft-attempt` said; 1 without it.
    package var attempt = 1
    /// In the order in which they ended, the one that the outcome comes from last; of an inbound request the one to the
    /// application.
    package var attempts: [Attempt] = []

    /// What the caller got; 499 when it had gone.
    package var status = 0
    package var grpcStatus: Int?
    package var reason = Reason.ok
    package var detail = ""
    /// The resource responsible.
    package var policy: Provenance?
    /// What audited policies would have done otherwise.
    package var audit = ""
    package var receivedBytes = 0
    package var sentBytes = 0
    package var durationMs = 0.0
    /// Until the response head went to the caller; nil if none did.
    package var responseAfterMs: Double?
    /// The body was too large to be sent again.
    package var outgrewReplay = false

    package init() {}

    /// Longer paths are cut, in bytes.
    package static let maxPathBytes = 512
    /// Longer authorities and header values are cut, in bytes.
    package static let maxValueBytes = 128
    /// Header fields beyond these are left out.
    package static let maxHeaders = 24
    /// Of the header names that routes are matched by, so many are kept at least.
    package static let maxMatchedHeaders = 16
    /// Longer ids are cut, in bytes.
    package static let maxIDBytes = 128

    /// A failure, as lists and logs count it.
    package var isFailed: Bool { self.status >= 500 || self.reason != .ok || (self.grpcStatus ?? 0) != 0 }

    /// Gives attempts that have none the number they went by: they are counted as they begin, and one that was sent beside
    /// another may end before it.
    package mutating func numberAttempts() {
        guard self.attempts.contains(where: { $0.number == nil }) else { return }
        let order = self.attempts.indices.sorted {
            (self.attempts[$0].startedAfterMs, $0) < (self.attempts[$1].startedAfterMs, $1)
        }
        for (number, index) in order.enumerated() { self.attempts[index].number = number + 1 }
    }

    /// Whether it or an attempt of it ended with `reason`: where retries ended it, its own reason says only that.
    package func hasReason(_ reason: Reason) -> Bool {
        self.reason == reason || self.attempts.contains { $0.reason == reason }
    }

    package struct Header: Hashable, Sendable, Codable {
        package var name: String
        /// Nil where it is not kept.
        package var value: String?

        package init(name: String, value: String?) {
            self.name = name
            self.value = value
        }
    }

    package struct Policy: Hashable, Sendable, Codable {
        /// The knob: `timeouts.request`.
        package var setting: String
        package var value: String
        /// Nil is the default.
        package var source: Provenance?

        package init(setting: String, value: String, source: Provenance?) {
            self.setting = setting
            self.value = value
            self.source = source
        }
    }

    package struct Attempt: Hashable, Sendable, Codable {
        /// What its `x-weft-attempt` said, from 1; nil where the proxy does not tell.
        package var number: Int?
        /// `namespace/name`; empty for the application.
        package var workload = ""
        /// `address:port`.
        package var address = ""
        /// Who had to answer.
        package var identity: String?
        package var version = ""
        package var pick: AttemptPick?
        /// From the request's start.
        package var startedAfterMs = 0.0
        package var durationMs = 0.0
        /// From the attempt's start until its request went out; nil where no connection came about.
        package var connectedAfterMs: Double?
        /// The connection had served before.
        package var isKept = false
        package var status: Int?
        package var reason = Reason.ok
        /// Why it got no response.
        package var detail = ""
        package var isHedge = false
        package var isLost = false
        package var after = AfterAttempt.nothing

        package init() {}
    }
}

/// What a list of records is to hold: all that is given must hold.
package struct RecordFilter: Hashable, Sendable, Codable {
    /// The source's or the destination's: `name` or `name.namespace`.
    package var service: String?
    package var namespace: String?
    package var failed = false
    /// How it ended, or an attempt of it did.
    package var reason: Reason?
    package var pathPrefix: String?
    package var route: String?
    package var version: String?
    /// A SPIFFE ID that one side proved.
    package var identity: String?

    package init() {}

    package func matches(_ record: HopRecord) -> Bool {
        if self.failed, !record.isFailed { return false }
        if let reason, reason == .ok ? record.reason != .ok : !record.hasReason(reason) { return false }
        if let pathPrefix, !record.path.hasPrefix(pathPrefix) { return false }
        if let route, record.route != route { return false }
        if let version, record.version != version { return false }
        if let identity, record.sourceIdentity != identity, record.destinationIdentity != identity { return false }
        if self.service == nil, self.namespace == nil { return true }
        return self.isNamed(record.source) || self.isNamed(record.destination)
    }

    /// Whether a service, `name.namespace`, is the one asked for.
    private func isNamed(_ text: String) -> Bool {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2 else { return text == self.service && self.namespace == nil }
        if let namespace, parts[1] != namespace { return false }
        guard let service else { return true }
        return service == text || (service == parts[0])
    }
}

/// What the API lists of a request: its outermost record.
package struct RequestSummary: Hashable, Sendable, Codable {
    package var id: String
    /// When its head arrived: milliseconds since 1970.
    package var startedAtMs: Double
    package var source: String
    package var destination: String
    package var version: String
    package var route: String
    package var method: String
    package var authority: String
    package var path: String
    package var `protocol`: String
    package var status: Int
    package var grpcStatus: Int?
    package var reason: Reason
    package var detail: String
    package var durationMs: Double
    package var attempts: Int
    /// Who saw it first: the caller's proxy, or the destination's.
    package var direction: EdgeStat.Direction
    package var proxy: String

    package init(_ record: HopRecord) {
        self.id = record.requestID
        self.startedAtMs = record.startedAtMs
        self.source = record.source
        self.destination = record.destination
        self.version = record.version
        self.route = record.route
        self.method = record.method
        self.authority = record.authority
        self.path = record.path
        self.protocol = record.protocol
        self.status = record.status
        self.grpcStatus = record.grpcStatus
        self.reason = record.reason
        self.detail = record.detail
        self.durationMs = record.durationMs
        self.attempts = record.attempts.count
        self.direction = record.direction
        self.proxy = record.proxy
    }
}

/// `GET /v1/requests`.
package struct RequestList: Hashable, Sendable, Codable {
    /// Newest first.
    package var requests: [RequestSummary]
    /// Proxies that did not answer in time.
    package var silent: [String]
    /// Not all that proxies remember was looked at: there may be more, or some where there are none here.
    package var truncated: Bool

    package init(requests: [RequestSummary], silent: [String], truncated: Bool) {
        self.requests = requests
        self.silent = silent
        self.truncated = truncated
    }
}

/// One line of `GET /v1/tap`: a record, or a sign that the tap is open.
package struct TapLine: Hashable, Sendable, Codable {
    package var request: HopRecord?
    /// Records that were not shown since the last line that said so.
    package var dropped: UInt64?

    package init(request: HopRecord? = nil, dropped: UInt64? = nil) {
        self.request = request
        self.dropped = dropped
    }
}
