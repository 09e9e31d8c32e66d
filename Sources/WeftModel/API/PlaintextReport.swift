/// `GET /v1/identity/plaintext`: who calls in the clear, and which ports would have it.
package struct PlaintextReport: Hashable, Sendable, Codable {
    /// Seconds since 1970.
    package var at: Int64
    /// When a sidecar last reported, seconds since 1970; nil where none has yet.
    package var reportedAt: Int64?
    /// Sorted by destination, then address.
    package var callers: [Caller]
    /// Every port that a sidecar takes traffic for, sorted by service and port.
    package var ports: [Port]

    /// How often each sidecar reports: what happened longer ago is in, if its sidecar is connected.
    package static let interval = Duration.seconds(2)

    package init(at: Int64, reportedAt: Int64? = nil, callers: [Caller], ports: [Port]) {
        self.at = at
        self.reportedAt = reportedAt
        self.callers = callers
        self.ports = ports
    }

    /// Calls from one address to one port of one service.
    package struct Caller: Hashable, Sendable, Codable {
        /// The address that the calls came from; `other` where too many were seen.
        package var address: String
        /// The workloads that are registered with that address, `namespace/name`; they called around their sidecar.
        package var workloads: [String]
        /// `name.namespace`.
        package var destination: String
        /// The application's port.
        package var port: Int
        /// Since the destination's proxies started.
        package var requests: UInt64
        /// Those of them that were refused because the port takes mutual TLS only.
        package var refused: UInt64
        /// Seconds since 1970: when the last of them began; as long as a connection is open, when its sidecar last looked.
        package var lastSeen: Int64

        package init(
            address: String, workloads: [String] = [], destination: String, port: Int, requests: UInt64,
            refused: UInt64, lastSeen: Int64
        ) {
            self.address = address
            self.workloads = workloads
            self.destination = destination
            self.port = port
            self.requests = requests
            self.refused = refused
            self.lastSeen = lastSeen
        }
    }

    /// A port and the mode that holds for it.
    package struct Port: Hashable, Sendable, Codable {
        /// `name.namespace`.
        package var service: String
        package var port: Int
        package var mode: MTLSMode
        /// Which policy set the mode; nil is the default.
        package var source: Provenance?
        /// How many workloads have it.
        package var workloads: Int

        package init(service: String, port: Int, mode: MTLSMode, source: Provenance?, workloads: Int) {
            self.service = service
            self.port = port
            self.mode = mode
            self.source = source
            self.workloads = workloads
        }
    }
}
