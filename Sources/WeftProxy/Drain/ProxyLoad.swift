/// What is open on one side of a sidecar at one moment.
package struct ProxyLoad: Hashable, Sendable {
    package var connections = 0
    /// Requests under way, long-lived ones among them.
    package var requests = 0
    /// Of these, gRPC calls and server-sent events. Counted on the inbound side only.
    package var longLived = 0

    package init() {}
}
