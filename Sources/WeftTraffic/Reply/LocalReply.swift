package import WeftModel

/// A response that the proxy makes itself.
package struct LocalReply: Hashable, Sendable {
    /// 300–599.
    package var status: Int
    /// For gRPC callers, 0–16.
    package var grpcStatus: Int
    package var reason: Reason
    /// One sentence for the caller; empty says only the reason.
    package var detail: String
    /// What callers outside the mesh are told instead of `detail`, where that is not for them; nil tells them the same.
    package var publicDetail: String?
    /// `www-authenticate` (RFC 6750 §3); nil leaves the field out.
    package var challenge: String?
    /// The resource whose rule led here; nil for built-in behaviour.
    package var provenance: Provenance?
    /// Seconds for `retry-after`; nil leaves the field out.
    package var retryAfterSeconds: Int?
    /// Where to ask instead, of a redirect; such a reply is nothing but that.
    package var location: String?
    /// What the route changes of such a reply's header; nil where it changes nothing.
    package var edits: HeaderEdits?
    /// What a rate limit tells the caller; nil for other reasons.
    package var rateLimit: RateLimitNotice?

    /// A reply with the reason's own statuses unless others are given.
    package init(
        _ reason: Reason, status: Int? = nil, grpcStatus: Int? = nil, detail: String = "",
        provenance: Provenance? = nil, retryAfterSeconds: Int? = nil, location: String? = nil
    ) {
        self.status = status ?? reason.status
        self.grpcStatus = grpcStatus ?? reason.grpcStatus
        self.reason = reason
        self.detail = detail
        self.provenance = provenance
        self.retryAfterSeconds = retryAfterSeconds
        self.location = location
    }
}
