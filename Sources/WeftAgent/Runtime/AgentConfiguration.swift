package import WeftProxy

/// How a host's agent runs.
package struct AgentConfiguration: Hashable, Sendable {
    /// The control plane, and the token of the first start.
    package var access: ControlPlaneAccess
    /// What this host is called. Part of the agent's identity, fixed with its token.
    package var host: String
    /// Where the workloads of this host ask. Default `/run/weft/agent.sock`; at most 100 bytes.
    package var socket: String
    /// The socket's permissions. Default 0666: the kernel says who calls.
    package var socketMode: UInt16
    /// Where the agent's own identity, and what it last heard, are kept: mode 0700. Default `/var/lib/weft/agent`.
    package var dataDirectory: String
    package var limits = Limits()

    package init(
        access: ControlPlaneAccess, host: String, socket: String = "/run/weft/agent.sock", socketMode: UInt16 = 0o666,
        dataDirectory: String = "/var/lib/weft/agent"
    ) {
        self.access = access
        self.host = host
        self.socket = socket
        self.socketMode = socketMode
        self.dataDirectory = dataDirectory
    }

    /// What callers can grow, and how far.
    package struct Limits: Hashable, Sendable {
        /// Connections. Default 4096.
        package var connections = 4096
        /// Connections of one user. Default 512.
        package var connectionsPerUser = 512
        /// Connections of one process. Default 32.
        package var connectionsPerProcess = 32
        /// Calls at once on one connection. Default 32.
        package var streamsPerConnection = 32
        /// Bytes of one message from a caller. Default 256 KiB; the first of an Envoy is some 60 KiB.
        package var messageBytes = 256 << 10
        /// Names that one SDS stream may ask for. Default 64.
        package var secretsPerStream = 64

        package init() {}
    }

    /// Refuses values that make no sense.
    package func validate() throws(AgentError) {
        guard self.socket.hasPrefix("/"), self.socket.utf8.count <= 100 else {
            throw .invalidConfiguration(
                field: "socket", cause: "\(self.socket) is not an absolute path of at most 100 bytes")
        }
        guard self.dataDirectory.hasPrefix("/") else {
            throw .invalidConfiguration(field: "data-dir", cause: "\(self.dataDirectory) is not an absolute path")
        }
    }
}

/// Why an agent does not start, or stops.
package enum AgentError: Error, Hashable, Sendable, CustomStringConvertible {
    case cannotListen(socket: String, cause: String)
    case invalidConfiguration(field: String, cause: String)

    package var description: String {
        switch self {
        case .cannotListen(let socket, let cause):
            "cannot listen on \(socket): \(cause); choose another --socket, or give this user the right to it"
        case .invalidConfiguration(let field, let cause): "\(field): \(cause)"
        }
    }
}
